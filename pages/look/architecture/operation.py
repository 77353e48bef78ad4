"""One box of the layer graph seen closely: its numbers and how they come about, what it can see, what it does."""

from dataclasses import replace

import streamlit as st

from models import ARCHITECTURES
from models.images import png
from models.weights import card
from pages.common import cache, routes
from pages.common.cache import Built
from pages.common.components.reveal import reveal
from pages.common.session import PUBLIC_WEIGHTS, Selection, selection
from pages.common.text import _, plain, spoken
from pages.common.widgets import cpu_did_it, honest_png, opened, weights_in_words
from pages.common.words import (
    KINDS,
    bytes_in_words,
    field_in_words,
    name_of,
    operations_in_words,
    quantity_in_words,
    range_of_weights,
    unit_of,
)
from pages.look.architecture import timing
from pages.look.architecture.view import graph_view, show_graph
from vis.cost.arithmetic import explained
from vis.cost.count import Counting
from vis.figures.graph import quantity, settings_in_short
from vis.figures.numbers import grouped, shape
from vis.figures.pictures import heat, montage, signed, with_box
from vis.graph import Graph, Node
from vis.maps import layer_maps

COLUMNS = 8  # of tiles
MOST_MAPS = 32


def inspector(place: str, built: Built, name: str, counting: Counting) -> None:
    """Draws everything about the operation or block that is looked at.

    Raises:
        Refused: for a picture or weights that cannot be used.
    """
    graph = cache.graph(built)
    with st.container(border=True):
        reveal(f"{place} {built.network} {name}", key=f"reveal {place}")
        title, close = st.columns([6, 1], vertical_alignment="center")
        title.markdown(f"#### {ARCHITECTURES[built.network].title} · {plain(name)} · {_what(graph, name)}")
        close.button(
            _("Close"),
            icon=":material/close:",
            key=f"close {place}",
            width="stretch",
            on_click=lambda: show_graph(place, built.network, replace(graph_view(place, built.network), selected=None)),
        )
        _numbers(graph, built, name, counting)
        if name in graph.nodes:
            left, right = st.columns([3, 2], gap="medium")
            with left:
                _arithmetic(graph, built, name, counting)
            with right:
                _field(built, graph.nodes[name])
            _way_to_layers(place, built, graph.nodes[name])
            _with_weights(place, built, graph.nodes[name])  # last, for it may be refused


def _what(graph: Graph, name: str) -> str:
    if name in graph.nodes:
        node = graph.nodes[name]
        return " · ".join(filter(None, (spoken(KINDS[node.kind]), plain(node.operation), settings_in_short(node))))
    block = graph.blocks[name]
    if block.folded:
        return _("{count} identical blocks, {operation}", count=block.count, operation=plain(block.operation))
    return _("block, {operation}", operation=plain(block.operation))


def _numbers(graph: Graph, built: Built, name: str, counting: Counting) -> None:
    """What comes out and what it costs, each beside its share of the network."""
    last = graph.last(name)
    times = timing.milliseconds(built)
    figures = [
        (_("output"), shape(last.output_shape), None),
        (_("parameters"), grouped(graph.params(name)), _share(graph.params(name), graph.params())),
        (
            unit_of(counting),
            operations_in_words(graph, name, counting),
            _share(graph.counted(name, counting), graph.counted(counting=counting)),
        ),
        (
            _("activation memory"),
            bytes_in_words(graph.activation_bytes(name)),
            _share(graph.activation_bytes(name), graph.activation_bytes()),
        ),
        (_("receptive field"), field_in_words(last.receptive_field), None),
    ]
    if times:
        took = quantity(graph, name, "time", counting, times)
        figures.append(
            (_("measured time"), quantity_in_words("time", took, counting), _share(took, sum(times.values())))
        )
    for column, (words, value, share) in zip(st.columns(len(figures)), figures, strict=True):
        column.caption(words)
        column.markdown(f"**{value}**" + (f"  \n{share}" if share else ""))


def _share(part: float | None, whole: float | None) -> str | None:
    return _("{share} of the network", share=f"{part / whole:.1%}") if part and whole else None


def _arithmetic(graph: Graph, built: Built, name: str, counting: Counting) -> None:
    """The formulas, with this layer's numbers put in."""
    names = {
        "height": _("height"),
        "width": _("width"),
        "params": _("parameters"),
        "macs": _("MACs"),
        "activation_bytes": _("activation memory, bytes"),
    }
    node = graph.nodes[name]
    st.caption(f"**{_('How the numbers are computed')}**")
    lines = [
        f"{names[found.quantity]} = {found.symbols}\n  = {found.numbers}\n  = {grouped(found.value)}"
        for found in explained(cache.shapes(built), name)
    ]
    cost = node.cost
    extra = [
        (_("bias additions"), cost.bias_adds, counting.bias),
        (_("normalisation"), cost.norm_macs, counting.norm),
        (_("pooling"), cost.pool_operations, counting.pooling),
    ]
    lines += [
        f"{words}: {grouped(count)}{'' if counted else ' – ' + _('not counted')}"
        for words, count, counted in extra
        if count
    ]
    field = node.receptive_field
    if field.size is not None and field.jump is not None:
        lines.append(
            _(
                "receptive field: {size} pixels, jump {jump}, first unit from pixel {start}",
                size=field.size,
                jump=field.jump,
                start=field.start,
            )
        )
    if node.inputs:
        lines.append(f"{_('inputs')}: {', '.join(node.inputs)}")
    st.code("\n".join(lines), language=None, wrap_lines=True)


def _field(built: Built, node: Node) -> None:
    """What the unit in the middle of the maps can see of the picture."""
    chosen = selection()
    st.caption(f"**{_('Receptive field of the centre unit')}**")
    with st.spinner(_("Reading the picture …"), show_time=True):
        pixels = cache.picture_at(chosen, built)
    row, column = (side // 2 for side in _sides(built, node))
    field = node.receptive_field.held or node.receptive_field  # while gates are held, as they are for the deconvnet
    top, left, bottom, right = field.box(row, column, pixels.shape[:2])
    st.image(png(with_box(pixels, (top, left, bottom, right), 448)), width="stretch")
    st.caption(
        _(
            "{picture}, {side}×{side}: rows {top}–{bottom}, columns {left}–{right}",
            picture=plain(name_of(chosen.picture)),
            side=built.side,
            top=top,
            bottom=bottom - 1,
            left=left,
            right=right - 1,
        )
    )


def _sides(built: Built, node: Node) -> tuple[int, int]:
    """How many units an operation's maps have from top to bottom and from left to right."""
    if len(node.output_shape) != 4:
        return 1, 1
    return tuple(layer_maps(cache.shapes(built), node.name).shape[1:])


def _way_to_layers(place: str, built: Built, node: Node) -> None:
    """The way to the page that projects this layer, where it is one that can be projected."""
    if node.kind == "input" or len(node.output_shape) not in (2, 4) or built.options:
        return
    st.button(
        _("What this layer responds to, projected by the deconvnet"),
        icon=":material/visibility:",
        type="tertiary",
        key=f"project {place}",
        on_click=routes.go,
        args=(routes.LAYERS, built.network),
        kwargs={"also": node.name},
    )


# With weights -----------------------------------------------------------------------------------------------------


def _with_weights(place: str, built: Built, node: Node) -> None:
    """The layer's filters, and its maps of the picture; on request where the weights must be fetched or made first."""
    if node.kind == "input" or len(node.output_shape) != 4:  # it has neither
        return
    if built.options:
        st.caption(_("Filters and activation maps are shown only with the network's default options."))
        return
    ships = card(built.network) is not None
    if not st.toggle(_("Filters and activation maps"), ships, key=f"with weights {place} {built.network}"):
        return
    chosen, loaded = opened(_of(built.network))
    with st.spinner(_("Showing the picture to the network …"), show_time=True):
        found, on_cpu = cache.layer_view(chosen, node.name, MOST_MAPS)
    if on_cpu:
        st.info(cpu_did_it(), icon=":material/memory:")
    about = f"{loaded.architecture.title} · {plain(weights_in_words(loaded))} · {plain(node.name)}"
    if found.filters is not None:
        limit = float(abs(found.filters.tiles).max())
        st.caption(f"**{_('Filters')}** · {about}")
        tiles = [signed(tile, limit) for tile in found.filters.tiles]
        st.image(honest_png(loaded, montage(tiles, COLUMNS * 2, 48)), width="stretch")
        note = range_of_weights(limit)
        if found.filters.slices is not None:
            note += " " + _("Each filter is shown by its slice over the input map that it weights most.")
        st.caption(note + " " + _("{shown} of {all} filters.", shown=len(tiles), all=node.output_shape[1]))
    if found.maps is not None:
        st.caption(f"**{_('Activation maps')}** · {about} · {plain(name_of(chosen.picture))}")
        tiles = [heat(values, found.limit) for values in found.maps]
        st.image(honest_png(loaded, montage(tiles, COLUMNS, 64)), width="stretch")
        st.caption(
            _(
                "The {count} strongest of {all} maps ({size}), strongest first: {channels}. Dark is 0 or less, bright "
                "is {limit}.",
                count=len(tiles),
                all=found.shape[0],
                size="×".join(map(str, found.shape[1:])),
                channels=", ".join(map(str, found.channels)),
                limit=f"{found.limit:.3g}",
            )
        )


def _of(network: str) -> Selection:
    """The selection, for this network; a file of weights belongs to the network of the sidebar alone."""
    chosen = selection()
    if network == chosen.network:
        return chosen
    return replace(chosen, network=network, weights=chosen.weights if chosen.weights in PUBLIC_WEIGHTS else "auto")
