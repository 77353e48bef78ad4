"""Networks that were trained alike: accuracy against cost, and how each of them learnt."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log10
from types import MappingProxyType

import numpy as np
import plotly.graph_objects as go

from vis.cost.training import Entrant, front
from vis.figures.costs import LEGEND, STEADY
from vis.figures.labels import LETTER, SIDES, Rectangle, beside, sides
from vis.figures.landscape import COLOURS
from vis.figures.numbers import fixed, short, significant

POINT = 12  # pixels, the diameter
ROOM = 260, 340  # pixels of the plot on a telephone; names that have room there have it everywhere
WIDE = 560, 340  # on a laptop, where further names have room; narrower windows hide them (arrival.css)
BESIDE = 0.45  # of the width of all points, behind the last: room for names
OFF_THE_LINE = "top left", "top center", "top right", "middle left"  # which comes from below and goes to the right
CELL = 24  # pixels within which a click is on a cell, on a telephone; elsewhere it may be some more away
HALF = 1  # pixels, of the width of the front's line
FRONT, RIGHT, WRONG = "#808080", "0, 114, 178", "213, 94, 0"
DASHES = ("solid", "dash", "dot", "dashdot")  # of networks of one family


@dataclass(frozen=True)
class Point:
    """One network of the picture."""

    name: str  # what a click on it gives back
    title: str
    family: str
    cost: float
    accuracy: float  # percent
    hover: str
    is_apart: bool = False  # for it learnt by another recipe


# Accuracy against cost -------------------------------------------------------------------------------------------


def against_cost(
    points: Sequence[Point], words: Mapping[str, str], is_named: bool = True, first: Collection[str] = ()
) -> go.Figure:
    """A point for every network, and a line as high as the best of those that cost no more.

    Args:
        words: for "across", "axis" and "front".
        is_named: whether names stand beside the points, where they have room.
        first: points that are to be named before others.
    """
    best = front({point.name: (point.cost, point.accuracy) for point in points})
    across, heights = (
        _span([log10(p.cost) for p in points], BESIDE if is_named else 0.1),
        _span([p.accuracy for p in points]),
    )
    on_front = sorted((point.cost, point.accuracy) for point in points if point.name in best)
    stairs = [*on_front, (10 ** across[1], on_front[-1][1])] if on_front else []
    order = sorted(points, key=lambda p: (p.name not in first, p.name not in best, -p.accuracy)) if is_named else []
    stand = dict(_named(points, order, best, stairs, (across, heights), ROOM))
    further = dict(_named(points, order, best, stairs, (across, heights), WIDE, stand))
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": words["front"],
            "x": [cost for cost, _accuracy in stairs],
            "y": [accuracy for _cost, accuracy in stairs],
            "line": {"color": FRONT, "width": 1.5, "dash": "dot", "shape": "hv"},
            "hoverinfo": "skip",
        },
        {
            **_named_points(points, stand),
            "customdata": [[point.name] for point in points],
            "marker": {
                "size": POINT,
                "symbol": ["diamond" if point.is_apart else "circle" for point in points],
                "color": [COLOURS[point.family] for point in points],
                "line": {"width": 1, "color": "rgba(255, 255, 255, 0.7)"},
            },
            "hoverinfo": None,
            "hovertext": [point.hover for point in points],
            "hovertemplate": "%{hovertext}<extra></extra>" if is_named else "%{y:.1f} %<extra></extra>",
        },
        _named_points([point for point in points if point.name in further], further),
    ]
    layout = {
        "xaxis": {"title": words["across"], "zeroline": False, **_powers(across), **STEADY},
        "yaxis": {"title": words["axis"], "zeroline": False, "range": heights, "ticksuffix": " %", **STEADY},
        "showlegend": False,
        "margin": {"l": 66, "r": 14, "t": 10, "b": 52, "autoexpand": False},
        "hoverlabel": {"align": "left"},
        "height": 410,
    }
    return go.Figure({"data": traces, "layout": layout})


def _named_points(points: Sequence[Point], stand: Mapping[str, str]) -> dict[str, object]:
    """A trace of points that are not seen, and of those names that have a side."""
    return {
        "type": "scatter",
        "mode": "markers+text",
        "marker": {"size": POINT, "color": "rgba(0, 0, 0, 0)"},
        "x": [point.cost for point in points],
        "y": [point.accuracy for point in points],
        "text": [point.title if point.name in stand else "" for point in points],
        "textposition": [stand.get(point.name, "top center") for point in points],
        "textfont": {"size": 12},
        "hoverinfo": "skip",
        "cliponaxis": False,
    }


def _named(
    points: Sequence[Point],
    order: Sequence[Point],
    best: Sequence[str],
    stairs: Sequence[tuple[float, float]],
    spans: tuple[Sequence[float], Sequence[float]],
    room: tuple[float, float],
    known: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[tuple[str, str]]:
    """Sides for the names: where points crowd, not all have room.

    Args:
        order: in which points are to be named.
        best: those on the front.
        stairs: the corners of the front's line on its upper side, by cost and accuracy.
        spans: of the axes; of the costs, in powers of ten.
        room: width and height in pixels.
        known: the sides of names that stand there anyway.
    """

    def place(cost: float, accuracy: float) -> tuple[float, float]:
        parts = zip((log10(cost), accuracy), spans, room, strict=True)
        right, up = ((value - low) / (high - low) * length for value, (low, high), length in parts)
        return right, up

    circles = {point.name: (*place(point.cost, point.accuracy), POINT / 2) for point in points}
    titles = {point.name: point.title for point in points}
    taken = [beside(*circles[name], *SIDES[side], LETTER[0] * len(titles[name])) for name, side in known.items()]
    for (left, low), (right, high) in pairwise(place(*corner) for corner in stairs):
        taken += [Rectangle(left, low - HALF, right, low + HALF), Rectangle(right - HALF, low, right + HALF, high)]
    names = [point.name for point in order if point.name not in known]
    return sides(circles, titles, names, room, dict.fromkeys(best, OFF_THE_LINE), taken)


def _span(values: Sequence[float], behind: float = 0.1) -> list[float]:
    """The values with a tenth of them as room before, and such a part of them behind."""
    lowest, highest = min(values), max(values)
    whole = highest - lowest or 10
    return [lowest - whole / 10, highest + behind * whole]


def _powers(across: Sequence[float]) -> dict[str, object]:
    """A logarithmic axis between these powers of ten, with as few ticks as can be read on a telephone."""
    decades = across[1] - across[0]
    digits = range(1, 10) if decades < 0.7 else (1, 2, 5) if decades < 1.5 else (1, 3)
    ticks = [digit * 10.0**power for power in range(-6, 18) for digit in digits]
    return {
        "type": "log",
        "range": list(across),
        "tickvals": ticks,
        "ticktext": [short(tick, 1) if tick >= 1 else significant(tick, 1) for tick in ticks],
    }


# Learning --------------------------------------------------------------------------------------------------------


def learning(entrants: Sequence[Entrant], families: Sequence[str], of: str, words: Mapping[str, str]) -> go.Figure:
    """A line for the accuracy of each network after every epoch.

    Args:
        families: of the networks.
        of: what lies across: "epochs", "core_seconds" or "flop".
        words: for "across" and "axis".
    """
    traces, unit = [], 1e15 if of == "flop" else 1
    for number, (entrant, family) in enumerate(zip(entrants, families, strict=True)):
        dash = DASHES[families[:number].count(family) % len(DASHES)]
        log = entrant.training.log
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": entrant.title,
                "x": [value / unit for value in entrant.spent[of][1:]],
                "y": [entrant.training.top1_after(epoch.epoch) for epoch in log],
                "line": {"color": COLOURS[family], "width": 2.5, "dash": dash},
                "marker": {"size": 6},
                "hovertemplate": f"<b>{entrant.title}</b><br>%{{x:.4~g}}: %{{y:.1f}} %<extra></extra>",
                "cliponaxis": False,
            }
        )
    ends = _span([log10(value) for trace in traces for value in trace["x"]]) if traces and of != "epochs" else []
    scale = _powers(ends) if ends else {"dtick": 2, "rangemode": "tozero"}
    lines = -(-len(traces) // 2)  # of the legend on a telephone
    layout = {
        "xaxis": {"title": words["across"], "zeroline": False, **scale, **STEADY},
        "yaxis": {"title": words["axis"], "zeroline": False, "ticksuffix": " %", **STEADY},
        "legend": LEGEND,
        "margin": {"l": 66, "r": 14, "t": 10, "b": 70 + 20 * lines, "autoexpand": False},
        "hoverlabel": {"align": "left"},
        "height": 420 + 20 * lines,
    }
    return go.Figure({"data": traces, "layout": layout})


def gradients(entrant: Entrant, words: Mapping[str, str]) -> go.Figure:
    """A line for the norm of the gradient of every stage of a network, from the first (blue) to the last (red)."""
    from plotly.colors import sample_colorscale  # where it is needed: it takes a while

    stages = list(entrant.training.log[0].gradient)
    colours = sample_colorscale("Turbo", np.linspace(0.1, 0.9, len(stages)).tolist())
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": stage.removeprefix("features."),
            "x": [epoch.epoch for epoch in entrant.training.log],
            "y": [epoch.gradient[stage] for epoch in entrant.training.log],
            "line": {"color": colour, "width": 2},
            "marker": {"size": 5},
            "hovertemplate": f"<b>{stage}</b><br>%{{x}}: %{{y:.3~g}}<extra></extra>",
        }
        for stage, colour in zip(stages, colours, strict=True)
    ]
    ends = _span([log10(max(value, 1e-6)) for trace in traces for value in trace["y"]])
    lines = -(-len(traces) // 3)
    layout = {
        "xaxis": {"title": words["across"], "dtick": 2, "zeroline": False, **STEADY},
        "yaxis": {"title": words["axis"], "zeroline": False, **_powers(ends), **STEADY},
        "legend": LEGEND,
        "margin": {"l": 66, "r": 14, "t": 10, "b": 70 + 20 * lines, "autoexpand": False},
        "hoverlabel": {"align": "left"},
        "height": 340 + 20 * lines,
    }
    return go.Figure({"data": traces, "layout": layout})


# What is taken for what ------------------------------------------------------------------------------------------


def taken_for(counts: np.ndarray, classes: Sequence[str], words: Mapping[str, str], dark: bool = False) -> go.Figure:
    """A cell for every class and answer: right ones blue, wrong ones orange, each the stronger the more there are.

    A click on a cell gives back the numbers of both.

    Args:
        counts: (classes, classes), by the right class and then by the answer.
        words: for "right" and "answer".
        dark: whether what is behind it is.
    """
    shares = counts / counts.sum(1, keepdims=True)
    is_right = np.eye(len(counts), dtype=bool)
    traces = [
        {
            "type": "heatmap",
            "x": list(classes),
            "y": list(classes),
            "z": np.where(mask, shares, np.nan).tolist(),
            "zmin": 0,
            "zmax": float(shares[mask].max()) or 1,
            "colorscale": [[0, f"rgba({colour}, 0.02)"], [1, f"rgba({colour}, {strength})"]],
            "showscale": False,
            "hoverinfo": "skip",
            "xgap": 1,
            "ygap": 1,
        }
        for mask, colour, strength in ((is_right, RIGHT, 0.5), (~is_right, WRONG, 0.7))
    ]
    font = {"size": 11, "color": "#f5f5f5" if dark else "#1a1a1a"}
    unseen = {"marker": {"opacity": 0}, "textfont": {"color": font["color"]}}
    # Plotly's own numbers of a heat map are chosen for opaque colours, and no cell of one can be selected.
    traces.append(
        {
            "type": "scatter",
            "mode": "markers+text",
            "x": list(classes) * len(classes),
            "y": np.repeat(classes, len(classes)).tolist(),
            "text": [str(count) if count else "" for count in counts.ravel().tolist()],
            "textfont": font,
            "customdata": [list(cell) for cell in np.ndindex(counts.shape)],
            "hovertext": list(map(str, counts.ravel().tolist())),
            "hovertemplate": f"{words['right']}: %{{y}}<br>{words['answer']}: %{{x}}<br>%{{hovertext}}<extra></extra>",
            "marker": {"symbol": "square", "size": CELL, "opacity": 0},
            "selected": unseen,
            "unselected": unseen,
            "showlegend": False,
        }
    )
    ends = [-0.5, len(classes) - 0.5]  # marks would widen the axes, though nobody sees them
    layout = {
        "xaxis": {"title": words["answer"], "tickangle": -90, "range": ends, "showgrid": False, **STEADY},
        "yaxis": {"title": words["right"], "range": ends[::-1], "showgrid": False, **STEADY},
        "margin": {"l": 100, "r": 6, "t": 34, "b": 110, "autoexpand": False},  # above it Plotly's buttons, on no cell
        "hovermode": "closest",
        "height": 508,
    }
    return go.Figure({"data": traces, "layout": layout})


def hover(title: str, lines: Mapping[str, str]) -> str:
    """What is said of a network, line by line."""
    return "<br>".join([f"<b>{title}</b>", *(f"{what}: {value}" for what, value in lines.items())])


def points_of_percent(difference: float) -> str:
    """A difference of two accuracies, such as +2.3."""
    return fixed(difference, 1, sign="+")
