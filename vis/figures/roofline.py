"""What a machine can do and what the layers of a network do with it: the roofline, and shares of work beside shares of
time.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import log10

import plotly.graph_objects as go

from models.refusals import Refused
from vis.cost.roofline import Roof, Standing
from vis.figures.costs import BESIDE, COLOURS, STEADY
from vis.figures.numbers import grouped, milliseconds, percent, short, significant, spread

ROOF = "#808080"  # on white and on black
SYMBOLS = {"conv": "square", "depthwise": "diamond", "pointwise": "circle", "linear": "triangle-up"}
TICKS = tuple(digit * 10.0**power for power in range(-4, 15) for digit in (1, 3))
ROOM = 1.6  # times the outermost point, to the edge
LEGEND = {"orientation": "h", "traceorder": "normal", "yref": "container", "y": 0, "yanchor": "bottom"}


def roofline(layers: Sequence[Standing], roof: Roof, kinds: Mapping[str, str], words: Mapping[str, str]) -> go.Figure:
    """Every layer that has MACs as a point under the measured roof: what it does in a second by what it moves.

    Args:
        kinds: what the kinds of COLOURS are called.
        words: for "macs", "time", "rate", "intensity", "reached", and "roof" with {peak} and {bandwidth}.

    Raises:
        Refused: where a layer outruns the peak, so that it was measured too low.
    """
    if outrun := roof.outrun_by(layers):
        raise Refused(
            "{layer} reached {rate}MAC/s, more than the measured peak of {peak}MAC/s ± {spread}: something else used "
            "this machine while its peak was measured. Measure again when it is idle.",
            layer=outrun.work.name,
            rate=short(outrun.rate),
            peak=short(roof.peak.rate),
            spread=percent(roof.peak.spread / 2, 0),
        )
    counted = [each for each in layers if each.rate]
    across = [each.work.intensity for each in counted] + [roof.ridge]
    up = [each.rate for each in counted] + [roof.peak.rate]
    left, right = min(across) / ROOM, max(across) * ROOM
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": words["roof"].format(
                peak=f"{short(roof.peak.rate)}MAC/s", bandwidth=f"{short(roof.bandwidth.rate)}B/s"
            ),
            "x": [left, roof.ridge, right],
            "y": [roof.attainable(x) for x in (left, roof.ridge, right)],
            "line": {"color": ROOF, "width": 2.5},
            "hoverinfo": "skip",
        }
    ]
    for kind in COLOURS:
        of_kind = [each for each in counted if each.work.kind == kind]
        if of_kind:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": kinds[kind],
                    "x": [each.work.intensity for each in of_kind],
                    "y": [each.rate for each in of_kind],
                    "marker": {
                        "color": COLOURS[kind],
                        "symbol": SYMBOLS[kind],
                        "size": 10,
                        "opacity": 0.85,
                        "line": {"width": 1, "color": "rgba(255, 255, 255, 0.7)"},
                    },
                    "hovertext": [_hover(each, roof, words) for each in of_kind],
                    "hovertemplate": "%{hovertext}<extra></extra>",
                }
            )
    layout = {
        "xaxis": {"title": {"text": words["intensity"], "standoff": 12}, **_logarithmic(left, right)},
        "yaxis": {"title": words["rate"], **_logarithmic(min(up) / ROOM, max(up) * ROOM)},
        "legend": LEGEND,
        "margin": {"l": 70, "r": 12, "t": 8, "b": 152, "autoexpand": False},  # for five lines of the legend
        "hoverlabel": {"align": "left"},
        "height": 525,
    }
    return go.Figure({"data": traces, "layout": layout})


def _logarithmic(low: float, high: float) -> dict[str, object]:
    return {
        "type": "log",
        "range": [log10(low), log10(high)],
        "tickvals": TICKS,
        "ticktext": [short(tick, 1) if tick >= 1 else significant(tick) for tick in TICKS],
        "zeroline": False,
        **STEADY,
    }


def _hover(each: Standing, roof: Roof, words: Mapping[str, str]) -> str:
    return "<br>".join(
        (
            f"<b>{each.work.name}</b>",
            f"{words['macs']}: {grouped(each.work.macs or 0)}",
            f"{words['time']}: {milliseconds(each.times.median_ms)} {spread(each.times.spread_ms)}",
            f"{words['rate']}: {short(each.rate or 0)}",
            f"{words['intensity']}: {significant(each.work.intensity)}",
            f"{words['reached']}: {percent(roof.reached(each), 0)}",
        )
    )


def shares(layers: Sequence[Standing]) -> dict[str, tuple[float, float]]:
    """By kind of layer, the slowest first: its part of all MACs and its part of the time, from 0 to 1."""

    def kind(each: Standing) -> str:
        return each.work.kind

    sums = {
        name: (sum(each.work.macs or 0 for each in group), sum(each.times.median_ms for each in group))
        for name, group in ((name, list(group)) for name, group in groupby(sorted(layers, key=kind), kind))
    }
    all_macs, all_time = (sum(parts) for parts in zip(*sums.values(), strict=True))
    found = {name: (macs / (all_macs or 1), time / all_time) for name, (macs, time) in sums.items()}
    return dict(sorted(found.items(), key=lambda part: -part[1][1]))


def shares_of_work_and_time(
    layers: Sequence[Standing], kinds: Mapping[str, str], words: Mapping[str, str]
) -> go.Figure:
    """Two bars for every kind of layer: its share of the MACs, and below it its share of the time.

    Args:
        kinds: what the kinds of layers are called.
        words: for "share of macs" and "share of time".
    """
    parts = shares(layers)
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": words[name],
            "y": [kinds[kind] for kind in parts],
            "x": [100 * part[place] for part in parts.values()],
            "marker": {"color": colour, "line": {"width": 0}},
            "hovertemplate": "%{y}<br>%{x:.2f} %<extra>" + words[name] + "</extra>",
        }
        for place, (name, colour) in enumerate({"share of macs": BESIDE, "share of time": COLOURS["pointwise"]}.items())
    ]
    longest = max(100 * max(part) for part in parts.values())
    layout = {
        "barmode": "group",
        "bargap": 0.3,
        "xaxis": {"ticksuffix": " %", "range": [0, 1.04 * longest], "zeroline": False, "nticks": 6, **STEADY},
        "yaxis": {"autorange": "reversed", "fixedrange": True, "automargin": True},
        "legend": LEGEND | {"itemclick": False, "itemdoubleclick": False},
        "margin": {"l": 8, "r": 12, "t": 8, "b": 76},
        "height": 84 + 42 * len(parts),
    }
    return go.Figure({"data": traces, "layout": layout})
