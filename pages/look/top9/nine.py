"""The nine pictures that excite each feature map most: patches beside projections, in pages of feature maps."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from models.options import Choice, Number, Phrase
from models.refusals import Refused
from pages.common import address, cache
from pages.common.asking import ask, ask_one, fragment, key_of
from pages.common.export import download
from pages.common.panels import tiles
from pages.common.presenting import Position, arrow_keys, for_a_room
from pages.common.session import set_to
from pages.common.text import _, plain, said
from pages.common.widgets import warning_of
from pages.look.top9.mining import Asked
from pages.look.top9.one_of_nine import one_of_nine
from pages.look.top9.ranking import (
    Shown,
    about_all,
    files,
    in_code,
    label_of,
    sheet_in_words,
    sheet_of,
    source_in_words,
    values_in_words,
)
from pages.look.top9.state import OneOfNine, mining, open_one, opened
from vis.figures.nine import COLUMNS, Tile, montages
from vis.figures.numbers import significant
from vis.top9 import Top

SORT = Choice(
    "sort",
    Phrase("Feature maps"),
    {"strongest": Phrase("strongest first"), "number": Phrase("by number")},
    shown_as="list",
)
ON_A_PAGE = Choice("maps", Phrase("Maps per page"), (3, 6, 12, 24), 6, shown_as="list")
RANGE = Choice(
    "range", Phrase("Grey scale"), {"own": Phrase("one per picture"), "shared": Phrase("one per map")}, shown_as="list"
)
LINKED = ("layer", SORT.name, ON_A_PAGE.name, RANGE.name, "map", "page", "nine")  # what of the nines a link says
WIDTH = 600  # pixels of a montage at most, so that a map shown alone fits on a large screen
PREPARED_WITHIN = 5  # seconds, after which the visitor rather sees one map after the other


def first_layer(layers: Sequence[str]) -> str:
    """The layer that is shown at first: the middle one, where patches are large enough to be recognised."""
    return layers[len(layers) // 2]


def strongest_first(top: Top, operation: str) -> np.ndarray:
    """The numbers of a layer's feature maps, those with the strongest pictures first."""
    return np.argsort(-top.rankings[operation].strengths[:, 0], kind="stable")


@fragment
def view(asked: Asked, top: Top, layers: Sequence[str]) -> None:
    """Feature maps of one layer in pages, each with its nine.

    Args:
        layers: those to choose from, by their names.
    """
    state = mining()
    if state.viewed not in (None, asked.key):
        open_one(None)  # it was another network's, or of another set
    state.viewed = asked.key
    network = asked.loaded.architecture.name
    row = st.container(horizontal=True, vertical_alignment="bottom", key="choices of nines")  # wraps on a phone
    all_layers = Choice("layer", Phrase("Layer"), layers, first_layer(layers))
    layer = ask_one(row, all_layers, network=network, of=" ".join(layers), comes_back=True)
    address.note(layer=layer)
    one_map = row.container(width=136)
    with row.popover(_("View"), icon=":material/tune:"):
        order, size, contrast = ask(st, SORT, ON_A_PAGE, RANGE, comes_back=True).values()
    shown = Shown(asked, top, layer, contrast == "own")
    if not (k := top.channels(shown.operation)):
        st.error(_("None of these pictures could be read."), icon=":material/hide_image:")
        return
    is_linked = address.opened_with().get("layer", layer) == layer
    about = {"network": network, "is_linked": is_linked, "comes_back": True}
    by_number = Number("map", Phrase("Go to map"), None, 0, k - 1)
    channel = ask_one(one_map, by_number, of=layer, placeholder=f"0–{k - 1}", **about)
    ordered = strongest_first(top, shown.operation) if order == "strongest" else np.arange(k)
    if channel is None:
        pages = Number("page", "", 1, 1, -(-k // size), shown_as="pages")
        page = ask_one(row, pages, of=f"{layer} {order} {size}", **about)
        channels = ordered[(page - 1) * size : page * size].tolist()
    else:
        channels = [channel]
    one = _seen_closely(shown, channels)
    address.note(nine=f"{one.channel},{one.rank + 1}" if one else None)
    _arrow_keys(shown, layers, ordered.tolist(), channel, one)
    _cards(shown, channels, one)
    about_all(shown)
    files(shown)
    in_code(shown, channels)


def _arrow_keys(
    shown: Shown, layers: Sequence[str], ordered: Sequence[int], channel: int | None, one: OneOfNine | None
) -> None:
    """Lets the keys go through the layers, and through the maps of one, or the nine of the map of which one is open.

    Args:
        channel: the map that is shown alone.
    """
    network, layer = shown.loaded.architecture.name, shown.layer  # for `show`, which must not keep the pictures

    def show(to: Position) -> None:
        if to.layer != layer:
            set_to(key_of("layer", "/".join([network, " ".join(layers)])), to.layer)
        elif one:
            open_one(replace(one, rank=to.unit))
        else:
            set_to(key_of("map", f"{network}/{layer}"), to.unit)

    units = range(len(shown.entries(one.channel))) if one else ordered
    at = Position(shown.layer, one.rank if one else channel)
    words = _("← → pictures · ↑ ↓ layers") if one else _("← → feature maps · ↑ ↓ layers")
    arrow_keys(words, {**dict.fromkeys(layers, ()), shown.layer: units}, at, show, has_sheets=True)


def _seen_closely(shown: Shown, channels: Sequence[int]) -> OneOfNine | None:
    """The picture that is looked at closely, if it is one of those on this page."""
    one = opened(shown.loaded.architecture.name)
    if not one or one.layer != shown.layer or one.channel not in channels:
        return None
    entries = shown.entries(one.channel)
    return one if one.rank < len(entries) and entries[0].value > 0 else None


def _cards(shown: Shown, channels: Sequence[int], one: OneOfNine | None) -> None:
    """Two feature maps in a row; below it the picture that was clicked in one of them."""
    state, of = mining(), (shown.asked.selection, shown.asked.key, shown.operation, tuple(channels))
    if state.nines is None or state.nines[0] != of:
        state.nines = of, _nines(shown.asked, shown.top, shown.operation, channels)
    nines, time_left = state.nines[1], Slice()
    for start in range(0, len(channels), 2):
        pair = channels[start : start + 2]
        is_alone = len(channels) == 1
        places = [st] if is_alone else st.columns(2, gap="medium")
        for place, channel in zip(places, pair, strict=False):
            with place.container(border=True, key="nine alone" if is_alone else None):
                if is_alone:
                    for_a_room("nine").caption(" · ".join(map(plain, source_in_words(shown))))
                try:
                    _card(shown, channel, partial(_tiles, nines, channel, time_left), one, is_alone)
                except Refused as refusal:  # a picture that is gone ends its own card and no other
                    st.error(plain(said(refusal)), icon=":material/hide_image:")
        if one and one.channel in pair:
            one_of_nine(shown, one)
    state.nines = None


def _card(
    shown: Shown, channel: int, projected: Callable[[], list[Tile]], one: OneOfNine | None, is_alone: bool
) -> None:
    """A feature map's nine: patches beside projections; one map alone has them below one another on a phone."""
    entries = shown.entries(channel)
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    title = _("Feature map {channel}", channel=channel)
    head.markdown(f"**{title}**")
    if entries[0].value <= 0:
        st.caption(
            _("No picture of the set activates it; its largest value is {value}.", value=significant(entries[0].value))
        )
        return
    nine = projected()
    patches, projections = montages(nine, shown.own_range)
    labels = [label_of(shown, rank, entry) for rank, entry in enumerate(entries)]
    warning = warning_of(shown.loaded)
    level = "top" if warning else "bottom"  # one of the two has a banner at its foot
    left, right = st.columns(2, gap="small", wrap=is_alone, vertical_alignment=level)
    for column, kind, name, sheet, maker in (
        (left, "patches", _("What the unit can see"), patches, None),
        (right, "projections", _("What it saw there"), projections, shown.loaded),
    ):
        with column.container(gap=None):
            st.caption(name)
            clicked = tiles(
                sheet,
                COLUMNS,
                f"{kind} {shown.layer} {channel}",
                labels=labels,
                loaded=maker,
                selected=one.rank if one and one.channel == channel else None,
                alt=f"{title}: {name}",
                width=WIDTH,
            )
        if clicked is not None:
            open_one(OneOfNine(shown.layer, channel, clicked))
            _again()
    st.caption("  \n".join(map(plain, values_in_words(shown, entries, nine))))
    words = sheet_in_words(shown, channel, entries, nine)
    download(
        head,
        "",
        lambda: sheet_of(shown, channel, words, warning),
        f"convscope-top9-{shown.loaded.architecture.name}-{shown.operation}-{channel}.png",
        f"png of nine {shown.layer} {channel}",
        help=_("This map as PNG"),
        type="tertiary",
    )


def _nines(asked: Asked, top: Top, operation: str, channels: Sequence[int]) -> cache.Nines:
    """The tiles of those of the feature maps that any picture excites."""
    entries = {channel: top.entries(operation, channel) for channel in channels}
    excited = {channel: those for channel, those in entries.items() if those[0].value > 0}
    return cache.Nines(asked.selection, asked.pictures, asked.file, operation, excited)


class Slice:
    """The time that a run of the page has for projecting; it begins with the first picture."""

    SECONDS = 2.0

    def __init__(self):
        self._end: float | None = None

    @property
    def is_over(self) -> bool:
        now = time.monotonic()
        self._end = self._end or now + self.SECONDS
        return now > self._end


def _tiles(nines: cache.Nines, channel: int, time_left: Slice) -> list[Tile]:
    """The tiles of one map; until they are there, how far they are.

    From time to time the page begins anew, and goes on where it was: what was clicked meanwhile in a fragment is heard
    only then.
    """
    bar = st.empty()

    def report(part: float) -> None:
        if time_left.is_over:
            _again()
        bar.progress(part, _("Projecting the nine …"))

    try:
        return nines.of(channel, report)
    finally:
        bar.empty()


def _again() -> None:
    """Draws the maps anew; the whole page only where the whole page is being drawn."""
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:
        st.rerun()


def prepare(asked: Asked, layers: Sequence[str], top: Top, stopped: Callable[[], bool]) -> None:
    """Projects what the first visitor will see first, or begins to; of private sets nothing, for other threads have no
    session.
    """
    operation = asked.loaded.layers[first_layer(layers)]
    if asked.selection.private or not top.channels(operation):
        return
    channels, end = strongest_first(top, operation)[: ON_A_PAGE.usual].tolist(), time.monotonic() + PREPARED_WITHIN
    nines = _nines(asked, top, operation, channels)
    for channel in channels:
        if not stopped() and time.monotonic() < end and top.entries(operation, channel)[0].value > 0:
            nines.of(channel)
