"""What two blocks cost while one of their numbers is changed."""

import re
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from vis.figures.costs import HERE, LEGEND, STEADY

LINES = ("#808080", "#0072b2")  # the plain block and its cheap relative
MOST_POINTS = 64


def places(values: Sequence[int]) -> list[int]:
    """Enough of the values for a smooth curve: evenly spaced, with both ends."""
    step = max(1, (len(values) - 1) / (MOST_POINTS - 1))
    return [values[round(i * step)] for i in range(min(len(values), MOST_POINTS))]


def curves(
    across: Sequence[int],
    costs: Mapping[str, Sequence[int | None]],
    here: tuple[int, Sequence[int]],
    label: str,
    axis: str,
) -> go.Figure:
    """A line for every block over the number that is changed, with a point on each where the sliders stand.

    Args:
        costs: by the names of blocks; None where a block cannot be, and there its line has a gap.
        here: where the sliders stand, and what each block costs there.
        label, axis: what lies across and what is drawn.
    """
    traces = []
    for (name, values), colour in zip(costs.items(), LINES, strict=True):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if None in values else "lines",  # a value between two gaps has no line
                "marker": {"size": 5},
                "name": name,
                "x": list(across),
                "y": list(values),
                "line": {"color": colour, "width": 2.5},
                "hovertemplate": f"<b>{name}</b><br>%{{x}}: %{{y:,d}}<extra></extra>",
            }
        )
    traces.append(
        {
            "type": "scatter",
            "mode": "markers",
            "x": [here[0]] * len(costs),
            "y": list(here[1]),
            "marker": {"size": 12, "symbol": "circle-open", "color": HERE, "line": {"width": 3, "color": HERE}},
            "hoverinfo": "skip",
            "showlegend": False,
            "cliponaxis": False,
        }
    )
    layout = {
        "xaxis": {"title": re.sub(r"_(\w+)", r"<sub>\1</sub>", label), "zeroline": False, "nticks": 8, **STEADY},
        "yaxis": {"title": axis, "rangemode": "tozero", "tickformat": "~s", "nticks": 6, "zeroline": False, **STEADY},
        "legend": LEGEND,
        "margin": {"l": 62, "r": 14, "t": 10, "b": 100, "autoexpand": False},  # with room for two lines of the legend
        "hoverlabel": {"align": "left"},
        "height": 380,
    }
    return go.Figure({"data": traces, "layout": layout})
