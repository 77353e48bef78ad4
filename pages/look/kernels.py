"""Filters in words and numbers; and one of them seen closely, with its way to what it responds to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from models import Loaded
from pages.common.components.grid import clickable_grid
from pages.common.components.reveal import reveal
from pages.common.session import Opened, Selection, open_unit
from pages.common.text import _
from pages.common.widgets import download, honest_png, warning_of, weights_in_words
from pages.look.words import grey_in_words
from vis.figures.filters import limits_of, planes
from vis.figures.pictures import captioned, enlarged, signed
from vis.filters import ALIKE, Convolution, Measures, convolutions, rows
from vis.trace import traced

CHANNELS = ("R", "G", "B")
MOST = 512  # tiles of a sheet at once, and rows and columns of a matrix


@dataclass(frozen=True, eq=False)
class Shown:
    """The tiles of a layer that are on the page."""

    chosen: Selection
    loaded: Loaded
    convolution: Convolution
    measures: Measures
    numbers: Sequence[int]  # what the tiles are called: filters, or input maps, which need not be next to each other
    output: int | None  # whose slices they are; None for whole filters
    own: bool  # every tile has its own range
    on_picture: bool  # as they act on pixels from 0 to 1

    def name(self, i: int) -> str:
        """What the tile is called."""
        number = self.numbers[i]
        return _("Filter {number}", number=number) if self.output is None else _("Input map {number}", number=number)

    def label(self, i: int) -> str:
        """What stands beside the tile that is pointed at."""
        words = _(
            "{name}: RMS {rms}, norm {norm}",
            name=self.name(i),
            rms=f"{self.measures.rms[i]:.3g}",
            norm=f"{self.measures.norm[i]:.3g}",
        )
        return f"{words}\n{wave_in_words(self.measures, i)}"

    def words(self) -> list[str]:
        """What is shown, where it stands alone."""
        c = self.convolution
        kernel = "×".join(map(str, c.kernel))
        if self.output is not None:
            what = _(
                "{layer}: the {kernel} slices of output map {output} over its {count} input maps",
                layer=c.name,
                kernel=kernel,
                output=self.output,
                count=len(self.numbers),
            )
        elif c.kind == "depthwise":
            what = _(
                "{layer}: {count} depthwise filters of {kernel}, each over a map of its own",
                layer=c.name,
                count=c.outputs,
                kernel=kernel,
            )
        else:
            what = _("{layer}: {count} filters of {kernel}", layer=c.name, count=c.outputs, kernel=kernel)
            acting = (
                _("as they act on pixels from 0 to 1")
                if self.on_picture
                else _("as they act on the normalised picture")
            )
            what = f"{what}, {acting}"
        return [about(self.loaded), what]


def about(loaded: Loaded) -> str:
    """Whose filters these are."""
    return f"{loaded.architecture.title} · {weights_in_words(loaded)}"


def range_of_weights(limit: float | None) -> str:
    """What black, grey and white mean in a picture of weights; None where every tile has its own range."""
    if limit is None:
        return _("Every tile has its own range: grey is 0, white or black is its own largest weight.")
    return grey_in_words(limit, f"; {_('one range for all')}")


def wave_in_words(measures: Measures, i: int) -> str:
    """The strongest wave of a kernel."""
    frequency, angle = measures.frequency[i], measures.orientation[i]
    if frequency == 0:
        return _("mostly even: frequency 0")
    words = _("{frequency} cycles a pixel", frequency=f"{frequency:.2g}")
    return f"{words}, " + (_("no orientation") if np.isnan(angle) else _("stripes at {angle}°", angle=f"{angle:.0f}"))


def part(count: int, name: str, key: str) -> slice:
    """Which of the tiles, rows or columns of that name are shown, where they are too many."""
    if count <= MOST:
        return slice(None)
    first = st.selectbox(
        name,
        range(0, count, MOST),
        format_func=lambda start: f"{start + 1}–{min(start + MOST, count)} / {count}",
        key=f"part {key}",
        persist_state="session",
    )
    return slice(first, first + MOST)


# All of them ------------------------------------------------------------------------------------------------------


def in_numbers(shown: Shown) -> None:
    """What can be said of all tiles of a layer together."""
    m = shown.measures
    st.markdown(f"**{_('In numbers')}**")
    lines = [rms_in_words(m)]
    if shown.output is None:
        lines += [dead_in_words(m), repeated_in_words(m)]
        even, without = int((m.frequency == 0).sum()), int(np.isnan(m.orientation).sum())
        lines.append(
            _(
                "{even} mostly even (frequency 0), {without} more without an orientation",
                even=even,
                without=without - even,
            )
        )
    else:
        strongest = np.argsort(-m.norm, kind="stable")
        energy = np.cumsum(np.square(m.norm[strongest]))
        if energy[-1] > 0:
            half = int((energy < energy[-1] / 2).sum()) + 1
            lines.append(
                _(
                    "The {half} strongest of {all} input maps hold half of the filter's energy (its norm squared).",
                    half=half,
                    all=len(energy),
                )
            )
        if shown.convolution.groups > 1:
            lines.append(
                _(
                    "In {groups} groups: this filter reads input maps {maps} and no others.",
                    groups=shown.convolution.groups,
                    maps=_listed(shown.numbers),
                )
            )
    st.markdown("\n".join(f"* {line}" for line in lines))
    st.caption(_("Click a tile to look closer."))


def _listed(numbers: Sequence[int]) -> str:
    """Such as "48 to 95"; where some between them are missing, all of them."""
    first, last = min(numbers), max(numbers)
    if last - first >= len(numbers):
        return ", ".join(map(str, sorted(numbers)))
    return _("{first} to {last}", first=first, last=last)


def rms_in_words(measures: Measures) -> str:
    """How strong the filters are."""
    rms = measures.rms
    span = " · ".join(f"{value:.3g}" for value in (rms.min(), np.median(rms), rms.max()))
    return _("RMS: smallest, median, largest {span}", span=span)


def dead_in_words(measures: Measures) -> str:
    """How many filters are dead, and what that means."""
    return _(
        "Dead: {count} of {all} (RMS below 5 % of the layer's median)",
        count=len(measures.dead),
        all=len(measures.kernels),
    )


def repeated_in_words(measures: Measures) -> str:
    """How many filters are repeated, and what that means."""
    return _(
        "Repeated: {count} of {all} (absolute cosine with another of at least {alike})",
        count=len(measures.repeated),
        all=len(measures.kernels),
        alike=ALIKE,
    )


def files(shown: Shown, pixels: np.ndarray, words: Sequence[str]) -> None:
    """The sheet and the table, to take away."""
    output = "" if shown.output is None else f"-{shown.output}"
    name = f"{shown.loaded.architecture.name}-{shown.convolution.name}{output}-filters"
    warning = warning_of(shown.loaded)
    row = st.container(horizontal=True)
    download(row, _("Tiles (PNG)"), lambda: captioned(pixels, words, banner=warning), f"{name}.png", "tiles png")
    download(
        row,
        _("Table (CSV)"),
        lambda: table(shown).to_csv(index=False).encode("utf-8-sig"),
        f"{name}.csv",
        "tiles csv",
    )


def table(shown: Shown) -> pd.DataFrame:
    """A row for every tile, with its numbers and whose they are."""
    c, weights = shown.convolution, shown.loaded.weights
    whose = {
        "network": shown.loaded.architecture.name,
        "weights": weights.identity,
        "layer": c.name,
        "acts_on": "pixels from 0 to 1" if shown.on_picture else "normalised picture" if c.reads_picture else "maps",
    }
    number = "filter" if shown.output is None else "input_map"
    if shown.output is not None:
        whose["output_map"] = shown.output
    found = pd.DataFrame(
        [whose | {number: n} | row for n, row in zip(shown.numbers, rows(shown.measures), strict=True)]
    )
    found["most_like"] = found["most_like"].map(lambda i: shown.numbers[int(i)], na_action="ignore").astype("Int64")
    return found if shown.output is None else found.drop(columns="dead")  # a slice is not called dead anywhere


def shipped_all_the_same(chosen: Selection) -> None:
    """Says so where the weights that ship are shown though others were chosen."""
    if chosen.weights != "shipped":
        st.info(_("Below, the weights that ship are shown, and not those of the sidebar."), icon=":material/info:")


# One of them ------------------------------------------------------------------------------------------------------


def close_up(shown: Shown, i: int) -> bool:
    """Draws everything about one tile; whether it was closed."""
    m, kernel = shown.measures, shown.measures.kernels[i]
    limit = float(limits_of(m.kernels, shown.own)[i])
    with st.container(border=True):
        reveal(f"{shown.convolution.name} {shown.output} {i}", key="reveal filter")
        title, close = st.columns([5, 3], vertical_alignment="center")
        title.markdown(f"#### {shown.name(i)}")
        closed = close.button(_("Close"), icon=":material/close:", key="close filter", width="stretch")
        pixels = signed(kernel, limit)
        if len(kernel) == len(CHANNELS):
            st.image(honest_png(shown.loaded, enlarged(pixels, 300)), width=300)
        _weights(shown, kernel, limit, shown.name(i))
        st.caption(range_of_weights(None) if shown.own else range_of_weights(limit))
        st.markdown("\n".join(f"* {line}" for line in _numbers(shown, i)))
        row = st.container(horizontal=True)
        with row:
            _way_to_responses(shown, i)
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
        st.caption(_("Red, green, blue, each for itself; point at a weight to read it."))


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


def _way_to_responses(shown: Shown, i: int) -> None:
    """The way to what this filter's map, or the slices' output map, responds to."""
    channel = shown.numbers[i] if shown.output is None else shown.output
    name = short_name(shown.loaded, shown.convolution.name)
    if st.button(
        _("What map {channel} responds to", channel=channel),
        icon=":material/visibility:",
        type="tertiary",
        key="responses",
    ):
        layer = name or shown.convolution.name
        open_unit(Opened(layer, channel))
        link = {"network": shown.chosen.network, "layer": layer, "map": str(channel)}
        st.switch_page("pages/look/layers.py", query_params=link if name else link | {"also": layer})


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
