"""The filters of one layer: a picture of all of them to be clicked, beside what their numbers say."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import Loaded
from models.options import Choice, Phrase
from pages.common import address, cache
from pages.common.asking import ask_one, key_of
from pages.common.code import selection_code, the_code
from pages.common.panels import tiles
from pages.common.presenting import Position, arrow_keys, for_a_room
from pages.common.session import Selection, keep, set_to
from pages.common.text import _, plain
from pages.common.words import range_of_weights
from pages.look.filters.choices import of_layer, opened, part, sorted_by
from pages.look.filters.kernels import Shown, files, in_numbers
from pages.look.filters.matrix import matrix
from pages.look.filters.one_filter import one_filter
from vis.figures.filters import columns_for, limits_of, sheet, side_for
from vis.figures.numbers import significant
from vis.filters import Convolution, convolutions
from vis.trace import traced

RANGE = Choice("range", Phrase("Grey scale"), {"shared": Phrase("one for all"), "own": Phrase("one per tile")})
ON = Choice(
    "on",
    Phrase("Filter input"),
    {"normalised": Phrase("normalised picture"), "picture": Phrase("pixels from 0 to 1")},
    help=Phrase(
        "The network's input is normalised: mean subtracted, then divided by the standard deviation. Its weights act "
        "on that input; divided by the same deviation, they act on pixels from 0 to 1."
    ),
)
CODE = """\
from PIL import Image
from vis.figures.filters import columns_for, limits_of, sheet
from vis.filters import kernels_of, measured

kernels = kernels_of(loaded.model, {layer!r}{std}){slices}  # (filters, channels, rows, columns)
kernels = kernels[measured(kernels).order({order!r})]
pixels = sheet(kernels, limits_of(kernels, own={own}), columns_for(len(kernels), kernels.shape[2:]))
Image.fromarray(pixels).save("filters.png")
"""
WIDEST, WIDTH = 150, 600  # pixels on a large screen: of a tile at most, and of the sheet


def view(chosen: Selection, loaded: Loaded) -> None:
    """Draws the filters of a layer."""
    known = convolutions(loaded.model)
    if not known:
        st.info(_("{network} has no convolution, so it has no filters to show.", network=loaded.architecture.title))
        return
    above, first = st.empty(), next(iter(known))
    names = {name: _in_short(convolution) for name, convolution in known.items()}
    option = Choice("layer", Phrase("Convolution"), names, first, shown_as="list")
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="row of the layer")
    layer = ask_one(row, option, network=chosen.network, comes_back=True, label_visibility="collapsed")
    address.note(layer=layer)
    for_a_room("layer").markdown(f"## {plain(names[layer])}")
    wanted = address.opened_with().get("layer") if address.is_about(chosen.network) else None
    if layer == first and wanted not in known and wanted in traced(loaded.model).names.values():
        above.info(
            _("“{layer}” is not a convolution, so “{first}” is shown instead.", layer=plain(wanted), first=plain(first))
        )
    if known[layer].kind == "matrix":
        matrix(chosen, loaded, known[layer])
        numbers, number = (), None
    else:
        numbers, number = _tiles(row, chosen, loaded, known[layer])

    def show(to: Position) -> None:
        if to.layer == layer:
            keep(_place_of(chosen, layer), (to.unit,))
        else:
            set_to(key_of("layer", chosen.network), to.layer)

    layers = {**dict.fromkeys(known, ()), layer: numbers}
    arrow_keys(_("← → filters · ↑ ↓ layers"), layers, Position(layer, number), show, has_sheets=True)


def _place_of(chosen: Selection, layer: str) -> str:
    """Where the opened tile of a layer is kept."""
    return f"filter {chosen.network} {chosen.weights} {layer}"


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


def _tiles(
    row: DeltaGenerator, chosen: Selection, loaded: Loaded, convolution: Convolution
) -> tuple[list[int], int | None]:
    """Filters as tiles; of a filter over many maps, a tile for each of them. How they look is asked in `row`.

    Returns the numbers of the tiles in their order, and that of the opened one.
    """
    whole = convolution.kind != "slices"
    output = None if whole else _output(chosen, convolution)
    with row.popover(_("Order and colours"), icon=":material/tune:"):
        by, own = sorted_by(st, convolution), ask_one(st, RANGE) == "own"
        on_picture = convolution.kind == "whole" and ask_one(st, ON) == "picture"
    measures = cache.filters(chosen, convolution.name, output, on_picture)
    numbers = range(convolution.outputs) if whole else convolution.inputs_of(output)
    name, count = ("filter", convolution.outputs) if whole else ("input", convolution.inputs)
    place = _place_of(chosen, convolution.name)
    selected = opened(place, chosen, convolution.name, **{name: count})
    here = numbers.index(selected[0]) if selected and selected[0] in numbers else None
    address.note(**{name: None if here is None else numbers[here]})

    shown = Shown(chosen, loaded, convolution, measures, numbers, output, own, on_picture)
    left, right = st.columns([3, 2], gap="medium")
    order = measures.order(by)
    with left:
        clicked = _sheet(shown, order, here)
    if clicked is not None:
        keep(place, (numbers[clicked],))
        st.rerun()
    with right:
        if here is None:
            in_numbers(shown)
        else:
            one_filter(shown, here, lambda: keep(place, None))
    std = ", loaded.preprocess.std" if on_picture else ""
    slices = "" if whole else f"[{output}][:, None]"
    the_code(
        CODE,
        selection_code(chosen),
        layer=convolution.name,
        std=std,
        slices=slices,
        order=by,
        own=own,
    )
    return [numbers[i] for i in order], None if here is None else numbers[here]


def _output(chosen: Selection, convolution: Convolution) -> int:
    """The output map whose filter is shown; they are offered with the largest norm first."""
    of_all = cache.filter_norms(chosen, convolution.name)
    order = np.argsort(-of_all, kind="stable").tolist()
    names = {number: _("{number} · norm {norm}", number=number, norm=significant(of_all[number])) for number in order}
    outputs = Choice(
        "output",
        Phrase("Output map"),
        names,
        shown_as="list",
        help=Phrase("An output map's filter has one slice per input map. The strongest come first."),
    )
    output = ask_one(st, outputs, **of_layer(chosen, convolution.name), comes_back=True)
    address.note(output=output)
    return output


def _sheet(shown: Shown, order: np.ndarray, opened: int | None) -> int | None:
    """Draws the tiles in this order; the place among the measures of the one that was clicked."""
    measures, layer = shown.measures, shown.convolution.name
    limits = limits_of(measures.kernels, shown.own)
    order = order[part(shown.chosen, layer, "tiles", Phrase("Tiles"), len(order))]
    columns = columns_for(len(order), shown.convolution.kernel)
    marked = [i for i, number in enumerate(order) if shown.output is None and number in measures.dead]
    pixels = sheet(measures.kernels[order], limits[order], columns, side_for(len(order)), marked)
    clicked = tiles(
        pixels,
        columns,
        f"sheet {layer}",
        labels=[shown.label(i) for i in order],
        loaded=shown.loaded,
        selected=next(iter(np.flatnonzero(order == opened).tolist()), None),
        width=columns * WIDEST if columns * WIDEST < WIDTH else None,
        alt=_("Filters of {layer}", layer=layer),
    )
    words = [*shown.words(), range_of_weights(None if shown.own else float(limits.max(initial=0)))]
    st.caption("  \n".join(map(plain, words)))
    if marked:
        st.caption(_("A red frame marks a dead filter."))
    files(shown, pixels, words)
    return None if clicked is None else int(order[clicked])
