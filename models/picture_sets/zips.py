"""ZIPs as sets of pictures; they may come from any visitor."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from PIL import Image

from models.decoding import PictureRefused
from models.decoding_apart import decoded_apart
from models.picture_sets.listed import (
    Found,
    Listed,
    PictureSet,
    Skipped,
    as_text,
    check_entry,
    class_of,
    mark_of,
    opened_again,
    some,
)
from models.refusals import Refused
from models.statefile import printable

MOST_ENTRIES = 20_000  # of a ZIP
MOST_ZIP_MEGABYTES = 1024
MOST_RATIO = 100  # of what a ZIP says it unpacks to, to its own size; photographs do not shrink at all

ARCHIVES = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".jar", ".iso"}


def archive(content: Path | bytes, title: str) -> PictureSet:
    """The pictures in a ZIP; nothing is ever unpacked to a disk.

    What has an absolute name, a name with `..`, or is a link, is skipped.

    Raises:
        Refused: for a damaged, encrypted or oversized ZIP, one with another archive inside or without pictures.
    """
    return _Archive(content, title)


class _Archive(Listed):
    def __init__(self, content: Path | bytes, title: str):
        said = printable(title)
        self._content = content if isinstance(content, bytes) else content.resolve()
        self._zip = _zip(content, said)
        entries = self._zip.infolist()
        _refuse_as_a_whole(entries, _size(content), said)
        self._entries: dict[str, zipfile.ZipInfo] = {}
        skipped = Skipped()
        found: dict[str, Found] = {}
        for entry in (e for e in entries if not e.is_dir()):
            name = as_text(entry.filename)
            try:
                _check_packed(entry)
                if name in found:
                    raise PictureRefused("Another file in the ZIP has the same name.")
            except PictureRefused as reason:
                skipped.add(name, reason)
            else:
                found[name] = Found(mark_of(name, entry.file_size, entry.CRC), class_of(name))
                self._entries[name] = entry
        super().__init__(title, some(found, title), skipped)

    def __reduce__(self) -> tuple:
        """How it goes to another process, which has the same file: an open one cannot be sent."""
        return opened_again, (self.fingerprint, archive, self._content, self.title)

    def open(self, id: str) -> Image.Image:
        entry = self._entries[id]
        try:
            with self._zip.open(entry) as file:
                content = file.read(entry.file_size)
                file.read(1)  # the end, where the checksum is looked at
        except UNZIPPING as error:
            raise PictureRefused("The file is damaged inside the ZIP: pack it again.") from error
        return decoded_apart(content)


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
            "{title} is larger than {most} MB; pack fewer pictures, or ask for the folder to be put on the server.",
            title=title,
            most=MOST_ZIP_MEGABYTES,
        )
    if _headers(content) > MOST_ENTRIES:  # before any list of them is made
        raise Refused(
            "{title} holds more than {most} files; pack fewer, or ask for the folder to be put on the server.",
            title=title,
            most=MOST_ENTRIES,
        )
    try:
        return zipfile.ZipFile(_stream(content))
    except UNZIPPING as error:
        raise Refused("{title} is not a ZIP file, or is damaged: pack it again.", title=title) from error


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
            "{title} would unpack to more than {most} times its size, which photographs never do; pack the pictures "
            "again.",
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
        raise PictureRefused("Its name does not have the ending of a picture.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise PictureRefused("It is not a plain file.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without a bound
        raise PictureRefused("Its compression is not supported: pack it again with another program.")
    check_entry(entry.filename, entry.file_size)
