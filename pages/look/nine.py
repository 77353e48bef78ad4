"""The nine pictures that excite each feature map most: patches beside projections, and each of them seen closely."""

import csv
import io
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import streamlit as st
from streamlit.errors import StreamlitAPIException

from models import Loaded
from models.images import png
from models.refusals import Refused
from models.statefile import printable
from pages.common import cache
from pages.common.components.grid import clickable_grid
from pages.common.components.reveal import reveal
from pages.common.session import (
    SAMPLES,
    OneOfNine,
    from_link,
    link_is_about,
    mining,
    open_one_of_nine,
    opened_one_of_nine,
    to_url,
)
from pages.common.text import _, plain, said
from pages.common.widgets import honest_png, warning_of, weights_in_words
from pages.look.mining import Asked
from pages.look.words import fidelity_in_words, range_in_words
from vis.deconvnet import Box
from vis.figures.nine import COLUMNS, Tile, limits, montages, side_by_side, tile, whole
from vis.figures.numbers import grouped
from vis.figures.pictures import captioned, montage, signed, with_box
from vis.top9 import Entry, Pair, Top, save

PAGE_SIZE, PAGE_SIZES = 6, (3, 6, 12, 24)
MANY = 10_000  # pages
PREPARED_WITHIN = 5  # seconds, after which the visitor rather sees one map after the other


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


def first_layer(layers: Sequence[str]) -> str:
    """The layer that is shown at first: the middle one, where patches are large enough to be recognised."""
    return layers[len(layers) // 2]


def strongest_first(top: Top, operation: str) -> np.ndarray:
    """The numbers of a layer's feature maps, those with the strongest pictures first."""
    return np.argsort(-top.rankings[operation].values[:, 0], kind="stable")


@st.fragment
def view(asked: Asked, top: Top, layers: Sequence[str], link: Mapping[str, object]) -> None:
    """Feature maps of one layer in pages, each with its nine.

    Args:
        layers: those to choose from, by their names.
        link: what the address says beside what is chosen here.
    """
    state = mining()
    if state.viewed not in (None, asked.key):
        open_one_of_nine(None)  # it was another network's, or of another set
    state.viewed = asked.key
    network = asked.loaded.architecture.name
    first, second, third, fourth, fifth = st.columns([3, 2, 2, 2, 2], vertical_alignment="bottom")
    layer = first.segmented_control(
        _("Layer"),
        layers,
        default=_linked(network, "layer", first_layer(layers), layers),
        required=True,
        key=f"layer of nines {network} {' '.join(layers)}",
        persist_state="session",
    )
    orders = {"strongest": _("strongest first"), "number": _("by number")}
    order = second.selectbox(
        _("Feature maps"),
        orders,
        list(orders).index(from_link("sort", "strongest", orders)),
        format_func=orders.get,
        key="sort of nines",
        persist_state="session",
    )
    size = third.selectbox(
        _("on a page"),
        PAGE_SIZES,
        PAGE_SIZES.index(from_link("maps", PAGE_SIZE, PAGE_SIZES, int)),
        key="maps on a page",
        persist_state="session",
    )
    ranges = {"own": _("one per picture"), "shared": _("one per map")}
    contrast = fourth.selectbox(
        _("Range of grey"), ranges, format_func=ranges.get, key="range of nines", persist_state="session"
    )
    shown = Shown(asked, top, layer, contrast == "own")
    if not (k := top.channels(shown.operation)):
        st.error(_("None of these pictures could be read."), icon=":material/hide_image:")
        return
    channel = fifth.number_input(
        _("Search a map"),
        0,
        k - 1,
        _linked(network, "map", None, range(k), int) if layer == from_link("layer", layer, layers) else None,
        key=f"map of nines {network} {layer}",
        persist_state="session",
        placeholder=f"0–{k - 1}",
    )
    _about(shown)
    if channel is None:
        ordered = strongest_first(top, shown.operation) if order == "strongest" else np.arange(k)
        pages = -(-k // size)
        page = st.pagination(
            pages,
            default=min(pages, _linked(network, "page", 1, range(1, MANY), int)),
            key=f"page {network} {layer} {order} {size}",
            persist_state="session",
        )
        channels = ordered[(page - 1) * size : page * size].tolist()
    else:
        page, channels = 1, [channel]
    _cards(shown, channels)
    _files(shown)
    to_url(
        **link,
        layer=layer,
        map=channel,
        page=page if page > 1 else None,
        sort=order if order != "strongest" else None,
        maps=size if size != PAGE_SIZE else None,
    )


def _linked(network: str, key: str, usual, allowed, kind=str):
    """What the link says of this network; the usual value where it is about another one."""
    return from_link(key, usual, allowed, kind) if link_is_about(network) else usual


def _about(shown: Shown) -> None:
    """All that holds for every picture below."""
    top, loaded = shown.top, shown.loaded
    idle = int((shown.strongest <= 0).sum())
    words = [
        f"{loaded.architecture.title}, {plain(weights_in_words(loaded))}",
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
        _("one unit a picture, the strongest of the map; equal ones in the order of the pictures' names"),
        _("projections by the deconvnet, each in its own picture"),
    ]
    lines = [" · ".join(words)]
    if idle:
        k = len(shown.strongest)
        lines.append(_("{idle} of the {k} maps are not excited by any of the pictures.", idle=idle, k=k))
    if shown.own_range:
        lines.append(range_in_words(None))
    st.caption("  \n".join(lines))


def _cards(shown: Shown, channels: Sequence[int]) -> None:
    """Two feature maps in a row; below it the picture that was clicked in one of them."""
    opened = opened_one_of_nine()
    state, of = mining(), (shown.asked.selection, shown.asked.key, shown.operation, tuple(channels))
    if state.nines is None or state.nines[0] != of:
        state.nines = of, _nines(shown.asked, shown.top, shown.operation, channels)
    nines, time_left = state.nines[1], Slice()
    for start in range(0, len(channels), 2):
        pair = channels[start : start + 2]
        for column, channel in zip(st.columns(2, gap="medium"), pair, strict=False):
            with column.container(border=True):
                try:
                    _card(shown, channel, partial(_tiles, nines, channel, time_left), opened)
                except Refused as refusal:  # a picture that is gone ends its own card and no other
                    st.error(plain(said(refusal)), icon=":material/hide_image:")
        if opened and opened.layer == shown.layer and opened.channel in pair:
            _close_up(shown, opened)
    state.nines = None


def _card(shown: Shown, channel: int, projected: Callable[[], list[Tile]], opened: OneOfNine | None) -> None:
    entries = shown.entries(channel)
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    head.markdown(f"**{_('Feature map {channel}', channel=channel)}**")
    if entries[0].value <= 0:
        st.caption(
            _("No picture of the set excites it: its largest value is {value}.", value=f"{entries[0].value:.3g}")
        )
        return
    tiles = projected()
    patches, projections = montages(tiles, shown.own_range)
    labels = [_label(shown, rank, entry) for rank, entry in enumerate(entries)]
    selected = opened.rank if opened and (opened.layer, opened.channel) == (shown.layer, channel) else None
    sheets = {
        "patches": (_("What the unit can see"), png(patches)),
        "projections": (_("What it saw there"), honest_png(shown.loaded, projections)),
    }
    for column, (kind, (name, sheet)) in zip(st.columns(2, gap="small", wrap=False), sheets.items(), strict=True):
        with column:
            st.caption(name)
            clicked = clickable_grid(
                sheet,
                -(-len(tiles) // COLUMNS),
                COLUMNS,
                key=f"{kind} {shown.layer} {channel}",
                labels=labels,
                selected=selected if selected is not None and selected < len(tiles) else None,
                alt=f"{_('Feature map {channel}', channel=channel)}: {name}",
            )
        if clicked is not None:
            open_one_of_nine(OneOfNine(shown.layer, channel, clicked))
            _again()
    st.caption("  \n".join(_lines(shown, entries, tiles)))
    words = _sheet_in_words(shown, channel, entries, tiles)
    warning = warning_of(shown.loaded)
    head.download_button(
        "",
        lambda: sheet_of(shown, channel, words, warning),
        f"convscope-top9-{shown.loaded.architecture.name}-{shown.operation}-{channel}.png",
        "image/png",
        icon=":material/download:",
        help=_("This map as PNG"),
        key=f"png of nine {shown.layer} {channel}",
        on_click="ignore",
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


def _lines(shown: Shown, entries: Sequence[Entry], tiles: Sequence[Tile]) -> list[str]:
    """Values, ranges and classes of the nine."""
    ranges = limits(tiles, shown.own_range)
    low, high = (f"{limit:.3g}" for limit in (min(ranges), max(ranges)))
    lines = [
        _("values {low} to {high}", low=f"{entries[-1].value:.3g}", high=f"{entries[0].value:.3g}")
        + " · "
        + (
            _("projections ±{low} to ±{high}", low=low, high=high)
            if shown.own_range
            else _("projections ±{high}", high=high)
        )
    ]
    if classes := _classes(shown, entries):
        lines.append(plain(classes))
    if idle := sum(entry.value <= 0 for entry in entries):
        lines.append(_("{idle} of them do not excite it", idle=idle))
    return lines


def _classes(shown: Shown, entries: Sequence[Entry]) -> str:
    """The classes that the pictures come from, the most frequent first; empty where the set has none."""
    counted = Counter(_class_of(shown, entry) for entry in entries if entry.label)
    return " · ".join(f"{name} ×{number}" if number > 1 else name for name, number in counted.most_common())


def _class_of(shown: Shown, entry: Entry) -> str:
    label = entry.label or ""
    return _(SAMPLES[label]) if shown.asked.is_samples and label in SAMPLES else printable(label)


def _label(shown: Shown, rank: int, entry: Entry) -> str:
    """One of the nine where the pointer is."""
    name = f"{_class_of(shown, entry)}\n" if entry.label else ""
    return f"{rank + 1}. {name}{printable(entry.picture)}\n" + _(
        "row {row}, column {column}: {label}", row=entry.row, column=entry.column, label=f"{entry.value:.4g}"
    )


def prepare(asked: Asked, layers: Sequence[str], top: Top, stopped: Callable[[], bool]) -> None:
    """Projects what the first visitor will see first, or begins to; of private sets nothing, for other threads have no
    session.
    """
    operation = asked.loaded.layers[first_layer(layers)]
    if asked.selection.private or not top.channels(operation):
        return
    channels, end = strongest_first(top, operation)[:PAGE_SIZE].tolist(), time.monotonic() + PREPARED_WITHIN
    nines = _nines(asked, top, operation, channels)
    for channel in channels:
        if not stopped() and time.monotonic() < end and top.entries(operation, channel)[0].value > 0:
            nines.of(channel)


# One picture seen closely ------------------------------------------------------------------------------------------


def _close_up(shown: Shown, opened: OneOfNine) -> None:
    """The whole picture with the box, the projection in its place, and the part itself."""
    entries = shown.entries(opened.channel)
    if opened.rank >= len(entries):
        return
    entry = entries[opened.rank]
    try:
        with st.spinner(_("Projecting the unit …")):
            (pair,) = cache.nine_in_full(shown.loaded, shown.asked.pictures, [entry], shown.operation, opened.channel)
        given = shown.asked.pictures.open(entry.picture)
    except Refused as refusal:
        st.error(plain(said(refusal)), icon=":material/hide_image:")
        return
    box, projection = pair.projection.box, pair.projection
    limit = tile(pair, None).limit
    with st.container(border=True):
        reveal(f"{opened.layer} {opened.channel} {opened.rank}", key="reveal one of nine")
        title, close = st.columns([6, 1], vertical_alignment="center")
        title.markdown(
            "#### "
            + _(
                "Feature map {channel}, picture {rank} of {all}",
                channel=opened.channel,
                rank=opened.rank + 1,
                all=len(entries),
            )
        )
        close.button(
            _("Close"),
            icon=":material/close:",
            key="close one of nine",
            width="stretch",
            on_click=open_one_of_nine,
            args=(None,),
        )
        corners = (box.top, box.left, box.bottom, box.right)
        seen, part = signed(projection.on_canvas().cpu().numpy(), limit), signed(projection.pixels.cpu().numpy(), limit)
        views = {
            _("The whole picture"): png(whole(given, shown.loaded.preprocess, box)),
            _("The projection in its place"): honest_png(shown.loaded, with_box(seen, corners, 448)),
            _("What the unit can see"): png(montage([pair.patch], 1, 448, gap=0)),
            _("What it saw there"): honest_png(shown.loaded, montage([part], 1, 448, gap=0)),
        }
        for column, (name, picture) in zip(st.columns(4), views.items(), strict=True):
            column.caption(f"**{name}**")
            column.image(picture, width="stretch")
        words = _unit_in_words(shown, opened.channel, entry, box)
        seen_of_it = _("Of the picture, the network sees what is not darkened; the frame is what the unit can see.")
        about = f"{fidelity_in_words(projection.fidelity)} · {range_in_words(limit)}"
        st.caption("  \n".join([*map(plain, words), seen_of_it, about]))
        _one_file(shown, opened, pair, words)


def _unit_in_words(shown: Shown, channel: int, entry: Entry, box: Box) -> list[str]:
    """Picture, class, value and place of one of the nine."""
    words = [_("picture {name}", name=printable(entry.picture))]
    if entry.label:
        words.append(_("class {label}", label=_class_of(shown, entry)))
    place = _(
        "feature map {channel}, row {row}, column {column}: activation {activation}",
        channel=channel,
        row=entry.row,
        column=entry.column,
        activation=f"{entry.value:.4g}",
    )
    seen = _(
        "{width}×{height} pixels: columns {left}–{right}, rows {top}–{bottom}",
        width=box.right - box.left,
        height=box.bottom - box.top,
        left=box.left,
        right=box.right - 1,
        top=box.top,
        bottom=box.bottom - 1,
    )
    return [" · ".join(words), f"{place} · {seen}"]


def _one_file(shown: Shown, opened: OneOfNine, pair: Pair, words: Sequence[str]) -> None:
    """A PNG of patch and projection side by side."""
    one, warning = tile(pair, None), warning_of(shown.loaded)
    lines = [*_source_in_words(shown), *words, fidelity_in_words(one.fidelity), range_in_words(one.limit)]
    pieces = [one.patch, signed(one.projection, one.limit)]
    st.download_button(
        "PNG",
        lambda: captioned(montage(pieces, 2, 224), lines, banner=warning),
        f"convscope-top9-{shown.loaded.architecture.name}-{shown.operation}-{opened.channel}-{opened.rank + 1}.png",
        "image/png",
        icon=":material/download:",
        key="png of one of nine",
        on_click="ignore",
    )


# What can be taken away --------------------------------------------------------------------------------------------


def _source_in_words(shown: Shown) -> list[str]:
    """Network, weights and set, for pictures that stand alone."""
    loaded, top = shown.loaded, shown.top
    counted = grouped(top.counted - top.unreadable_in_all)
    return [
        f"{loaded.architecture.title} · {weights_in_words(loaded)} · {shown.operation}",
        _("{count} pictures: {title}", count=counted, title=shown.asked.title),
    ]


def _sheet_in_words(shown: Shown, channel: int, entries: Sequence[Entry], tiles: Sequence[Tile]) -> list[str]:
    """All that the picture of a map's nine must say where it stands alone."""
    return [
        *_source_in_words(shown),
        f"{_('Feature map {channel}', channel=channel)} · {_('Deconvnet')} · {fidelity_in_words(tiles[0].fidelity)}",
        *_lines(shown, entries, tiles),
        _("one unit a picture, the strongest of the map; equal ones in the order of the pictures' names"),
        range_in_words(None if shown.own_range else max(limits(tiles, own=False))),
    ]


def sheet_of(shown: Shown, channel: int, words: Sequence[str], warning: str | None) -> bytes:
    """A PNG of a map's patches and projections with all their pixels, and under them what they show."""
    pairs = cache.nine_in_full(shown.loaded, shown.asked.pictures, shown.entries(channel), shown.operation, channel)
    sheet = side_by_side(*montages([tile(pair, None) for pair in pairs], shown.own_range))
    return captioned(sheet, words, banner=warning)


def _files(shown: Shown) -> None:
    """The whole result as Parquet, which the command line reads too, and as a table."""
    network, top, layers = shown.loaded.architecture.name, shown.top, shown.loaded.layers
    with st.popover(_("Download"), icon=":material/download:", key="files of nines"):
        st.caption(_("All layers and feature maps of this search, without the pictures."))
        for name, make, ending, kind in (
            ("Parquet", lambda: parquet_of(top), "parquet", "application/vnd.apache.parquet"),
            ("CSV", lambda: csv_of(top, layers), "csv", "text/csv"),
        ):
            st.download_button(
                name, make, f"convscope-top9-{network}.{ending}", kind, key=f"{ending} of nines", on_click="ignore"
            )


def parquet_of(top: Top) -> bytes:
    """The file that `vis.top9.open_top` reads."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "top.parquet"
        save(top, path)
        return path.read_bytes()


def csv_of(top: Top, layers: Mapping[str, str]) -> bytes:
    """A row for each of the nine of every feature map, strongest first; whose they are stands in every row."""
    names = {operation: name for name, operation in layers.items()}
    file = io.StringIO()
    table = csv.writer(file)
    whose = top.key.network, top.key.weights, top.title
    columns = "network weights pictures layer operation channel rank picture value row column class"
    table.writerow(columns.split())
    for operation in top.layers:
        for channel in range(top.channels(operation)):
            for rank, e in enumerate(top.entries(operation, channel), 1):
                layer = names.get(operation, operation)
                table.writerow((*whose, layer, operation, channel, rank, e.picture, e.value, e.row, e.column, e.label))
    return file.getvalue().encode("utf-8-sig")
