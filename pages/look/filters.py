"""Filters: what the weights of every convolution look like, and what their numbers say."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st

from models import Loaded
from pages.common import cache
from pages.common.components.grid import clickable_grid
from pages.common.session import Selection, from_link, link_is_about, pick, picked, selection, to_url
from pages.common.text import _, language, plain, prose
from pages.common.widgets import network_or_stop, warning_of
from pages.look import clipping, evolution, figure6
from pages.look.kernels import Shown, close_up, files, in_numbers, matrix, range_of_weights, with_room
from vis.figures.filters import columns_for, limits_of, sheet
from vis.filters import ORDERS, Convolution, convolutions
from vis.trace import traced

TEXTS = Path(__file__).parent / "texts"
MOST_TILES = 512  # at once


def page() -> None:
    st.title(_("Filters"))
    st.markdown(
        _(
            "The weights of every convolution as pictures: the first layer's filters in colour, deeper ones map by "
            "map, 1×1 layers as a matrix. **Click a tile** for its numbers; choose the network in the sidebar."
        )
    )
    chosen, loaded = network_or_stop(selection())
    _body(chosen, loaded)
    with st.expander(_("What is shown here, and how it is measured"), icon=":material/menu_book:"):
        st.markdown(prose(TEXTS, "filters"))


@st.fragment
def _body(chosen: Selection, loaded: Loaded) -> None:
    """One of the views; a click reruns nothing else."""
    views: dict[str, tuple[str, Callable]] = {
        "layer": (_("Filters of a layer"), _layer),
        "clipping": (_("RMS clipping"), clipping.what_if),
        "training": (_("Through training (figure 4)"), evolution.through_training),
    }
    if chosen.network in figure6.NETWORKS:
        views["pair"] = (_("ZFNet beside AlexNet (figure 6)"), figure6.pair)
    view = st.segmented_control(
        _("Show"),
        views,
        format_func=lambda name: views[name][0],
        default=from_link("show", "layer", views),
        required=True,
        key=f"show {chosen.network in figure6.NETWORKS}",
        persist_state="session",
        label_visibility="collapsed",
    )
    details = views[view][1](chosen, loaded)
    to_url(
        network=chosen.network,
        weights="random" if selection().weights == "random" else None,
        sample=None if chosen.picture.uploaded else chosen.picture.name,
        show=view if view != "layer" else None,
        **details,
        language=language(),
    )


# A layer ----------------------------------------------------------------------------------------------------------


def _layer(chosen: Selection, loaded: Loaded) -> dict[str, object]:
    """Draws the filters of a layer; what of it belongs into the address."""
    known = convolutions(loaded.model)
    if not known:
        st.info(_("{network} has no convolution, so it has no filters to show.", network=loaded.architecture.title))
        return {}
    first = next(iter(known))
    above = st.empty()
    layer = st.selectbox(
        _("Convolution"),
        list(known),
        list(known).index(_linked(chosen, "layer", first, known)),
        format_func=lambda name: _in_short(known[name]),
        key=f"convolution {chosen.network}",
        persist_state="session",
    )
    linked = _linked(chosen, "layer", first, traced(loaded.model).names.values())
    if linked not in known and layer == first:
        above.info(
            _(
                "“{layer}” is no convolution, so it has no filters; “{first}” is shown.",
                layer=plain(linked),
                first=plain(first),
            )
        )
    convolution = known[layer]
    details = (_matrix if convolution.kind == "matrix" else _tiles)(chosen, loaded, convolution)
    return {"layer": layer} | details


def _in_short(convolution: Convolution) -> str:
    """A convolution in one line: its name, kernel, stride, groups and maps."""
    kernel = "×".join(map(str, convolution.kernel))
    stride = "" if set(convolution.stride) == {1} else f" /{convolution.stride[0]}"
    maps = f"{convolution.inputs} → {convolution.outputs}"
    parts = [convolution.name, f"{kernel}{stride}", maps]
    if convolution.kind == "depthwise":
        parts.append(_("depthwise"))
    elif convolution.groups > 1:
        parts.append(_("{count} groups", count=convolution.groups))
    return " · ".join(parts)


def _linked(chosen: Selection, key: str, usual, allowed, kind=str):
    """What the link says of this network; the usual value where it is about another one."""
    return from_link(key, usual, allowed, kind) if link_is_about(chosen.network) else usual


def _of_link(chosen: Selection, layer: str, key: str, count: int) -> int | None:
    """The number that the link names in this layer."""
    if _linked(chosen, "layer", None, (layer,)) is None:
        return None
    return _linked(chosen, key, None, range(count), int)


def _tiles(chosen: Selection, loaded: Loaded, convolution: Convolution) -> dict[str, object]:
    """Filters as tiles; of a filter over many maps, a tile for each of them."""
    whole = convolution.kind != "slices"
    output = None if whole else _output(chosen, loaded, convolution)
    by, own, on_picture = _look(convolution)
    measures = cache.filters(chosen, convolution.name, output, on_picture)
    numbers = range(convolution.outputs) if whole else convolution.inputs_of(output)
    name = "filter" if whole else "input"
    first = _of_link(chosen, convolution.name, name, max(numbers) + 1)
    place = ("tile", chosen.network, chosen.weights, convolution.name)
    selected = picked(place, first)
    opened = None if selected not in numbers else selected - numbers[0]

    shown = Shown(chosen, loaded, convolution, measures, numbers, output, own, on_picture)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        clicked = _sheet(shown, measures.order(by), by, opened)
    if clicked is not None:
        pick(place, numbers[clicked])
        st.rerun()
    with right:
        if opened is None:
            in_numbers(shown)
        elif close_up(shown, opened):
            pick(place, None)
            st.rerun()
    return {
        "output": output,
        "sort": by if by != _usual_order(convolution) else None,
        "range": "own" if own else None,
        "on": "picture" if on_picture else None,
        name: None if opened is None else selected,
    }


def _output(chosen: Selection, loaded: Loaded, convolution: Convolution) -> int:
    """The output map whose filter is shown; they are offered with the largest norm first."""
    of_all = cache.filter_norms(chosen, convolution.name)
    order = np.argsort(-of_all, kind="stable").tolist()
    linked = _of_link(chosen, convolution.name, "output", convolution.outputs)
    return st.selectbox(
        _("Output map"),
        order,
        0 if linked is None else order.index(linked),
        format_func=lambda number: _("{number} · norm {norm}", number=number, norm=f"{of_all[number]:.3g}"),
        key=f"output {chosen.network} {chosen.weights} {convolution.name}",
        persist_state="session",
        help=_("The filter of an output map has a slice for every input map that it reads. The strongest come first."),
    )


def _usual_order(convolution: Convolution) -> str:
    return "index" if convolution.kind in ("whole", "depthwise") else "norm"


def _look(convolution: Convolution) -> tuple[str, bool, bool]:
    """The order of the tiles, whether each has its own range, and whether they are for pixels from 0 to 1."""
    row = st.container(horizontal=True)  # which wraps where the window is narrow
    by = _sorted_by(row, convolution, ORDERS)
    ranges = {"shared": _("one for all"), "own": _("one per tile")}
    contrast = row.segmented_control(
        _("Range of grey"),
        ranges,
        format_func=ranges.get,
        default=from_link("range", "shared", ranges),
        required=True,
        key="range of filters",
        persist_state="session",
    )
    if convolution.kind != "whole":
        return by, contrast == "own", False
    acting = {"normalised": _("normalised picture"), "picture": _("pixels from 0 to 1")}
    on = row.segmented_control(
        _("As they act on the"),
        acting,
        format_func=acting.get,
        default=from_link("on", "normalised", acting),
        required=True,
        key="filters act on",
        persist_state="session",
        help=_(
            "The network sees the picture less its mean and divided by its standard deviation; its weights are for "
            "that. Divided by the same standard deviation, they are for pixels from 0 to 1."
        ),
    )
    return by, contrast == "own", on == "picture"


def _sorted_by(place, convolution: Convolution, orders: tuple[str, ...]) -> str:
    names = {
        "index": _("number"),
        "norm": _("norm"),
        "frequency": _("frequency"),
        "orientation": _("orientation"),
    }
    usual = _usual_order(convolution)
    return place.segmented_control(
        _("Sort by"),
        orders,
        format_func=names.get,
        default=from_link("sort", usual, orders),
        required=True,
        key=f"sort {convolution.kind}",
        persist_state="session",
    )


def _sheet(shown: Shown, order: np.ndarray, by: str, opened: int | None) -> int | None:
    """Draws the tiles in this order; the place among the measures of the one that was clicked."""
    loaded, measures = shown.loaded, shown.measures
    part = _part(len(order), shown.convolution.name)
    limits, order = limits_of(measures.kernels, shown.own), order[part]
    columns = columns_for(len(order), shown.convolution.kernel)
    whole = shown.output is None
    marked = [i for i, number in enumerate(order) if whole and number in measures.dead]
    side = 44 if len(order) <= 128 else 22
    pixels = sheet(measures.kernels[order], limits[order], columns, side, marked)
    picture, more = with_room(loaded, pixels, pixels.shape[1] // columns)
    clicked = clickable_grid(
        picture,
        -(-len(order) // columns) + more,
        columns,
        key=f"sheet {shown.convolution.name}",
        labels=[shown.label(i) for i in order],
        selected=next(iter(np.flatnonzero(order == opened).tolist()), None),
        alt=_("Filters of {layer}", layer=shown.convolution.name),
    )
    words = [*shown.words(), range_of_weights(None if shown.own else float(limits.max(initial=0)))]
    st.caption("  \n".join([plain(words[0]), *map(plain, words[1:])]))
    if marked:
        st.caption(_("A red frame marks a dead filter."))
    with st.container(horizontal=True):
        files(shown, lambda: pixels, words, warning_of(loaded))
    return None if clicked is None else int(order[clicked])


def _part(count: int, key: str) -> slice:
    """Which of the tiles are shown, where they are too many for one sheet."""
    if count <= MOST_TILES:
        return slice(None)
    starts = range(0, count, MOST_TILES)
    first = st.selectbox(
        _("Tiles"),
        starts,
        format_func=lambda start: f"{start + 1}–{min(start + MOST_TILES, count)} / {count}",
        key=f"part {key}",
        persist_state="session",
    )
    return slice(first, first + MOST_TILES)


# A 1×1 layer ------------------------------------------------------------------------------------------------------


def _matrix(chosen: Selection, loaded: Loaded, convolution: Convolution) -> dict[str, object]:
    """The weights of a 1×1 layer, an output map a row and an input map a column."""
    by = _sorted_by(st, convolution, ORDERS[:2])
    place = ("cell", chosen.network, chosen.weights, convolution.name)
    output = _of_link(chosen, convolution.name, "output", convolution.outputs)
    entry = _of_link(chosen, convolution.name, "input", convolution.inputs)
    linked = None if None in (output, entry) else output * convolution.inputs + entry
    cell = picked(place, linked)
    clicked = matrix(chosen, loaded, convolution, by, cell)
    if clicked is not None:
        pick(place, clicked)
        st.rerun()
    row, column = (None, None) if cell is None else divmod(cell, convolution.inputs)
    return {"sort": by if by != _usual_order(convolution) else None, "output": row, "input": column}


page()
