"""What the cells of a map are called."""

from collections.abc import Iterator

import numpy as np

from pages.common.text import _
from vis.figures.numbers import significant


def cell_labels(name: str, sheet: np.ndarray) -> Iterator[str]:
    """For every cell of a sheet its name, place and value."""
    for (row, column), value in np.ndenumerate(sheet):
        place = _("row {row}, column {column}", row=row, column=column)
        yield f"{name}, {place}: {significant(float(value), 4)}"
