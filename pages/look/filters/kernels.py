"""Filters in words and numbers, together and as a table to take away."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from models import Loaded
from pages.common.export import download, table
from pages.common.panels import bullets, picture_file
from pages.common.session import Selection
from pages.common.text import _
from pages.common.words import network_in_words
from vis.figures.numbers import fixed, significant
from vis.filters import ALIKE, Convolution, Measures, rows


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
            rms=significant(self.measures.rms[i]),
            norm=significant(self.measures.norm[i]),
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
                "{layer}: {count} depthwise {kernel} filters, one per map", layer=c.name, count=c.outputs, kernel=kernel
            )
        else:
            what = _("{layer}: {count} filters of {kernel}", layer=c.name, count=c.outputs, kernel=kernel)
            on_pixels, on_input = _("as they act on pixels from 0 to 1"), _("as they act on the normalised picture")
            what = f"{what}, {on_pixels if self.on_picture else on_input}"
        return [network_in_words(self.loaded), what]


def wave_in_words(measures: Measures, i: int) -> str:
    """The strongest wave of a kernel."""
    frequency, angle = measures.frequency[i], measures.orientation[i]
    if frequency == 0:
        return _("mostly uniform (frequency 0)")
    words = _("{frequency} cycles per pixel", frequency=significant(frequency, 2))
    return f"{words}, " + (_("no orientation") if np.isnan(angle) else _("stripes at {angle}°", angle=fixed(angle)))


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
                "Mostly uniform (frequency 0): {even}; further ones without an orientation: {without}",
                even=even,
                without=without - even,
            )
        )
    else:
        if half := m.half_of_energy:
            lines.append(
                _(
                    "The {half} strongest of {all} input maps hold half of the filter's energy (its squared norm).",
                    half=half,
                    all=len(m.norm),
                )
            )
        if shown.convolution.groups > 1:
            lines.append(
                _(
                    "{groups} groups: this filter reads only input maps {maps}.",
                    groups=shown.convolution.groups,
                    maps=_listed(shown.numbers),
                )
            )
    bullets(lines)
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
    span = " · ".join(significant(value) for value in (rms.min(), np.median(rms), rms.max()))
    return _("RMS, smallest · median · largest: {span}", span=span)


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
        "Repeated: {count} of {all} (absolute cosine with another filter at least {alike})",
        count=len(measures.repeated),
        all=len(measures.kernels),
        alike=ALIKE,
    )


def files(shown: Shown, pixels: np.ndarray, words: Sequence[str]) -> None:
    """The sheet and the table, to take away."""
    output = "" if shown.output is None else f"-{shown.output}"
    name = f"{shown.loaded.architecture.name}-{shown.convolution.name}{output}-filters"
    row = st.container(horizontal=True)
    picture_file(row, pixels, words, f"{name}.png", "tiles png", label=_("Tiles (PNG)"), loaded=shown.loaded)
    download(row, _("Table (CSV)"), lambda: table(rows_of_tiles(shown)), f"{name}.csv", "tiles csv")


def rows_of_tiles(shown: Shown) -> Iterator[dict[str, Any]]:
    """A row for every tile, with its numbers and whose they are."""
    c, whole = shown.convolution, shown.output is None
    of = {
        "network": shown.loaded.architecture.name,
        "weights": shown.loaded.weights.identity,
        "layer": c.name,
        "acts_on": "pixels from 0 to 1" if shown.on_picture else "normalised picture" if c.reads_picture else "maps",
    }
    for number, row in zip(shown.numbers, rows(shown.measures), strict=True):
        if row["most_like"] is not None:
            row["most_like"] = shown.numbers[row["most_like"]]
        if whole:
            yield {**of, "filter": number, **row}
        else:
            del row["dead"]  # a slice is not called dead anywhere
            yield {**of, "output_map": shown.output, "input_map": number, **row}


def shipped_all_the_same(chosen: Selection) -> None:
    """Says so where the weights that ship are shown though others were chosen."""
    if chosen.weights != "shipped":
        st.info(_("The shipped weights are shown below, not those chosen above."), icon=":material/info:")
