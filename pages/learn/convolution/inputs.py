"""The small picture and the kernel that are convolved: chosen, drawn pixel by pixel, set weight by weight."""

import numpy as np
import torch
from torch import Tensor

from models.options import Cells, Choice, Phrase
from pages.common import address, cache
from pages.common.asking import come_back, key_of, standing
from pages.common.session import selection, set_to
from pages.common.widgets import refusals_said
from vis.concepts.examples import FILTERS, TOYS, toy

SIDE, SIDE_OF_OWN = 8, 12  # pixels of the small pictures, and of the visitor's
BRIGHTEST, STRONGEST = 9, 4
OWN = "own"
PICTURE = Choice(
    "toy",
    Phrase("Picture"),
    {
        "cross": Phrase("cross"),
        "stroke": Phrase("stroke"),
        "corner": Phrase("corner"),
        "photograph": Phrase("chosen picture, grey"),
        OWN: Phrase("my own drawing"),
    },
    shown_as="list",
)
KERNEL = Choice(
    "edge",
    Phrase("Kernel"),
    {
        "vertical": Phrase("vertical edge"),
        "horizontal": Phrase("horizontal edge"),
        "diagonal": Phrase("diagonal"),
        "outline": Phrase("outline"),
        "blur": Phrase("sum of all nine"),
        OWN: Phrase("my own kernel"),
    },
    shown_as="list",
)
DRAWN = Cells("drawn", "", (0,) * SIDE**2, 0, 1)
WEIGHTS = Cells("kernel", "", (0, 0, 0, 0, 1, 0, 0, 0, 0), -STRONGEST, STRONGEST)


def picture(name: str) -> Tensor:
    """The small picture of that name, whole numbers, (1, 1, H, W)."""
    drawn = _standing(DRAWN)
    if name in TOYS:
        return toy(name)
    if name == OWN:
        return torch.tensor(drawn, dtype=torch.float64).view(1, 1, SIDE, SIDE)
    with refusals_said():
        pixels = cache.thumbnail(selection().picture, SIDE_OF_OWN)  # (12, 12, 3)
    return torch.from_numpy(np.rint(pixels.mean(2) * BRIGHTEST / 255))[None, None]


def kernel(name: str) -> Tensor:
    """The kernel of that name, whole numbers, (1, 1, 3, 3)."""
    own = _standing(WEIGHTS)
    rows = FILTERS[name] if name in FILTERS else np.reshape(own, (3, 3)).tolist()
    return torch.tensor(rows, dtype=torch.float64)[None, None]


def _standing(option: Cells) -> tuple[int, ...]:
    come_back(option, key_of(option.name))
    return standing(option, address.drawn())


def flip(x: Tensor, pixel: int) -> None:
    """Makes one pixel of the drawing bright or dark, for callbacks."""
    pixels = [int(value) for value in x.ravel().tolist()]
    pixels[pixel] = 1 - pixels[pixel]
    set_to(key_of(DRAWN.name), tuple(pixels))


def strengthen(weights: Tensor, cell: int) -> None:
    """Makes one weight larger by 1, or the most negative after the largest, for callbacks; the kernel is one's own."""
    numbers = [int(value) for value in weights.ravel().tolist()]
    numbers[cell] = numbers[cell] + 1 if numbers[cell] < STRONGEST else -STRONGEST
    set_to(key_of(WEIGHTS.name), tuple(numbers))
    set_to(key_of(KERNEL.name), OWN)
