"""Folders on a disk as sets of pictures."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from models.decoding import MOST_MEGABYTES, PictureRefused, decoded
from models.picture_sets.listed import (
    Found,
    Listed,
    PictureSet,
    SetGone,
    Skipped,
    as_text,
    check_entry,
    class_of,
    gone,
    mark_of,
    some,
)
from models.refusals import Refused
from models.server import server
from models.statefile import printable

MOST_PICTURES = 1_000_000  # files of a folder that are looked at for a visitor

LOOSE = os.O_NONBLOCK if hasattr(os, "O_NONBLOCK") else 0  # a pipe in a file's place must not be waited for
NO_LINK = os.O_NOFOLLOW if hasattr(os, "O_NOFOLLOW") else 0
BINARY = os.O_BINARY if hasattr(os, "O_BINARY") else 0


def allowed_root() -> Path | None:
    """The folder that the administrator opened to users, from CONVSCOPE_PICTURES; None where none is open."""
    folder = server().folder
    return folder.resolve() if folder and folder.is_dir() else None


def folder(path: Path, root: Path, most: int | None = None) -> PictureSet:
    """The pictures in a folder and those below it; ids are paths from there, classes the folders they lie in.

    Links to files inside `root` are followed, links to folders are not.

    Args:
        most: files that are looked at; by default MOST_PICTURES.

    Raises:
        Refused: for what lies outside `root`, is no folder, holds no pictures or more than `most` files.
    """
    title = path.name
    try:
        root, path = root.resolve(strict=True), path.resolve(strict=True)
        is_inside = path.is_relative_to(root) and path.is_dir()
    except (OSError, RuntimeError, ValueError):  # not there, a loop of links, a NUL in the name
        is_inside = False
    if not is_inside:
        raise Refused(
            "There is no folder {folder} inside the folder allowed for pictures; choose one inside it.",
            folder=printable(title),
        )
    return _Folder(path, root, most or MOST_PICTURES)


class _Folder(Listed):
    def __init__(self, path: Path, root: Path, most: int):
        self._place = _Place(path, root)
        self.open = self._place.open
        skipped = Skipped()
        found = dict(self._look(path, most, skipped))
        super().__init__(path.name, some(found, path.name), skipped)

    def _look(self, path: Path, most: int, skipped: Skipped) -> Iterator[tuple[str, Found]]:
        for seen, name in enumerate(_files(path, skipped)):
            if seen == most:
                raise Refused(
                    "{folder} holds more than {most} files; choose a folder inside it.",
                    folder=printable(path.name),
                    most=most,
                )
            try:
                status = self._place.real(name).stat()
                _check_file(name, status)
            except Refused as reason:
                skipped.add(as_text(name), reason)
            except (OSError, RuntimeError, ValueError):
                skipped.add(as_text(name), gone())
            else:
                yield name, Found(mark_of(name, status.st_size, status.st_mtime_ns), class_of(name))


@dataclass(frozen=True)
class _Place:
    """Where the pictures of a folder lie: all it takes to open one, without the list of them."""

    path: Path
    root: Path

    def real(self, name: str) -> Path:
        """Where the file really lies; raises PictureRefused for a link that leads out of the root."""
        real = (self.path / name).resolve(strict=True)
        if not real.is_relative_to(self.root):
            raise PictureRefused("It is a link that leads out of the folder allowed for pictures.")
        return real

    def open(self, id: str) -> Image.Image:
        try:
            with os.fdopen(os.open(self.real(id), os.O_RDONLY | LOOSE | NO_LINK | BINARY), "rb") as file:
                _check_file(id, os.fstat(file.fileno()))
                content = file.read(MOST_MEGABYTES * 2**20 + 1)
        except (OSError, RuntimeError) as error:
            raise gone() if _holds_something(self.path) else self._gone() from error
        return decoded(content)

    def _gone(self) -> SetGone:
        return SetGone(
            "The folder {folder} is gone, empty or not readable any more; connect it again.",
            folder=printable(self.path.name),
        )


def _holds_something(path: Path) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


def _files(top: Path, skipped: Skipped) -> Iterator[str]:
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
                        skipped.add(as_text(name), PictureRefused("It is a link to a folder, which is not followed."))
                    else:
                        yield name
        except OSError:
            skipped.add(as_text(below), gone())


def _check_file(name: str, status: os.stat_result) -> None:
    """Raises PictureRefused for what is not a picture's file by its name, kind and size."""
    if not stat.S_ISREG(status.st_mode):
        raise PictureRefused("It is not a plain file.")
    if as_text(name) != name:
        raise PictureRefused("Its name is not in UTF-8: rename it.")
    check_entry(name, status.st_size)
