"""What all sets of pictures share: ids in order, each with its mark, class and source; which files are no pictures."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import PurePosixPath
from typing import Protocol

from PIL import Image

from models.decoding import MOST_MEGABYTES, PictureRefused
from models.refusals import Refused
from models.statefile import printable

MOST_LISTED = 1000  # of the files that are skipped or cannot be read; all are counted

ENDINGS = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}


class SetGone(PictureRefused):
    """The whole set is out of reach: no reason to count its pictures as unreadable."""


class PictureSet(Protocol):
    """Pictures by their ids, in the order of these. Parts of a folder, ZIP or data set go to other processes, too."""

    title: str  # for people: the folder's name, the ZIP's name; text from outside
    ids: Sequence[str]  # sorted, unique
    classes: Sequence[str] | None  # of each id, the name of its class; None where the set has none
    sources: Sequence[str] | None  # of each id, the photograph it is a part of; None where each is one of its own
    marks: Sequence[bytes]  # of each id, 32 bytes that change with the picture
    skipped: Sequence[tuple[str, Refused]]  # the first MOST_LISTED names that are not pictures of the set, and why
    skipped_in_all: int

    @property
    def fingerprint(self) -> str:
        """64 hex digits, which say what is in the set; that of a union of disjoint sets is their sum modulo 2²⁵⁶."""

    def open(self, id: str) -> Image.Image:
        """The picture: upright RGB, bounded as by `models.decoding.decoded`. Safe in threads.

        Raises:
            PictureRefused: for one that cannot be read; SetGone where none can be.
        """


@dataclass(frozen=True)
class Found:
    """What is known of a picture that was listed."""

    mark: bytes
    category: str = ""  # its class
    source: str = ""  # the photograph that it is a part of; empty for one of its own


class Skipped:
    """Names that are not taken, and why: the first are listed, all are counted."""

    def __init__(self) -> None:
        self.first: list[tuple[str, Refused]] = []
        self.in_all = 0

    def add(self, name: str, reason: Refused) -> None:
        self.in_all += 1
        if len(self.first) < MOST_LISTED:
            self.first.append((name, reason.alone()))


class Listed:
    """What all sets share: ids in order, each with its mark, its class and its source."""

    def __init__(self, title: str, found: Mapping[str, Found], skipped: Skipped):
        self.title = printable(title)
        self.ids = sorted(found)
        self.marks = [found[id].mark for id in self.ids]
        classes = [found[id].category for id in self.ids]
        self.classes = classes if any(classes) else None
        sources = [found[id].source or id for id in self.ids]
        self.sources = sources if sources != self.ids else None
        self.skipped, self.skipped_in_all = skipped.first, skipped.in_all

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(self.marks)


def mark_of(*facts: object) -> bytes:
    """The 32 bytes that stand for a picture of which these facts are known."""
    return hashlib.sha256("\0".join(map(str, facts)).encode()).digest()


def fingerprint_of(marks: Iterable[bytes]) -> str:
    """The fingerprint of the set of pictures with these marks, in any order."""
    return f"{sum(int.from_bytes(mark, 'big') for mark in marks) % 2**256:064x}"


def sum_of(one: str, other: str) -> str:
    """The fingerprint of the union of two disjoint sets with these fingerprints."""
    return f"{(int(one, 16) + int(other, 16)) % 2**256:064x}"


def some(found: Mapping[str, Found], title: str) -> Mapping[str, Found]:
    """What was found; raises Refused where that is nothing."""
    if not found:
        raise Refused(
            "There are no pictures in {title}: they must be files of at most {most} MB that are not empty and end in "
            "{endings}; choose another.",
            title=printable(title),
            most=MOST_MEGABYTES,
            endings=", ".join(sorted(ENDINGS)),
        )
    return found


# Files ----------------------------------------------------------------------------------------------------------------


def class_of(name: str) -> str:
    """The folder that a picture lies in; empty at the top of the set."""
    return PurePosixPath(name).parent.name


def check_entry(name: str, size: int) -> None:
    """Raises PictureRefused for what is no picture's file by its name and size in bytes."""
    if PurePosixPath(name).suffix.lower() not in ENDINGS or PurePosixPath(name).name.startswith("."):
        raise PictureRefused("Its name does not have the ending of a picture.")
    if not size:
        raise PictureRefused("The file is empty.")
    if size > MOST_MEGABYTES * 2**20:
        raise PictureRefused("It is larger than {most} MB: save it smaller, for example as JPEG.", most=MOST_MEGABYTES)


def gone() -> PictureRefused:
    """Why a file that was listed cannot be opened."""
    return PictureRefused("The file cannot be read: it is gone, or access is denied.")


def as_text(name: str) -> str:
    """The name with what is not UTF-8 in it replaced."""
    return name.encode("utf-8", "replace").decode()


# Parts ----------------------------------------------------------------------------------------------------------------


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


def span(pictures: PictureSet, first: int, end: int) -> PictureSet:
    """The pictures from the place `first` up to `end`, as a set of the same title."""
    return _Part(pictures, slice(first, end), pictures.title)


class _Part(Listed):
    def __init__(self, whole: PictureSet, chosen: slice, title: str):
        none = [""] * len(whole.ids)
        facts = (of_each[chosen] for of_each in (whole.marks, whole.classes or none, whole.sources or none))
        super().__init__(title, dict(zip(whole.ids[chosen], map(Found, *facts), strict=True)), Skipped())
        self.open: Callable[[str], Image.Image] = whole.open


# In other processes ---------------------------------------------------------------------------------------------------


def opened_again(fingerprint: str, opened: Callable[..., PictureSet], *arguments: object) -> PictureSet:
    """The set with this fingerprint in a process it was sent to, where it is opened once for all its parts.

    Raises:
        Refused: as when it is opened, and where it is not the same there.
    """
    pictures = _opened(opened, *arguments)
    if pictures.fingerprint != fingerprint:
        raise Refused("{title} differs from where the search began; copy it here again.", title=pictures.title)
    return pictures


@lru_cache(maxsize=2)
def _opened(opened: Callable[..., PictureSet], *arguments: object) -> PictureSet:
    return opened(*arguments)
