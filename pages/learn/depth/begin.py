"""A stack as it starts: how large the gradient of each layer is, and how far apart the numbers that it gives are."""

from collections.abc import Mapping
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
from pages.learn.stacks import DEPTHS, curves, gradient_reading, look, scales_of

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

    results = Results(
        look(names()[:shown], of.gradient), frame, ("stacks at the start", of, shown, language()), "depth"
    )
    with drawing:
        ask_live(st.container(), DEPTH, of="depth", results=results)
        if not is_answered:
            st.caption(_("The stack with shortcuts: shown once you have predicted."))
