"""The cells of maps: what they are called, and which one is chosen."""

from collections.abc import Iterator, Sequence

import numpy as np

from models.options import Choice, Phrase
from pages.common import address
from pages.common.asking import come_back, key_of, standing
from pages.common.session import set_to
from pages.common.text import _
from vis.figures.numbers import significant


def cell_labels(name: str, sheet: np.ndarray) -> Iterator[str]:
    """For every cell of a sheet its name, place and value."""
    for (row, column), value in np.ndenumerate(sheet):
        place = _("row {row}, column {column}", row=row, column=column)
        yield f"{name}, {place}: {significant(float(value), 4)}"


def chosen_cell(name: str, label: Phrase, shape: Sequence[int], usual: str | None) -> tuple[int, ...] | None:
    """The cell that was clicked last, or that the link names; at first the usual one, as "row,column".

    Args:
        shape: the largest that the maps can have, so that a choice outlives a change of their size.
    """
    cells = {",".join(map(str, cell)): "" for cell in np.ndindex(*shape)}
    option = Choice(name, label, cells if usual else {None: "", **cells}, usual)
    come_back(option, key_of(name))
    chosen = standing(option, address.drawn())
    return tuple(map(int, chosen.split(","))) if chosen else None


def choose_cell(name: str, cell: Sequence[int]) -> None:
    """Makes this the chosen cell."""
    set_to(key_of(name), ",".join(map(str, cell)))
