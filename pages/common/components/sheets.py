"""Maps as sheets that stand beside one another, cell by cell: what is at one place of all maps lies on one line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np

from pages.common.components import component
from pages.common.components.reach import reach_of
from pages.common.session import value_of

MOST_CELLS = 1_000  # which a browser draws one by one
NOTED = 150  # units of the drawing beside a line, where one has a note

_sheets = component("sheets", "reach")


@dataclass(frozen=True)
class Line:
    """Sheets in a row."""

    titles: Sequence[str]  # one for each sheet, below it
    title: str = ""
    note: str = ""  # behind the last sheet; a line break is kept


@dataclass(frozen=True)
class Cells:
    """What is in the sheets of all lines.

    Args:
        shades: (h, w) for each of the sheets, -1 to 1: how strong a cell's colour is.
        labels: what each cell is, for the pointer and for those who do not see it, row by row and sheet by sheet.
        numbers: stand in the cells.
        lit: whether a cell stands out; in the order of the labels.
        titles, notes: of the sheets and of their lines, where these are others while a slider is dragged.
    """

    shades: Sequence[np.ndarray]
    labels: Sequence[str]
    numbers: Sequence[str] = ()
    lit: np.ndarray | None = None
    titles: Sequence[str] = ()
    notes: Sequence[str] = ()

    @property
    def data(self) -> dict[str, Any]:
        others = {"titles": list(self.titles), "notes": list(self.notes)}
        return {
            "shades": [round(float(shade), 3) for sheet in self.shades for shade in sheet.ravel()],
            "labels": list(self.labels),
            "numbers": list(self.numbers),
            "lit": [] if self.lit is None else self.lit.astype(int).ravel().tolist(),
        } | {what: words for what, words in others.items() if words}

    @property
    def count(self) -> int:
        return sum(sheet.size for sheet in self.shades)


@dataclass(frozen=True)
class Walk:
    """A window that makes the cells of the last sheet one after another; a browser plays it, and a hand drags it.

    Args:
        windows: for each of these cells, in their order, the cells that it is made from.
        always: other cells that stand out wherever the window is.
        sums: how each is made, in words.
        grows: what else of `Cells`, of the last sheet alone, is to be seen only as far as the window came: by its name.
        play, pause: what the button is called.
    """

    windows: Sequence[Sequence[int]]
    always: Sequence[int]
    sums: Sequence[str]
    grows: Mapping[str, Sequence[float] | Sequence[str]]
    play: str
    pause: str


def draw_sheets(
    lines: Sequence[Line],
    shades: Sequence[np.ndarray],
    labels: Sequence[str],
    key: str,
    *,
    alt: str,
    numbers: Sequence[str] = (),
    sets: np.ndarray | None = None,
    lit: np.ndarray | None = None,
    chosen: int | None = None,
    is_tubed: bool = False,
    is_flat: bool = False,
    on_click: Callable[[int], None] | None = None,
    reach: Mapping[str, Sequence[Cells]] = MappingProxyType({}),
    walk: Walk | None = None,
) -> None:
    """Draws them; where there is little room, lines are broken.

    Args:
        shades, labels, numbers, lit: as of `Cells`.
        key: identifies the drawing on its page.
        alt: what it shows.
        sets: the number of the set that a cell belongs to, which gives it its hue; in the order of the labels.
        chosen: the cell with a thick border.
        is_tubed: whether a band joins the cells that are lit from sheet to sheet.
        is_flat: whether the sheets are seen from the front.
        on_click: is called with the cell that was clicked, before the script runs again.
        walk: a window that moves over them; with `on_click`.
        reach: by the keys of Streamlit's sliders what is drawn at each of their stops, while they are dragged.

    Raises:
        ValueError: if these do not fit each other, or are too many.
    """
    cells = Cells(shades, labels, numbers, lit)
    count, those = len(cells.shades), [cells, *chain.from_iterable(reach.values())]
    fits = all(each.count == cells.count == len(each.labels) for each in those)
    if cells.count > MOST_CELLS or sum(len(line.titles) for line in lines) != count or not fits:
        raise ValueError(
            f"{count} sheets {key!r} do not fit their lines, or their {cells.count} cells, at most {MOST_CELLS}, "
            f"the {len(cells.labels)} labels, or what a slider can be dragged to."
        )
    starts = np.cumsum([0, *(len(line.titles) for line in lines)]).tolist()
    data = cells.data | {
        "lines": [
            {"title": line.title, "sheets": [*range(start, start + len(line.titles))]}
            for line, start in zip(lines, starts, strict=False)
        ],
        "titles": [title for line in lines for title in line.titles],
        "notes": [line.note for line in lines],
        "sizes": [sheet.shape for sheet in cells.shades],
        "sets": None if sets is None else sets.ravel().tolist(),
        "chosen": chosen,
        "choosable": on_click is not None,
        "tubed": is_tubed,
        "flat": is_flat,
        "noted": NOTED if any(line.note for line in lines) else 0,
        "alt": alt,
        "walk": walk and asdict(walk) | {"first": cells.count - len(walk.windows)},
        "reach": reach_of({slider: [frame.data for frame in frames] for slider, frames in reach.items()}),
    }

    def act() -> None:
        clicked = getattr(value_of(key), "clicked", None)
        if on_click and type(clicked) is int and 0 <= clicked < cells.count:  # it comes from a browser
            on_click(clicked)

    _sheets(key=key, data=data, on_clicked_change=act)
