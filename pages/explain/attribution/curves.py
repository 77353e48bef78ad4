"""Deletion and insertion: what becomes of the score without the pixels that a map names, and with them alone."""

from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st
import torch

from models.options import Phrase
from pages.common import cache
from pages.common.panels import chart, row_that_wraps, wrapped
from pages.common.text import _, spoken
from pages.explain.attribution.asking import View
from pages.explain.attribution.check import Check, Steps, row
from vis.attribution import METHODS
from vis.attribution.checks import BLIND, Curve, deletion, insertion
from vis.figures.attribution import curves_over
from vis.figures.numbers import significant

STEPS = 25  # of each of the two
RIVALS = {
    "random": Phrase("random pixels"),
    "centred": Phrase("a blob in the middle"),
    "edges": Phrase("edges in the picture (Sobel)"),
}


def _curves(view: View, method: str, found: cache.Explained) -> Steps:
    asked, loaded, given = view.asked(method), view.loaded, cache.picture(view.chosen)

    def steps() -> Iterator[tuple[str, str, Curve]]:
        about = asked.of(loaded, given)
        maps = {method: torch.from_numpy(found.map)} | {name: make(about.image) for name, make in BLIND.items()}
        for name, values in maps.items():
            yield name, "deletion", deletion(about, values, STEPS)
            yield name, "insertion", insertion(about, values, STEPS)

    return steps


def _draw_curves(view: View, method: str, result: Sequence[tuple[str, str, Curve]]) -> None:
    known = {(name, kind): curve for name, kind, curve in result}
    names = {method: spoken(METHODS[method].title)} | {name: spoken(RIVALS[name]) for name in BLIND}
    axis = _("probability") if view.look["score"] == "probability" else _("logit")
    left, right = row_that_wraps("curves", 2)
    for place, title, kind, across in (
        (left, _("Deletion: the faster it falls, the better"), "deletion", _("pixels covered")),
        (right, _("Insertion: the faster it rises, the better"), "insertion", _("pixels restored")),
    ):
        with place:
            st.caption(f"**{title}**")
            lines = {words: known[name, kind].scores.tolist() for name, words in names.items()}
            parts = known[method, kind].parts.tolist()
            chart(curves_over(parts, lines, across, axis), f"curve {kind}", title)
    areas = [
        [words, *(significant(known[name, kind].area) for kind in ("deletion", "insertion"))]
        for name, words in names.items()
    ]
    wrapped([_("map"), _("area of deletion"), _("area of insertion")], areas, "areas")
    st.caption(
        _(
            "Of a deletion a small area is good, of an insertion a large one. One picture proves little; the "
            "network was never trained on covered or blurred pictures."
        )
    )


def _rows_of_curves(view: View, method: str, result: Sequence[tuple[str, str, Curve]]) -> list[dict[str, Any]]:
    return [
        row(view, method, curve=kind, map=name, part=part, score=score, area=curve.area)
        for name, kind, curve in result
        for part, score in zip(curve.parts.tolist(), curve.scores.tolist(), strict=True)
    ]


CHECK = Check(
    "curves",
    Phrase("Deletion and insertion"),
    Phrase(
        "Pixels are covered, those first that the map says matter most, and the score is asked again; then "
        "they come back into a blurred picture. Three maps that know nothing of the network do the same."
    ),
    2 * (len(BLIND) + 1),
    0,
    lambda passes: (2 * (STEPS + 1) * (len(BLIND) + 1), 0),
    _curves,
    _draw_curves,
    _rows_of_curves,
)
