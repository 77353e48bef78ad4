"""Back through a ReLU by three rules, and a unit that a bias puts to sleep."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from torch import Tensor

from models.options import Choice, Phrase
from pages.common.asking import ask_one, fragment, key_of
from pages.common.components.following import follow
from pages.common.components.sheets import Cells, Line, draw_sheets
from pages.common.text import _
from pages.learn.lesson import Question, predicted
from vis.concepts.activation import (
    LEAK,
    by_deconvnet,
    by_gradient,
    by_guided,
    leaky_relu,
    leaky_relu_slope,
    relu,
    relu_slope,
)
from vis.concepts.examples import both_ways, preactivations
from vis.figures.numbers import fixed, percent, significant

BACKWARD = Question(
    "backward",
    Phrase("Going back through a ReLU, what does the deconvnet look at to decide what may pass?"),
    (
        Phrase("whether the ReLU was open on the way up"),
        Phrase("whether the signal on the way down is positive"),
        Phrase("both"),
    ),
    2,
    Phrase("The gradient looks at the way up, the deconvnet at the way down, guided backpropagation at both."),
)
DEAD = Question(
    "dead",
    Phrase("A unit's bias is so low that no input activates it. Can its own gradient bring it back?"),
    (Phrase("yes, by its bias"), Phrase("with a ReLU no, with a leaky ReLU yes"), Phrase("never")),
    2,
    Phrase("A ReLU's slope is then 0 for every input, so no gradient reaches its weights. A leak lets some through."),
)
BIAS = Choice("bias", Phrase("Bias"), (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0), -1.0, shown_as="scale")
KIND = Choice("kind", Phrase("Activation function"), {"relu": "ReLU", "leaky": "leaky ReLU"})


@fragment
def rules() -> None:
    """The question, and what came up, what comes down, and what each rule lets pass."""
    st.header(_("Back through a ReLU"), anchor="rules")
    is_answered = predicted(BACKWARD)
    up, signal = both_ways()
    rows = {_("Way up, before the ReLU"): up, _("Signal on its way down"): signal}
    if is_answered:
        rows |= {
            _("Gradient: passes where the ReLU was open"): by_gradient(up, signal),
            _("Deconvnet: passes what is positive"): by_deconvnet(up, signal),
            _("Guided backpropagation: both"): by_guided(up, signal),
        }
    shown = [row.numpy()[None] for row in rows.values()]
    draw_sheets(
        [Line([""], name) for name in rows],
        [row / 3 for row in shown],
        [
            f"{name}, {_('unit {number}', number=number)}: {significant(value)}"
            for name, row in rows.items()
            for number, value in enumerate(row.tolist(), 1)
        ],
        "rules",
        alt=_("Eight ReLUs: what came up, the signal that comes down, and what each rule lets pass."),
        numbers=[significant(value) if value else "0" for row in rows.values() for value in row.tolist()],
        is_flat=True,
    )
    if not is_answered:
        st.caption(_("What the three rules let pass: shown once you have predicted."))


@fragment
def dead_units() -> None:
    """The question, and a unit's 160 inputs with those that activate it."""
    st.header(_("Dead units"), anchor="dead")
    predicted(DEAD)
    drawing = st.container()
    with st.container(horizontal=True, gap="medium", key="row of dead units"):
        kind = ask_one(st, KIND)
        bias = ask_one(st, BIAS, width=340)
    forward, slope = (relu, relu_slope) if kind == "relu" else (leaky_relu, leaky_relu_slope)

    def drawn(bias: float) -> Cells:
        values = (given := preactivations() + bias).numpy()
        both = zip(values.ravel(), forward(given).numpy().ravel(), strict=True)
        labels = [f"{significant(a)} → {significant(b)}" for a, b in both]
        return Cells([values / np.abs(values).max()], labels, lit=values > 0)

    with drawing:
        here = drawn(bias)
        draw_sheets(
            [Line([_("what the unit is given for each input, with its bias")])],
            here.shades,
            here.labels,
            "dead",
            alt=_("A cell for each of 160 inputs: what one unit is given; those that activate it stand out."),
            lit=here.lit,
            is_flat=True,
            reach={key_of(BIAS.name): [drawn(each) for each in BIAS.values]},
        )
    said = {each: _in_words(preactivations() + each, slope, kind == "relu") for each in BIAS.values}
    st.container(key="words of dead").markdown(said[bias])
    follow("dead", {key_of(BIAS.name): [{"words of dead": each} for each in said.values()]})
    if kind == "leaky":
        st.caption(_("The leaky ReLU's slope for x < 0 is {slope}.", slope=significant(LEAK)))


def _in_words(x: Tensor, slope: Callable[[Tensor], Tensor], may_die: bool) -> str:
    """How many of its inputs activate a unit, and what its bias gets of a gradient, Markdown."""
    active = int((x > 0).sum())
    words = _(
        "**{active} of {all} inputs** ({percent}) activate the unit. Of a gradient of 1 for every input, its bias "
        "gets **{gradient}**.",
        active=active,
        all=x.numel(),
        percent=percent(active / x.numel()),
        gradient=fixed(float(slope(x).sum()), 1),
    )
    if not may_die or active:
        return words
    return f"{words} {_('The unit is dead: no gradient reaches its weights; only earlier layers could bring it back.')}"
