"""One filter or slice seen closely, with its way to what it responds to."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from pages.common import routes
from pages.common.opened import Opened, open_unit
from pages.common.panels import bullets, close_up, picture_file, tiles
from pages.common.text import _
from pages.common.widgets import honest_png
from pages.common.words import grey_in_words, range_of_weights
from pages.look.filters.kernels import Shown, wave_in_words
from vis.figures.filters import limits_of, planes
from vis.figures.numbers import fixed, significant
from vis.figures.pictures import enlarged, signed
from vis.filters import ALIKE, layer_ending_with

CHANNELS = ("R", "G", "B")


def one_filter(shown: Shown, i: int, close: Callable[[], None]) -> None:
    """Draws everything about one tile."""
    kernel, layer = shown.measures.kernels[i], shown.convolution.name
    limit = float(limits_of(shown.measures.kernels, shown.own)[i])
    with close_up(shown.name(i), f"{layer} {shown.output} {i}", close, "filter"):
        pixels = signed(kernel, limit)
        if len(kernel) == len(CHANNELS):
            st.image(honest_png(shown.loaded, enlarged(pixels, 300)), width=300, alt=shown.name(i))
        _weights(shown, kernel, limit, shown.name(i))
        st.caption(range_of_weights(None if shown.own else limit))
        bullets(_numbers(shown, i))
        row = st.container(horizontal=True)
        _way_to_responses(row, shown, i)
        words = [*shown.words(), shown.label(i).replace("\n", " · "), grey_in_words(limit)]
        name = f"{shown.loaded.architecture.name}-{layer}-{shown.numbers[i]}.png"
        picture_file(row, pixels, words, name, "filter png", loaded=shown.loaded)


def _weights(shown: Shown, kernel: np.ndarray, limit: float, name: str) -> None:
    """The channels of a kernel side by side, whose weights can be pointed at."""
    channels, h, w = kernel.shape
    side_by_side = planes(kernel, limit)
    labels = [["" for _column in range(side_by_side.shape[1])] for _row in range(h)]  # nothing between the channels
    for channel, row, column in np.ndindex(kernel.shape):
        words = _(
            "row {row}, column {column}: {label}",
            row=row,
            column=column,
            label=significant(kernel[channel, row, column], 4),
        )
        labels[row][channel * (w + 1) + column] = f"{CHANNELS[channel]}, {words}" if channels > 1 else words
    tiles(
        enlarged(side_by_side, 600 if channels > 1 else 300),
        side_by_side.shape[1],
        "weights of filter",
        labels=[label for row in labels for label in row],
        loaded=shown.loaded,
        alt=_("Weights of {name}", name=name),
        width=None if channels > 1 else 300,
    )
    if channels > 1:
        st.caption(_("Red, green and blue separately; point at a weight to read it."))


def _numbers(shown: Shown, i: int) -> list[str]:
    m = shown.measures
    lines = [
        _("RMS {rms} · norm {norm}", rms=significant(m.rms[i], 4), norm=significant(m.norm[i], 4)),
        wave_in_words(m, i),
    ]
    if shown.output is not None:  # a slice is not compared
        return lines
    if m.nearest[i] >= 0:
        other, cosine = shown.name(m.nearest[i]), fixed(m.likeness[i], 3)
        lines.append(_("most like {other}: absolute cosine {cosine}", other=other, cosine=cosine))
    if i in m.dead:
        lines.append(_("**dead**: its RMS is below 5 % of the layer's median"))
    if i in m.repeated:
        lines.append(_("**repeated**: that cosine is at least {alike}", alike=ALIKE))
    return lines


def _way_to_responses(place, shown: Shown, i: int) -> None:
    """The way to what this filter's map, or the slices' output map, responds to."""
    channel = shown.numbers[i] if shown.output is None else shown.output
    convolution, network = shown.convolution.name, shown.chosen.network
    layer = layer_ending_with(shown.loaded.model, shown.loaded.layers, convolution)
    also = {} if layer else {"also": convolution}  # one more layer there

    def go() -> None:
        open_unit("layers", Opened(layer or convolution, channel))
        routes.go(routes.LAYERS, network, layer=layer or convolution, map=str(channel), **also)

    words = _("What map {channel} responds to", channel=channel)
    place.button(words, icon=":material/visibility:", type="tertiary", key="responses", on_click=go)
