"""What a check of a map is: an entry with what it does, what it costs, its steps, and how they are shown."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from models.options import Phrase
from pages.common import cache
from pages.explain.attribution.asking import View

Passes = tuple[int, int]  # pictures forward and back
Steps = Callable[[], Iterator[Any]]


@dataclass(frozen=True)
class Check:
    """A check of a map."""

    name: str
    title: Phrase
    does: Phrase
    count: int  # of its steps, about
    maps_at_once: int  # that a step makes without a break
    passes: Callable[[Passes], Passes]  # forward and back, by those of the map
    steps: Callable[[View, str, cache.Explained], Steps]
    draw: Callable[[View, str, Sequence[Any]], None]
    rows: Callable[[View, str, Sequence[Any]], list[dict[str, Any]]]


def row(view: View, method: str, **values: Any) -> dict[str, Any]:
    """A row of a table, with what it is of."""
    of = {"network": view.chosen.network, "picture": view.chosen.picture.name, "class": view.class_name}
    return of | {"method": method} | values


def arguments(view: View, method: str) -> dict[str, Any]:
    """What is asked beside the picture and the method, as `attribute` takes it."""
    asked = view.asked(method)
    known = {"layer": asked.layer, "probability": asked.probability, "negative": asked.negative}
    return known | dict(asked.options)


def times(passes: Passes, count: int, further: int = 0) -> Passes:
    """Those of so many maps, and further ones forward."""
    return passes[0] * count + further, passes[1] * count
