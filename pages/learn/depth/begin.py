"""A stack as it starts: how large the gradient of each layer is, and how far apart the numbers that it gives are."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import streamlit as st

from models.options import Choice, Phrase
from pages.common import cache
from pages.common.asking import ask_live, fragment
from pages.common.components.sliders import Frame, Results
from pages.common.text import _, language
from pages.learn.depth.settings import ask_settings, names, options
from pages.learn.lesson import Question, predicted
from vis.concepts.depth import Moment
from vis.figures.numbers import scientific
from vis.figures.profiles import decades, profile

QUESTION = Question(
    "shortcuts",
    Phrase(
        "50 plain layers with ReLU and Xavier's start: at the first layer the gradient is a hundred million times "
        "smaller than at the last. Put a shortcut around every two layers: what becomes of it?"
    ),
    (
        Phrase("it vanishes as before"),
        Phrase("it no longer vanishes"),
        Phrase("it is a hundred million times larger than at the last"),
    ),
    2,
    Phrase(
        "The shortcut hands the gradient on as it is: what the block's layers leave of it is added, not all there is."
    ),
)
OPTIONS = options("", "xavier", False)
DEPTHS = (2, 4, 6, 8, 10, 14, 20, 26, 32, 38, 44, 50, 56, 68, 80, 100)
DEPTH = Choice("depth", Phrase("Layers"), DEPTHS, 50, marks=(2, 20, 50, 100))


@fragment
def at_the_start() -> None:
    """The question, and for every depth both stacks before their first step."""
    is_answered = predicted(QUESTION)
    drawing = st.container()
    of, _further = ask_settings("the start", OPTIONS)
    shown = 2 if is_answered else 1
    known = {depth: [cache.started(stack, of.seed) for stack in of.stacks(depth)[:shown]] for depth in DEPTHS}
    scales = scales_of(chain.from_iterable(known.values()), of.gradient)

    def frame(values: Mapping[str, Any]) -> Frame:
        moments = known[values["depth"]]
        readings = [gradient_reading(each, of.gradient, values["depth"]) for each in moments]
        return {"readings": readings, "curves": curves(moments, of.gradient, values["depth"], scales)}

    results = Results(look(of.gradient, shown), frame, ("stacks at the start", of, shown, language()), "depth")
    with drawing:
        ask_live(st.container(), DEPTH, of="depth", results=results)
        if not is_answered:
            st.caption(_("The stack with shortcuts: shown once you have predicted."))


# What is shown of stacks of one depth ----------------------------------------------------------------------------

Scales = tuple[tuple[int, int], tuple[int, int]]


def look(gradient: str, shown: int = 2) -> dict[str, Any]:
    """What is the same in all frames: the names of the first `shown` stacks, and what both charts are."""
    norm = {
        "signals": _("Gradient norm of outputs"),
        "weights": _("Gradient norm of weights"),
    }[gradient]
    titles = norm, _("Standard deviation of outputs")
    charts = [{"title": title, "across": _("layer")} for title in titles]
    return {"label": _("Results"), "readings": names()[:shown], "curves": {"charts": charts}}


def norms(moment: Moment, gradient: str) -> tuple[float, ...]:
    """The norms of the gradients that are shown."""
    return moment.of_weights if gradient == "weights" else moment.of_signals


def scales_of(moments: Iterable[Moment], gradient: str) -> Scales:
    """The powers of ten between which the gradients lie, and the deviations."""
    known = list(moments)
    gradients = chain.from_iterable(norms(each, gradient) for each in known)
    return decades(gradients), decades(chain.from_iterable(each.spreads for each in known))


def curves(moments: Sequence[Moment], gradient: str, depth: int, scales: Scales) -> list[dict[str, Any]]:
    """Both charts; outputs are those of the first layer and of every block."""
    last = depth if gradient == "weights" else depth - 1
    return [
        profile([norms(each, gradient) for each in moments], scales[0], last),
        profile([each.spreads for each in moments], scales[1], depth - 1),
    ]


def gradient_reading(moment: Moment, gradient: str, depth: int) -> list:
    """The gradient at the first layer, and at the last that is shown."""
    found, number = norms(moment, gradient), depth if gradient == "weights" else depth - 1
    note = _("gradient at layer 1; at layer {number}: {last}", number=number, last=scientific(found[-1]))
    return [scientific(found[0]), note, []]
