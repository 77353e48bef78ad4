"""Filters: what the weights of every convolution look like, and what their numbers say."""

from collections.abc import Callable, Container
from pathlib import Path

import numpy as np
import streamlit as st

from models import Loaded
from pages.common import cache
from pages.common.components.grid import clickable_grid
from pages.common.session import Selection, from_link, linked, of_sidebar, pick, picked, selection, to_url
from pages.common.text import _, language, plain, prose
from pages.common.widgets import choice, honest_png, network_or_stop
from pages.look import clipping, evolution, figure6
from pages.look.kernels import Shown, close_up, files, in_numbers, part, range_of_weights
from pages.look.matrix import matrix
from vis.figures.filters import columns_for, limits_of, sheet, side_for
from vis.filters import ORDERS, Convolution, convolutions
from vis.trace import traced

TEXTS = Path(__file__).parent / "texts"
WIDEST, WIDTH = 150, 600  # pixels on a large screen: of a tile at most, and of the sheet


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
    view = choice(
        st,
        _("Show"),
        {name: title for name, (title, _draw) in views.items()},
        from_link("show", "layer", views),
        f"show {chosen.network in figure6.NETWORKS}",
        label_visibility="collapsed",
    )
    details = views[view][1](chosen, loaded)
    to_url(**of_sidebar(), show=view if view != "layer" else None, **details, language=language())


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
        list(known).index(linked(chosen.network, "layer", first, known)),
        format_func=lambda name: _in_short(known[name]),
        key=f"convolution {chosen.network}",
        persist_state="session",
    )
    wanted = linked(chosen.network, "layer", first, traced(loaded.model).names.values())
    if wanted not in known and layer == first:
        above.info(
            _(
                "“{layer}” is no convolution, so it has no filters; “{first}” is shown.",
                layer=plain(wanted),
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


def _of_link(chosen: Selection, layer: str, key: str, allowed: Container[int]) -> int | None:
    """The number that the link names in this layer."""
    if linked(chosen.network, "layer", None, (layer,)) is None:
        return None
    return linked(chosen.network, key, None, allowed, int)


def _tiles(chosen: Selection, loaded: Loaded, convolution: Convolution) -> dict[str, object]:
    """Filters as tiles; of a filter over many maps, a tile for each of them."""
    whole = convolution.kind != "slices"
    output = None if whole else _output(chosen, loaded, convolution)
    by, own, on_picture = _look(convolution)
    measures = cache.filters(chosen, convolution.name, output, on_picture)
    numbers = range(convolution.outputs) if whole else convolution.inputs_of(output)
    name = "filter" if whole else "input"
    place = ("tile", chosen.network, chosen.weights, convolution.name)
    selected = picked(place, _of_link(chosen, convolution.name, name, numbers))
    opened = numbers.index(selected) if selected in numbers else None

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
    of_link = _of_link(chosen, convolution.name, "output", order)
    return st.selectbox(
        _("Output map"),
        order,
        0 if of_link is None else order.index(of_link),
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
    contrast = choice(row, _("Range of grey"), ranges, from_link("range", "shared", ranges), "range of filters")
    if convolution.kind != "whole":
        return by, contrast == "own", False
    acting = {"normalised": _("normalised picture"), "picture": _("pixels from 0 to 1")}
    on = choice(
        row,
        _("As they act on the"),
        acting,
        from_link("on", "normalised", acting),
        "filters act on",
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
    offered = {name: names[name] for name in orders}
    first = from_link("sort", _usual_order(convolution), offered)
    return choice(place, _("Sort by"), offered, first, f"sort {convolution.kind}")


def _sheet(shown: Shown, order: np.ndarray, by: str, opened: int | None) -> int | None:
    """Draws the tiles in this order; the place among the measures of the one that was clicked."""
    loaded, measures = shown.loaded, shown.measures
    limits = limits_of(measures.kernels, shown.own)
    order = order[part(len(order), _("Tiles"), shown.convolution.name)]
    columns = columns_for(len(order), shown.convolution.kernel)
    whole = shown.output is None
    marked = [i for i, number in enumerate(order) if whole and number in measures.dead]
    pixels = sheet(measures.kernels[order], limits[order], columns, side_for(len(order)), marked)
    clicked = clickable_grid(
        honest_png(loaded, pixels),
        -(-len(order) // columns),
        columns,
        key=f"sheet {shown.convolution.name}",
        labels=[shown.label(i) for i in order],
        selected=next(iter(np.flatnonzero(order == opened).tolist()), None),
        width=columns * WIDEST if columns * WIDEST < WIDTH else None,
        height=len(pixels),
        alt=_("Filters of {layer}", layer=shown.convolution.name),
    )
    words = [*shown.words(), range_of_weights(None if shown.own else float(limits.max(initial=0)))]
    st.caption("  \n".join([plain(words[0]), *map(plain, words[1:])]))
    if marked:
        st.caption(_("A red frame marks a dead filter."))
    files(shown, pixels, words)
    return None if clicked is None else int(order[clicked])


# A 1×1 layer ------------------------------------------------------------------------------------------------------


def _matrix(chosen: Selection, loaded: Loaded, convolution: Convolution) -> dict[str, object]:
    """The weights of a 1×1 layer, an output map a row and an input map a column."""
    by = _sorted_by(st, convolution, ORDERS[:2])
    place = ("cell", chosen.network, chosen.weights, convolution.name)
    output = _of_link(chosen, convolution.name, "output", range(convolution.outputs))
    entry = _of_link(chosen, convolution.name, "input", range(convolution.inputs))
    cell = picked(place, None if None in (output, entry) else output * convolution.inputs + entry)
    clicked = matrix(chosen, loaded, convolution, by, cell)
    if clicked is not None:
        pick(place, clicked)
        st.rerun()
    row, column = (None, None) if cell is None else divmod(cell, convolution.inputs)
    return {"sort": by if by != _usual_order(convolution) else None, "output": row, "input": column}


page()
