"""A stack in two pictures: what every row costs, and how its units see more and more of the picture."""

from collections.abc import Mapping
from html import escape

import plotly.graph_objects as go

from vis.cost.layer import SETTINGS, Layer
from vis.cost.stack import Stack, Step
from vis.figures.costs import COLOURS, HERE, LEGEND, STEADY
from vis.figures.numbers import grouped, percent, side, sizes

MANY = 10**300  # where Plotly's numbers end; the names beside the bars are exact
OTHERS = "#999999"  # of what has no weights, such as a pool
HEIGHT = 430


def row_costs(stack: Stack, quantity: str, kinds: Mapping[str, str], axis: str, row: str) -> go.Figure:
    """A bar for every row, in the colour of its kind; nothing where nothing is counted.

    Args:
        quantity: "macs", "params" or "activation_bytes".
        kinds: what the kinds of layers are called; "other" is for those that have no weights.
        axis, row: what stands beside the bars, and below them.
    """
    whole, traces = getattr(stack, quantity), []
    for kind in dict.fromkeys(step.layer.kind for step in stack.steps):
        found = [
            (number, value)
            for number, step in enumerate(stack.steps, 1)
            if step.layer.kind == kind and (value := getattr(step.layer, quantity)) is not None
        ]
        if found:
            traces.append(
                {
                    "type": "bar",
                    "name": kinds[kind if kind in COLOURS else "other"],
                    "legendgroup": kind if kind in COLOURS else "other",
                    "showlegend": kind in COLOURS or not any(trace["legendgroup"] == "other" for trace in traces),
                    "width": 0.75,
                    "marker": {"color": COLOURS.get(kind, OTHERS), "line": {"width": 0}},
                    "x": [number for number, _ in found],
                    "y": [float(min(value, MANY)) for _, value in found],
                    "hovertext": [
                        f"<b>{number} · {escape(kinds[kind])}</b><br>{grouped(value)}<br>{_part(value, whole)}"
                        for number, value in found
                    ],
                    "hovertemplate": "%{hovertext}<extra></extra>",
                }
            )
    layout = _layout(stack, row) | {
        "yaxis": {"title": axis, "tickformat": "~s", "rangemode": "tozero", "nticks": 6, **STEADY},
        "barmode": "overlay",
    }
    return go.Figure({"data": traces, "layout": layout})


def _part(value: int, whole: int) -> str:
    return percent(value / whole, 2) if whole else "–"


def fields(stack: Stack, words: Mapping[str, str]) -> go.Figure:
    """How large the receptive field is after every row, and the jump, beside the side of the picture.

    Where rows and columns differ, the longer side is drawn and both are said. What sees the whole picture is drawn at
    the picture's side.

    Args:
        words: for "field", "jump", "whole", "picture", "side", "row" and "pixels", and for the kinds of layers.
    """
    numbers = list(range(len(stack.steps) + 1))  # 0 is the picture itself
    side = max(stack.picture[1:])
    found = [None if step.field is None else step.field for step in stack.steps]
    sizes = [1, *(side if field is None else max(field.size) for field in found)]
    jumps = [1, *(None if field is None else max(field.jump) for field in found)]
    hover = [words["picture"], *(_seen(n, step, words) for n, step in enumerate(stack.steps, 1))]
    whole = ["circle", *("circle" if field else "diamond" for field in found)]
    line = {"type": "scatter", "mode": "lines+markers", "x": numbers, "hovertemplate": "%{hovertext}<extra></extra>"}
    traces = [
        {
            **line,
            "name": words["field"],
            "y": sizes,
            "hovertext": hover,
            "line": {"color": COLOURS["conv"], "width": 2.5, "shape": "linear"},
            "marker": {"size": 8, "symbol": whole},
        },
        {
            **line,
            "name": words["jump"],
            "y": jumps,
            "hovertext": hover,
            "line": {"color": COLOURS["pointwise"], "width": 2, "dash": "dot", "shape": "hv"},
            "marker": {"size": 6, "symbol": "square"},
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": words["side"],
            "x": [numbers[0] - 0.4, numbers[-1] + 0.4],
            "y": [side, side],
            "line": {"color": HERE, "width": 1.5, "dash": "dash"},
            "hoverinfo": "skip",
        },
    ]
    layout = _layout(stack, words["row"]) | {
        "yaxis": {"title": words["pixels"], "rangemode": "tozero", "nticks": 6, **STEADY},
    }
    layout["xaxis"] = layout["xaxis"] | {"range": [-0.5, len(stack.steps) + 0.5]}
    return go.Figure({"data": traces, "layout": layout})


def _seen(number: int, step: Step, words: Mapping[str, str]) -> str:
    head = f"<b>{number} · {escape(words[step.layer.kind])}</b>"
    if step.field is None:
        return f"{head}<br>{words['whole']}"
    return f"{head}<br>{words['field']}: {sizes(step.field.size)}<br>{words['jump']}: {sizes(step.field.jump)}"


def settings_of(of: Layer) -> str:
    """The settings of a layer that are not the usual ones, in short: 3×3 /2 p1."""
    parts = [sizes(of.kernel)] if "kernel" in SETTINGS[of.kind] else []
    for sign, size in (("/", of.stride), ("p", of.padding), ("d", of.dilation)):
        if size != ((0, 0) if sign == "p" else (1, 1)):
            parts.append(sign + side(size))
    if of.groups > 1 and of.kind != "depthwise":
        parts.append(f"g{of.groups}")
    return " ".join(parts)


def _layout(stack: Stack, row: str) -> dict[str, object]:
    count = max(len(stack.steps), 1)
    return {
        "xaxis": {
            "title": row,
            "dtick": max(1, -(-count // 16)),
            "tick0": 0,
            "range": [0.4, count + 0.6],
            "zeroline": False,
            "showgrid": False,
            **STEADY,
        },
        "showlegend": True,
        "legend": LEGEND,
        "margin": {"l": 62, "r": 8, "t": 8, "b": 150, "autoexpand": False},  # with room for five lines of the legend
        "hoverlabel": {"align": "left"},
        "height": HEIGHT,
    }
