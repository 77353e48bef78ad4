"""Functions beside their derivatives, and what is left of a gradient after many layers."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from models.options import Choice, Number, Phrase, Several
from pages.common import panels
from pages.common.asking import ask_one, fragment, key_of
from pages.common.components.following import follow
from pages.common.text import _
from pages.learn.lesson import Question, predicted
from vis.concepts.activation import ACTIVATIONS, Activation
from vis.figures.functions import MOST, with_slopes
from vis.figures.numbers import significant

QUESTION = Question(
    "slopes",
    Phrase("A gradient of 1 comes back through ten sigmoids, each at its steepest point. What is left of it?"),
    (Phrase("1"), Phrase("about a tenth"), Phrase("about a millionth")),
    3,
    Phrase("A sigmoid is never steeper than 1/4, and 1/4 ten times over is 0.00000095. A ReLU's slope is 1 or 0."),
)
FUNCTIONS = Several(
    "functions",
    Phrase("Activation functions"),
    {name: activation.title for name, activation in ACTIVATIONS.items()},
    ("sigmoid", "relu", "gelu"),
)
AT = Choice("x", "x", tuple(n / 2 for n in range(-12, 13)), 0.5, shown_as="scale")
X = torch.linspace(-6, 6, 241, dtype=torch.float64)
TRIED = torch.cat([X - 1e-9, X + 1e-9])  # a slope may jump: Hardswish's is 1.5 just below 3, and 1 above
LAYERS = Number("layers", Phrase("Layers"), 10, 1, 50, shown_as="slider")


@fragment
def functions() -> None:
    """The question, the curves, and a table of values, slopes and what is left after the layers."""
    is_answered = predicted(QUESTION)
    drawing = st.container()
    chosen = ask_one(st, FUNCTIONS)[:MOST] or FUNCTIONS.usual
    at = ask_one(st, AT)
    layers = ask_one(st, LAYERS) if is_answered else None
    known = [ACTIVATIONS[name] for name in chosen]
    steepest = [each.slope(TRIED).max() for each in known]
    lines = {each.title: (each.forward(X).tolist(), each.slope(X).tolist()) for each in known}

    def chart(at: float) -> dict[str, Any]:
        return with_slopes(X.tolist(), lines, at, _("derivative"))

    def table(at: float, layers: int | None) -> list[list[str]]:
        return _table(known, steepest, at, layers)

    with drawing:
        alt = _("Activation functions as full lines, and their derivatives as dashed ones.")
        panels.chart(chart(at), "functions", alt)
    columns, *rows = table(at, layers)
    panels.wrapped(columns, rows, "slopes")
    reach = {AT: [{"functions": chart(each), "wrapped slopes": table(each, layers)} for each in AT.values]}
    if layers:
        reach[LAYERS] = [{"wrapped slopes": table(at, each)} for each in LAYERS.values]
    follow("slopes", {key_of(option.name): stops for option, stops in reach.items()})
    st.caption(_("Four functions at most are drawn. Weights multiply the gradient as well; here they are left out."))


def _table(known: Sequence[Activation], steepest: Sequence[Tensor], at: float, layers: int | None) -> list[list[str]]:
    """The head and a row for each function; what is left of a gradient is in it where layers are given."""
    here = torch.tensor(at, dtype=torch.float64)
    table = [[_("function"), _("value at x"), _("derivative at x")]]
    for each, most in zip(known, steepest, strict=True):
        slope = each.slope(here)
        left = [significant(float(slope**layers)) for slope in (slope, most)] if layers else []
        table.append([each.title, significant(float(each.forward(here))), significant(float(slope)), *left])
    if layers:
        table[0] += [_("gradient left after {layers} layers", layers=layers), _("at the steepest point")]
    return table
