"""What a search for the strongest pictures found: in words, and as files to take away."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from models import Loaded
from models.samples import TITLES
from models.statefile import printable
from pages.common import cache
from pages.common.code import selection_code, the_code
from pages.common.export import download, table
from pages.common.text import _, plain, spoken
from pages.common.widgets import weights_in_words
from pages.common.words import fidelity_in_words, network_in_words, range_in_words, ranked_in_words
from pages.look.top9.mining import Asked
from vis.figures.nine import Tile, limits, montages, side_by_side, tile
from vis.figures.numbers import grouped, significant
from vis.figures.pictures import captioned
from vis.top9 import Entry, Top, as_parquet, rows

CODE = """\
from pathlib import Path
from PIL import Image
from vis.figures.nine import montages, side_by_side, tile
from vis.top9 import mine, patches_and_projections

layer = loaded.layers[{layer!r}]
top = mine(loaded, pictures, [layer], keep=Path("top9.parquet"))  # stopped, it is resumed from there
for channel in {channels}:
    nine = patches_and_projections(loaded, pictures, top.entries(layer, channel), layer, channel)
    sheet = side_by_side(*montages([tile(pair, None) for pair in nine], own={own}))
    Image.fromarray(sheet).save(f"map{{channel}}.png")
"""


@dataclass(frozen=True, eq=False)
class Shown:
    """What of the result is on the screen."""

    asked: Asked
    top: Top
    layer: str
    own_range: bool  # of every projection, or one for the nine

    @property
    def operation(self) -> str:
        return self.asked.loaded.layers[self.layer]

    @property
    def loaded(self) -> Loaded:
        return self.asked.loaded

    def entries(self, channel: int) -> list[Entry]:
        return self.top.entries(self.operation, channel)

    @property
    def strongest(self) -> np.ndarray:
        """The largest value of every feature map, (K,)."""
        return self.top.rankings[self.operation].values[:, 0]


def source_in_words(shown: Shown) -> list[str]:
    """Network, weights and set, for pictures that stand alone."""
    loaded, top = shown.loaded, shown.top
    counted = grouped(top.counted - top.unreadable_in_all)
    return [
        f"{network_in_words(loaded)} · {shown.operation}",
        _("{count} pictures: {title}", count=counted, title=shown.asked.title),
    ]


def rule_in_words(shown: Shown) -> str:
    """Which pictures the nine are."""
    if shown.top.photographs == shown.top.names:
        return _("one unit per picture, the map's strongest; ties in order of the picture names")
    return _("one crop per photograph and one unit per crop, the map's strongest; ties in order of the picture names")


def about_all(shown: Shown) -> None:
    """All that holds for every picture above."""
    top, loaded = shown.top, shown.loaded
    idle = int((shown.strongest <= 0).sum())
    words = [
        f"{spoken(loaded.architecture.title)}, {plain(weights_in_words(loaded))}",
        _(
            "layer {layer} ({operation}): {k} feature maps",
            layer=shown.layer,
            operation=plain(shown.operation),
            k=grouped(top.channels(shown.operation)),
        ),
        _(
            "{count} pictures: {title}",
            count=grouped(top.counted - top.unreadable_in_all),
            title=plain(shown.asked.title),
        ),
        rule_in_words(shown),
        _("projections by the deconvnet, each in its own picture"),
    ]
    lines = [" · ".join(words)]
    if (ranked := top.key.ranking[shown.operation]) != shown.operation:
        lines.append(plain(ranked_in_words(ranked)))
    if (number := len(shown.entries(0))) < top.key.k:
        lines.append(
            _("Photographs of this set that could be read: {number}, so each map shows {number}.", number=number)
        )
    if idle:
        k = len(shown.strongest)
        lines.append(_("Maps that no picture activates: {idle} of {k}.", idle=idle, k=k))
    if shown.asked.is_samples:
        lines.append(
            _(
                "The crops overlap, at two scales: few pictures, for a quick first look. For more informative results, "
                "use a set of several thousand pictures."
            )
        )
    lines.append(
        range_in_words(None)
        if shown.own_range
        else _("Each map's nine share one range: grey is 0, white or black ± the number below them.")
    )
    st.caption("  \n".join(lines))


def values_in_words(shown: Shown, entries: Sequence[Entry], tiles: Sequence[Tile]) -> list[str]:
    """Values, ranges and classes of the nine."""
    ranges = limits(tiles, shown.own_range)
    low, high = (significant(limit) for limit in (min(ranges), max(ranges)))
    values = _("values {low} to {high}", low=significant(entries[-1].value), high=significant(entries[0].value))
    several, one = _("projections ±{low} to ±{high}", low=low, high=high), _("projections ±{high}", high=high)
    lines = [f"{values} · {several if shown.own_range else one}"]
    if classes := _classes(shown, entries):
        lines.append(classes)
    if idle := sum(entry.value <= 0 for entry in entries):
        lines.append(_("{idle} of them do not activate it", idle=idle))
    return lines


def _classes(shown: Shown, entries: Sequence[Entry]) -> str:
    """The classes that the pictures come from, the most frequent first; empty where the set has none."""
    counted = Counter(class_of(shown, entry) for entry in entries if entry.label)
    return " · ".join(f"{name} ×{number}" if number > 1 else name for name, number in counted.most_common())


def class_of(shown: Shown, entry: Entry) -> str:
    """The class that a picture comes from; of the samples' crops in the session's language."""
    label = entry.label or ""
    return spoken(TITLES[label]) if shown.asked.is_samples and label in TITLES else printable(label)


def label_of(shown: Shown, rank: int, entry: Entry) -> str:
    """One of the nine where the pointer is."""
    name = f"{class_of(shown, entry)}\n" if entry.label else ""
    return f"{rank + 1}. {name}{printable(entry.picture)}\n" + _(
        "row {row}, column {column}: {label}", row=entry.row, column=entry.column, label=significant(entry.value, 4)
    )


# What can be taken away -----------------------------------------------------------------------------------------------


def sheet_in_words(shown: Shown, channel: int, entries: Sequence[Entry], tiles: Sequence[Tile]) -> list[str]:
    """All that the picture of a map's nine must say where it stands alone."""
    return [
        *source_in_words(shown),
        f"{_('Feature map {channel}', channel=channel)} · {_('Deconvnet')} · {fidelity_in_words(tiles[0].fidelity)}",
        *values_in_words(shown, entries, tiles),
        rule_in_words(shown),
        range_in_words(None if shown.own_range else max(limits(tiles, own=False))),
    ]


def sheet_of(shown: Shown, channel: int, words: Sequence[str], warning: str | None) -> bytes:
    """A PNG of a map's patches and projections with all their pixels, and under them what they show."""
    pairs = cache.nine_in_full(shown.loaded, shown.asked.pictures, shown.entries(channel), shown.operation, channel)
    sheet = side_by_side(*montages([tile(pair, None) for pair in pairs], shown.own_range))
    return captioned(sheet, words, banner=warning)


def in_code(shown: Shown, channels: Sequence[int]) -> None:
    """Python that makes the nine of these feature maps, where any picture excites them."""
    asked, excited = shown.asked, [channel for channel in channels if shown.strongest[channel] > 0]
    opening = selection_code(asked.selection) + asked.opening
    the_code(CODE, opening, layer=shown.layer, channels=excited, own=shown.own_range)


def files(shown: Shown) -> None:
    """The whole result as Parquet, which the command line reads too, and as a table."""
    network, top, layers = shown.loaded.architecture.name, shown.top, shown.loaded.layers
    with st.popover(_("Download"), icon=":material/download:", key="files of nines"):
        st.caption(_("All layers and feature maps of this search, without the pictures."))
        name = f"convscope-top9-{network}"
        download(st, "Parquet", lambda: as_parquet(top), f"{name}.parquet", "parquet of nines", icon=None)
        download(st, "CSV", lambda: table(rows(top, layers)), f"{name}.csv", "csv of nines", icon=None)
