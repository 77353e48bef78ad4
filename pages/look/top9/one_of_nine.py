"""One of the nine pictures that excite a feature map most, seen closely."""

from collections.abc import Sequence

import streamlit as st

from models.images import png
from models.refusals import Refused
from models.statefile import printable
from pages.common import cache
from pages.common.components.reveal import reveal
from pages.common.export import download
from pages.common.panels import closeable
from pages.common.text import _, plain, said
from pages.common.widgets import honest_png, warning_of
from pages.common.words import box_in_words, empty_in_words, fidelity_in_words, range_in_words
from pages.look.top9.ranking import Shown, class_of, source_in_words
from pages.look.top9.state import OneOfNine
from vis.deconvnet import Box
from vis.figures.nine import tile, whole
from vis.figures.pictures import captioned, montage, signed, with_box
from vis.top9 import Entry, Pair


def close_up(shown: Shown, opened: OneOfNine) -> bool:
    """Draws the whole picture with the box, the projection in its place, and the part itself; whether it was closed."""
    entries = shown.entries(opened.channel)
    entry = entries[opened.rank]
    try:
        with st.spinner(_("Projecting the unit …")):
            (pair,) = cache.nine_in_full(shown.loaded, shown.asked.pictures, [entry], shown.operation, opened.channel)
        given = shown.asked.pictures.open(entry.picture)
    except Refused as refusal:
        st.error(plain(said(refusal)), icon=":material/hide_image:")
        return False
    box, projection = pair.projection.box, pair.projection
    limit = tile(pair, None).limit
    with st.container(border=True):
        reveal(f"{opened.layer} {opened.channel} {opened.rank}", key="reveal one of nine")
        title = _(
            "Feature map {channel}, picture {rank} of {all}",
            channel=opened.channel,
            rank=opened.rank + 1,
            all=len(entries),
        )
        closed = closeable(title, "close one of nine")
        corners = (box.top, box.left, box.bottom, box.right)
        seen, part = signed(projection.on_canvas().cpu().numpy(), limit), signed(projection.pixels.cpu().numpy(), limit)
        views = {
            _("The whole picture"): png(whole(given, shown.loaded.preprocess, box)),
            _("The projection at its position"): honest_png(shown.loaded, with_box(seen, corners, 448)),
            _("What the unit can see"): png(montage([pair.patch], 1, 448, gap=0)),
            _("What it saw there"): honest_png(shown.loaded, montage([part], 1, 448, gap=0)),
        }
        for column, (name, picture) in zip(st.columns(4), views.items(), strict=True):
            column.caption(f"**{name}**")
            column.image(picture, width="stretch")
        words = _unit_in_words(shown, opened.channel, entry, box)
        seen_of_it = _("The network does not see the darkened part of the picture; the frame is what the unit can see.")
        about = f"{fidelity_in_words(projection.fidelity)}{empty_in_words(projection)} · {range_in_words(limit)}"
        st.caption("  \n".join([*map(plain, words), seen_of_it, about]))
        _file(shown, opened, pair, words)
    return closed


def _unit_in_words(shown: Shown, channel: int, entry: Entry, box: Box) -> list[str]:
    """Picture, class, value and place of one of the nine."""
    words = [_("picture {name}", name=printable(entry.picture))]
    if entry.label:
        words.append(_("class {label}", label=class_of(shown, entry)))
    place = _(
        "feature map {channel}, row {row}, column {column}: activation {activation}",
        channel=channel,
        row=entry.row,
        column=entry.column,
        activation=f"{entry.value:.4g}",
    )
    return [" · ".join(words), f"{place} · {box_in_words(box)}"]


def _file(shown: Shown, opened: OneOfNine, pair: Pair, words: Sequence[str]) -> None:
    """A PNG of patch and projection side by side."""
    one, warning = tile(pair, None), warning_of(shown.loaded)
    lines = [*source_in_words(shown), *words, fidelity_in_words(one.fidelity), range_in_words(one.limit)]
    pieces = [one.patch, signed(one.projection, one.limit)]
    of = f"{shown.loaded.architecture.name}-{shown.operation}-{opened.channel}-{opened.rank + 1}"
    download(
        st,
        "PNG",
        lambda: captioned(montage(pieces, 2, 224), lines, banner=warning),
        f"convscope-top9-{of}.png",
        "png of one of nine",
    )
