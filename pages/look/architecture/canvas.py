"""One layer graph on the page, or two beside each other: buttons, drawings, and what is asked for on them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import ARCHITECTURES
from pages.common import cache
from pages.common.cache import Built
from pages.common.components.graph import Action, foresee, layer_canvas
from pages.common.presenting import Position, arrow_keys
from pages.common.session import keep, kept, taken
from pages.common.text import _, spoken
from pages.common.widgets import is_on_a_telephone
from pages.common.words import QUANTITIES
from pages.look.architecture import files
from pages.look.architecture.painting import Look, Painting, data_of, differences_in_words, painted, quantities
from pages.look.architecture.thumbnails import InBoxes
from pages.look.architecture.view import EVERYTHING, GraphView, called, graph_view, show_graph
from vis.comparison import Compared
from vis.figures import graph as figure
from vis.figures.graph import Words
from vis.graph import ROOT, Graph
from vis.layout import Drawing

HEIGHT = "clamp(420px, calc(100svh - 19.5rem), 1000px)"  # what is left below the controls on a laptop
OF_TWO = f"min({HEIGHT}, max(28svh, 220px, (100vw - 40rem) * 1000))"  # below one another, both are seen at once
MOST_TURNED, MOST_BOXES, MOST_LINES = 10, 60, 150  # blocks whose turning is foreseen; in drawings not larger than that
# Of canvases, width by height: beside the sidebar of a laptop or a projector, one of two there, both on a telephone.
ALONE, BESIDE, ON_A_TELEPHONE, ABOVE = 1.7, 0.8, 0.6, 1.3


def places(graph: Graph) -> Collection[str]:
    """The names of all operations and blocks."""
    return graph.nodes.keys() | graph.blocks.keys() - {""}


def canvases(shown: Mapping[str, Built], look: Look, seen: Mapping[str, InBoxes]) -> dict[str, Drawing]:
    """Draws the graph of every place, side by side with one scale of colours, and does what is asked for on them.

    Args:
        seen: by place, the pictures in the boxes as far as they are there.

    Returns the drawings.
    """
    columns = dict(zip(shown, st.columns(len(shown), gap="medium"), strict=True))
    compared = cache.comparison(*shown.values()) if len(shown) > 1 else None
    bars = {}
    for place in shown:  # before any drawing, for they change what is open
        with columns[place]:
            bars[place] = _bar(place, shown, look)
    drawings = {place: _drawn(place, built, look, bool(compared)) for place, built in shown.items()}
    values = {place: quantities(built, drawings[place], look) for place, built in shown.items()}
    most = figure.largest(
        values[place].get(box.name) for place, drawn in drawings.items() for box in drawn.boxes if not box.opened
    )
    both: list[tuple] = []  # on a telephone one legend stands below the two
    for i, (place, built) in enumerate(shown.items()):
        statuses = compared.statuses[i] if compared and look.differences else None
        painting = painted(cache.graph(built), drawings[place], look, values[place], most, statuses)
        if compared and is_on_a_telephone():
            both += [entry for entry in painting.legend if entry not in both]
            painting = replace(painting, legend=both if i else [])
        differences = {}
        if compared and look.differences:
            differences = differences_in_words([*map(cache.graph, shown.values())], compared, i)
        with columns[place]:
            _canvas(place, shown, look, drawings[place], painting, seen.get(place), differences)
        with bars[place]:
            colours = _("kind") if look.colour == "kind" else f"{spoken(QUANTITIES[look.colour])}, {painting.range}"
            files.offer(place, built, drawings[place], painting.paints, colours, look.counting, seen.get(place))
    return drawings


def arrow_keys_of(built: Built, drawn: Drawing) -> None:
    """Lets the keys go from box to box of the first graph, a block before what stands in it."""
    view = graph_view("left", built.network)
    names = [box.name for box in drawn.boxes]
    arrow_keys(
        _("← → boxes"),
        {"": range(len(names))},
        Position("", names.index(view.selected) if view.selected in names else None),
        lambda to: show_graph("left", built.network, GraphView(view.opened, names[to.unit])),
    )


def turned_ahead(built: Built, drawn: Drawing, look: Look) -> None:
    """Sends how the one graph looks when a block of it is opened or closed: then that takes no time.

    Not with maps in the boxes, which weigh too much.
    """
    graph = cache.graph(built)
    opened = _opened(graph, graph_view("left", built.network))
    drawings = {}
    blocks = [box.name for box in drawn.boxes if box.opened is not None] if not look.thumbnails else []
    for block in blocks[:MOST_TURNED]:
        other = _drawing("left", built, opened ^ {block}, look, is_compared=False)
        if len(other.boxes) > MOST_BOXES or len(other.lines) > MOST_LINES:
            continue
        values = quantities(built, other, look)
        most = figure.largest(values.get(box.name) for box in other.boxes if not box.opened)
        drawings[block] = data_of(built, other, painted(graph, other, look, values, most, None), look, {}, None)
    shown = [box.name for box in drawn.boxes if box.opened]
    foresee(_key_of("left", built), shown, drawings, mode=look.mode)


def _drawn(place: str, built: Built, look: Look, is_compared: bool) -> Drawing:
    opened = _opened(cache.graph(built), graph_view(place, built.network))
    return _drawing(place, built, opened, look, is_compared)


def _drawing(place: str, built: Built, opened: frozenset[str], look: Look, is_compared: bool) -> Drawing:
    words = Words(_("input"), _("params"), _("MACs"), _("FLOPs"))
    with_pictures = look.thumbnails and not built.options
    return cache.drawing(built, opened, look.counting, words, _aspect(place, is_compared), with_pictures)


def _key_of(place: str, built: Built) -> str:
    """The key of a canvas."""
    return f"canvas {place} {built.network}"


def _aspect(place: str, is_compared: bool) -> float:
    """The shape of a canvas, width by height: what the browser has said of it, or else what is usual."""
    wide, narrow = (BESIDE, ABOVE) if is_compared else (ALONE, ON_A_TELEPHONE)
    usual = narrow if is_on_a_telephone() else wide
    return kept(_shape_of(place, is_compared), lambda: usual)


def _shape_of(place: str, is_compared: bool) -> str:
    """Under which name the session keeps the shape of a canvas."""
    return f"shape {place}{' of two' if is_compared else ''}"


def _canvas(
    place: str,
    shown: Mapping[str, Built],
    look: Look,
    drawn: Drawing,
    painting: Painting,
    seen: InBoxes | None,
    differences: Mapping[str, str],
) -> None:
    built, is_compared = shown[place], len(shown) > 1
    selected, boxes = graph_view(place, built.network).selected, {box.name for box in drawn.boxes}
    around = (selected, *cache.graph(built).ancestors(selected)) if selected in places(cache.graph(built)) else ()
    layer_canvas(
        data_of(built, drawn, painting, look, _twins(place, shown), seen, differences),
        key=_key_of(place, built),
        mode=look.mode,
        selected=next((name for name in around if name in boxes), None),  # or the closed block that it is in
        words={
            "canvas": _("Layer graph of {network}", network=ARCHITECTURES[built.network].title),
            "hint": _("Arrow keys move, Enter shows details, + opens and − closes a block, F fits to view."),
            "zoom_in": _("Zoom in"),
            "zoom_out": _("Zoom out"),
            "fit": _("Fit"),
            "full": _("Full screen"),
            "open": _("open"),
            "close": _("close"),
            "overview": _("Overview: drag the window to move"),
            "note": _("{count} boxes: the text is {size} px high here."),
            "shrink": _("Close the innermost blocks"),
        },
        height=OF_TWO if is_compared else HEIGHT,
        aspect=_aspect(place, is_compared),
        together="compared" if is_compared and look.together else "",
        on_action=lambda asked: _act(asked, place, shown, look),
    )


def _twins(place: str, shown: Mapping[str, Built]) -> Mapping[str, str]:
    """Of the boxes in this place, their like in the other one."""
    if len(shown) < 2:
        return {}
    compared: Compared = cache.comparison(*shown.values())
    return compared.twins if place == "left" else {other: name for name, other in compared.twins.items()}


# What is asked for ------------------------------------------------------------------------------------------------


def _opened(graph: Graph, view: GraphView) -> frozenset[str]:
    """The blocks of this graph that are open."""
    return frozenset(graph.blocks) if EVERYTHING in view.opened else view.opened & graph.blocks.keys()


def _act(asked: Action, place: str, shown: Mapping[str, Built], look: Look) -> None:
    """Selects a box, opens blocks or closes them, or keeps the shape of the canvas."""
    built, is_compared = shown[place], len(shown) > 1
    graph, view = cache.graph(built), graph_view(place, built.network)
    opened = _opened(graph, view)
    if asked.kind == "select":
        show_graph(place, built.network, GraphView(view.opened, asked.id))
    elif asked.kind == "shape":
        keep(_shape_of(place, is_compared), asked.aspect)
    elif asked.kind == "shrink":
        depths = {block: len(list(graph.ancestors(block))) for block in opened if block}
        deepest = max(depths.values(), default=0)
        fewer = frozenset(block for block in opened if depths.get(block, 0) < deepest)
        show_graph(place, built.network, GraphView(fewer, view.selected))
    else:
        show_graph(place, built.network, GraphView(opened ^ {asked.id}, view.selected))
        if is_compared and look.together and (twin := _twins(place, shown).get(asked.id)):
            _turn(shown, "right" if place == "left" else "left", twin, asked.id not in opened)


def _turn(shown: Mapping[str, Built], place: str, block: str, is_open: bool) -> None:
    """Opens a block, or closes it."""
    graph, view = cache.graph(shown[place]), graph_view(place, shown[place].network)
    opened = _opened(graph, view)
    around = {block, *graph.ancestors(block)} if is_open else set()
    after = opened | around if is_open else opened - {block}
    show_graph(place, shown[place].network, GraphView(after, view.selected))


def _bar(place: str, shown: Mapping[str, Built], look: Look) -> DeltaGenerator:
    """Which of two it is, open all, close all, search, in one row. Returns the place for the downloads."""
    built, is_compared = shown[place], len(shown) > 1
    row = st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"bar {place}")
    if is_compared:
        row.markdown(f"**{spoken(ARCHITECTURES[built.network].title)}**", width="content")
    together = shown if look.together else {place: built}
    if row.button(_("Open all"), icon=":material/unfold_more:", key=f"open all {place}"):
        _show_all(together, frozenset({EVERYTHING}))
    if row.button(_("Close all"), icon=":material/unfold_less:", key=f"close all {place}"):
        _show_all(together, frozenset())
    downloads = row.container(width="content")
    key = f"search {place} {built.network}"
    if is_compared and is_on_a_telephone():
        row = row.popover(_("Search"), icon=":material/search:", key=f"find {place}")
    row.selectbox(
        _("Search"),
        findable(cache.graph(built)),
        None,
        format_func=called(built).__getitem__,
        key=key,
        placeholder=_("Find a layer by any of its names"),
        label_visibility="collapsed",
        filter_mode="contains",  # which keeps their order
        on_change=lambda: _look_at(place, built, taken(key)),
    )
    return downloads


def _show_all(shown: Mapping[str, Built], opened: frozenset[str]) -> None:
    for place, built in shown.items():
        show_graph(place, built.network, GraphView(opened, graph_view(place, built.network).selected))


def findable(graph: Graph) -> list[str]:
    """All blocks and operations, level by level, so that what is named exactly is found before what stands in it."""
    found: list[str] = []
    level: Sequence[str] = (ROOT,)
    while level:
        level = [
            child for name in level if name in graph.blocks for child in _shorter_first(graph.blocks[name].children)
        ]
        found += level
    return found


def _shorter_first(names: Sequence[str]) -> list[str]:
    """As they come, but conv2 before conv2_reduce."""
    first = {name: min(i for i, other in enumerate(names) if other.startswith(name)) for name in names}
    return sorted(names, key=lambda name: (first[name], len(name)))


def _look_at(place: str, built: Built, name: str | None) -> None:
    """Looks closely at an operation or a block, and opens the blocks around it."""
    graph, view = cache.graph(built), graph_view(place, built.network)
    if name in places(graph):
        show_graph(place, built.network, GraphView(view.opened | set(graph.ancestors(name)), name))
