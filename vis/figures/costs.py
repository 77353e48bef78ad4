"""What every block of a MobileNet costs, as a chart; and what the charts of costs have in common."""

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from vis.cost.layer import Layer
from vis.cost.mobilenet import MobileNet
from vis.figures.numbers import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SERIES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")  # Okabe & Ito's, for what has no kind
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
    network: MobileNet, beside: MobileNet, quantity: str, kinds: Mapping[str, str], beside_name: str, title: str
) -> "Figure":
    """A bar for every block, its layers one after another; a tick where the same block of another network ends.

    Args:
        beside: of the same blocks, so that their bars can be compared.
        quantity: "macs" or "params".
        kinds: what the kinds of COLOURS are called.
    """
    from matplotlib.figure import Figure  # where it is needed: it takes a while, and only a file has such a picture

    blocks, figure = by_block(network), Figure((8, 6), dpi=160, layout="constrained")
    axes, starts = figure.subplots(), [0] * len(blocks)
    ends = [sum(getattr(each, quantity) for _, each in layers) for layers in by_block(beside).values()]
    for kind, colour in COLOURS.items():
        lengths = [
            sum(getattr(each, quantity) for _, each in layers if each.kind == kind) for layers in blocks.values()
        ]
        if any(lengths):
            axes.barh(range(len(blocks)), lengths, 0.75, starts, color=colour, label=kinds[kind])
            starts = [start + length for start, length in zip(starts, lengths, strict=True)]
    axes.plot(ends, range(len(ends)), "|", color=BESIDE, markersize=14, markeredgewidth=2.5, label=beside_name)
    for row, whole in enumerate(starts):
        axes.annotate(short(whole), (1, row), xycoords=("axes fraction", "data"), ha="right", va="center")
    axes.set(yticks=range(len(blocks)), yticklabels=blocks, xlim=(0, 1.14 * max(*starts, *ends)), title=title)
    axes.xaxis.set_major_formatter(lambda number, _place: short(round(number)))
    axes.spines[["top", "right"]].set_visible(False)
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def as_file(figure: "Figure", kind: str) -> bytes:
    """The picture as "svg" or "png"."""
    file = BytesIO()
    figure.savefig(file, format=kind)
    return file.getvalue()
