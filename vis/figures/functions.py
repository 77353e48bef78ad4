"""Functions of one number, each with its derivative."""

from collections.abc import Mapping, Sequence
from typing import Any

from vis.figures.costs import HERE, LEGEND, SERIES, STEADY

MOST = len(SERIES)


def with_slopes(
    x: Sequence[float], functions: Mapping[str, tuple[Sequence[float], Sequence[float]]], here: float, slope: str
) -> dict[str, Any]:
    """A full line for every function and a dashed one for its derivative, over each other.

    Args:
        functions: values and derivatives at every x, by their names; MOST of them at most.
        here: a place that is marked.
        slope: what a derivative is called.
    """
    traces = []
    for (name, both), colour in zip(functions.items(), SERIES, strict=False):
        for title, values, dash in zip((name, f"{name}: {slope}"), both, ("solid", "dash"), strict=True):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": title,
                    "x": list(x),
                    "y": list(values),
                    "line": {"color": colour, "width": 3 if dash == "solid" else 2, "dash": dash, "simplify": False},
                    "hovertemplate": "%{y:.3~g}",
                }
            )
    mark = {"color": HERE, "width": 2}
    layout = {
        "xaxis": {"title": "x", "range": [x[0], x[-1]], "nticks": 9, **STEADY},
        "yaxis": {"range": [-1.6, 3.2], "nticks": 6, **STEADY},
        "shapes": [{"type": "line", "x0": here, "x1": here, "yref": "paper", "y0": 0, "y1": 1, "line": mark}],
        "legend": LEGEND,
        "margin": {"l": 40, "r": 10, "t": 10, "b": 130, "autoexpand": False},  # with room for four lines of the legend
        "hovermode": "x unified",
        "height": 400,
    }
    return {"data": traces, "layout": layout}
