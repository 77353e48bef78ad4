"""What a page shows while one of Streamlit's sliders is dragged: what it will show when the slider is let go there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pages.common.components import component
from pages.common.components.reach import class_of, reach_of

Shown = Mapping[str, str | Sequence[Sequence[str]] | dict[str, Any]]
# What following.js can move in a chart; where an axis has another range, its ticks stay at the same parts of it.
MOVABLE = ("x", "y", "opacity", "x0", "x1", "range", "tickvals", "ticktext")

_following = component("following", "reach")


def follow(key: str, reach: Mapping[str, Sequence[Shown]]) -> None:
    """Has parts of the page follow sliders; it belongs into their fragment.

    What is shown at a stop is said by the keys of the containers that it is shown in: Markdown without other marks than
    bullets, bold words and backslashes; the rows of a table, the first one being its head; or a chart, as a dictionary
    of Plotly's. At all stops there is the same number of bold words, rows, traces.

    Args:
        key: identifies these on their page.
        reach: what is shown at every stop of the sliders with these keys.

    Raises:
        ValueError: if more changes in a chart than can be moved.
    """
    data = {"reach": reach_of({slider: _frames(stops) for slider, stops in reach.items()})}
    _following(key=f"following {key}", data=data, height=1)


def _frames(stops: Sequence[Shown]) -> list[dict[str, Any]]:
    """For a browser what is shown at each stop: of charts only what is not the same at all of them."""
    frames = [{} for _stop in stops]
    for place in stops[0]:
        several = [stop[place] for stop in stops]
        if isinstance(several[0], dict):
            several = differing(several)
            if unmovable := {name for name, _value in _leaves(several[0])} - {*MOVABLE}:
                raise ValueError(f"Of the chart {place!r} no slider can move {unmovable}.")
        for frame, shown in zip(frames, several, strict=True):
            frame[class_of(place)] = shown
    return frames


def differing(parts: Sequence[Any]) -> list[Any]:
    """Of each of some dictionaries that are alike, what is not the same in all: again as dictionaries, in which what
    stands in a list is called by its place.
    """
    if isinstance(parts[0], list) and parts[0] and isinstance(parts[0][0], dict):
        parts = [{str(place): each for place, each in enumerate(part)} for part in parts]
    if not isinstance(parts[0], dict):
        return list(parts)
    found = [{} for _part in parts]
    for name in parts[0]:
        several = [part[name] for part in parts]
        if any(each != several[0] for each in several):
            for one, value in zip(found, differing(several), strict=True):
                one[name] = value
    return found


def _leaves(part: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in part.items():
        yield from _leaves(value) if isinstance(value, dict) else [(name, value)]
