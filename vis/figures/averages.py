"""Moving averages as they follow the batches."""

from collections.abc import Mapping, Sequence
from typing import Any

from vis.figures.costs import HERE, LEGEND, SERIES, STEADY


def averages(
    batches: Sequence[float],
    moving: Mapping[str, Sequence[float]],
    whole: float,
    seen: int,
    limits: tuple[float, float],
    words: Mapping[str, str],
) -> dict[str, Any]:
    """A point for what each batch has, a line for what each library keeps, and a dashed one for what is true.

    Args:
        batches: of each batch, from the first one on.
        moving: by the names of libraries: before the first batch, and after each.
        whole: over all batches that could come.
        seen: how many batches have been seen; what comes later is faint.
        limits: of the numbers, the same wherever a slider is dragged.
        words: for "batches", "whole", "axis" and "across".
    """
    last = len(batches)
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": words["batches"],
            "x": list(range(1, last + 1)),
            "y": list(batches),
            "marker": {"size": 6, "color": "#808080", "opacity": [1 if n <= seen else 0.3 for n in range(1, last + 1)]},
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": words["whole"],
            "x": [0, last],
            "y": [whole, whole],
            "line": {"color": "#808080", "width": 1.5, "dash": "dash"},
        },
    ]
    for (name, values), colour in zip(moving.items(), SERIES, strict=False):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": list(range(seen + 1)),
                "y": list(values[: seen + 1]),
                "line": {"color": colour, "width": 3},
            }
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [seen],
                "y": [values[seen]],
                "marker": {"size": 11, "color": colour, "line": {"width": 2, "color": HERE}},
                "showlegend": False,
                "hoverinfo": "skip",
                "cliponaxis": False,
            }
        )
    layout = {
        "xaxis": {"title": words["across"], "range": [-0.5, last + 0.5], "zeroline": False, "nticks": 8, **STEADY},
        "yaxis": {"title": words["axis"], "range": list(limits), "zeroline": False, "nticks": 6, **STEADY},
        "legend": LEGEND,
        "margin": {"l": 56, "r": 10, "t": 10, "b": 140, "autoexpand": False},  # with room for four lines of the legend
        "height": 370,
    }
    return {"data": traces, "layout": layout}
