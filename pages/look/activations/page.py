"""Activations: all feature maps of any layer for the picture, counted, sorted, and each of them enlarged."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import Loaded
from models.options import Choice, Phrase
from pages.common import address, cache, routes
from pages.common.asking import ask, ask_one, fragment, key_of
from pages.common.code import picture_code, the_code
from pages.common.opened import Opened, note, open_unit, opened, there
from pages.common.panels import chart, figures, reading, wrapped
from pages.common.presenting import Position, arrow_keys, for_a_room
from pages.common.session import Selection, keep, kept, selection, set_to, taken
from pages.common.text import _, plain
from pages.common.widgets import computed, network_or_stop, say_if_on_cpu
from pages.common.words import field_in_words
from pages.look.activations.maps import ORDER, RANGE, all_maps, has_own_ranges, zeros_in_words
from pages.look.activations.position import enlarged_map, place_of
from vis.activations import Activations
from vis.figures.activations import bars
from vis.figures.numbers import grouped, percent, shape, significant
from vis.maps import gives_maps, layer_maps

TEXTS = Path(__file__).parent / "texts"
TYPED = "typed map"  # under which the session keeps the number of a map until it is opened
CODE = """\
from pathlib import Path
from vis.activations import activations
from vis.figures.sheets import sheet_of

found = activations(loaded.model, image, {layer!r})
sheet = sheet_of(found, found.order({order!r}), own={own})
Path("maps.png").write_bytes(sheet.png)
"""


def page() -> None:
    st.title(_("Activations"))
    st.markdown(
        _(
            "All feature maps that a layer computes from the picture, at once. **Click a map** to enlarge it, then "
            "**click a position** to see its receptive field and, for a convolution, the arithmetic behind its value."
        )
    )
    chosen, loaded = network_or_stop(selection())
    pixels = computed(_("Reading the picture …"), lambda: cache.pixels_seen(chosen))
    _explorer(chosen, loaded, pixels)
    reading(_("What is shown here, and how to read it"), TEXTS, "activations")


@fragment
def _explorer(chosen: Selection, loaded: Loaded, pixels: np.ndarray) -> None:
    """The layer, its maps and the enlarged one; a click redraws no more than this."""
    chips = st.container(horizontal=True, vertical_alignment="center")
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="row of the layer")
    layer, layers = _choose_layer(chips, row, loaded, pixels.shape[0])
    with row.popover(_("Order and colours"), icon=":material/tune:"):
        look = ask(st, ORDER, RANGE, network=chosen.network)
    found, on_cpu = computed(_("Computing the layer's feature maps …"), lambda: cache.layer_activations(chosen, layer))
    say_if_on_cpu(on_cpu)
    _offer_number(row, chosen, found)
    unit = there(opened(place_of(chosen), chosen.network), chosen.network, {layer: found.shape})
    note(unit)
    clicked = all_maps(chosen, loaded, found, look, unit)
    _numbers(loaded, found, pixels.shape[0])
    if clicked is not None:
        open_unit(place_of(chosen), Opened(layer, clicked))
        st.rerun()
    if unit:
        enlarged_map(chosen, loaded, found, pixels, unit)
    _arrow_keys(chosen, {**layers, layer: found.order(look["sort"]).tolist()}, layer, unit)
    left, right = st.columns(2, gap="medium")
    with left:
        _histogram(found)
    with right:
        _dead(chosen, loaded)
    the_code(CODE, picture_code(chosen), layer=layer, order=look["sort"], own=has_own_ranges(found, look))


def _choose_layer(
    chips: DeltaGenerator, row: DeltaGenerator, loaded: Loaded, side: int
) -> tuple[str, dict[str, Sequence[int]]]:
    """Any operation that gives maps, at first the link's, or else the first named layer; and the maps of them all."""
    network = loaded.architecture.name
    known = cache.shapes(cache.Built(network, side))
    sizes = {
        name: f"{name} · {shape(tuple(known.values[node].shape))}"
        for node, name in known.trace.names.items()
        if node in known.trace.from_picture and node.op not in ("placeholder", "output")
        if gives_maps(known.values[node])
    }
    first = next(iter(loaded.layers.values()))
    option = Choice("layer", Phrase("Layer"), sizes, first, shown_as="list")
    layer = ask_one(row, option, network=network, comes_back=True, label_visibility="collapsed")
    address.note(layer=layer)
    for_a_room("layer").markdown(f"## {plain(sizes[layer])}")
    for name, operation in loaded.layers.items():
        chips.button(
            _("Layer {layer}", layer=name),
            key=f"chip {name}",
            type="primary" if operation == layer else "secondary",
            help=plain(operation),
            on_click=set_to,
            args=(key_of("layer", network), operation),
        )
    chips.button(
        _("What this layer responds to"),
        icon=":material/visibility:",
        type="tertiary",
        key="respond",
        on_click=lambda: routes.go(routes.LAYERS, network, also=layer),
    )
    return layer, {name: range(len(layer_maps(known, name))) for name in sizes}


def _offer_number(row: DeltaGenerator, chosen: Selection, found: Activations) -> None:
    """A field for the number of a map that is to be enlarged: of the layer that is there when this is drawn.

    What is typed while another layer is on its way belongs to that one.
    """
    key, most = f"map by number {chosen.network}", found.shape[0] - 1
    words = _("Enlarge map number")
    row.number_input(
        words,
        0,
        most,
        None,
        key=key,
        placeholder=_("map 0 … {most}", most=most),
        on_change=lambda: keep(TYPED, taken(key)),
        width=180,
        label_visibility="collapsed",
    )
    if (number := kept(TYPED, lambda: None)) is not None:
        keep(TYPED, None)
        open_unit(place_of(chosen), Opened(found.layer, number))


def _arrow_keys(chosen: Selection, layers: Mapping[str, Sequence[int]], layer: str, unit: Opened | None) -> None:
    """Lets the keys go through the maps of the layer in their order, and through all layers."""

    def show(to: Position) -> None:
        if to.layer != layer:
            set_to(key_of("layer", chosen.network), to.layer)
        open_unit(place_of(chosen), None if to.unit is None else Opened(to.layer, to.unit))

    at = Position(layer, unit and unit.channel)
    arrow_keys(_("← → feature maps · ↑ ↓ layers"), layers, at, show, has_sheets=True)


# What is shown ----------------------------------------------------------------------------------------------------


def _numbers(loaded: Loaded, found: Activations, side: int) -> None:
    """What is counted of the whole layer."""
    k, h, w = found.shape
    field = cache.fields(cache.Built(loaded.architecture.name, side))[found.layer]
    smallest, largest = significant(found.minimum.min()), significant(found.maximum.max())
    silent = _("maps ≤ 0 everywhere") if found.has_sign else _("dead on this picture")
    shown = [
        (_("feature maps"), f"{k} × {h}×{w}" if h * w > 1 else _("{k} values", k=k)),
        (_("receptive field"), field_in_words(field)),
        (_("smallest and largest value"), f"{smallest} … {largest}"),
        (zeros_in_words(found), percent(found.silent.mean())),
        (silent, _("{dead} of {all} maps", dead=int(found.dead.sum()), all=k)),
    ]
    figures(shown)


def _histogram(found: Activations) -> None:
    st.caption(f"**{_('All values of the layer')}** · {plain(found.layer)}")
    chart(
        bars(found.histogram, _("value"), _("count")),
        "histogram",
        _("All values of the layer"),
        {"displayModeBar": False},
    )
    st.caption(
        _(
            "{values} values in {bins} equal bins; the count axis is logarithmic.",
            values=grouped(int(found.histogram.counts.sum())),
            bins=len(found.histogram.counts),
        )
    )


def _dead(chosen: Selection, loaded: Loaded) -> None:
    """How much of every named layer is silent on this picture."""
    st.caption(f"**{_('Dead maps of all named layers')}**")
    layers = loaded.layers
    found = computed(_("Counting dead maps …"), lambda: cache.dead_maps(chosen, tuple(dict.fromkeys(layers.values()))))
    rows = [
        (name, operation, f"{dead} / {maps} ({percent(dead / maps)})", percent(share))
        for name, operation in layers.items()
        for dead, maps, share in [found[operation]]
    ]
    wrapped([_("layer"), _("operation"), _("dead maps"), _("share of values ≤ 0")], rows, "dead maps")
    st.caption(_("Dead here means 0 or less at every position of this picture; the map may respond to other pictures."))


page()
