"""Activations: all feature maps of any layer for the picture, counted, sorted, and each of them enlarged."""

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from models import Loaded
from pages.common import cache
from pages.common.session import (
    Opened,
    Selection,
    choose_layer,
    enlarge_map,
    enlarged_map,
    layer_wanted,
    linked,
    of_sidebar,
    selection,
    set_to,
    to_url,
)
from pages.common.text import _, language, plain, prose
from pages.common.widgets import choice, computed, cpu_did_it, network_or_stop
from pages.look.maps import all_maps, zeros_in_words
from pages.look.position import close_up
from pages.look.words import field_in_words, number_in_words
from vis.activations import Activations, gives_maps
from vis.figures.activations import bars
from vis.figures.numbers import grouped, shape

TEXTS = Path(__file__).parent / "texts"


def page() -> None:
    st.title(_("Activations"))
    st.markdown(
        _(
            "Everything a layer makes of the picture: all its feature maps at once. **Click a map** to enlarge it, "
            "then **click a position** to see what it looks at and, for a convolution, the arithmetic behind its value."
        )
    )
    chosen, loaded = network_or_stop(selection())
    pixels = computed(_("Reading the picture …"), lambda: cache.pixels_seen(chosen))
    _explorer(chosen, loaded, pixels)
    with st.expander(_("What is shown here, and how to read it"), icon=":material/menu_book:"):
        st.markdown(prose(TEXTS, "activations"))


@st.fragment
def _explorer(chosen: Selection, loaded: Loaded, pixels: np.ndarray) -> None:
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
    clicked = all_maps(chosen, loaded, found, by, own, opened)
    if clicked is not None:
        enlarge_map(chosen.network, Opened(layer, clicked))
        st.rerun()
    if opened:
        close_up(chosen, loaded, found, pixels, opened)
    _put_into_url(layer, by, own, opened)
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
    chips = st.container(horizontal=True, vertical_alignment="center")
    layer = st.selectbox(
        _("Layer"),
        list(sizes),
        list(sizes).index(linked(network, "layer", first, sizes)),
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
    by = choice(
        row,
        _("Sorted by"),
        orders,
        linked(network, "sort", "index", orders),
        "sort",
        help=_("The largest first. After a ReLU, values ≤ 0 are the zeros."),
    )
    ranges = {"shared": _("one for all"), "own": _("one per map")}
    scale = choice(row, _("Range"), ranges, linked(network, "range", "shared", ranges), "range")
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
    field = cache.fields(cache.Built(loaded.architecture.name, side))[found.layer]
    figures = [
        (_("feature maps"), f"{k} × {h}×{w}" if h * w > 1 else _("{k} numbers", k=k)),
        (_("receptive field"), field_in_words(field)),
        (
            _("smallest and largest value"),
            f"{number_in_words(found.minimum.min())} … {number_in_words(found.maximum.max())}",
        ),
        (zeros_in_words(found), f"{found.silent.mean():.1%}"),
        (
            _("maps ≤ 0 everywhere") if found.has_sign else _("dead on this picture"),
            _("{dead} of {all} maps", dead=int(found.dead.sum()), all=k),
        ),
    ]
    for column, (words, value) in zip(st.columns(len(figures)), figures, strict=True):
        column.markdown(f":gray[:small[{words}]]  \n**{value}**")


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


def _put_into_url(layer: str, by: str, own: bool, opened: Opened | None) -> None:
    position = opened.position if opened else None
    to_url(
        **of_sidebar(),
        layer=layer,
        sort=by if by != "index" else None,
        range="own" if own else None,
        map=opened.channel if opened else None,
        at=f"{position[0]},{position[1]}" if position else None,
        language=language(),
    )


page()
