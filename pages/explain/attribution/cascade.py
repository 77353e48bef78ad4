"""Random weights from the top down: a map that hardly changes does not explain what was learned."""

from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from models.options import Phrase
from pages.common import cache
from pages.common.panels import chart, small_tiles
from pages.common.text import _, plain
from pages.common.widgets import honest_png
from pages.explain.attribution.asking import View
from pages.explain.attribution.check import Check, Steps, arguments, row, times
from pages.explain.attribution.words import remark_on
from vis.attribution.randomisation import Similarity, randomised
from vis.figures.attribution import curves_over, limit_of
from vis.figures.numbers import percent

STOPS = 6


Randomly = tuple[str, float, Similarity, Similarity, cache.Explained]


def _cascade(view: View, method: str, found: cache.Explained) -> Steps:
    given, loaded, target = cache.picture(view.chosen), view.loaded, view.target
    further = arguments(view, method)

    def steps() -> Iterator[Randomly]:
        image = loaded.classifier_input(given)
        for one in randomised(loaded.model, image, method, target, stops=STOPS, **further):
            yield one.layer, one.part, one.signed, one.absolute, cache.explained(one.found)

    return steps


def _draw_cascade(view: View, method: str, result: Sequence[Randomly]) -> None:
    places = small_tiles("cascade", len(result))
    for place, (layer, part, _signed, _absolute, found) in zip(places, result, strict=True):
        limit = limit_of(view.values(found))
        place.image(honest_png(view.loaded, view.pixels_of(found, limit)), width="stretch", alt=layer)
        place.caption(_("random down to {layer}: {part} of the layers", layer=plain(layer), part=percent(part, 0)))
        if remark := remark_on(view, method, found.map):
            place.caption(f":material/info: {plain(remark)}")
    lines = {
        _("rank correlation, signed"): [signed.rank for _l, _p, signed, _a, _f in result],
        _("rank correlation, absolute"): [absolute.rank for _l, _p, _s, absolute, _f in result],
        _("SSIM, signed"): [signed.structure for _l, _p, signed, _a, _f in result],
        _("SSIM, absolute"): [absolute.structure for _l, _p, _s, absolute, _f in result],
    }
    parts = [0.0, *(part for _l, part, *_rest in result)]
    has_gaps = any(value is None or value != value for values in lines.values() for value in values)
    lines = {name: [1.0, *values] for name, values in lines.items()}
    title = _("How alike the map is to the one of the trained network")
    st.caption(f"**{title}**")
    chart(curves_over(parts, lines, _("layers that are random"), _("similarity")), "cascade curve", title)
    st.caption(
        _(
            "1 is the same map, 0 is no likeness. A map that stays alike while the weights become random does not "
            "explain what was learned. Each weight is drawn with its layer's own mean and deviation."
        )
    )
    if has_gaps:
        st.caption(_("Where a map has one value everywhere, its likeness to another is not defined: a gap."))


def _rows_of_cascade(view: View, method: str, result: Sequence[Randomly]) -> list[dict[str, Any]]:
    return [
        row(
            view,
            method,
            random_down_to=layer,
            part=part,
            rank_signed=signed.rank,
            rank_absolute=absolute.rank,
            ssim_signed=signed.structure,
            ssim_absolute=absolute.structure,
        )
        for layer, part, signed, absolute, _found in result
    ]


CHECK = Check(
    "cascade",
    Phrase("Random weights"),
    Phrase("The network's weights are made random from the top down, and the map is made again at each stop."),
    STOPS,
    1,
    lambda passes: times(passes, STOPS + 1),
    _cascade,
    _draw_cascade,
    _rows_of_cascade,
)
