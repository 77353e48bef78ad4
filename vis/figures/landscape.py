"""All networks in one picture: their accuracy against their cost or their year, each as large as its cost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log10, sqrt

import plotly.graph_objects as go

from models.architecture import Architecture
from vis.figures.labels import Circle, sides
from vis.figures.numbers import percent, short

LARGEST, SMALLEST = 36, 5  # pixels, the diameters of points
ROOM = 270, 340  # pixels of the plot on a telephone; names that have room there have it everywhere
TICKS = tuple(digit * 10.0**power for power in range(4, 13) for digit in (1, 3))
COLOURS = {  # related families have related colours; all can be told from white and from black
    "lenet": "#a6761d",
    "alexnet": "#8c8c8c",
    "zfnet": "#b8b8b8",
    "vgg": "#e69f00",
    "googlenet": "#009e73",
    "plain": "#7fa8c9",
    "resnet": "#0072b2",
    "resnet_v2": "#3f97cf",
    "squeezenet": "#9a6b3f",
    "densenet": "#56b4e9",
    "mobilenet_v1": "#eda7cb",
    "mobilenet_v2": "#cc79a7",
    "mobilenet_v3": "#a04f7f",
    "efficientnet": "#d55e00",
    "efficientnet_lite": "#e8915a",
    "convnext": "#7b61c9",
}
SYMBOLS = {  # by whose number it is
    "torchvision": "circle",
    "paper": "diamond",
    "authors": "diamond",
    "views": "diamond-open",
}


@dataclass(frozen=True)
class Point:
    """One network of the picture."""

    name: str  # what a click on it gives back, as the first of its customdata
    title: str
    family: str
    year: int
    parameters: int
    macs: int
    accuracy: float  # percent
    measured: str  # one of SYMBOLS


def points_of(architectures: Iterable[Architecture]) -> list[Point]:
    """Networks whose accuracy on ImageNet is known: of a single view, or else by the error that was printed."""
    return [
        Point(a.name, a.title, a.family, a.year, a.parameters, a.macs, *found)
        for a in architectures
        if (found := _accuracy(a))
    ]


def _accuracy(architecture: Architecture) -> tuple[float, str] | None:
    """The top-1 accuracy on ImageNet in percent, and whose number it is; None where there is none."""
    if architecture.accuracy is not None:
        return architecture.accuracy, architecture.accuracy_of
    error = architecture.published.top1_error
    if error is None or architecture.family == "lenet" or architecture.is_for_cifar:
        return None
    return round(100 - float(error.removesuffix(" %")), 2), "views"


@dataclass(frozen=True)
class Words:
    """What the picture says, in the visitor's language."""

    quantities: Mapping[str, str]  # of "macs", "parameters", "year" and "accuracy"
    families: Mapping[str, str]
    measured: Mapping[str, str]  # by the names of SYMBOLS


def landscape(points: Sequence[Point], x: str, size: str, words: Words, named: Sequence[str] = ()) -> go.Figure:
    """The picture of all these networks.

    Args:
        x: "macs", "parameters" or "year".
        size: "macs" or "parameters"; the area of a point is proportional to it, but no point is too small to be seen.
        named: networks to be written beside their points where there is room, the most important first.
    """
    largest = max(getattr(point, size) for point in points)
    axis = _axis(points, x)
    stand = dict(_sides(points, x, size, axis["range"], named))
    figure = go.Figure()
    families = list(dict.fromkeys(point.family for point in points))
    in_legend: set[str] = set()

    def of_one_kind(point: Point) -> tuple[int, int]:
        return families.index(point.family), list(SYMBOLS).index(point.measured)

    for _, group in groupby(sorted(points, key=of_one_kind), of_one_kind):
        members = list(group)
        family, measured = members[0].family, members[0].measured
        figure.add_scatter(
            x=[getattr(point, x) for point in members],
            y=[point.accuracy for point in members],
            customdata=[[point.name] for point in members],
            name=words.families[family],
            legendgroup=family,
            showlegend=family not in in_legend,
            mode="markers+text",
            marker={
                "color": COLOURS[family],
                "symbol": SYMBOLS[measured],
                "size": [getattr(point, size) for point in members],
                "sizemode": "area",
                "sizemin": SMALLEST / 2,  # Plotly's is a radius
                "sizeref": 2 * largest / LARGEST**2,
                "opacity": 0.8,
                "line": {"width": 1, "color": "rgba(255, 255, 255, 0.7)"},
            },
            text=[point.title if point.name in stand else "" for point in members],
            textposition=[stand.get(point.name, "top center") for point in members],
            textfont={"size": 12},
            hovertext=[hover(point, words) for point in members],
            hovertemplate="%{hovertext}<extra></extra>",
            cliponaxis=False,
        )
        in_legend.add(family)
    figure.update_layout(
        xaxis={"title": words.quantities[x], "fixedrange": True, "zeroline": False, **axis},
        yaxis={
            "title": words.quantities["accuracy"],
            "fixedrange": True,  # as above: a finger that moves over the picture scrolls the page
            "zeroline": False,
            "range": _heights(points),
            "ticksuffix": " %",
        },
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "itemsizing": "constant"},
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        hoverlabel={"align": "left"},
        height=560,
    )
    return figure


def hover(point: Point, words: Words) -> str:
    """What is said of a network, line by line."""
    said = words.quantities
    return "<br>".join(
        (
            f"<b>{point.title}</b> ({point.year})",
            f"{said['parameters']}: {short(point.parameters)}",
            f"{said['macs']}: {short(point.macs)}",
            f"{said['accuracy']}: {percent(point.accuracy / 100)}",
            words.measured[point.measured],
        )
    )


# Where things stand -----------------------------------------------------------------------------------------------


def _axis(points: Sequence[Point], x: str) -> dict[str, object]:
    """The horizontal axis, with room for the largest point at its ends; powers of ten but for years."""
    values = [getattr(point, x) for point in points]
    if x == "year":
        return {"range": [min(values) - 1, max(values) + 1], "tickmode": "linear", "dtick": 2, "tickformat": "d"}
    first, last = log10(min(values)), log10(max(values))
    room = (last - first) / 12 or 1
    ticks = {"tickvals": TICKS, "ticktext": [short(tick, 1) for tick in TICKS]}
    return {"type": "log", "range": [first - room, last + room], **ticks}


def _heights(points: Sequence[Point]) -> list[float]:
    lowest, highest = (end(point.accuracy for point in points) for end in (min, max))
    room = (highest - lowest) / 10 or 1
    return [lowest - room, highest + room]


def _sides(
    points: Sequence[Point], x: str, size: str, across: Sequence[float], named: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Networks that can be named, each with a side of its point where its name meets no point and no other name."""
    width, height = ROOM
    bottom, top = _heights(points)
    largest = max(getattr(point, size) for point in points)

    def circle(point: Point) -> Circle:
        value = getattr(point, x)
        along = ((value if x == "year" else log10(value)) - across[0]) / (across[1] - across[0])
        radius = max(SMALLEST, LARGEST * sqrt(getattr(point, size) / largest)) / 2
        return along * width, (point.accuracy - bottom) / (top - bottom) * height, radius

    circles = {point.name: circle(point) for point in points}
    return sides(circles, {point.name: point.title for point in points}, named, ROOM)
