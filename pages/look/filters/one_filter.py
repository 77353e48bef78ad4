"""One filter or slice seen closely, with its way to what it responds to."""

import numpy as np
import streamlit as st

from models import Loaded
from pages.common import routes
from pages.common.components.grid import clickable_grid
from pages.common.components.reveal import reveal
from pages.common.export import download
from pages.common.opened import Opened, open_unit
from pages.common.panels import closeable
from pages.common.text import _
from pages.common.widgets import honest_png, warning_of
from pages.common.words import grey_in_words, range_of_weights
from pages.look.filters.kernels import Shown, wave_in_words
from vis.figures.filters import limits_of, planes
from vis.figures.pictures import captioned, enlarged, signed
from vis.filters import ALIKE, convolutions
from vis.trace import traced

CHANNELS = ("R", "G", "B")


def close_up(shown: Shown, i: int) -> bool:
    """Draws everything about one tile; whether it was closed."""
    m, kernel = shown.measures, shown.measures.kernels[i]
    limit = float(limits_of(m.kernels, shown.own)[i])
    with st.container(border=True):
        reveal(f"{shown.convolution.name} {shown.output} {i}", key="reveal filter")
        closed = closeable(shown.name(i), "close filter")
        pixels = signed(kernel, limit)
        if len(kernel) == len(CHANNELS):
            st.image(honest_png(shown.loaded, enlarged(pixels, 300)), width=300)
        _weights(shown, kernel, limit, shown.name(i))
        st.caption(range_of_weights(None) if shown.own else range_of_weights(limit))
        st.markdown("\n".join(f"* {line}" for line in _numbers(shown, i)))
        row = st.container(horizontal=True)
        _way_to_responses(row, shown, i)
        words = [*shown.words(), shown.label(i).replace("\n", " · "), grey_in_words(limit)]
        warning = warning_of(shown.loaded)
        name = f"{shown.loaded.architecture.name}-{shown.convolution.name}-{shown.numbers[i]}.png"
        download(row, "PNG", lambda: captioned(pixels, words, banner=warning), name, "filter png")
    return closed


def _weights(shown: Shown, kernel: np.ndarray, limit: float, name: str) -> None:
    """The channels of a kernel side by side, whose weights can be pointed at."""
    channels, h, w = kernel.shape
    side_by_side = planes(kernel, limit)
    labels = [["" for _column in range(side_by_side.shape[1])] for _row in range(h)]  # nothing between the channels
    for channel, row, column in np.ndindex(kernel.shape):
        words = _(
            "row {row}, column {column}: {label}", row=row, column=column, label=f"{kernel[channel, row, column]:.4g}"
        )
        labels[row][channel * (w + 1) + column] = f"{CHANNELS[channel]}, {words}" if channels > 1 else words
    big = enlarged(side_by_side, 600 if channels > 1 else 300)
    clickable_grid(
        honest_png(shown.loaded, big),
        h,
        side_by_side.shape[1],
        key="weights of filter",
        labels=[label for row in labels for label in row],
        alt=_("Weights of {name}", name=name),
        width=None if channels > 1 else 300,
        height=len(big),
    )
    if channels > 1:
        st.caption(_("Red, green and blue separately; point at a weight to read it."))


def _numbers(shown: Shown, i: int) -> list[str]:
    m = shown.measures
    lines = [
        _("RMS {rms} · norm {norm}", rms=f"{m.rms[i]:.4g}", norm=f"{m.norm[i]:.4g}"),
        wave_in_words(m, i),
    ]
    if shown.output is None and m.nearest[i] >= 0:
        lines.append(
            _(
                "most like {other}: absolute cosine {cosine}",
                other=shown.name(m.nearest[i]),
                cosine=f"{m.likeness[i]:.3f}",
            )
        )
    if shown.output is None:
        if i in m.dead:
            lines.append(_("**dead**: its RMS is below 5 % of the layer's median"))
        if i in m.repeated:
            lines.append(_("**repeated**: that cosine is at least {alike}", alike=ALIKE))
    return lines


def _way_to_responses(place, shown: Shown, i: int) -> None:
    """The way to what this filter's map, or the slices' output map, responds to."""
    channel = shown.numbers[i] if shown.output is None else shown.output
    name = short_name(shown.loaded, shown.convolution.name)
    place.button(
        _("What map {channel} responds to", channel=channel),
        icon=":material/visibility:",
        type="tertiary",
        key="responses",
        on_click=_go_to_responses,
        args=(shown.chosen.network, name or shown.convolution.name, channel),
        kwargs={} if name else {"also": shown.convolution.name},
    )


def _go_to_responses(network: str, layer: str, channel: int, **also: str) -> None:
    """Asks for the page of the layers with this map open there."""
    open_unit("layers", Opened(layer, channel))
    routes.go(routes.LAYERS, network, layer=layer, map=str(channel), **also)


def short_name(loaded: Loaded, convolution: str) -> str | None:
    """ "1" … "5", or the paper's name, of the layer that ends with the maps of this convolution; None for no such."""
    trace, known = traced(loaded.model), convolutions(loaded.model)
    for name, operation in loaded.layers.items():
        node = trace[operation]
        while trace.names[node] not in known and len(node.all_input_nodes) == 1:
            (node,) = node.all_input_nodes
        if trace.names[node] == convolution:
            return name
    return None
