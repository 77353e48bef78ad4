"""Blocks of 2015 and of 2016 in deep stacks: what a ReLU behind every sum does to the gradient."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import streamlit as st

from models.options import Choice, Number, Phrase, Switch
from pages.common import cache
from pages.common.asking import ask_live, ask_one, fragment
from pages.common.components.sliders import Frame, Results
from pages.common.text import _, language, spoken
from pages.learn.lesson import Question, predicted
from pages.learn.stacks import DEPTHS, curves, gradient_reading, look, scales_of
from vis.concepts.depth import Stack

QUESTION = Question(
    "zero",
    Phrase("All weights of 50 blocks are 0, so every residual is 0. Which stack hands its input on unchanged?"),
    (
        Phrase("with blocks of 2015: ReLU after the sum"),
        Phrase("with blocks of 2016: ReLU before the layers"),
        Phrase("both"),
    ),
    2,
    Phrase("In 2015 the ReLU after each sum cuts off what is negative. In 2016 nothing is done to the sum."),
)
KINDS = {"2015": Phrase("2015: ReLU after the sum"), "2016": Phrase("2016: pre-activation")}
DEPTH = Choice("order_depth", Phrase("Layers"), DEPTHS, 100, marks=(2, 20, 50, 100))
NORM = Switch("order_norm", Phrase("Batch norm"), True)
SEED = Number("order_seed", Phrase("Seed"), 1, 1, 999)


@fragment
def orders() -> None:
    """The question; once predicted, both kinds of blocks in stacks of every depth."""
    st.header(_("2015 and 2016: where the ReLU stands"), anchor="orders")
    if not predicted(QUESTION):
        st.caption(_("Both kinds in stacks of up to 100 layers: shown once you have predicted."))
        return
    drawing = st.container()
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of orders"):
        is_normed, seed = ask_one(st, NORM), ask_one(st, SEED, width=125)

    def moments(depth: int) -> list:
        of = Stack(depth, "residual", is_normed=is_normed)
        kinds = of, replace(of, is_preactivated=True)
        return [cache.started(kind, seed) for kind in kinds]

    known = {depth: moments(depth) for depth in DEPTHS}
    scales = scales_of(chain.from_iterable(known.values()), "signals")

    def frame(values: Mapping[str, Any]) -> Frame:
        depth = values["order_depth"]
        readings = [gradient_reading(each, "signals", depth) for each in known[depth]]
        return {"readings": readings, "curves": curves(known[depth], "signals", depth, scales)}

    about = ("blocks of 2015 and 2016", is_normed, seed, language())
    results = Results(look([*map(spoken, KINDS.values())], "signals"), frame, about, "order_depth")
    with drawing:
        ask_live(st.container(), DEPTH, of="orders", results=results)
        st.caption(
            _(
                "Stacks as on the page “Depth”, with ReLU and He's start, before their first step. Where the sum is "
                "left alone, the signal may be negative and is activated only on its way into the layers."
            )
        )
