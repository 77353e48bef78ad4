"""What can be chosen of a layer's filters: their order, which of many, and the one that is looked at closely."""

from dataclasses import replace
from typing import Any

import streamlit as st

from models.options import Choice, Number, Phrase
from pages.common import address
from pages.common.asking import ask_one, first_value
from pages.common.session import Selection, keep, kept
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


def opened(place: str, chosen: Selection, layer: str, **counts: int) -> tuple[int, ...] | None:
    """What is open in a place of a layer: the numbers last clicked, or at first the link's; after Back or Forward, the
    address's.

    Args:
        counts: the numbers' names in the address, and below what each of them is.
    """
    options = [Number(name, "", None, 0, count - 1) for name, count in counts.items()]
    if (link := address.returned()) is not None:
        keep(place, _all_or_none([option.read_in_part(link.get(option.name, ""))[0] for option in options]))
    if address.opened_with().get("layer") != layer:
        return kept(place, lambda: None)
    return kept(place, lambda: _all_or_none([first_value(option, chosen.network) for option in options]))


def _all_or_none(numbers: list[int | None]) -> tuple[int, ...] | None:
    return None if None in numbers else tuple(numbers)


def part(chosen: Selection, layer: str, name: str, label: str, count: int) -> slice:
    """Which of `count` tiles, rows or columns are shown; all, where they are few."""
    if count <= MOST:
        return slice(None)
    names = {start: f"{start + 1}–{min(start + MOST, count)} / {count}" for start in range(0, count, MOST)}
    first = ask_one(st, Choice(name, label, names, shown_as="list"), **of_layer(chosen, layer))
    return slice(first, first + MOST)
