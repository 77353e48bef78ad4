"""The methods' maps side by side: what is quick at once, what takes long when it is asked for and while one watches."""

from collections.abc import Callable, Hashable
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import Loaded
from models.images import png
from models.refusals import Refused
from pages.common import cache
from pages.common.panels import small_tiles, tiles
from pages.common.session import Selection
from pages.common.text import _, plain, said, spoken
from pages.common.widgets import honest_png
from pages.common.words import fidelity_in_words
from pages.explain import work
from pages.explain.attribution.asking import View, ask_options
from pages.explain.attribution.words import range_of, remark_on
from vis.attribution import METHODS
from vis.figures.attribution import limit_of
from vis.figures.numbers import significant

FEW = 6  # passes that are made at once, however long one takes

Maps = dict[str, cache.Explained]


def keys(view: View) -> set[Hashable]:
    """By what the jobs of the tiles are kept."""
    chosen = [view.chosen, *([with_noise(view.chosen)] if view.look["random"] else [])]
    return {(one, view.asked(method)) for method in view.methods for one in chosen}


def with_noise(chosen: Selection) -> Selection:
    """The selection with random weights."""
    return replace(chosen, weights="random")


def draw(view: View, opened: str | None, open_it: Callable[[str], None]) -> Maps:
    """The picture and the maps, cheap ones first; what comes back are those that are known, by their methods.

    Args:
        opened: the method that is seen closely.
        open_it: called with the method whose picture was clicked.
    """
    picture, *places = small_tiles("methods", len(view.methods) + 1)
    _draw_picture(picture, view)
    slots: dict[str, DeltaGenerator] = {}
    costs: dict[str, tuple[work.Passes, float]] = {}
    for method, place in zip(view.methods, places, strict=True):
        head = place.container(horizontal=True, vertical_alignment="center", gap="xsmall")
        head.markdown(f"**{spoken(METHODS[method].title)}**", width="stretch")
        ask_options(head, method, view.side)
        slots[method] = place.container(gap="xsmall")
        if refusal := cache.refusal(view.chosen, view.asked(method)):
            slots[method].info(plain(said(refusal)), icon=":material/block:")
        else:
            costs[method] = cache.cost(view.chosen, view.asked(method))
    maps: Maps = {}
    left = float(work.AT_ONCE)
    for method, (passes, seconds) in sorted(costs.items(), key=lambda one: one[1][1]):
        by_itself = sum(passes) <= FEW or seconds <= left
        left -= seconds if by_itself else 0
        with slots[method]:
            found = _found(view, view.chosen, view.loaded, method, by_itself, passes, seconds)
        if found is not None:
            maps[method] = found
            if view.look["range"] == "own":
                (limit,) = view.limits({method: found}).values()
                _draw_map(slots[method], view, method, found, limit, method == opened, open_it)
    maps = {method: maps[method] for method in view.methods if method in maps}
    if view.look["range"] == "shared":
        for method, limit in view.limits(maps).items():
            _draw_map(slots[method], view, method, maps[method], limit, method == opened, open_it)
    return maps


def _draw_picture(place: DeltaGenerator, view: View) -> None:
    place.markdown(f"**{_('The picture')}**")
    height, width = view.pixels.shape[:2]
    place.image(png(view.pixels), width="stretch", alt=_("The picture"))
    place.caption(
        _(
            "explained: {name}; as the network sees it: {width}×{height} pixels",
            name=plain(view.class_name),
            width=width,
            height=height,
        )
    )


def _found(
    view: View,
    chosen: Selection,
    loaded: Loaded,
    method: str,
    by_itself: bool,
    passes: work.Passes,
    seconds: float,
) -> cache.Explained | None:
    """What a method found; None while it is not known, and then its tile says why.

    Args:
        by_itself: it is computed without being asked for.
    """
    asked = view.asked(method)
    if known := work.result((chosen, asked)):
        return known[-1]
    if by_itself:
        try:
            with st.spinner(_("Computing …")):
                return cache.attribution(chosen, asked)[0]
        except Refused as refusal:
            st.info(plain(said(refusal)), icon=":material/block:")
            return None
    given = cache.picture(chosen)
    steps = work.found(
        (chosen, asked),
        lambda: cache.explanation(loaded, given, asked),
        passes,
        seconds,
        method if chosen == view.chosen else f"{method} with random weights",
        draw=lambda step: _draw_so_far(view, step),
    )
    return steps and steps[-1]


def _draw_so_far(view: View, known: cache.Explained) -> None:
    pixels = view.pixels_of(known, limit_of(view.values(known)))
    st.image(png(pixels), width="stretch", alt=_("What is known so far"))


def _draw_map(
    place: DeltaGenerator,
    view: View,
    method: str,
    found: cache.Explained,
    limit: float,
    is_opened: bool,
    open_it: Callable[[str], None],
) -> None:
    """A map over the picture, and what is to be said of it."""
    with place:
        clicked = tiles(
            view.pixels_of(found, limit),
            1,
            f"map {method}",
            labels=[_("A closer look")],
            loaded=view.loaded,
            selected=0 if is_opened else None,
            pixelated=False,
            alt=f"{spoken(METHODS[method].title)}: {view.class_name}",
        )
        _say(view, method, found)
        if view.look["random"] and view.loaded.weights.trained:
            _draw_noise(view, method, limit if view.look["range"] == "shared" else None)
    if clicked is not None:
        open_it(method)
        st.rerun()


def _say(view: View, method: str, found: cache.Explained) -> None:
    """What stands below a map."""
    if remark := remark_on(view, method, found.map):
        st.caption(f":material/info: {plain(remark)}")
    sign = [] if METHODS[method].has_sign else [_("orange for or against")]
    seconds = _("{seconds} s", seconds=significant(found.seconds, 2))
    st.caption(" · ".join([range_of(found.map), *sign, fidelity_in_words(found.fidelity), seconds]))


def _draw_noise(view: View, method: str, limit: float | None) -> None:
    """The same with random weights: what the architecture alone does.

    Args:
        limit: where colours are full; None for the map's own.
    """
    chosen = with_noise(view.chosen)
    try:
        loaded = cache.opened_network(chosen)[0]
        passes, seconds = cache.cost(chosen, view.asked(method))
    except Refused as refusal:
        st.info(plain(said(refusal)), icon=":material/block:")
        return
    by_itself = sum(passes) <= FEW or seconds <= work.AT_ONCE / len(view.methods)
    noise = _found(view, chosen, loaded, method, by_itself, passes, seconds)
    if noise is None:
        return
    if noise.map.shape != view.pixels.shape[:2]:
        st.info(_("With random weights, this network takes pictures of another size."), icon=":material/block:")
        return
    pixels = view.pixels_of(noise, limit_of(view.values(noise)) if limit is None else limit)
    st.image(honest_png(loaded, pixels, 200), width="stretch", alt=_("With random weights"))
    _say(view, method, noise)
