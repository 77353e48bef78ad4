"""Classes of functions as regions: each in the next, or beside it."""

from collections.abc import Sequence

import plotly.graph_objects as go

from vis.figures.costs import HERE, SERIES, STEADY

COUNT = 4


def regions(titles: Sequence[str]) -> go.Figure:
    """Two sketches of classes that grow around a function to be learnt: not nested, and nested.

    Args:
        titles: of both.
    """
    shapes, notes = [], []
    for panel, shift in enumerate((0.85, 0.0)):
        for number in range(1, COUNT + 1):
            middle, radius = 4.6 * panel + 1.5 - shift * (number - 1) / 2 * (-1) ** number, 0.35 + 0.32 * number
            box = {"x0": middle - radius, "x1": middle + radius, "y0": -0.62 * radius, "y1": 0.62 * radius}
            shapes.append({"type": "circle", **box, "line": {"color": SERIES[0], "width": 2}, "opacity": 0.8})
            name = {"text": f"F<sub>{number}</sub>", "showarrow": False, "yshift": 9}
            notes.append({"x": middle, "y": box["y0"], **name})
        notes.append({"x": 4.6 * panel + 1.6, "y": 1.35, "text": f"<b>{titles[panel]}</b>", "showarrow": False})
        notes.append({"x": 4.6 * panel + 3.35, "y": 0.55, "text": "f*", "showarrow": False, "xshift": 14})
    stars = {"x": [3.35, 7.95], "y": [0.55, 0.55], "mode": "markers", "type": "scatter", "hoverinfo": "skip"}
    stars["marker"] = {"symbol": "star", "size": 14, "color": HERE}
    blank = {"visible": False, "zeroline": False, **STEADY}
    layout = {
        "shapes": shapes,
        "annotations": notes,
        "xaxis": {**blank, "range": [-1.6, 8.4]},
        "yaxis": {**blank, "range": [-1.2, 1.6]},
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": False,
        "height": 220,
    }
    return go.Figure({"data": [stars], "layout": layout})
