"""Sliders that report while they are dragged, where Streamlit's own report once they are let go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pages.common.components import component
from pages.common.session import value_of

MOST_VALUES = 5_000

Number = int | float

_sliders = component("sliders")


@dataclass(frozen=True)
class Slider:
    """One of some values, in their order."""

    name: str  # by which `on_change` tells it
    label: str
    values: Sequence[Number]
    marks: Sequence[Number] = ()  # those of the values that are written below the track, and snapped to
    digits: int = 0  # behind the decimal point


def live_sliders(
    sliders: Sequence[Slider],
    chosen: Mapping[str, Number],
    key: str,
    *,
    on_change: Callable[[dict[str, Number], bool], None],
) -> None:
    """Draws sliders below one another; where there is room, in columns.

    While one is dragged they report as often as they are answered, a few times per second, and once more when it is let
    go. They belong into a fragment, with all that depends on them.

    Args:
        chosen: the value of each slider by its name; of other values the nearest is shown.
        key: identifies the sliders on their page.
        on_change: is called with all values, and whether none is held any more, before the script runs again, so that
            they are drawn in that run.

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
            }
            for slider in sliders
        ],
        "places": [_nearest(slider.values, chosen[slider.name]) for slider in sliders],
    }

    def act() -> None:
        match getattr(value_of(key), "moved", None):  # nothing where its page was left in the middle of a drag
            case {"places": places, "rests": bool(rests)} if _fits(places, sliders):
                on_change({s.name: s.values[place] for s, place in zip(sliders, places, strict=True)}, rests)

    _sliders(key=key, data=data, on_moved_change=act)


def _nearest(values: Sequence[Number], value: Number) -> int:
    return min(range(len(values)), key=lambda place: abs(values[place] - value))


def _fits(places: Any, sliders: Sequence[Slider]) -> bool:
    """Whether it says a place of every slider; it comes from a browser."""
    return (
        isinstance(places, list)
        and len(places) == len(sliders)
        and all(type(place) is int and 0 <= place < len(s.values) for place, s in zip(places, sliders, strict=True))
    )
