"""Sets of pictures: a folder, a ZIP, a torchvision data set, or crops of a few photographs.

What is listed costs no decoding. Names come from outside: they are text, and here never lead out of the set.
"""

import hashlib
import io
import math
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from pickle import UnpicklingError
from typing import Any, BinaryIO, Protocol

import numpy as np
from PIL import Image

from models.decoding import LEAST_SIDE, MOST_MEGABYTES, PictureRefused, decoded
from models.refusals import Refused
from models.statefile import printable

MOST_PICTURES = 1_000_000  # files of a folder that are looked at
MOST_ENTRIES = 20_000  # of a ZIP
MOST_ZIP_MEGABYTES = 1024
MOST_RATIO = 100  # of what a ZIP says it unpacks to, to its own size; photographs do not shrink at all
MOST_LISTED = 1000  # of the files that are skipped or cannot be read; all are counted

ENDINGS = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
ARCHIVES = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".jar", ".iso"}

LOOSE = os.O_NONBLOCK if hasattr(os, "O_NONBLOCK") else 0  # a pipe in a file's place must not be waited for
NO_LINK = os.O_NOFOLLOW if hasattr(os, "O_NOFOLLOW") else 0
BINARY = os.O_BINARY if hasattr(os, "O_BINARY") else 0


class PictureSet(Protocol):
    """Pictures by their ids, in the order of these."""

    title: str  # for people: the folder's name, the ZIP's name; text from outside
    ids: Sequence[str]  # sorted, unique
    classes: Sequence[str] | None  # of each id, the name of its class; None where the set has none
    marks: Sequence[bytes]  # of each id, 32 bytes that change with the picture
    skipped: Sequence[tuple[str, Refused]]  # the first MOST_LISTED names that are not pictures of the set, and why
    skipped_in_all: int

    @property
    def fingerprint(self) -> str:
        """64 hex digits, which say what is in the set; that of a union of disjoint sets is their sum modulo 2²⁵⁶."""

    def open(self, id: str) -> Image.Image:
        """The picture: upright RGB, bounded as by `models.decoding.decoded`. Safe in threads.

        Raises:
            PictureRefused: for one that cannot be read.
        """


class _Listed:
    """What all sets share: ids in order, each with its mark and its class."""

    def __init__(self, title: str, found: Mapping[str, "_Found"], skipped: "_Skipped"):
        self.title = printable(title)
        self.ids = sorted(found)
        self.marks = [found[id].mark for id in self.ids]
        classes = [found[id].category for id in self.ids]
        self.classes = classes if any(classes) else None
        self.skipped, self.skipped_in_all = skipped.first, skipped.in_all

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(self.marks)


@dataclass(frozen=True)
class _Found:
    mark: bytes
    category: str = ""


class _Skipped:
    """Names that are not taken, and why: the first are listed, all are counted."""

    def __init__(self) -> None:
        self.first: list[tuple[str, Refused]] = []
        self.in_all = 0

    def add(self, name: str, reason: Refused) -> None:
        self.in_all += 1
        if len(self.first) < MOST_LISTED:
            self.first.append((name, reason))


def mark_of(*facts: object) -> bytes:
    """The 32 bytes that stand for a picture of which these facts are known."""
    return hashlib.sha256("\0".join(map(str, facts)).encode()).digest()


def fingerprint_of(marks: Iterable[bytes]) -> str:
    """The fingerprint of the set of pictures with these marks, in any order."""
    return f"{sum(int.from_bytes(mark, 'big') for mark in marks) % 2**256:064x}"


def sum_of(one: str, other: str) -> str:
    """The fingerprint of the union of two disjoint sets with these fingerprints."""
    return f"{(int(one, 16) + int(other, 16)) % 2**256:064x}"


NO_PICTURES = "There are no pictures in {title}: files that end in {endings} are looked for; choose another."


def _some(found: Mapping[str, _Found], title: str) -> Mapping[str, _Found]:
    if not found:
        raise Refused(NO_PICTURES, title=printable(title), endings=", ".join(sorted(ENDINGS)))
    return found


def _class_of(name: str) -> str:
    """The folder that a picture lies in; empty at the top of the set."""
    return PurePosixPath(name).parent.name


# Folders ---------------------------------------------------------------------------------------------------------


def allowed_root() -> Path | None:
    """The folder that the administrator opened to users, from CONVSCOPE_PICTURES; None where none is open."""
    named = os.environ.get("CONVSCOPE_PICTURES")
    return Path(named).resolve() if named and Path(named).is_dir() else None


def folder(path: Path, root: Path) -> PictureSet:
    """The pictures in a folder and those below it; ids are paths from there, classes the folders they lie in.

    Links to files inside `root` are followed, links to folders are not.

    Raises:
        Refused: for what lies outside `root`, is no folder, holds no pictures or more than MOST_PICTURES files.
    """
    title = path.name
    try:
        root, path = root.resolve(strict=True), path.resolve(strict=True)
        is_inside = path.is_relative_to(root) and path.is_dir()
    except (OSError, RuntimeError, ValueError):  # not there, a loop of links, a NUL in the name
        is_inside = False
    if not is_inside:
        raise Refused(
            "There is no folder {folder} inside the one that pictures may come from; choose one inside it.",
            folder=printable(title),
        )
    return _Folder(path, root)


class _Folder(_Listed):
    def __init__(self, path: Path, root: Path):
        self._path, self._root = path, root
        skipped = _Skipped()
        found = dict(self._look(skipped))
        super().__init__(path.name, _some(found, path.name), skipped)

    def _look(self, skipped: _Skipped) -> Iterator[tuple[str, _Found]]:
        for seen, name in enumerate(_files(self._path, skipped)):
            if seen == MOST_PICTURES:
                raise Refused(
                    "{folder} holds more than {most} files; choose a folder inside it.",
                    folder=printable(self._path.name),
                    most=MOST_PICTURES,
                )
            try:
                status = self._real(name).stat()
                _check_file(name, status)
            except Refused as reason:
                skipped.add(_text(name), reason)
            except (OSError, RuntimeError, ValueError):
                skipped.add(_text(name), _gone())
            else:
                yield name, _Found(mark_of(name, status.st_size, status.st_mtime_ns), _class_of(name))

    def _real(self, name: str) -> Path:
        """Where the file really lies; raises PictureRefused for a link that leads out of the root."""
        real = (self._path / name).resolve(strict=True)
        if not real.is_relative_to(self._root):
            raise PictureRefused("It is a link that leads out of the folder that pictures may come from.")
        return real

    def open(self, id: str) -> Image.Image:
        try:
            with os.fdopen(os.open(self._real(id), os.O_RDONLY | LOOSE | NO_LINK | BINARY), "rb") as file:
                _check_file(id, os.fstat(file.fileno()))
                content = file.read(MOST_MEGABYTES * 2**20 + 1)
        except (OSError, RuntimeError) as error:
            raise _gone() from error
        return decoded(content)


def _files(top: Path, skipped: _Skipped) -> Iterator[str]:
    """The names of all that is not a folder, as paths from `top`; folders that are links are skipped."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(top / below) as entries:
                for entry in entries:
                    name = f"{below}/{entry.name}" if below else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(name)
                    elif entry.is_symlink() and os.path.isdir(entry.path):
                        skipped.add(_text(name), PictureRefused("It is a link to a folder, which is not followed."))
                    else:
                        yield name
        except OSError:
            skipped.add(_text(below), _gone())


def _check_file(name: str, status: os.stat_result) -> None:
    """Raises PictureRefused for what is not a picture's file by its name, kind and size."""
    if not stat.S_ISREG(status.st_mode):
        raise PictureRefused("It is not a plain file.")
    if _text(name) != name:
        raise PictureRefused("Its name is not in UTF-8: rename it.")
    _check_entry(name, status.st_size)


def _check_entry(name: str, size: int) -> None:
    if PurePosixPath(name).suffix.lower() not in ENDINGS or PurePosixPath(name).name.startswith("."):
        raise PictureRefused("Its name does not end as a picture's does.")
    if not size:
        raise PictureRefused("The file is empty.")
    if size > MOST_MEGABYTES * 2**20:
        raise PictureRefused("It is larger than {most} MB: save it smaller, for example as JPEG.", most=MOST_MEGABYTES)


def _gone() -> PictureRefused:
    return PictureRefused("The file cannot be read: it is gone, or not for this program to see.")


def _text(name: str) -> str:
    """The name with what is not UTF-8 in it replaced."""
    return name.encode("utf-8", "replace").decode()


# ZIPs ------------------------------------------------------------------------------------------------------------


def archive(content: Path | bytes, title: str) -> PictureSet:
    """The pictures in a ZIP; nothing is ever unpacked to a disk.

    What has an absolute name, a name with `..`, or is a link, is skipped.

    Raises:
        Refused: for a damaged, encrypted or oversized ZIP, one with another archive inside or without pictures.
    """
    return _Archive(content, title)


class _Archive(_Listed):
    def __init__(self, content: Path | bytes, title: str):
        said = printable(title)
        self._zip = _zip(content, said)
        entries = self._zip.infolist()
        _refuse_as_a_whole(entries, _size(content), said)
        self._entries: dict[str, zipfile.ZipInfo] = {}
        skipped = _Skipped()
        found: dict[str, _Found] = {}
        for entry in (e for e in entries if not e.is_dir()):
            name = _text(entry.filename)
            try:
                _check_packed(entry)
                if name in found:
                    raise PictureRefused("Another file in the ZIP has the same name.")
            except PictureRefused as reason:
                skipped.add(name, reason)
            else:
                found[name] = _Found(mark_of(name, entry.file_size, entry.CRC), _class_of(name))
                self._entries[name] = entry
        super().__init__(title, _some(found, title), skipped)

    def open(self, id: str) -> Image.Image:
        entry = self._entries[id]
        try:
            with self._zip.open(entry) as file:
                content = file.read(entry.file_size)
                file.read(1)  # the end, where the checksum is looked at
        except UNZIPPING as error:
            raise PictureRefused("The file is damaged inside the ZIP: pack it again.") from error
        return decoded(content)


# What Python's reader of ZIPs raises when a file lies.
UNZIPPING = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    RuntimeError,  # also NotImplementedError
    OverflowError,
    struct.error,
)


def _size(content: Path | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _stream(content: Path | bytes) -> BinaryIO:
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")


def _zip(content: Path | bytes, title: str) -> zipfile.ZipFile:
    if not isinstance(content, bytes) and not content.is_file():
        raise Refused("There is no file {file}; check its name and folder.", file=title)
    if _size(content) > MOST_ZIP_MEGABYTES * 2**20:
        raise Refused(
            "{title} is larger than {most} MB; pack fewer pictures, or have the folder put on the server.",
            title=title,
            most=MOST_ZIP_MEGABYTES,
        )
    if _headers(content) > MOST_ENTRIES:  # before any list of them is made
        raise Refused(
            "{title} holds more than {most} files; pack fewer, or have the folder put on the server.",
            title=title,
            most=MOST_ENTRIES,
        )
    try:
        return zipfile.ZipFile(_stream(content))
    except UNZIPPING as error:
        raise Refused("{title} is not a ZIP file, or damaged: pack it again.", title=title) from error


def _headers(content: Path | bytes) -> int:
    """How many entries a ZIP can have at most, whatever it says: each begins with these four bytes."""
    header, found, rest = b"PK\x01\x02", 0, b""
    with _stream(content) as file:
        while block := file.read(1 << 20):
            block = rest + block
            found += block.count(header)
            rest = block[-3:]
    return found


def _refuse_as_a_whole(entries: Sequence[zipfile.ZipInfo], size: int, title: str) -> None:
    if any(entry.flag_bits & 1 for entry in entries):
        raise Refused("{title} is locked with a password: pack it again without one.", title=title)
    if sum(entry.file_size for entry in entries) > MOST_RATIO * size:
        raise Refused(
            "{title} says that it unpacks to more than {most} times its size, which no photographs do; "
            "pack the pictures again.",
            title=title,
            most=MOST_RATIO,
        )
    for entry in entries:
        if PurePosixPath(entry.filename).suffix.lower() in ARCHIVES:
            raise Refused(
                "{title} holds another archive, {name}: unpack that first, and pack only pictures.",
                title=title,
                name=printable(entry.filename),
            )


def _check_packed(entry: zipfile.ZipInfo) -> None:
    """Raises PictureRefused for an entry that is no picture, or that is not read."""
    parts = PurePosixPath(entry.filename).parts
    if not parts or parts[0] in ("/", "//") or ".." in parts or "\\" in entry.filename or parts[0][1:2] == ":":
        raise PictureRefused("Its name leads out of the ZIP.")
    if "\0" in entry.orig_filename or "__MACOSX" in parts:
        raise PictureRefused("Its name does not end as a picture's does.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise PictureRefused("It is not a plain file.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without a bound
        raise PictureRefused("It is packed in a rare way: pack it again with another program.")
    _check_entry(entry.filename, entry.file_size)


# Crops of photographs --------------------------------------------------------------------------------------------

SCALES = (1, 2 / 3, 2 / 5)  # sides of the crops, as parts of a photograph's shorter side
OVERLAP = 1 / 3  # of neighbouring crops, at least


def samples(pictures: Mapping[str, bytes]) -> PictureSet:
    """Overlapping square crops of photographs at three scales, such as "chelsea 0,64 128×128".

    Args:
        pictures: the photographs' files by their names, which are the classes.

    Raises:
        PictureRefused: for a photograph that cannot be read.
    """
    return _Crops(pictures)


class _Crops(_Listed):
    def __init__(self, pictures: Mapping[str, bytes]):
        self._pictures = {name: decoded(content) for name, content in pictures.items()}
        self._crops: dict[str, tuple[str, int, int, int]] = {}
        found = {}
        for name, content in pictures.items():
            digest = hashlib.sha256(content).hexdigest()
            for top, left, side in _crops(*self._pictures[name].size):
                id = f"{name} {top},{left} {side}×{side}"
                self._crops[id] = name, top, left, side
                found[id] = _Found(mark_of(id, digest), name)
        super().__init__(", ".join(pictures), _some(found, ""), _Skipped())

    def open(self, id: str) -> Image.Image:
        name, top, left, side = self._crops[id]
        return self._pictures[name].crop((left, top, left + side, top + side))


def _crops(width: int, height: int) -> Iterator[tuple[int, int, int]]:
    """Top, left and side of each crop of a photograph."""
    for scale in SCALES:
        side = max(round(scale * min(width, height)), LEAST_SIDE)
        for top in _spread(height, side):
            for left in _spread(width, side):
                yield top, left, side


def _spread(length: int, side: int) -> list[int]:
    """Where windows begin that cover `length` evenly and overlap."""
    steps = math.ceil((length - side) / (side * (1 - OVERLAP)))
    return [round(i * (length - side) / steps) for i in range(steps + 1)] if steps else [0]


# Parts -----------------------------------------------------------------------------------------------------------


def part(pictures: PictureSet, number: int, parts: int) -> PictureSet:
    """Every so-many-th picture of a set, as a set: parts 1 to `parts` are disjoint, and together they are the whole."""
    if not 1 <= number <= parts <= len(pictures.ids):
        raise Refused(
            "There is no part {number} of {parts} in {pictures} pictures.",
            number=number,
            parts=parts,
            pictures=len(pictures.ids),
        )
    return _Part(pictures, slice(number - 1, None, parts), f"{pictures.title} {number}/{parts}")


class _Part(_Listed):
    def __init__(self, whole: PictureSet, chosen: slice, title: str):
        classes = whole.classes or [""] * len(whole.ids)
        triples = zip(whole.ids[chosen], whole.marks[chosen], classes[chosen], strict=True)
        super().__init__(title, {id: _Found(mark, category) for id, mark, category in triples}, _Skipped())
        self.open: Callable[[str], Image.Image] = whole.open


# torchvision's ---------------------------------------------------------------------------------------------------

DATASETS = {  # torchvision's class, what it is called with, and how people call it
    "CIFAR10": ("CIFAR10", {"train": False}, "CIFAR-10 test"),
    "CIFAR100": ("CIFAR100", {"train": False}, "CIFAR-100 test"),
    "STL10": ("STL10", {"split": "test"}, "STL-10 test"),
    "Imagenette": ("Imagenette", {"split": "val", "size": "320px"}, "Imagenette validation"),
    "OxfordIIITPet": ("OxfordIIITPet", {"split": "test"}, "Oxford-IIIT Pet test"),
    "Flowers102": ("Flowers102", {"split": "test"}, "Flowers 102 test"),
}


def dataset(name: str, root: Path, download: bool = False) -> PictureSet:
    """The test pictures of a data set that torchvision knows, in `root`; ids are "00000", "00001" … in its order.

    Args:
        download: into `root`, if it is not there; may be gigabytes.

    Raises:
        Refused: for a name that is not in DATASETS, and for one that is not in `root` or cannot be downloaded.
    """
    if name not in DATASETS:
        raise Refused("There is no data set “{name}”; choose one of {names}.", name=name, names=", ".join(DATASETS))
    from torchvision import datasets

    made, options, title = DATASETS[name]
    try:
        return _DataSet(getattr(datasets, made)(root, download=download, **options), name, title)
    except (RuntimeError, OSError, ValueError, LookupError, EOFError, UnpicklingError) as error:
        raise Refused(
            "The data set {name} is not in {folder}, or damaged there; download it to there first.",
            name=name,
            folder=printable(root),
        ) from error


class _DataSet(_Listed):
    """The pictures that a data set of torchvision holds as one array or as paths."""

    def __init__(self, held: Any, name: str, title: str):
        self._pixels = _pixels(held)  # (N, H, W, 3) uint8
        self._paths = [Path(path) for path in _first_of(held, "_images", "_image_files", "_samples") or ()]
        found = {}
        for i, category in enumerate(_categories(held)):
            size = zlib.crc32(self._pixels[i].tobytes()) if self._pixels is not None else self._paths[i].stat().st_size
            found[f"{i:05d}"] = _Found(mark_of(name, i, size), category)
        super().__init__(title, _some(found, title), _Skipped())

    def open(self, id: str) -> Image.Image:
        if self._pixels is not None:
            return Image.fromarray(self._pixels[int(id)])
        try:
            with self._paths[int(id)].open("rb") as file:
                return decoded(file.read(MOST_MEGABYTES * 2**20 + 1))
        except OSError as error:
            raise _gone() from error


def _first_of(held: Any, *names: str) -> list | None:
    found = next((getattr(held, name) for name in names if hasattr(held, name)), None)
    return found and [item[0] if isinstance(item, tuple) else item for item in found]


def _pixels(held: Any) -> np.ndarray | None:
    data = getattr(held, "data", None)
    if data is None:
        return None
    return np.ascontiguousarray(data if data.shape[3] == 3 else data.transpose(0, 2, 3, 1))  # STL-10's are (N, 3, H, W)


def _categories(held: Any) -> list[str]:
    """The name of the class of each picture."""
    labels = next((getattr(held, name) for name in ("targets", "labels", "_labels") if hasattr(held, name)), None)
    if labels is None:
        labels = [label for _, label in held._samples]
    names = getattr(held, "classes", None)
    said = [names[int(label)] if names else int(label) for label in labels]
    return [", ".join(name) if isinstance(name, tuple) else str(name) for name in said]  # Imagenette's have synonyms
