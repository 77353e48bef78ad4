"""MobileNet's multipliers in two pictures: what every block costs, and where a network stands among the paper's 16."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import plotly.graph_objects as go

from vis.cost.layer import Layer
from vis.cost.mobilenet import SIDES, WIDTHS, MobileNet, accuracy, grid
from vis.figures.numbers import grouped, short

COLOURS = {"conv": "#0072b2", "depthwise": "#56b4e9", "pointwise": "#e69f00", "linear": "#cc79a7"}  # Okabe & Ito's
HERE, BESIDE = "#d55e00", "#808080"  # the point of this network; the ticks of another. Both on white and on black
CELL, OPAQUE = "0, 114, 178", 0.4  # blue, the more opaque the dearer; the ink can be read on all of it
INK = ("#1f2328", "#f0f2f6")  # on light and on dark pages
STEADY = {  # axes that a finger does not move as it scrolls the page, and that Plotly does not lay out twice
    "fixedrange": True,
    "automargin": False,
}
LEGEND = {  # along the foot of a chart, for reading only
    "orientation": "h",
    "yref": "container",
    "y": 0,
    "yanchor": "bottom",
    "itemclick": False,
    "itemdoubleclick": False,
}
OUTSIDE = 0.42  # of a cell beyond the last one's middle: where a point stands that is further out
TURNED = {(1, 0): "right", (-1, 0): "left", (0, 1): "up", (0, -1): "down"}  # and the corners
CORNERS = {(1, 1): "ne", (-1, 1): "nw", (1, -1): "se", (-1, -1): "sw"}


def by_block(network: MobileNet) -> dict[str, list[tuple[str, Layer]]]:
    """The layers that have weights, each with its name, by the blocks that they stand in."""
    blocks: dict[str, list[tuple[str, Layer]]] = {}
    for name, layer in network.layers.items():
        if layer.weights:
            blocks.setdefault(name.partition(".")[0], []).append((name, layer))
    return blocks


def block_costs(
    network: MobileNet, beside: MobileNet, quantity: str, kinds: Mapping[str, str], beside_name: str, axis: str
) -> go.Figure:
    """A bar for every block, its layers one after another; a tick where the same block of another network ends.

    Args:
        beside: of the same blocks, so that their bars can be compared.
        quantity: "macs" or "params".
        kinds: what the kinds of COLOURS are called.
    """
    blocks, others = by_block(network), by_block(beside)
    whole = getattr(network, quantity)
    traces = []
    for kind, colour in COLOURS.items():
        found = [(block, name, each) for block, layers in blocks.items() for name, each in layers if each.kind == kind]
        if found:
            values = [getattr(each, quantity) for _, _, each in found]
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": kinds[kind],
                    "marker": {"color": colour, "line": {"width": 0}},
                    "y": [block for block, _, _ in found],
                    "x": values,
                    "hovertext": [
                        f"<b>{name}</b><br>{grouped(value)}<br>{value / whole:.2%}"
                        for (_, name, _), value in zip(found, values, strict=True)
                    ],
                    "hovertemplate": "%{hovertext}<extra></extra>",
                }
            )
    ends = [sum(getattr(each, quantity) for _, each in layers) for layers in others.values()]
    traces.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": beside_name,
            "marker": {"symbol": "line-ns", "size": 15, "color": BESIDE, "line": {"width": 2.5, "color": BESIDE}},
            "y": list(others),
            "x": ends,
            "hovertext": [f"<b>{block}</b><br>{grouped(end)}" for block, end in zip(others, ends, strict=True)],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "cliponaxis": False,
        }
    )
    longest = max(*ends, *(sum(getattr(each, quantity) for _, each in layers) for layers in blocks.values()))
    layout = {
        "barmode": "stack",
        "bargap": 0.25,
        "xaxis": {
            "title": axis,
            "range": [0, 1.04 * longest],  # of both, so that a bar that shrinks is seen to shrink
            "tickformat": "~s",
            "nticks": 6,
            "zeroline": False,
            **STEADY,
        },
        "yaxis": {"autorange": "reversed", "categoryarray": list(blocks), "dtick": 1, **STEADY},
        "legend": {**LEGEND, "traceorder": "normal"},
        "margin": {"l": 62, "r": 12, "t": 8, "b": 120, "autoexpand": False},  # with room for three lines of the legend
        "hoverlabel": {"align": "left"},
        "height": 490,
    }
    return go.Figure({"data": traces, "layout": layout})


# The paper's sixteen ---------------------------------------------------------------------------------------------


def sixteen(network: MobileNet, words: Mapping[str, str], is_dark: bool = False) -> go.Figure:
    """The paper's four widths by its four resolutions, each with its costs, and this network among them.

    A network on a cell frames it, one between cells is a ring, one beyond them a triangle at the edge.

    Args:
        words: for "width", "resolution", "macs", "params" and "accuracy".
        is_dark: whether the page is, so that the numbers can be read on it.
    """
    widths, sides = sorted(WIDTHS), sorted(SIDES)
    cells = grid(network.separable, network.shallow)
    known = [[cells[width, side] for side in sides] for width in widths]
    dearest = cells[widths[-1], sides[-1]].macs
    places = [(column, row) for row in range(len(widths)) for column in range(len(sides))]
    traces = [
        {
            "type": "scatter",
            "mode": "text",
            "x": [column for column, _ in places],
            "y": [row for _, row in places],
            "text": [_cell(known[row][column]) for column, row in places],
            "textfont": {"size": 12, "color": INK[is_dark]},
            "hovertext": [_hover(known[row][column], words) for column, row in places],
            "hovertemplate": "%{hovertext}<extra></extra>",
        },
    ]
    (x, right), (y, up) = _place(network.resolution, sides), _place(network.width, widths)
    shapes = [
        _square(column, row, 0.48, fillcolor=f"rgba({CELL}, {OPAQUE * known[row][column].macs / dearest:.3f})")
        for column, row in places
    ]
    if right or up or x % 1 or y % 1:
        traces.append(_point(network, x, y, (right, up), words))
    else:
        shapes.append(_square(x, y, 0.49, line={"color": HERE, "width": 3}))
    axis = {"zeroline": False, "showgrid": False, "ticks": "", "range": [-0.52, len(sides) - 0.48], **STEADY}
    layout = {
        "xaxis": {**axis, "title": words["resolution"], **_ticks([str(side) for side in sides])},
        "yaxis": {**axis, "title": words["width"], **_ticks([f"{width:g}" for width in widths])},
        "shapes": shapes,
        "showlegend": False,
        "margin": {"l": 62, "r": 8, "t": 8, "b": 62, "autoexpand": False},
        "hoverlabel": {"align": "left"},
        "height": 430,
    }
    return go.Figure({"data": traces, "layout": layout})


def _square(x: float, y: float, reach: float, **look: object) -> dict[str, object]:
    """A cell around its middle, below what is written on it."""
    sides = {"x0": x - reach, "x1": x + reach, "y0": y - reach, "y1": y + reach}
    return {"type": "rect", "layer": "below", "line": {"width": 0}, **sides, **look}


def _ticks(names: Sequence[str]) -> dict[str, object]:
    return {"tickvals": list(range(len(names))), "ticktext": list(names)}


def _cell(network: MobileNet) -> str:
    """What stands in a cell: MACs, parameters, and the accuracy where the paper prints one."""
    lines = [f"<b>{short(network.macs, 4)}</b>", short(network.params)]
    found = accuracy(network)
    return "<br>".join(lines + ([f"{found.percent:.1f} %"] if found else []))


def _hover(network: MobileNet, words: Mapping[str, str]) -> str:
    found = accuracy(network)
    lines = [
        f"<b>{words['width']} {network.width:g}, {words['resolution']} {network.resolution}</b>",
        f"{words['macs']}: {grouped(network.macs)}",
        f"{words['params']}: {grouped(network.params)}",
    ]
    if found:
        about = "≈ " if found.is_interpolated else ""
        lines.append(f"{words['accuracy']}: {about}{found.percent:.1f} %")
    return "<br>".join(lines)


def _place(value: float, known: Sequence[float]) -> tuple[float, int]:
    """Where a value stands among these, counted in them, and whether that is before (−1) or after (1) all of them."""
    if value < known[0]:
        return -OUTSIDE, -1
    if value > known[-1]:
        return len(known) - 1 + OUTSIDE, 1
    for place, (low, high) in enumerate(pairwise(known)):
        if value < high:
            return place + (value - low) / (high - low), 0
    return float(len(known) - 1), 0


def _point(
    network: MobileNet, x: float, y: float, turned: tuple[int, int], words: Mapping[str, str]
) -> dict[str, object]:
    """The mark of a network that is none of the sixteen."""
    outside = TURNED | CORNERS
    symbol = f"triangle-{outside[turned]}" if turned in outside else "circle-open"
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x],
        "y": [y],
        "marker": {"symbol": symbol, "size": 16, "color": HERE, "line": {"width": 3, "color": HERE}},
        "hovertext": [_hover(network, words)],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
    }
