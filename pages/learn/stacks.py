"""Stacks of layers beside one another, under live sliders: their gradients and deviations, layer by layer."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from pages.common.text import _
from vis.concepts.depth import Moment
from vis.figures.numbers import scientific
from vis.figures.profiles import decades, profile

DEPTHS = (2, 4, 6, 8, 10, 14, 20, 26, 32, 38, 44, 50, 56, 68, 80, 100)  # layers, under a slider
Scales = tuple[tuple[int, int], tuple[int, int]]


def look(names: Sequence[str], gradient: str) -> dict[str, Any]:
    """What is the same in all frames: the names of the stacks, and what both charts are."""
    norm = {
        "signals": _("Gradient norm of outputs"),
        "weights": _("Gradient norm of weights"),
    }[gradient]
    titles = norm, _("Standard deviation of outputs")
    charts = [{"title": title, "across": _("layer")} for title in titles]
    return {"label": _("Results"), "readings": list(names), "curves": {"charts": charts}}


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
