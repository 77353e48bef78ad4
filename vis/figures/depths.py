"""Errors over depth."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from vis.figures.costs import LEGEND, STEADY

COLOURS = ("#808080", "#0072b2")  # of the plain stack and of the one with shortcuts, as beside live sliders


def by_depth(
    depths: Sequence[int],
    errors: Mapping[str, Sequence[float | None]],
    all_depths: Sequence[int],
    words: Mapping[str, str],
) -> go.Figure:
    """A line for each kind of stack, over the number of its layers on a logarithmic axis.

    Args:
        errors: shares of one, by the names of kinds, at each of the depths; None for a gap.
        all_depths: that are on the axis, for some may not be known yet.
        words: for "axis" and "across".
    """
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": list(depths),
            "y": list(values),
            "line": {"color": colour, "width": 3},
            "marker": {"size": 9, "symbol": symbol},
            "hovertemplate": "%{x}: %{y:.1%}",
            "cliponaxis": False,
        }
        for (name, values), colour, symbol in zip(errors.items(), COLOURS, ("circle", "square"), strict=True)
    ]
    ticks = {"tickvals": list(all_depths), "ticktext": list(map(str, all_depths))}
    layout = {
        "xaxis": {"title": words["across"], "type": "log", "range": [0.22, 2.08], "zeroline": False, **ticks, **STEADY},
        "yaxis": {"title": words["axis"], "range": [-0.02, 0.72], "tickformat": ".0%", "zeroline": False, **STEADY},
        "legend": LEGEND,
        "margin": {"l": 62, "r": 14, "t": 10, "b": 85, "autoexpand": False},
        "height": 300,
    }
    return go.Figure({"data": traces, "layout": layout})
