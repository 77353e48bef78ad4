"""What can be chosen of a layer's filters: their order, which of many, and the one that is looked at closely."""

from dataclasses import replace
from typing import Any

import streamlit as st

from models.options import Choice, Number, Phrase
from pages.common import address
from pages.common.asking import ask_one, first_value
from pages.common.session import Selection
from vis.filters import Convolution

SORT = Choice(
    "sort",
    Phrase("Sort by"),
    {
        "index": Phrase("number"),
        "norm": Phrase("norm"),
        "frequency": Phrase("frequency"),
        "orientation": Phrase("orientation"),
    },
)
MOST = 512  # tiles of a sheet at once, and rows and columns of a matrix


def sorted_by(place, convolution: Convolution, *orders: str) -> str:
    """The order of the tiles, out of all there are or out of these."""
    offered = {name: SORT.values[name] for name in orders or SORT.values}
    usual = "index" if convolution.kind in ("whole", "depthwise") else "norm"
    return ask_one(place, replace(SORT, values=offered, usual=usual), of=convolution.kind)


def of_layer(chosen: Selection, layer: str) -> dict[str, Any]:
    """Whose an option of one layer is, for `ask_one`: a link to another layer says nothing of it."""
    is_linked = address.opened_with().get("layer") == layer
    return {"network": chosen.network, "of": f"{chosen.weights} {layer}", "is_linked": is_linked}


def linked(chosen: Selection, layer: str, name: str, count: int) -> int | None:
    """The number below `count` that the link to this layer gives under this name."""
    is_linked = address.opened_with().get("layer") == layer
    return first_value(Number(name, "", None, 0, count - 1), chosen.network) if is_linked else None


def part(chosen: Selection, layer: str, name: str, label: str, count: int) -> slice:
    """Which of `count` tiles, rows or columns are shown; all, where they are few."""
    if count <= MOST:
        return slice(None)
    names = {start: f"{start + 1}–{min(start + MOST, count)} / {count}" for start in range(0, count, MOST)}
    first = ask_one(st, Choice(name, label, names, shown_as="list"), **of_layer(chosen, layer))
    return slice(first, first + MOST)
