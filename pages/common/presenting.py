"""A page shown to a room: the button that begins it, and what the arrow keys go through meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.common.components.present import present
from pages.common.components.steps import Key, steps
from pages.common.text import _

Item = TypeVar("Item")


@dataclass(frozen=True)
class Position:
    """Where a page stands: at a unit, or at all of a layer; without a layer at all of them."""

    layer: str | None = None
    unit: int | None = None


def offer_present() -> None:
    """A button that shows the page in full screen and large type."""
    present({"present": _("Present"), "end": _("End the presentation"), "escape": _("Esc ends")})


def for_a_room(key: str) -> DeltaGenerator:
    """A place for what is only shown while the page is presented, for what says so elsewhere is hidden then.

    Args:
        key: identifies it on its page.
    """
    return st.container(key=f"for a room {key}")


def arrow_keys(
    words: str,
    layers: Mapping[str, Sequence[int]],
    at: Position,
    show: Callable[[Position], None],
    has_sheets: bool = False,
) -> None:
    """Lets the arrow keys of a page that is presented go from unit to unit and from layer to layer.

    Args:
        words: what the keys do.
        layers, at, has_sheets: as of `step`.
        show: is called with where the page is to stand, before the script runs again.
    """

    def act(keys: Sequence[Key]) -> None:
        position = at
        for key in keys:
            position = step(layers, position, key, has_sheets)
        if position != at:
            show(position)

    steps(words, act)


def step(layers: Mapping[str, Sequence[int]], at: Position, key: Key, has_sheets: bool = False) -> Position:
    """Where a page stands after a press: left and right go through a layer's units, up and down through the layers.

    Both ends stop. With a single layer all keys go through its units. Where nothing is open, the first press opens the
    first unit: of the layer, or of the first one. Another layer keeps the unit if both layers number theirs alike, as
    before and after a ReLU. Otherwise it begins with its first unit; where it has a sheet, with that.

    Args:
        layers: by their names the units, in the order in which they are shown; none where they are not known yet.
        has_sheets: whether all of one layer can be seen, with no unit open.
    """
    if at.layer not in layers:
        return next((Position(layer, _first(units)) for layer, units in layers.items()), at)
    units, by = layers[at.layer], 1 if key in ("right", "down") else -1
    if key in ("left", "right") or len(layers) == 1:
        return Position(at.layer, _beside(units, at.unit, by) if at.unit in units else _first(units))
    layer = _beside(list(layers), at.layer, by)
    if layer == at.layer or (at.unit in layers[layer] and set(units) == set(layers[layer])):
        return Position(layer, at.unit)
    return Position(layer, None if has_sheets else _first(layers[layer]))


def _first(units: Sequence[int]) -> int | None:
    return next(iter(units), None)


def _beside(items: Sequence[Item], item: Item, by: int) -> Item:
    place = list(items).index(item) + by
    return items[min(max(place, 0), len(items) - 1)]
