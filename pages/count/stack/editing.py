"""What is done to a stack: cells are edited, rows are moved, changes are taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.refusals import Refused
from pages.common.session import value_of
from vis.cost.design import Design, cells, from_cells
from vis.cost.stack import MOST_ROWS, Row

MOST_UNDONE = 100
MOST_KEPT = 2 * MOST_ROWS  # of a paste without end; it is said which row is the last that is computed
MOST_ADDED = 20  # rows at the end of a table that it was not made with: Streamlit takes a millisecond for each
FIRST = Row("conv", 64, 3, padding=1)  # what a new row is


@dataclass
class Editing:
    """A design, what it was before, and what its widgets were made with.

    Streamlit's table keeps what was typed as differences to what it was made with, so it is made anew only when
    something else changes its rows: a cell that is being edited keeps its cursor.
    """

    made_with: Design
    now: Design
    language: str  # that its widgets were made in
    row: int = 0  # the place of the one that is chosen
    past: list[Design] = field(default_factory=list)
    version: int = 0  # of the widgets
    refused: Refused | None = None  # why its link was not followed

    def key(self, widget: str) -> str:
        """The key of one of its widgets."""
        return f"{widget} {self.version}"

    def listen(self, language: str) -> None:
        """Takes over what the widgets say; makes them anew where they were left, or speak another language."""
        heard = self._heard() if language == self.language else None
        if heard is None:
            self._make_anew(self.now, language)
        elif heard != self.now:
            self._change(heard)
            if len(heard.rows) > len(self.made_with.rows) + MOST_ADDED:
                self._make_anew(heard, language)

    def put(self, design: Design) -> None:
        """Makes this the design."""
        if design != self.now:
            self._change(design)
        self._make_anew(design, self.language)

    def undo(self) -> None:
        """Takes the last change back."""
        if self.past:
            self.now = self.past.pop()
            self._make_anew(self.now, self.language)

    def _heard(self) -> Design | None:
        """The design as its widgets have it; None where the table is not there though it was changed."""
        table, made = value_of(self.key("rows")), self.made_with
        if table is None and self.now != made:
            return None
        shape = tuple(value_of(self.key(name), n) for name, n in zip("CHW", made.picture, strict=True))
        shape = tuple(before if n is None else n for n, before in zip(shape, self.now.picture, strict=True))  # emptied
        bias, norm = value_of(self.key("bias"), made.bias), value_of(self.key("norm"), made.norm)
        return Design(edited(made.rows, table) if table else made.rows, shape, bias, norm)

    def _change(self, design: Design) -> None:
        self.past = [*self.past, self.now][-MOST_UNDONE:]
        self.now = design

    def _make_anew(self, design: Design, language: str) -> None:
        self.made_with, self.now, self.language = design, design, language
        self.version += 1


def edited(rows: Sequence[Row], changes: Mapping[str, Any]) -> tuple[Row, ...]:
    """The rows after what was done in a table that was made with them: see `streamlit.typing.DataEditorState`."""
    changed = [
        from_cells(cells(row) | changes["edited_rows"][place]) if place in changes["edited_rows"] else row
        for place, row in enumerate(rows)
    ]
    stayed = [row for place, row in enumerate(changed) if place not in changes["deleted_rows"]]
    return (*stayed, *map(from_cells, changes["added_rows"][:MOST_KEPT]))[:MOST_KEPT]


def moved(rows: Sequence[Row], place: int, by: int) -> tuple[Row, ...]:
    """The rows with one of them moved `by` places down."""
    others = [*rows[:place], *rows[place + 1 :]]
    return (*others[: place + by], rows[place], *others[place + by :])


def added(rows: Sequence[Row], place: int) -> tuple[Row, ...]:
    """The rows with a new one after one of them."""
    return (*rows[: place + 1], FIRST, *rows[place + 1 :])


def doubled(rows: Sequence[Row], place: int) -> tuple[Row, ...]:
    """The rows with one of them twice."""
    return (*rows[: place + 1], *rows[place:])


def without(rows: Sequence[Row], place: int) -> tuple[Row, ...]:
    return (*rows[:place], *rows[place + 1 :])
