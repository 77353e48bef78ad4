"""Tables on the pages that count, as columns: cells, and how they look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pyarrow as pa
import streamlit as st

from vis.cost.layer import Layer
from vis.figures.costs import COLOURS
from vis.figures.numbers import POINT, fixed, grouped, marks, short

ROW, BAR = 35, 102  # pixels
EXACT = 2**53  # a browser's numbers are whole up to here


@dataclass(frozen=True)
class Column:
    """Cells that look alike; None, for what is not known, is shown as a dash and not as 0."""

    cells: Sequence[Any]
    look: object = None  # of `st.column_config`


def draw_table(columns: Mapping[str, Column], most: int | None = None) -> None:
    """A table of these columns by what they are called; `most` rows are seen at once, by default all."""
    rows = max(len(column.cells) for column in columns.values())
    st.dataframe(
        pa.table({name: list(column.cells) for name, column in columns.items()}),
        hide_index=True,
        column_config={name: column.look for name, column in columns.items() if column.look},
        height=height_of(min(rows, most or rows)),
        placeholder="–",
    )


def height_of(rows: int) -> int:
    """The pixels of a table with so many rows and their head."""
    return (rows + 1) * ROW + 3


def text(cells: Sequence[str | None], width: int | None = None, *, is_right: bool = False) -> Column:
    return Column(cells, st.column_config.TextColumn(width=width, alignment="right" if is_right else None))


def number(cells: Sequence[float | None], decimals: int = 2, unit: str = "") -> Column:
    """Numbers with so many decimals. A browser knows but the English marks: others are written here, as text."""
    if marks() != POINT:
        return text([None if n is None else f"{fixed(n, decimals)}{unit}" for n in cells], is_right=True)
    form = f"%.{decimals}f" if decimals or unit else "%,d"
    return Column(cells, st.column_config.NumberColumn(format=form + unit.replace("%", "%%")))


def count(cells: Sequence[int | None], is_short: bool) -> Column:
    """Whole numbers of any size, in full or short."""
    if not is_short and max(filter(None, cells), default=0) <= EXACT:
        return number(cells, 0)
    return text([None if n is None else short(n, 4) if is_short else grouped(n) for n in cells], is_right=True)


def share(percents: Sequence[float | None], most: float | None = None, colour: str = COLOURS["conv"]) -> Column:
    """Percent, each with a bar; that of `most`, by default of the largest, is as long as the column is wide.

    Beside a bar a browser writes but the English marks: others stand alone.
    """
    if marks() != POINT:
        return number(percents, unit=" %")
    most = most or max(filter(None, percents), default=100)
    bar = st.column_config.ProgressColumn(width=BAR, format="%.2f %%", min_value=0, max_value=most, color=colour)
    return Column(percents, bar)


def costs(layers: Sequence[Layer], quantity: str, whole: int, names: tuple[str, str], is_short: bool) -> dict:
    """Two columns under these names: what every layer has, and which part that is of the whole.

    Args: as of `parts`.
    """
    numbers = count([getattr(each, quantity) for each in layers], is_short)
    return dict(zip(names, (numbers, parts(layers, quantity, whole)), strict=True))


def parts(layers: Sequence[Layer], quantity: str, whole: int) -> Column:
    """Which part of the whole every layer has.

    Args:
        quantity: "macs", "params" or "activation_bytes"; what is not counted has no share.
    """
    numbers = [getattr(each, quantity) for each in layers]
    return share([None if n is None or not whole else 100 * float(Fraction(n, whole)) for n in numbers])
