"""One layer graph on the page: its buttons, its drawing, what its colours mean, and its files."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from math import inf

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import ARCHITECTURES
from pages.common import cache
from pages.common.cache import Built
from pages.common.components.graph import Action, layer_canvas
from pages.common.session import taken
from pages.common.text import _, spoken
from pages.common.words import KINDS, QUANTITIES, quantity_in_words, summary_of
from pages.look.architecture import files, timing
from pages.look.architecture.view import EVERYTHING, GraphView, graph_view, show_graph
from vis.cost.count import Counting
from vis.figures import graph as figure
from vis.graph import Graph
from vis.layered import HEADER
from vis.layout import Box, Drawing

HEIGHT = 640


@dataclass(frozen=True)
class Look:
    """What the colours of the boxes mean, and what counts as an operation."""

    colour: str  # "kind", or one of vis.figures.graph.QUANTITIES
    counting: Counting


def places(graph: Graph) -> Collection[str]:
    """The names of all operations and blocks."""
    return graph.nodes.keys() | graph.blocks.keys() - {""}


def canvases(shown: Mapping[str, Built], look: Look) -> None:
    """Draws the graph of every place, side by side with one scale of colours, and does what is asked for on them."""
    columns = dict(zip(shown, st.columns(len(shown), gap="medium"), strict=True))
    bars = {}
    for place, built in shown.items():  # before any drawing, for they change what is open
        with columns[place]:
            if len(shown) > 1:
                st.markdown(f"**{ARCHITECTURES[built.network].title}**")
            bars[place] = _bar(place, built, cache.graph(built))
    drawings = {
        place: cache.drawing(built, _opened(cache.graph(built), graph_view(place, built.network)), look.counting)
        for place, built in shown.items()
    }
    quantities = {place: _quantities(built, drawings[place], look) for place, built in shown.items()}
    most = figure.largest(
        quantities[place].get(box.name) for place, drawn in drawings.items() for box in drawn.boxes if not box.opened
    )
    for place, built in shown.items():
        painting = _painted(cache.graph(built), drawings[place], look, quantities[place], most)
        with columns[place]:
            _canvas(place, built, look, drawings[place], painting)
        with bars[place]:
            colours = _("kind") if look.colour == "kind" else f"{spoken(QUANTITIES[look.colour])}, {painting.range}"
            files.offer(place, built, drawings[place], painting.paints, colours, look.counting)


def _canvas(place: str, built: Built, look: Look, drawn: Drawing, painting: "Painting") -> None:
    layer_canvas(
        _data(cache.graph(built), drawn, painting, look),
        key=f"canvas {place} {built.network}",
        mode="kind" if look.colour == "kind" else "value",
        selected=graph_view(place, built.network).selected,
        words={
            "canvas": _("Layer graph of {network}", network=ARCHITECTURES[built.network].title),
            "hint": _("Arrow keys move, Enter shows details, + opens and − closes a block, F fits to view."),
            "zoom_in": _("Zoom in"),
            "zoom_out": _("Zoom out"),
            "fit": _("Fit"),
            "open": _("open"),
            "close": _("close"),
        },
        height=HEIGHT,
        on_action=lambda asked: _act(asked, place, built),
    )


def _opened(graph: Graph, view: GraphView) -> frozenset[str]:
    """The blocks of this graph that are open."""
    return frozenset(graph.blocks) if EVERYTHING in view.opened else view.opened & graph.blocks.keys()


def _act(asked: Action, place: str, built: Built) -> None:
    """Selects a box, or opens a block or closes it."""
    view = graph_view(place, built.network)
    if asked.kind == "select":
        after = GraphView(view.opened, asked.id)
    else:
        after = GraphView(_opened(cache.graph(built), view) ^ {asked.id}, view.selected)
    show_graph(place, built.network, after)


def _bar(place: str, built: Built, graph: Graph) -> DeltaGenerator:
    """Open all, close all, search. Returns the place for the downloads."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    buttons = left.container(horizontal=True)
    view = graph_view(place, built.network)
    if buttons.button(_("Open all"), icon=":material/unfold_more:", key=f"open all {place}"):
        show_graph(place, built.network, GraphView(frozenset({EVERYTHING}), view.selected))
    if buttons.button(_("Close all"), icon=":material/unfold_less:", key=f"close all {place}"):
        show_graph(place, built.network, GraphView(frozenset(), view.selected))
    key = f"search {place} {built.network}"
    right.selectbox(
        _("Search"),
        list(graph.nodes),
        None,
        key=key,
        placeholder=_("Find a layer by name"),
        label_visibility="collapsed",
        on_change=lambda: _look_at(place, built, taken(key)),
    )
    return buttons


def _look_at(place: str, built: Built, name: str | None) -> None:
    """Looks closely at an operation, and opens the blocks around it."""
    graph, view = cache.graph(built), graph_view(place, built.network)
    if name in graph.nodes:
        show_graph(place, built.network, GraphView(view.opened | set(graph.ancestors(name)), name))


# Colours ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Painting:
    """The colours of all boxes, the quantities behind them, and what they mean."""

    paints: Mapping[str, figure.Paint]
    quantities: Mapping[str, float | None]  # empty where colours mean kinds
    range: str  # from where to where the colours go, in words
    legend: list[tuple[str, tuple[str, str]]]  # words, and a colour for light and for dark


def _quantities(built: Built, drawn: Drawing, look: Look) -> dict[str, float | None]:
    """What is to be seen in the colours, by boxes; empty where they mean kinds."""
    if look.colour == "kind":
        return {}
    graph, times = cache.graph(built), timing.milliseconds(built)
    return {box.name: figure.quantity(graph, box.name, look.colour, look.counting, times) for box in drawn.boxes}


def _painted(graph: Graph, drawn: Drawing, look: Look, quantities: Mapping[str, float | None], most: float) -> Painting:
    """The colours of all boxes, on a scale that ends at `most`."""
    if look.colour == "kind":
        names = [box.name for box in drawn.boxes]
        kinds = dict.fromkeys(figure.kind_of(graph, name) for name in names)
        legend = [(spoken(KINDS[kind]), figure.FILLS[kind]) for kind in figure.FILLS if kind in kinds]
        return Painting(figure.painted_by_kind(graph, names), {}, "", legend)
    shares = (0, 0.25, 0.5, 0.75, 1)
    words_of = [quantity_in_words(look.colour, most * share, look.counting) for share in shares]
    fills = figure.painted_by_quantity({share: most * share for share in shares}, most)
    legend = [(words, fills[share].fill) for words, share in zip(words_of, shares, strict=True)]
    if any(value == inf for value in quantities.values()):
        legend[-1] = (f"{legend[-1][0]} · {_('the whole picture')}", legend[-1][1])
    if None in quantities.values():
        legend.append((quantity_in_words(look.colour, None, look.counting), figure.NOT_COUNTED))
    ends = f"{words_of[0]} – {words_of[-1]}"
    return Painting(figure.painted_by_quantity(quantities, most), quantities, ends, legend)


def _data(graph: Graph, drawn: Drawing, painting: Painting, look: Look) -> dict:
    return {
        "width": drawn.width,
        "height": drawn.height,
        "header": HEADER,
        "boxes": [_box(graph, box, painting, look) for box in drawn.boxes],
        "lines": [asdict(line) for line in drawn.lines],
        "legend": painting.legend,
    }


def _box(graph: Graph, box: Box, painting: Painting, look: Look) -> dict:
    title, subtitle, note = (*box.texts, "", "")[:3]
    paint = painting.paints[box.name]
    return {
        "id": box.name,
        "x": box.left,
        "y": box.top,
        "width": box.width,
        "height": box.height,
        "title": title,
        "subtitle": subtitle,
        "note": note,
        "openable": box.opened is not None,
        "open": bool(box.opened),
        "count": graph.blocks[box.name].count if box.name in graph.blocks else 1,
        "value": painting.quantities.get(box.name),
        "fill": paint.fill,
        "ink": paint.ink,
        "label": summary_of(graph, box.name, look.counting, painting.quantities.get(box.name), look.colour),
    }
