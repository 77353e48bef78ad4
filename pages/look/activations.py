"""Activations: all feature maps of any layer for the picture, counted, sorted, and each of them enlarged."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from models import Loaded
from pages.common import cache
from pages.common.components.grid import clickable_grid
from pages.common.session import (
    Opened,
    Selection,
    choose_layer,
    enlarge_map,
    enlarged_map,
    from_link,
    layer_wanted,
    link_is_about,
    selection,
    set_to,
    to_url,
)
from pages.common.text import _, language, plain, prose
from pages.common.widgets import computed, cpu_did_it, network_or_stop, warning_of, weights_in_words
from pages.look.position import close_up, scale_in_words
from pages.look.words import name_of
from vis.activations import ORDERS, Activations, gives_maps
from vis.figures.activations import bars
from vis.figures.numbers import grouped, shape
from vis.figures.pictures import captioned
from vis.figures.sheets import heat_sheet, rows_of, signed_sheet

TEXTS = Path(__file__).parent / "texts"
ON_A_PAGE = (64, 128, 256, 512)  # maps
TILE = 4, 150  # pixels of a tile: at least in its picture, and at most on the screen
WIDTH = 1200, 600  # pixels of the page on a large screen; and of a sheet that is seldom made smaller


def page() -> None:
    st.title(_("Activations"))
    st.markdown(
        _(
            "Everything a layer makes of the picture: all its feature maps at once. **Click a map** to enlarge it, "
            "then **click a position** to see what it looks at and, for a convolution, the arithmetic behind its value."
        )
    )
    asked = selection()
    chosen, loaded = network_or_stop(asked)
    pixels = computed(_("Reading the picture …"), lambda: cache.pixels_seen(chosen))
    _explorer(asked, chosen, loaded, pixels)
    with st.expander(_("What is shown here, and how to read it"), icon=":material/menu_book:"):
        st.markdown(prose(TEXTS, "activations"))


@st.fragment
def _explorer(asked: Selection, chosen: Selection, loaded: Loaded, pixels: np.ndarray) -> None:
    """The layer, its maps and the enlarged one; a click redraws no more than this."""
    if link := layer_wanted():
        st.switch_page("pages/look/layers.py", query_params=link)
    layer = _choose_layer(loaded, pixels.shape[0])
    by, own = _controls(chosen.network)
    found, on_cpu = computed(_("Computing the layer's feature maps …"), lambda: cache.layer_activations(chosen, layer))
    if on_cpu:
        st.info(cpu_did_it(), icon=":material/memory:")
    opened = _still_there(enlarged_map(chosen.network), found)
    _numbers(loaded, found, pixels.shape[0])
    clicked = _sheet(chosen, loaded, found, by, own, opened)
    if clicked is not None:
        enlarge_map(chosen.network, Opened(layer, clicked))
        st.rerun()
    if opened:
        close_up(chosen, loaded, found, pixels, opened)
    _put_into_url(asked, layer, by, own, opened)
    left, right = st.columns(2, gap="medium")
    with left:
        _histogram(found)
    with right:
        _dead(chosen, loaded)


# What is chosen ---------------------------------------------------------------------------------------------------


def _choose_layer(loaded: Loaded, side: int) -> str:
    """Any operation that gives maps; at first the link's, or else the first named layer."""
    network = loaded.architecture.name
    known = cache.shapes(cache.Built(network, side))
    sizes = {
        name: shape(tuple(known.values[node].shape))
        for node, name in known.trace.names.items()
        if node in known.trace.from_picture and node.op not in ("placeholder", "output")
        if gives_maps(known.values[node])
    }
    key = f"activations of {network}"
    first = next(iter(loaded.layers.values()))
    linked = from_link("layer", first, sizes) if link_is_about(network) else first
    chips = st.container(horizontal=True, vertical_alignment="center")
    layer = st.selectbox(
        _("Layer"),
        list(sizes),
        list(sizes).index(linked),
        format_func=lambda name: f"{name} · {sizes[name]}",
        key=key,
        persist_state="session",
    )
    for name, operation in loaded.layers.items():
        chips.button(
            _("Layer {layer}", layer=name),
            key=f"chip {name}",
            type="primary" if operation == layer else "secondary",
            help=plain(operation),
            on_click=set_to,
            args=(key, operation),
        )
    chips.button(
        _("What this layer responds to"),
        icon=":material/visibility:",
        type="tertiary",
        key="respond",
        on_click=choose_layer,
        args=(network, layer),
    )
    return layer


def _controls(network: str) -> tuple[str, bool]:
    """The order of the maps, and whether each has its own range."""
    row = st.container(horizontal=True, gap="medium")
    orders = {
        "index": _("number"),
        "maximum": _("maximum"),
        "mean": _("mean"),
        "silent": _("share of values ≤ 0"),
    }
    linked = link_is_about(network)
    by = row.segmented_control(
        _("Sorted by"),
        ORDERS,
        format_func=orders.get,
        default=from_link("sort", "index", ORDERS) if linked else "index",
        required=True,
        key="sort",
        persist_state="session",
        help=_("The largest first. After a ReLU, values ≤ 0 are the zeros."),
    )
    ranges = {"shared": _("one for all"), "own": _("one per map")}
    scale = row.segmented_control(
        _("Range"),
        ranges,
        format_func=ranges.get,
        default=from_link("range", "shared", ranges) if linked else "shared",
        required=True,
        key="range",
        persist_state="session",
    )
    return by, scale == "own"


def _still_there(opened: Opened | None, found: Activations) -> Opened | None:
    """The enlarged map, unless it is of another layer, or this one has no such map or position."""
    if opened is None or opened.layer != found.layer:
        return None
    k, h, w = found.shape
    row, column = opened.position or (0, 0)
    return opened if 0 <= opened.channel < k and 0 <= row < h and 0 <= column < w else None


# What is shown ----------------------------------------------------------------------------------------------------


def _numbers(loaded: Loaded, found: Activations, side: int) -> None:
    """What is counted of the whole layer."""
    k, h, w = found.shape
    size = cache.fields(cache.Built(loaded.architecture.name, side))[found.layer].size
    figures = [
        (_("feature maps"), f"{k} × {h}×{w}" if h * w > 1 else _("{k} numbers", k=k)),
        (_("receptive field"), _("the whole picture") if size is None else _("{side} pixels", side=f"{size}×{size}")),
        (_("smallest and largest value"), f"{_number(found.minimum.min())} … {_number(found.maximum.max())}"),
        (_zeros(found), f"{found.silent.mean():.1%}"),
        (
            _("maps ≤ 0 everywhere") if found.has_sign else _("dead on this picture"),
            _("{dead} of {all} maps", dead=int(found.dead.sum()), all=k),
        ),
    ]
    for column, (words, value) in zip(st.columns(len(figures)), figures, strict=True):
        column.markdown(f":gray[:small[{words}]]  \n**{value}**")


def _zeros(found: Activations) -> str:
    """What the share of silent values is called: after a ReLU they are zeros."""
    return _("share of values ≤ 0") if found.has_sign else _("share of zeros")


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _sheet(
    chosen: Selection, loaded: Loaded, found: Activations, by: str, own: bool, opened: Opened | None
) -> int | None:
    """One page of maps as one picture. Returns the number of the map that was clicked."""
    order = found.order(by)
    number, count = _choose_page(found, by, order, opened)
    shown = order[number * count : (number + 1) * count]
    sheet, columns, rows, wide = tiles(found, shown, own, warning_of(loaded))
    about = _about(chosen, loaded, found, by, own, shown)
    clicked = clickable_grid(
        sheet,
        rows,
        columns,
        key=f"sheet {chosen.network} {found.layer}",
        labels=[_label(loaded, found, channel) for channel in shown],
        selected=int(np.flatnonzero(shown == opened.channel)[0]) if opened and opened.channel in shown else None,
        width=columns * TILE[1] if columns * TILE[1] < WIDTH[0] else None,
        pixelated=wide < WIDTH[1],
        alt=_("All feature maps of {layer}", layer=found.layer),
    )
    st.caption("  \n".join(plain(line) for line in about))
    _downloads(chosen, loaded, found, sheet, about)
    return None if clicked is None else int(shown[clicked])


def _choose_page(found: Activations, by: str, order: np.ndarray, opened: Opened | None) -> tuple[int, int]:
    """Which page of maps is shown, at first the enlarged map's, and how many maps are on a page."""
    if len(order) <= ON_A_PAGE[0]:
        return 0, ON_A_PAGE[0]
    row = st.container(horizontal=True, gap="medium")
    count = row.segmented_control(
        _("Maps on a page"), ON_A_PAGE, default=ON_A_PAGE[-1], required=True, key="on a page", persist_state="session"
    )
    pages = -(-len(order) // count)
    if pages == 1:
        return 0, count
    number = row.segmented_control(
        _("Page"),
        range(pages),
        format_func=lambda i: f"{i * count + 1}–{min((i + 1) * count, len(order))}",
        default=int(np.flatnonzero(order == opened.channel)[0]) // count if opened else 0,
        required=True,
        key=f"page {found.layer} {by} {count}",
    )
    return number, count


def tiles(found: Activations, shown: np.ndarray, own: bool, warning: str | None) -> tuple[bytes, int, int, int]:
    """A sheet of these maps, its columns and rows of cells, and its width in pixels."""
    maps, limits = found.maps[shown], found.limits[shown]
    times = -(-TILE[0] // max(maps.shape[1:]))  # so that the gaps between single numbers stay narrow
    maps = maps.repeat(times, 1).repeat(times, 2)
    count, height, width = maps.shape
    columns = min(count, max(1, round((2 * count * height / width) ** 0.5)))
    gap = max(1, width // 28)
    sheet = (signed_sheet if found.has_sign else heat_sheet)(
        maps, limits if own else found.limit, columns, gap, banner=warning
    )
    return sheet, columns, rows_of(sheet, height, gap), columns * (width + gap)


def _label(loaded: Loaded, found: Activations, channel: int) -> str:
    """What a tile says when it is pointed at."""
    name = _("feature map {channel}", channel=channel)
    if loaded.categories and found.shape == (len(loaded.categories), 1, 1):
        name += f" · {loaded.categories[channel]}"
    highest = _number(found.maximum[channel])
    if found.shape[1:] == (1, 1):
        return f"{name}: {highest}"
    return "\n".join(
        [
            name,
            _("maximum {maximum} · mean {mean}", maximum=highest, mean=_number(found.mean[channel])),
            f"{_zeros(found)} {found.silent[channel]:.0%}",
        ]
    )


def _about(chosen: Selection, loaded: Loaded, found: Activations, by: str, own: bool, shown: np.ndarray) -> list[str]:
    """All that the sheet must say where it stands alone."""
    orders = {
        "index": _("in the order of their numbers"),
        "maximum": _("the largest maximum first"),
        "mean": _("the largest mean first"),
        "silent": _("the largest share of values ≤ 0 first"),
    }
    k, h, w = found.shape
    lines = [
        f"{loaded.architecture.title} · {weights_in_words(loaded)} · {name_of(chosen.picture)} · {found.layer}",
        _("{shown} of {all} feature maps of {h}×{w}, {order}.", shown=len(shown), all=k, h=h, w=w, order=orders[by])
        + " "
        + scale_in_words(found.has_sign, None if own else found.limit),
    ]
    if found.reduced > 1:
        lines.append(_("Each pixel of a tile is the mean of {n}×{n} positions.", n=found.reduced))
    return lines


def _downloads(chosen: Selection, loaded: Loaded, found: Activations, sheet: bytes, about: list[str]) -> None:
    """The sheet with its caption, and what is counted of every map."""
    name = f"{chosen.network}-{found.layer}-activations"
    row = st.container(horizontal=True)
    row.download_button(
        _("This sheet (PNG)"),
        lambda: captioned(np.asarray(Image.open(io.BytesIO(sheet)).convert("RGBA")), about, width=960),
        f"{name}.png",
        "image/png",
        icon=":material/download:",
        key="sheet png",
        on_click="ignore",
    )
    row.download_button(
        _("All maps as a table (CSV)"),
        lambda: table_of(chosen, loaded, found),
        f"{name}.csv",
        "text/csv",
        icon=":material/table:",
        key="sheet csv",
        on_click="ignore",
    )


def table_of(chosen: Selection, loaded: Loaded, found: Activations) -> str:
    """CSV, a row for every map; what it is of stands in every row, so that tables can be put together."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    columns = "network weights picture layer channel maximum minimum mean share_not_positive dead"
    table.writerow(columns.split())
    picture = f"{chosen.picture.name} {chosen.picture.sha256[:8]}"
    of = chosen.network, loaded.weights.sha256 or loaded.weights.kind, picture, found.layer
    for i in range(found.shape[0]):
        numbers = (float(column[i]) for column in (found.maximum, found.minimum, found.mean, found.silent))
        table.writerow([*of, i, *numbers, int(found.dead[i])])
    return file.getvalue()


def _histogram(found: Activations) -> None:
    st.caption(f"**{_('All values of the layer')}** · {plain(found.layer)}")
    st.plotly_chart(
        bars(found.histogram, _("value"), _("how many")),
        key="histogram",
        config={"displaylogo": False, "displayModeBar": False},
        alt=_("All values of the layer"),
    )
    st.caption(
        _(
            "{values} values in {bins} equal bins; the axis of counts is logarithmic.",
            values=grouped(int(found.histogram.counts.sum())),
            bins=len(found.histogram.counts),
        )
    )


def _dead(chosen: Selection, loaded: Loaded) -> None:
    """How much of every named layer is silent on this picture."""
    st.caption(f"**{_('Dead maps of all named layers')}**")
    layers = loaded.layers
    found = computed(_("Counting dead maps …"), lambda: cache.dead_maps(chosen, tuple(dict.fromkeys(layers.values()))))
    rows = []
    for name, operation in layers.items():
        dead, maps, share = found[operation]
        rows.append([name, operation, f"{dead} / {maps} ({dead / maps:.1%})", f"{share:.1%}"])
    st.dataframe(
        pd.DataFrame(
            rows,
            columns=[_("layer"), _("operation"), _("dead maps"), _("share of values ≤ 0")],
        ),
        hide_index=True,
    )
    st.caption(
        _(
            "Dead here means 0 or less at every position of this one picture; on another picture such a map may well "
            "respond."
        )
    )


def _put_into_url(chosen: Selection, layer: str, by: str, own: bool, opened: Opened | None) -> None:
    position = opened.position if opened else None
    to_url(
        network=chosen.network,
        weights="random" if chosen.weights == "random" else None,
        sample=None if chosen.picture.uploaded else chosen.picture.name,
        layer=layer,
        sort=by if by != "index" else None,
        range="own" if own else None,
        map=opened.channel if opened else None,
        at=f"{position[0]},{position[1]}" if position else None,
        language=language(),
    )


page()
