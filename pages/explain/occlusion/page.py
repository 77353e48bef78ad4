"""What if a part is covered: a grey square slid over the picture, as in figure 7 of Zeiler & Fergus."""

from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path

import streamlit as st

from models import Loaded
from models.images import png
from models.options import Choice, Number, Phrase
from models.refusals import Refused
from pages.common import address, cache
from pages.common.asking import ask_one, come_back, fragment, key_of, standing
from pages.common.code import picture_code, the_code
from pages.common.panels import close_up, reading, small_tiles
from pages.common.session import Selection, set_to
from pages.common.text import _, plain, said
from pages.common.widgets import computed
from pages.explain import work
from pages.explain.classes import ask_class, class_name, network_that_knows, probabilities
from pages.explain.occlusion import grids
from vis.attribution.perturbing import positions
from vis.figures.numbers import percent

MOST_PLACES = 32  # of the square along a side
TEXTS = Path(__file__).parent / "texts"
CODE = """\
from vis.attribution.figure7 import figure7

*_, found = figure7(loaded.model, image, {target}, {layer!r}, size={size}, stride={stride})
print(found.probability)  # (rows, columns)
"""


def page() -> None:
    st.title(_("What if a part is covered"))
    chosen, loaded = network_that_knows()
    _explorer(chosen, loaded)
    reading(_("How these pictures are made, and how to read them"), TEXTS, "occlusion")


@fragment
def _explorer(chosen: Selection, loaded: Loaded) -> None:
    """The class, the square and the four pictures; a click shows the picture covered there."""
    pixels = computed(_("Reading the picture …"), lambda: cache.pixels_explained(chosen))
    found = probabilities(chosen)
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="row of the square")
    row.markdown(_("A grey square hides a part, and the network is asked again. **Click a place** to see it covered."))
    with row.popover(_("Square and layer"), icon=":material/tune:"):
        size, stride = (ask_one(st, option, network=chosen.network) for option in _square(min(pixels.shape[:2])))
        if stride > size:
            stride = size
            st.caption(_("From one place to the next at most a side of the square, so that every pixel is covered."))
        names = {operation: f"{name} · {operation}" for name, operation in loaded.layers.items()}
        last = list(names)[-1]
        layer = ask_one(st, Choice("layer", Phrase("Layer"), names, last, shown_as="list"), network=chosen.network)
    target = ask_class(chosen, loaded, found, may_be_two=False)
    rows, columns = (positions(side, size, stride) for side in pixels.shape[:2])
    key = (chosen, "figure 7", target, layer, size, stride)
    work.keep_only({key})
    place = _place(rows, columns)
    known = _known(chosen, loaded, key, rows * columns + 1)
    if known is None and not work.is_running(key):
        picture, *_others = small_tiles("before", 4)
        picture.image(png(pixels), width="stretch", alt=_("The picture"))
    if known is not None:
        clicked = grids.draw(loaded, pixels, known, layer, class_name(loaded, target), place, may_be_clicked=True)
        if clicked is not None:
            _choose_place(clicked)
            st.rerun()
        if place is not None:
            _draw_covered(chosen, loaded, known, place)
        grids.offer(chosen, loaded, known, target, layer, (size, stride))
    the_code(CODE, picture_code(chosen, "classifier_input"), target=target, layer=layer, size=size, stride=stride)


def _square(side: int) -> tuple[Number, Number]:
    """The options of a square for pictures of this side: at first a quarter of it, half over the one before."""
    usual, least = max(4, side // 16 * 4), max(2, 2 * -(-side // (2 * MOST_PLACES)))
    size = Number("size", Phrase("Side of the square, pixels"), usual, least, side // 2, step=2, shown_as="slider")
    stride = Phrase("From one place to the next, pixels")
    return size, Number("stride", stride, usual // 2, least, side // 2, step=2, shown_as="slider")


def _known(chosen: Selection, loaded: Loaded, key: Hashable, passes: int) -> cache.Grids | None:
    """What is known of the four pictures; None while that is not all, and then more and more is drawn."""
    _chosen, _name, target, layer, size, stride = key
    given, pixels = cache.picture(chosen), cache.pixels_explained(chosen)
    seconds = cache.seconds_of_passes(chosen, passes)
    steps = work.found(
        key,
        lambda: cache.grids(loaded, given, target, layer, size, stride),
        (passes, 0),
        seconds,
        "square",
        by_itself=seconds <= work.AT_ONCE,
        draw=lambda known: grids.draw(loaded, pixels, known, layer, class_name(loaded, target)),
    )
    return steps and steps[-1]


# The place that is covered ----------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _at(most: int) -> Choice:
    """A place in a grid of so many rows and columns at most, whatever the square is."""
    places = [f"{row},{column}" for row in range(most) for column in range(most)]
    return Choice("at", Phrase("Place"), {None: "", **dict.fromkeys(places, "")}, None)


def _place(rows: int, columns: int) -> tuple[int, int] | None:
    """The place of the square that is looked at, if the grid has it."""
    option = _at(MOST_PLACES + 1)
    come_back(option, key_of(option.name, page=address.drawn()))
    at = standing(option, address.drawn())
    row, column = map(int, at.split(",")) if at else (rows, columns)
    return (row, column) if row < rows and column < columns else None


def _choose_place(place: tuple[int, int] | None) -> None:
    set_to(key_of("at", page=address.drawn()), None if place is None else f"{place[0]},{place[1]}")


def _draw_covered(chosen: Selection, loaded: Loaded, known: cache.Grids, place: tuple[int, int]) -> None:
    """The picture with the square there, and what the network then takes it for."""
    box = known.boxes[place[0]][place[1]]
    words = grids.place_in_words(box)
    with close_up(_("Covered: {place}", place=words), f"{place}", lambda: _choose_place(None), is_beside=True):
        left, right = small_tiles("covered", 2)
        try:
            pixels, classes = cache.seen_covered(chosen, box)
        except Refused as refusal:
            st.error(plain(said(refusal)), icon=":material/error:")
            return
        left.image(png(pixels), width="stretch", alt=words)
        right.markdown(
            "\n".join(f"1. {plain(class_name(loaded, number))}: **{percent(share)}**" for number, share in classes)
        )
        activation = known.activation[place]
        right.caption(grids.activation_in_words(known, float(activation)))


page()
