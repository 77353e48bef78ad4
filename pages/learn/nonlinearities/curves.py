"""Functions beside their derivatives, and what is left of a gradient after many layers."""

import streamlit as st
import torch

from models.options import Choice, Number, Phrase, Several
from pages.common import panels
from pages.common.asking import ask_one, fragment
from pages.common.text import _
from pages.learn.lesson import Question, predicted
from vis.concepts.activation import ACTIVATIONS
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
LAYERS = Number("layers", Phrase("Layers"), 10, 1, 50, shown_as="slider")


@fragment
def functions() -> None:
    """The question, the curves, and a table of values, slopes and what is left after the layers."""
    is_answered = predicted(QUESTION)
    drawing = st.container()
    chosen = ask_one(st, FUNCTIONS)[:MOST] or FUNCTIONS.usual
    at = ask_one(st, AT)
    x = torch.linspace(-6, 6, 241, dtype=torch.float64)
    known = {name: ACTIVATIONS[name] for name in chosen}
    lines = {each.title: (each.forward(x).tolist(), each.slope(x).tolist()) for each in known.values()}
    with drawing:
        alt = _("Activation functions as full lines, and their derivatives as dashed ones.")
        panels.chart(with_slopes(x.tolist(), lines, at, _("derivative")), "functions", alt)
    here = torch.tensor(at, dtype=torch.float64)
    columns = [_("function"), _("value at x"), _("derivative at x")]
    rows = [
        [each.title, significant(float(each.forward(here))), significant(float(each.slope(here)))]
        for each in known.values()
    ]
    if is_answered:
        layers = ask_one(st, LAYERS)
        tried = torch.cat([x - 1e-9, x + 1e-9])  # a slope may jump: Hardswish's is 1.5 just below 3, and 1 above
        columns += [_("gradient left after {layers} layers", layers=layers), _("at the steepest point")]
        for row, each in zip(rows, known.values(), strict=True):
            row += [significant(float(slope**layers)) for slope in (each.slope(here), each.slope(tried).max())]
    panels.wrapped(columns, rows, "slopes")
    st.caption(_("Four functions at most are drawn. Weights multiply the gradient as well; here they are left out."))
