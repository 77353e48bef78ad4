"""What every block of a MobileNet costs, as a chart; and what the charts of costs have in common."""

from collections.abc import Mapping

import plotly.graph_objects as go

from vis.cost.layer import Layer
from vis.cost.mobilenet import MobileNet
from vis.figures.numbers import grouped, percent

COLOURS = {"conv": "#0072b2", "depthwise": "#56b4e9", "pointwise": "#e69f00", "linear": "#cc79a7"}  # Okabe & Ito's
HERE, BESIDE = "#d55e00", "#808080"  # the point of this network; the ticks of another. Both on white and on black
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
                        f"<b>{name}</b><br>{grouped(value)}<br>{percent(value / whole, 2)}"
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
