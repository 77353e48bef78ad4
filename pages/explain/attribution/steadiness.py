"""Infidelity and sensitivity: does a map predict what covering does, and does it stay when little changes?"""

from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st
import torch

from models.options import Phrase
from pages.common import cache
from pages.common.panels import figures
from pages.common.text import _
from pages.explain.attribution.asking import View
from pages.explain.attribution.check import Check, Steps, arguments, row, times
from vis.attribution.infidelity import Infidelity, infidelity, sensitivity
from vis.figures.numbers import significant

SQUARES, MOVES = 50, 5  # of infidelity and of sensitivity


def _numbers(view: View, method: str, found: cache.Explained) -> Steps:
    asked, loaded, given, target = view.asked(method), view.loaded, cache.picture(view.chosen), view.target
    further = arguments(view, method)

    def steps() -> Iterator[Infidelity | float]:
        about = asked.of(loaded, given)
        yield infidelity(about, torch.from_numpy(found.map), SQUARES)
        yield sensitivity(loaded.model, about.image, method, target, samples=MOVES, **further)

    return steps


def _draw_numbers(view: View, method: str, result: Sequence[Infidelity | float]) -> None:
    untrue, moved = result
    relative = "–" if untrue.relative is None else significant(untrue.relative)
    figures(
        [
            (_("infidelity, relative to a zero map"), relative),
            (_("infidelity, in score²"), significant(untrue.value)),
            (_("sensitivity"), significant(moved)),
        ]
    )
    st.caption(
        _(
            "Infidelity is 0 for a map that predicts every fall of the score when a rectangle is covered, and 1 for "
            "one that tells nothing. Sensitivity is the largest change of the map, relative to itself, while each "
            "number of the picture moves by 2 % of its range at most. By Captum (Yeh et al. 2019)."
        )
    )


def _rows_of_numbers(view: View, method: str, result: Sequence[Infidelity | float]) -> list[dict[str, Any]]:
    untrue, moved = result
    return [row(view, method, infidelity=untrue.value, relative_infidelity=untrue.relative, sensitivity=moved)]


CHECK = Check(
    "numbers",
    Phrase("Infidelity and sensitivity"),
    Phrase("Does the map predict what covering does to the score? Does it stay when the picture hardly changes?"),
    2,
    MOVES + 1,
    lambda passes: times(passes, MOVES + 1, 2 * (SQUARES + 1)),
    _numbers,
    _draw_numbers,
    _rows_of_numbers,
)
