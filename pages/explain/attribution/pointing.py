"""Pointing on a mosaic of four pictures: does the map of a class lie on its own one?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from models.options import Phrase
from models.samples import SAMPLES
from pages.common import cache
from pages.common.chooser import sample_of
from pages.common.panels import figures, small_tiles
from pages.common.text import _, plain
from pages.common.widgets import honest_png
from pages.explain.attribution.asking import View
from pages.explain.attribution.check import Check, Steps, arguments, row, times
from pages.explain.classes import class_name
from vis.attribution.pointing import mosaic, pointed
from vis.figures.attribution import limit_of
from vis.figures.numbers import percent

Pointing = tuple[int, float | None, bool, cache.Explained]


def is_possible(view: View) -> bool:
    """Whether there are pictures enough of classes that the network knows."""
    return len(_others(view)) == 3


def _others(view: View) -> list[tuple[str, int]]:
    """Three samples of classes that the network knows, each with its class; no two of one, nor of the class asked."""
    names, found = view.loaded.categories or (), {}
    for sample in SAMPLES.values():
        right = [names.index(name) for name in sample.known_to(names)]
        if right and not {_own_class(view), *found} & set(right) and sample.name != view.chosen.picture.name:
            found[right[0]] = sample.name
    return [(name, number) for number, name in found.items()][:3]


def _own_class(view: View) -> int:
    """The class of the visitor's picture: a sample's own, or else what the network takes it for."""
    names = view.loaded.categories or ()
    sample = None if view.chosen.picture.uploaded else SAMPLES.get(view.chosen.picture.name)
    known = [names.index(name) for name in sample.known_to(names)] if sample else []
    return known[0] if known else int(cache.probabilities(view.chosen)[0].argmax())


def _pointing(view: View, method: str, found: cache.Explained) -> Steps:
    known = _others(view)
    given = [cache.picture(view.chosen)]
    given += [cache.picture(replace(view.chosen, picture=sample_of(name))) for name, _number in known]
    loaded, targets, further = (
        view.loaded,
        [_own_class(view), *(number for _name, number in known)],
        arguments(view, method),
    )

    def steps() -> Iterator[Pointing]:
        images = [loaded.classifier_input(picture) for picture in given]
        for one in pointed(loaded.model, images, targets, method, **further):
            yield one.target, one.share, one.is_inside, cache.explained(one.found)

    return steps


def _pixels(view: View) -> np.ndarray:
    """The four pictures as the eye sees what the network is shown, (H, W, 3) uint8."""
    chosen = [view.chosen, *(replace(view.chosen, picture=sample_of(name)) for name, _number in _others(view))]
    prepare = view.loaded.classifier_input
    return prepare.for_the_eye(mosaic([prepare(cache.picture(one)) for one in chosen]))


def _draw_pointing(view: View, method: str, result: Sequence[Pointing]) -> None:
    pixels = _pixels(view)
    for place, (target, share, is_inside, found) in zip(small_tiles("mosaic", 4), result, strict=True):
        seen = replace(view, pixels=pixels)
        shown = seen.pixels_of(found, limit_of(view.values(found)))
        name = class_name(view.loaded, target)
        place.image(honest_png(view.loaded, shown), width="stretch", alt=name)
        hit = _("the largest value too") if is_inside else _("the largest value is elsewhere")
        words = _("{share} in its picture", share=percent(share or 0, 0)) + f"; {hit}"
        place.caption(f"**{plain(name)}**: {_('nothing is positive') if share is None else words}")
    shares = [share for _t, share, _i, _f in result if share is not None]
    if shares:
        figures([(_("share in the right quarter, mean"), percent(sum(shares) / len(shares), 0))])
    if view.target != _own_class(view):
        st.caption(_("Each picture's own class is pointed at, whatever class is explained above."))
    st.caption(
        _(
            "By chance it is 25 %. Published pointing game, on labelled boxes (VOC07, VGG-16; Fong et al. 2019), as "
            "theirs: centre 69.6 %, deconvnet 67.5 %, gradient 76.3 %, guided 75.9 %, Grad-CAM 86.6 %, RISE 86.9 %. "
            "The deconvnet points worse than the centre of the picture."
        )
    )


def _rows_of_pointing(view: View, method: str, result: Sequence[Pointing]) -> list[dict[str, Any]]:
    return [
        row(view, method, mosaic_class=class_name(view.loaded, target), share=share, largest_inside=is_inside)
        for target, share, is_inside, _found in result
    ]


CHECK = Check(
    "pointing",
    Phrase("Pointing"),
    Phrase("Four pictures of four classes side by side: how much of a class's map lies on its own picture?"),
    4,
    1,
    lambda passes: times(passes, 4),
    _pointing,
    _draw_pointing,
    _rows_of_pointing,
)
