"""Kinds of convolution as volumes: what goes in, the kernels, what comes out, and how many multiplications it takes."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from models.options import Number, Phrase
from pages.common import panels
from pages.common.asking import ask_live, fragment
from pages.common.components.sliders import Frame, Results
from pages.common.text import _, language, spoken
from pages.learn.lesson import Question, predicted
from vis.cost.blocks import Block, path, separable, standard
from vis.cost.layer import formula
from vis.figures.blocks import title
from vis.figures.numbers import grouped, percent
from vis.figures.volumes import volumes

QUESTION = Question(
    "separable",
    Phrase(
        "A 3×3 convolution from 6×6×3 to 4×4×5 takes 2,160 multiplications. How many does a depthwise one followed by "
        "a pointwise one take?"
    ),
    (Phrase("240"), Phrase("672"), Phrase("1,080")),
    2,
    Phrase("432 for one flat kernel per channel, and 240 to mix the channels: 31 % of 2,160."),
)
SLIDERS = (
    Number("map_side", Phrase("Map side"), 6, 5, 32),
    Number("maps_in", Phrase("Input channels"), 3, 1, 64),
    Number("maps_out", Phrase("Output channels"), 5, 1, 64),
    Number("kernel_side", Phrase("Kernel side"), 3, 1, 5),
)
KINDS = {
    "standard": Phrase("Standard"),
    "one": Phrase("1×1"),
    "depthwise": Phrase("Depthwise"),
    "separable": Phrase("Depthwise, then pointwise"),
}
PAIRED = ("standard", "separable")  # which make the same of the same


def blocks(map_side: int, maps_in: int, maps_out: int, kernel_side: int) -> dict[str, Block]:
    """Each kind of convolution with these numbers, stride 1 and no padding."""
    given = maps_in, map_side, map_side
    return {
        "standard": standard(given, maps_out, kernel_side, 1, 0),
        "one": Block(given, (path(given, ("pointwise", maps_out)),)),
        "depthwise": Block(given, (path(given, ("depthwise", None, kernel_side, 1, 0)),)),
        "separable": separable(given, maps_out, kernel_side, 1, 0),
    }


@fragment
def kinds() -> None:
    """The question, the volumes beside their sliders, and the sums."""
    st.header(_("Standard, 1×1, depthwise, pointwise"), anchor="kinds")
    is_answered = predicted(QUESTION)
    names = [*map(spoken, KINDS.values())]
    look = {
        "label": _("Results"),
        "readings": names,
        "sides": names,
        "reads": _("{count} kernels of {size}"),
        "scale": _("Boxes are to scale: height and depth are map sides, the length is the number of channels."),
    }
    about = ("kinds of convolution", is_answered, language())
    results = Results(look, lambda values: _frame(values, is_answered), about, "maps_out")
    live = ask_live(st.container(), *SLIDERS, of="kinds", results=results)
    if is_answered:
        _sums(blocks(**live.values))


def _frame(values: Mapping[str, Any], is_answered: bool) -> Frame:
    found = blocks(**values)
    most = max(block.macs for block in found.values())
    readings = []
    for name, block in found.items():
        share = _("{share} of standard", share=percent(block.macs / found["standard"].macs, 0))
        if is_answered or name == "standard":
            readings.append([grouped(block.macs), share, [round(block.macs / most, 4)]])
        else:
            readings.append(["?", "", []])
    return {"readings": readings, "chains": [_chain(block, is_answered) for block in found.values()]}


def _chain(block: Block, is_answered: bool) -> dict[str, Any]:
    steps = [(*volume[:-1], grouped(volume.macs) if volume.macs and is_answered else "") for volume in volumes(block)]
    return {"steps": steps, "joined": block.joined}


def _sums(found: Mapping[str, Block]) -> None:
    """How the multiplications come about, layer by layer."""
    lines = []
    for name in PAIRED:
        sums = [
            f"{title(layer)}: {panels.formula(*formula('macs', layer), layer.macs)}" for layer in found[name].layers
        ]
        lines += [f"{spoken(KINDS[name])} — {line}" for line in sums]
    panels.bullets(lines)
