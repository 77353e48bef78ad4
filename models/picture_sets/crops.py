"""Crops of a few photographs as a set of pictures."""

import hashlib
import math
from collections.abc import Iterator, Mapping

from PIL import Image

from models.decoding import LEAST_SIDE, decoded
from models.picture_sets.listed import Found, Listed, PictureSet, Skipped, mark_of, some

SCALES = (1, 2 / 3)  # sides of the crops, as parts of a photograph's shorter side
OVERLAP = 1 / 3  # of neighbouring crops, at least


def samples(pictures: Mapping[str, bytes]) -> PictureSet:
    """Overlapping square crops of photographs at two scales, such as "chelsea 0,64 128×128".

    One that is all of its photograph has its name.

    Args:
        pictures: the photographs' files by their names, which are the classes and the sources.

    Raises:
        PictureRefused: for a photograph that cannot be read.
    """
    return _Crops(pictures)


class _Crops(Listed):
    def __init__(self, pictures: Mapping[str, bytes]):
        self._pictures = {name: decoded(content) for name, content in pictures.items()}
        self._crops: dict[str, tuple[str, int, int, int]] = {}
        found = {}
        for name, content in pictures.items():
            digest = hashlib.sha256(content).hexdigest()
            for top, left, side in _crops(*self._pictures[name].size):
                is_whole = self._pictures[name].size == (side, side)
                id = name if is_whole else f"{name} {top},{left} {side}×{side}"
                self._crops[id] = name, top, left, side
                found[id] = Found(mark_of(id, digest, name), name, name)  # what counts as one photograph is a fact
        super().__init__(", ".join(pictures), some(found, ""), Skipped())

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
