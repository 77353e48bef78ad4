"""The three steps of the deconvnet on a picture of 8×8 pixels: up through filter, ReLU and pool, and back down."""

import numpy as np
import streamlit as st
import torch

from models.options import Choice, Phrase
from pages.common.asking import ask_one, fragment
from pages.common.components.sheets import Line, draw_sheets
from pages.common.text import _
from pages.learn.cells import cell_labels, choose_cell, chosen_cell
from pages.learn.lesson import Question, predicted
from vis.concepts.examples import FILTERS, toy
from vis.concepts.pooling import Down, Up, down, up
from vis.figures.numbers import significant

QUESTION = Question(
    "steps",
    Phrase("One unit's activation goes back down to the picture. Which step can make numbers negative?"),
    (Phrase("unpooling"), Phrase("rectifying"), Phrase("filtering")),
    3,
    Phrase("The transposed filter has negative weights, and after the last filter nothing is rectified."),
)
TOY = Choice(
    "toy", Phrase("Picture"), {"cross": Phrase("cross"), "stroke": Phrase("stroke"), "corner": Phrase("corner")}
)
FILTER = Choice(
    "edge",
    Phrase("Filter"),
    {"vertical": Phrase("vertical edge"), "horizontal": Phrase("horizontal edge"), "diagonal": Phrase("diagonal")},
)
POOL = Choice("pool", Phrase("Max pool"), {"2/2": Phrase("2×2, stride 2"), "3/2": Phrase("3×3, stride 2")})
MOST = 4  # rows and columns of the pooled map


@fragment
def three_steps() -> None:
    """The question, and both ways one above the other, so that each map stands over its counterpart."""
    st.header(_("The deconvnet's three steps"), anchor="steps")
    predicted(QUESTION)
    drawing = st.container()
    with st.container(horizontal=True, gap="medium", key="row of steps"):
        name, filter, pool = (ask_one(st, option) for option in (TOY, FILTER, POOL))
    kernel, stride = map(int, pool.split("/"))
    weights = torch.tensor(FILTERS[filter], dtype=torch.float64)
    x = toy(name)
    seen = up(x, weights, kernel, stride)
    unit = _unit(seen)
    with drawing:
        _draw(x[0, 0].numpy(), seen, down(seen, weights, unit), unit, (kernel, stride))
    if not seen.pooled[0, 0][unit]:
        st.markdown(_("This unit is not active, so nothing goes down: click one with a number."))
    st.caption(
        _(
            "Follow the arrows up to the pooled map, and then back: unpool to the switches, rectify, filter with the "
            "transposed filter. The filter: {filter}.",
            filter=" / ".join(" ".join(significant(w) for w in row) for row in weights.tolist()),
        )
    )


def _unit(seen: Up) -> tuple[int, int]:
    """The chosen unit of the pooled map; at first the strongest."""
    rows, columns = seen.pooled.shape[2:]
    strongest = divmod(int(seen.pooled.argmax()), columns)
    row, column = chosen_cell("unit", Phrase("Unit"), (MOST, MOST), None) or strongest
    return min(row, rows - 1), min(column, columns - 1)


def _draw(x: np.ndarray, seen: Up, sent: Down, unit: tuple[int, int], pool: tuple[int, int]) -> None:
    upward = {
        _("picture"): x,
        _("filtered →"): seen.filtered[0, 0].numpy(),
        _("rectified →"): seen.rectified[0, 0].numpy(),
        _("pooled →"): seen.pooled[0, 0].numpy(),
    }
    downward = {
        _("← 3. filtered"): sent.filtered[0, 0].numpy(),
        _("← 2. rectified"): sent.rectified[0, 0].numpy(),
        _("← 1. unpooled"): sent.unpooled[0, 0].numpy(),
        _("one unit alone"): sent.alone[0, 0].numpy(),
    }
    sheets = [*upward.items(), *downward.items()]
    rows, columns = sent.alone.shape[2:]
    kernel, stride = pool
    window = np.zeros(x.shape, bool)
    window[unit[0] * stride : unit[0] * stride + kernel, unit[1] * stride : unit[1] * stride + kernel] = True
    switch = np.zeros(x.size, bool)
    switch[int(seen.switches[0, 0][unit])] = True
    alone, none = np.arange(rows * columns) == unit[0] * columns + unit[1], np.zeros(x.size, bool)
    lit = [none, none, window.ravel(), alone, none, switch, switch, alone]
    starts = np.cumsum([0, *(sheet.size for _name, sheet in sheets)]).tolist()

    def choose(cell: int) -> None:
        number = int(np.searchsorted(starts, cell, side="right")) - 1
        row, column = divmod(cell - starts[number], sheets[number][1].shape[1])
        if sheets[number][1].shape == x.shape:
            row, column = min(row // stride, rows - 1), min(column // stride, columns - 1)
        choose_cell("unit", (row, column))

    draw_sheets(
        [Line([*upward], _("Up")), Line([*downward], _("Down"))],
        [sheet / max(np.abs(sheet).max(), 1e-9) for _name, sheet in sheets],
        [label for name, sheet in sheets for label in cell_labels(name, sheet)],
        "both ways",
        alt=_("A picture on its way up through filter, ReLU and pool, and one unit's activation on its way back down."),
        numbers=[significant(value) if value else "" for _name, sheet in sheets for value in sheet.ravel().tolist()],
        lit=np.concatenate(lit),
        chosen=starts[3] + unit[0] * columns + unit[1],
        is_flat=True,
        on_click=choose,
    )
