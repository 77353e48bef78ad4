"""One box of the layer graph seen closely: its numbers and how they come about, what it can see, what it does."""

from dataclasses import replace

import streamlit as st

from models import ARCHITECTURES
from models.loading import place_of_weights
from pages.common import cache, routes
from pages.common.cache import Built
from pages.common.panels import bullets, close_up, figures, formula, picture, wrapped
from pages.common.session import selection
from pages.common.text import _, plain, spoken
from pages.common.widgets import opened, say_if_on_cpu, weights_in_words
from pages.common.words import (
    KINDS,
    TERMS,
    field_in_words,
    name_of,
    operations_in_words,
    quantity_in_words,
    range_of_weights,
    unit_of,
)
from pages.look.architecture import timing
from pages.look.architecture.view import called, graph_view, selection_of, show_graph
from vis.cost.arithmetic import explained
from vis.cost.count import Counting
from vis.figures.graph import quantity, settings_in_short
from vis.figures.numbers import byte_size, grouped, percent, shape, significant
from vis.figures.pictures import heat, montage, signed, with_box
from vis.graph import Graph, Node
from vis.maps import layer_maps

COLUMNS = 8  # of tiles
MOST_MAPS = 32


def inspector(place: str, built: Built, name: str, counting: Counting, is_beside: bool) -> None:
    """Draws everything about the operation or block that is looked at.

    Args:
        is_beside: whether it stands beside the graph, and not below.

    Raises:
        Refused: for a picture or weights that cannot be used.
    """
    graph = cache.graph(built)

    def close() -> None:
        show_graph(place, built.network, replace(graph_view(place, built.network), selected=None))

    title = f"{spoken(ARCHITECTURES[built.network].title)} · {plain(called(built)[name])} · {_what(graph, name)}"
    with close_up(title, f"{place} {built.network} {name}", close, place, is_beside):
        _numbers(graph, built, name, counting)
        if name in graph.nodes:
            left, right = (st.container(), st.container()) if is_beside else st.columns([3, 2], gap="medium")
            with left:
                _arithmetic(graph, built, name, counting)
            with right:
                _field(built, graph.nodes[name])
            _way_to_layers(place, built, graph.nodes[name])
            _with_weights(place, built, graph.nodes[name])  # last, for it may be refused
        else:
            _parts(place, graph, name, counting)


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
    last, times = graph.last(name), timing.milliseconds(built)
    params, memory = graph.params(name), graph.activation_bytes(name)
    operations, all_operations = graph.counted(name, counting), graph.counted(counting=counting)
    shown = [
        (_("output"), shape(last.output_shape)),
        (_("parameters"), grouped(params), _share(params, graph.params())),
        (unit_of(counting), operations_in_words(graph, name, counting), _share(operations, all_operations)),
        (_("activation memory"), byte_size(memory), _share(memory, graph.activation_bytes())),
        (_("receptive field"), field_in_words(last.receptive_field)),
    ]
    if times:
        took = quantity(graph, name, "time", counting, times)
        shown.append((_("measured time"), quantity_in_words("time", took, counting), _share(took, sum(times.values()))))
    figures(shown)


def _share(part: float | None, whole: float | None) -> str:
    return _("{share} of the network", share=percent(part / whole)) if part and whole else ""


def _parts(place: str, graph: Graph, name: str, counting: Counting) -> None:
    """What stands in a block, whose numbers are the sums of theirs."""
    st.caption(f"**{_('The sum of what stands in it')}**")
    rows = [
        (
            f"{part.removeprefix(f'{name}.')} · {_kind(graph, part)}",
            shape(graph.last(part).output_shape),
            grouped(graph.params(part)),
            "–" if graph.counted(part, counting) is None else operations_in_words(graph, part, counting),
        )
        for part in graph.blocks[name].children
    ]
    wrapped([_("layer or block"), _("output"), _("parameters"), unit_of(counting)], rows, f"parts {place}")


def _kind(graph: Graph, name: str) -> str:
    return spoken(KINDS[graph.nodes[name].kind]) if name in graph.nodes else graph.blocks[name].operation


def _arithmetic(graph: Graph, built: Built, name: str, counting: Counting) -> None:
    """The formulas, with this layer's numbers put in."""
    node = graph.nodes[name]
    cost, field = node.cost, node.receptive_field
    st.caption(f"**{_('How the numbers are computed')}**")
    lines = [
        f"{spoken(TERMS[found.quantity])} = {formula(found.symbols, found.numbers, found.value)}"
        for found in explained(cache.shapes(built), name)
    ]
    for words, count, is_counted in (
        (_("bias additions"), cost.bias_adds, counting.bias),
        (_("normalisation"), cost.norm_macs, counting.norm),
        (_("pooling"), cost.pool_operations, counting.pooling),
    ):
        if count:
            lines.append(f"{words}: {grouped(count)}" + ("" if is_counted else f" – {_('not counted')}"))
    if field.size is not None and field.jump is not None:
        words = _(
            "receptive field: {size} pixels, jump {jump}; the first unit's begins at pixel {start}",
            size=field.size,
            jump=field.jump,
            start=grouped(field.start),
        )
        lines.append(words + (f", {_('in the padding')}" if field.start < 0 else ""))
    if node.inputs:
        lines.append(f"{_('inputs')}: {plain(', '.join(node.inputs))}")
    bullets(lines)


def _field(built: Built, node: Node) -> None:
    """What the unit in the middle of the maps can see of the picture."""
    chosen = selection()
    with st.spinner(_("Reading the picture …"), show_time=True):
        pixels = cache.picture_at(chosen, built)
    row, column = (side // 2 for side in _sides(built, node))
    field = node.receptive_field.held or node.receptive_field  # while gates are held, as they are for the deconvnet
    top, left, bottom, right = box = field.box(row, column, pixels.shape[:2])
    words = _(
        "{picture}, {side}×{side}: rows {top}–{bottom}, columns {left}–{right}",
        picture=plain(name_of(chosen.picture)),
        side=built.side,
        top=top,
        bottom=bottom - 1,
        left=left,
        right=right - 1,
    )
    picture(_("Receptive field of the centre unit"), with_box(pixels, box, 448), words)


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
        on_click=lambda: routes.go(routes.LAYERS, built.network, also=node.name),
    )


# With weights -----------------------------------------------------------------------------------------------------


def _with_weights(place: str, built: Built, node: Node) -> None:
    """The layer's filters, and its maps of the picture; on request where the weights must be fetched or made first."""
    if node.kind == "input" or len(node.output_shape) != 4:  # it has neither
        return
    if built.options:
        st.caption(_("Filters and activation maps are shown only with the network's default options."))
        return
    is_here = place_of_weights(built.network) == "install" or ARCHITECTURES[built.network].is_own
    if not st.toggle(_("Filters and activation maps"), is_here, key=f"with weights {place} {built.network}"):
        return
    chosen, loaded = opened(selection_of(built.network))
    with st.spinner(_("Showing the picture to the network …"), show_time=True):
        found, on_cpu = cache.layer_view(chosen, node.name, MOST_MAPS, built.side)
    say_if_on_cpu(on_cpu)
    about = f"{spoken(loaded.architecture.title)} · {plain(weights_in_words(loaded))} · {plain(node.name)}"
    if found.filters is not None:
        limit = float(abs(found.filters.tiles).max())
        kernels = [signed(tile, limit) for tile in found.filters.tiles]
        note = range_of_weights(limit)
        if found.filters.slices is not None:
            note += " " + _("Each filter is shown by its slice over the input map that it weights most.")
        note += " " + _("{shown} of {all} filters.", shown=len(kernels), all=node.output_shape[1])
        picture(_("Filters"), montage(kernels, COLUMNS * 2, 48), note, of=about, loaded=loaded)
    if found.maps is not None:
        maps = [heat(values, found.limit) for values in found.maps]
        words = _(
            "The {count} strongest of {all} maps ({size}), strongest first: {channels}. Dark is 0 or less, bright "
            "is {limit}.",
            count=len(maps),
            all=found.shape[0],
            size="×".join(map(str, found.shape[1:])),
            channels=", ".join(map(str, found.channels)),
            limit=significant(found.limit),
        )
        about += f" · {plain(name_of(chosen.picture))}"
        picture(_("Activation maps"), montage(maps, COLUMNS, 64), words, of=about, loaded=loaded)
