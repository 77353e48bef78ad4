"""A residual block number by number: what it adds on the way up, and both parts of the gradient on the way down."""

from collections.abc import Mapping

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from models.options import Choice, Phrase
from pages.common.asking import ask_one, fragment
from pages.common.components.sheets import Line, draw_sheets
from pages.common.text import _
from pages.learn.cells import cell_labels, choose_cell, chosen_cell
from pages.learn.lesson import Question, predicted
from vis.concepts.examples import residual_block
from vis.concepts.residual import Back, Form, Kernels, Made, block, block_backward
from vis.figures.numbers import significant

QUESTION = Question(
    "slope",
    Phrase("The layers of a block have a slope of 0.01. A shortcut leads around them. What is the slope of the block?"),
    (Phrase("0.01"), Phrase("1"), Phrase("1.01")),
    3,
    Phrase("y = x + F(x), so the slope is 1 + F′(x). However little the layers let through, the 1 stays."),
)
KIND = Choice(
    "block",
    Phrase("Block"),
    {"identity": Phrase("identity block"), "convolutional": Phrase("convolutional block, stride 2")},
)
SHORTCUT = Choice(
    "shortcut",
    Phrase("Shortcut"),
    {"zeros": Phrase("every second pixel, zeros (A)"), "projection": Phrase("1×1 projection (B)")},
    "projection",
)
ORDER = Choice(
    "order",
    Phrase("ReLU"),
    {"after": Phrase("after the sum (2015)"), "before": Phrase("before the layers (2016)")},
)
LARGEST = (2, 6, 6)  # of the maps that come out


@fragment
def blocks() -> None:
    """The question, the maps of a block on the way up and the gradients on the way down, and the sums of one number."""
    is_answered = predicted(QUESTION)
    drawing, words = st.container(), st.container()
    with st.container(horizontal=True, gap="medium", key="row of blocks"):
        kind = ask_one(st, KIND)
        way = "identity" if kind == "identity" else ask_one(st, SHORTCUT)
        of = Form(way, ask_one(st, ORDER) == "before")
    x, kernels = residual_block(1 if kind == "identity" else 2)
    made = block(x, Kernels(*kernels), of)
    at = _output(made.y)
    gradient = torch.zeros_like(made.y)
    gradient[0][at] = 1
    back = block_backward(made, Kernels(*kernels), gradient, of)
    with drawing:
        _draw(made, back, gradient, at, of, is_answered)
    with words:
        _sums(made, back, at, of, is_answered)
        if way != "identity":
            _shrinking(kernels, way)


def _output(y: Tensor) -> tuple[int, int, int]:
    """The chosen number of the output: channel, row, column."""
    chosen = chosen_cell("output", Phrase("Output"), LARGEST, "0,1,1")
    return tuple(min(place, size - 1) for place, size in zip(chosen, y.shape[1:], strict=True))


def _draw(made: Made, back: Back, gradient: Tensor, at: tuple[int, int, int], of: Form, is_answered: bool) -> None:
    """What goes in, the layers, the shortcut and their sum; below them, the other way round, the gradients."""
    upward = {
        _("input x"): made.x,
        _("after the first layer"): made.h,
        _("residual F(x)"): made.residual,
        _("by the shortcut"): made.shortcut,
        _("output y"): made.y,
    }
    downward: dict[str, Tensor] = {_("of x"): back.x} if is_answered else {}
    downward |= {
        _("of x, by the shortcut"): back.by_shortcut,
        _("of x, by the layers"): back.by_layers,
        _("of the first layer"): back.h,
        _("of y"): gradient,
    }
    lines = [_line(_("Forward →"), upward), _line(_("← Gradient"), downward)]
    sheets = [(title, sheet) for line in (upward, downward) for title, maps in line.items() for sheet in _sheets(maps)]
    channel, row, column = at
    places = {made.y.shape[-1]: (row, column), made.x.shape[-1]: (row * of.stride, column * of.stride)}
    lit = []
    for maps in (*upward.values(), *downward.values()):
        for number, sheet in enumerate(_sheets(maps)):
            mark = np.zeros(sheet.shape, bool)
            if maps.shape[1] == 1 or number == channel:
                mark[places[sheet.shape[1]]] = True
            lit.append(mark.ravel())
    starts = np.cumsum([0, *(sheet.size for _title, sheet in sheets)]).tolist()
    first = sum(maps.shape[1] for maps in list(upward.values())[:-1])  # sheet of y

    def choose(cell: int) -> None:
        number = int(np.searchsorted(starts, cell, side="right")) - 1
        r, c = divmod(cell - starts[number], sheets[number][1].shape[1])
        step = of.stride if sheets[number][1].shape[1] != made.y.shape[-1] else 1
        inside = number - first if first <= number < first + made.y.shape[1] else channel
        choose_cell("output", (inside, r // step, c // step))

    draw_sheets(
        lines,
        [sheet / max(np.abs(sheet).max(), 1) for _title, sheet in sheets],
        [label for title, sheet in sheets for label in cell_labels(title, sheet)],
        "block",
        alt=_("The maps inside a residual block from its input to its output, and the gradients on their way back."),
        numbers=[_number(value) for _title, sheet in sheets for value in sheet.ravel().tolist()],
        lit=np.concatenate(lit),
        chosen=starts[first + channel] + row * made.y.shape[-1] + column,
        is_flat=True,
        on_click=choose,
    )


def _number(value: float) -> str:
    return significant(round(value, 2), 2) if value else ""


def _sheets(maps: Tensor) -> list[np.ndarray]:
    return [*maps[0].numpy()]


def _line(title: str, named: Mapping[str, Tensor]) -> Line:
    """A line of sheets; of several maps of one name only the first is named."""
    titles = [name if not number else "" for name, maps in named.items() for number in range(maps.shape[1])]
    return Line(titles, title)


def _sums(made: Made, back: Back, at: tuple[int, int, int], of: Form, is_answered: bool) -> None:
    """How the chosen number comes about, and what its gradient brings to the pixel at its place."""
    f, kept, total, y = (_four(maps[0][at]) for maps in (made.residual, made.shortcut, made.sum, made.y))
    cut = "" if of.is_preactivated else f" → ReLU → **{y}**"
    st.markdown(_("**The chosen output**: F(x) + shortcut:") + f" {f} + ({kept}) = **{total}**{cut}")
    pixel = (0, 0, at[1] * of.stride, at[2] * of.stride)
    layers, by_shortcut, whole = (_four(maps[pixel]) for maps in (back.by_layers, back.by_shortcut, back.x))
    if is_answered:
        st.markdown(
            _("**Of its gradient, 1,** the input's pixel at this place gets, by the layers + by the shortcut:")
            + f" {layers} + ({by_shortcut}) = **{whole}**"
        )
    else:
        st.caption(_("What the input gets of the gradient: shown once you have predicted."))


def _four(value: Tensor) -> str:
    return significant(float(value), 4)


def _shrinking(kernels: tuple[Tensor, Tensor, Tensor], way: str) -> None:
    """How the shortcut makes smaller and more maps, and what that costs."""
    _first, _second, projection = kernels
    if way == "zeros":
        st.caption(
            _(
                "Option A has no weights: three of four pixels are left out, and get no gradient by the shortcut; the "
                "second map of the shortcut is all zeros."
            )
        )
    else:
        st.caption(
            _(
                "Option B has {weights} weights, one per input and output map: {values}. It reads one of four "
                "pixels, too.",
                weights=projection.numel(),
                values=" · ".join(significant(value) for value in projection.ravel().tolist()),
            )
        )
