"""One of the nine pictures that excite a feature map most, seen closely."""

from dataclasses import astuple

import streamlit as st

from models.refusals import Refused
from models.statefile import printable
from pages.common import cache
from pages.common.panels import close_up, picture, picture_file
from pages.common.text import _, plain, said
from pages.common.words import box_in_words, empty_in_words, fidelity_in_words, range_in_words
from pages.look.top9.ranking import Shown, class_of, source_in_words
from pages.look.top9.state import OneOfNine, open_one
from vis.deconvnet import Box
from vis.figures.nine import tile, whole
from vis.figures.numbers import significant
from vis.figures.pictures import montage, signed, with_box
from vis.top9 import Entry


def one_of_nine(shown: Shown, opened: OneOfNine) -> None:
    """Draws the whole picture with the box, the projection in its place, and the part itself."""
    entries = shown.entries(opened.channel)
    entry = entries[opened.rank]
    try:
        with st.spinner(_("Projecting the unit …")):
            (pair,) = cache.nine_in_full(shown.loaded, shown.asked.pictures, [entry], shown.operation, opened.channel)
        given = shown.asked.pictures.open(entry.picture)
    except Refused as refusal:
        st.error(plain(said(refusal)), icon=":material/hide_image:")
        return
    projection, one = pair.projection, tile(pair, None)
    box, limit, rank, loaded = projection.box, one.limit, opened.rank + 1, shown.loaded
    title = _("Feature map {channel}, picture {rank} of {all}", channel=opened.channel, rank=rank, all=len(entries))
    with close_up(title, f"{opened.layer} {opened.channel} {opened.rank}", lambda: open_one(None), "one of nine"):
        there, part = signed(projection.on_canvas().cpu().numpy(), limit), signed(one.projection, limit)
        first, second, third, fourth = st.columns(4)
        picture(_("The whole picture"), whole(given, loaded.preprocess, box), place=first)
        there = with_box(there, astuple(box), 448)
        picture(_("The projection at its position"), there, loaded=loaded, place=second)
        picture(_("What the unit can see"), montage([pair.patch], 1, 448, gap=0), place=third)
        picture(_("What it saw there"), montage([part], 1, 448, gap=0), loaded=loaded, place=fourth)
        words, fidelity = _unit_in_words(shown, opened.channel, entry, box), fidelity_in_words(projection.fidelity)
        seen_of_it = _("The network does not see the darkened part of the picture; the frame is what the unit can see.")
        about = f"{fidelity}{empty_in_words(projection)} · {range_in_words(limit)}"
        st.caption("  \n".join([*map(plain, words), seen_of_it, about]))
        lines = [*source_in_words(shown), *words, fidelity, range_in_words(limit)]
        file = f"convscope-top9-{loaded.architecture.name}-{shown.operation}-{opened.channel}-{rank}.png"
        picture_file(st, montage([one.patch, part], 2, 224), lines, file, "png of one of nine", loaded=loaded)


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
        activation=significant(entry.value, 4),
    )
    return [" · ".join(words), f"{place} · {box_in_words(box)}"]
