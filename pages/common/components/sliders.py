"""Sliders that report while they are dragged, where Streamlit's own report once they are let go, and results beside
them that follow the hand: what a slider can be dragged to is sent before it is dragged.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pages.common import cache
from pages.common.components import component
from pages.common.session import value_of
from vis.figures.numbers import marks

MOST_VALUES = 5_000
MOST_STOPS = 300  # where a pointer can drag a slider to, which is fewer pixels long than some have values
CLOSE = 64  # values to either side of it, at least, that keys reach one after the other

Number = int | float
Frame = Mapping[str, Any]  # what is shown at one place of the sliders; results.js draws it

_sliders = component("sliders", "reports", "results", "reach")


@dataclass(frozen=True)
class Slider:
    """One of some values, in their order."""

    name: str  # by which `on_change` tells it
    label: str
    values: Sequence[Number]
    marks: Sequence[Number] = ()  # those of the values that are written below the track, and snapped to
    digits: int = 0  # behind the decimal point


@dataclass(frozen=True)
class Results:
    """What is shown beside sliders.

    A frame has "readings", each with its value, a note, and how long its bars are, 0 to 1; and, where there are any,
    "chains" of volumes, "bars", "curves", and a "mark" on a grid; or it is "refused", with the reason.
    """

    look: Mapping[str, Any]  # what is the same in all frames
    frame: Callable[[Mapping[str, Number]], Frame]
    about: Hashable  # all that frames depend on, beside the values
    first: str  # the slider that is most likely the first one to be dragged


@dataclass(frozen=True)
class Report:
    """What a visitor does."""

    values: dict[str, Number] | None  # of every slider by its name; None where none was moved
    rests: bool  # whether none is held
    near: str | None  # the slider that they are at


def live_sliders(
    sliders: Sequence[Slider],
    chosen: Mapping[str, Number],
    key: str,
    *,
    on_change: Callable[[Report], None],
    results: Results | None = None,
    near: str | None = None,
) -> None:
    """Draws sliders below one another, and results beside them or, on a phone, above; without results in columns.

    Results follow a drag at once where they are known; the script runs again when the pointer rests. Where they are not
    known, the sliders report as often as they are answered, a few times per second, and once more when let go. They
    belong into a fragment, with all that depends on them.

    Args:
        chosen: the value of each slider by its name; of other values the nearest is shown.
        key: identifies the sliders on their page.
        on_change: is called before the script runs again, so that what it changes is drawn in that run.
        near: the slider whose results are to be known; the first one of `results`, unless another is said.

    Raises:
        ValueError: for sliders without values, with too many, or whose marks are none of their values.
    """
    for slider in sliders:
        if not 1 <= len(slider.values) <= MOST_VALUES or not set(slider.marks) <= set(slider.values):
            raise ValueError(f"Slider {slider.name!r} of {key!r} has no values, too many, or marks that are none.")
    data = {
        "sliders": [
            {
                "label": slider.label,
                "values": list(slider.values),
                "marks": sorted(slider.values.index(mark) for mark in slider.marks),
                "digits": slider.digits,
                "stops": stops(slider) if results and len(slider.values) > MOST_STOPS else None,
            }
            for slider in sliders
        ],
        "places": [_nearest(slider.values, chosen[slider.name]) for slider in sliders],
        "decimal": marks().decimal,
    }
    if results:
        data |= {"look": dict(results.look), "now": dict(results.frame(chosen)), "about": repr(results.about)}
        data["reach"] = _reach(sliders, chosen, near or results.first, results)

    def act() -> None:
        match getattr(value_of(key), "moved", None):  # nothing where its page was left in the middle of a drag
            case {"places": places, "rests": bool(rests), **more} if _fits(places, sliders):
                values = {s.name: s.values[place] for s, place in zip(sliders, places, strict=True)}
                is_moved = more.get("moved") is not False
                on_change(Report(values if is_moved else None, rests, _named(more.get("near"), sliders)))

    _sliders(key=key, data=data, on_moved_change=act)


def stops(slider: Slider) -> list[int]:
    """The places where a pointer can drag a slider to: of many values every second, fourth, … and the marks."""
    every = 1
    while len(slider.values) > MOST_STOPS * every:
        every *= 2
    ends = {0, len(slider.values) - 1}
    marked = {slider.values.index(mark) for mark in slider.marks}
    return sorted(ends | marked | {i for i, value in enumerate(slider.values) if every == 1 or value % every == 0})


def _reach(sliders: Sequence[Slider], chosen: Mapping[str, Number], near: str, results: Results) -> dict[str, Any]:
    """The results at every place that one slider can be dragged to, or moved to by keys, while the others stay."""
    ((place, slider),) = [(i, slider) for i, slider in enumerate(sliders) if slider.name == near]
    others = {name: value for name, value in chosen.items() if name != near}
    start = _nearest(slider.values, chosen[near]) // CLOSE * CLOSE
    close = range(max(0, start - CLOSE), min(len(slider.values), start + 2 * CLOSE))

    def frames() -> list[tuple[int, Frame]]:
        places = sorted({*stops(slider), *close})
        return [(at, results.frame({**others, near: slider.values[at]})) for at in places]

    return {"slider": place, "frames": cache.packed(repr((results.about, near, others, start)), frames)}


def _nearest(values: Sequence[Number], value: Number) -> int:
    return min(range(len(values)), key=lambda place: abs(values[place] - value))


def _fits(places: Any, sliders: Sequence[Slider]) -> bool:
    """Whether it says a place of every slider; it comes from a browser."""
    return (
        isinstance(places, list)
        and len(places) == len(sliders)
        and all(type(place) is int and 0 <= place < len(s.values) for place, s in zip(places, sliders, strict=True))
    )


def _named(place: Any, sliders: Sequence[Slider]) -> str | None:
    """The slider at this place; it comes from a browser."""
    return sliders[place].name if type(place) is int and 0 <= place < len(sliders) else None
