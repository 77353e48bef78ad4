"""Many passes with dropout: how fast their mean comes to the expectation, and how far a network's answers scatter."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vis.figures.costs import HERE, LEGEND, STEADY
from vis.figures.numbers import significant

FOUND, EXACT = "#0072b2", "#808080"


def error_of_mean(
    errors: Sequence[float], expected: Sequence[float], here: int, words: Mapping[str, str]
) -> dict[str, Any]:
    """The error of the mean after each pass, and the one that is expected, both axes logarithmic.

    Args:
        errors, expected: after the first pass, the second, and so on.
        here: a number of passes that is marked.
        words: for "found", "expected", "axis" and "across".
    """
    passes = list(range(1, len(errors) + 1))
    shown = sorted({round(count) for count in np.geomspace(1, len(errors), 120)})

    def line(name: str, values: Sequence[float], look: dict) -> dict:
        x, y = ([of[count - 1] for count in shown] for of in (passes, values))
        return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "line": look}

    mark = {"size": 11, "color": FOUND, "line": {"width": 2, "color": HERE}}
    traces = [
        line(words["expected"], expected, {"color": EXACT, "width": 2, "dash": "dash"}),
        line(words["found"], errors, {"color": FOUND, "width": 3}),
        {"type": "scatter", "mode": "markers", "x": [here], "y": [errors[here - 1]], "marker": mark}
        | {"showlegend": False, "hoverinfo": "skip", "cliponaxis": False},
    ]
    values = [digit * 10.0**power for power in range(-3, 3) for digit in (1, 2, 5)]
    ticks = {"tickvals": values, "ticktext": [significant(value) for value in values]}
    layout = {
        "xaxis": {"title": words["across"], "type": "log", "dtick": 1, "zeroline": False, **STEADY},
        "yaxis": {"title": words["axis"], "type": "log", **ticks, **STEADY},
        "legend": LEGEND,
        "margin": {"l": 64, "r": 10, "t": 10, "b": 95, "autoexpand": False},
        "height": 320,
    }
    return {"data": traces, "layout": layout}


def scattered(
    answers: np.ndarray, usual: Sequence[float], classes: Sequence[str], words: Mapping[str, str]
) -> dict[str, Any]:
    """A dot for the probability of each class in each pass, with their mean and the answer without dropout.

    Args:
        answers: (passes, classes), 0 to 1.
        usual: of each class, without dropout.
        classes: their names, the first one on top.
        words: for "pass", "mean", "usual" and "across".
    """
    count = len(answers)
    rows = np.arange(len(classes))
    beside = 0.26 * np.sin(2.4 * np.arange(count))  # or dots would hide each other

    def dots(name: str, x: np.ndarray, y: np.ndarray, marker: dict) -> dict:
        trace = {"type": "scatter", "mode": "markers", "name": name, "x": x.tolist(), "y": y.tolist(), "marker": marker}
        return trace | {"hovertemplate": "%{x:.1%}", "cliponaxis": False}

    spread = (rows + beside[:, None]).ravel()
    traces = [
        dots(words["pass"], answers.ravel(), spread, {"size": 7, "color": FOUND, "opacity": 0.5}),
        dots(words["mean"], answers.mean(0), rows, {"size": 22, "color": FOUND, "symbol": "line-ns-open"}),
        dots(words["usual"], np.asarray(usual), rows, {"size": 13, "color": HERE, "symbol": "diamond-open"}),
    ]
    for trace in traces[1:]:
        trace["marker"]["line"] = {"width": 3}
    axis = {"tickvals": rows.tolist(), "ticktext": list(classes), "range": [len(classes) - 0.5, -0.5]}
    layout = {
        "xaxis": {"title": words["across"], "range": [0, 1], "tickformat": ".0%", "zeroline": False, **STEADY},
        "yaxis": {**axis, "zeroline": False, "showgrid": False, **STEADY, "automargin": True},
        "legend": LEGEND,
        "margin": {"l": 10, "r": 20, "t": 10, "b": 100},
        "height": 90 + 56 * len(classes),
    }
    return {"data": traces, "layout": layout}
