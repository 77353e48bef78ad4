"""What several conventions make of the same input."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from vis.figures.costs import LEGEND, SERIES, STEADY


def side_by_side(outputs: Mapping[str, Sequence[float]], words: Mapping[str, str]) -> go.Figure:
    """A group of bars for every channel, with a bar for every convention.

    Args:
        outputs: of every channel, by the names of the conventions.
        words: for "axis" and "across".
    """
    traces = [
        {
            "type": "bar",
            "name": name,
            "x": list(range(len(values))),
            "y": list(values),
            "marker": {"color": colour, "line": {"width": 0}},
            "hovertemplate": "%{y:.4~g}",
        }
        for (name, values), colour in zip(outputs.items(), SERIES, strict=True)
    ]
    layout = {
        "xaxis": {"title": words["across"], "dtick": 1, "zeroline": False, "showgrid": False, **STEADY},
        "yaxis": {"title": words["axis"], "rangemode": "tozero", "nticks": 5, **STEADY},
        "legend": LEGEND,
        "margin": {"l": 56, "r": 10, "t": 10, "b": 140, "autoexpand": False},  # with room for four lines of the legend
        "bargap": 0.25,
        "hovermode": "x unified",
        "height": 340,
    }
    return go.Figure({"data": traces, "layout": layout})
