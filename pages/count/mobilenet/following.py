"""What follows the sliders of MobileNet's page while they are dragged: readings, bars, and a mark on the sixteen."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import streamlit as st

from models.images import data_uri
from pages.common.components.sliders import Frame, Results
from pages.common.text import _, language
from pages.count.following import ratio_in_words
from pages.count.style import Style
from vis.cost.mobilenet import Accuracy, MobileNet, accuracy, grid, is_plotted
from vis.figures.costs import by_block
from vis.figures.graph_files import svg
from vis.figures.numbers import percent, short
from vis.figures.sixteen import mark, sheet

PAPER = grid()[1.0, 224]


def following(separable: bool, shallow: bool, quantity: str, of_bars: str, style: Style) -> Results:
    """What follows the sliders.

    Args:
        quantity: "macs" or "params", which the bars show; of_bars: what it is called.
    """
    usual, kinds = MobileNet(separable=separable, shallow=shallow), kind_names()
    drawing, paints = sheet(separable, shallow)
    picture = svg(drawing, paints, dark=st.context.theme.type == "dark")
    look = {
        "label": _("Results"),
        "readings": [_("Multiply-adds (MACs)"), _("Parameters"), _("Top-1 accuracy on ImageNet")],
        "bars": {
            "label": f"{_('Cost of each block')}: {of_bars}",
            "names": list(by_block(usual)),
            "kinds": {kind: kinds[kind] for kind in usual.shares()},
            "beside": _("1.0 MobileNet-224"),
        },
        "grid": {
            "label": _("The paper's 4 × 4 grid (α × resolution)"),
            "picture": data_uri(picture.encode(), "svg+xml"),
            "alt": _(
                "MACs and parameters of the paper's four widths at its four resolutions, with this network marked."
            ),
            "width": drawing.width,
            "height": drawing.height,
        },
    }

    def frame(values: Mapping[str, Any]) -> Frame:
        network = MobileNet(values["width"], values["resolution"], separable, shallow, values["classes"])
        box = mark(network)
        return {
            "readings": _readings(network, style),
            "bars": _bars(network, quantity),
            "mark": [round(number, 1) for number in (box.left, box.top, box.width, box.height)],
        }

    about = ("mobilenet", separable, shallow, quantity, style.is_short, language())
    return Results(look, frame, about, "width")


def _readings(network: MobileNet, style: Style) -> list[list[str]]:
    """Multiply-adds and parameters, each beside those of the paper's network, and the accuracy."""
    found = accuracy(network)
    if found is None:
        is_point = is_plotted(network)
        whose = _("only a point in the paper's figure 4") if is_point else _("not reported in the paper")
    else:
        is_between = found.is_interpolated
        whose = _("interpolated between the paper's values") if is_between else _("reported in the paper")
    costs = [(getattr(network, quantity), getattr(PAPER, quantity)) for quantity in ("macs", "params")]
    ratios = [_("{share} of 1.0 MobileNet-224", share=ratio_in_words(Fraction(here, there))) for here, there in costs]
    numbers = [[style.number(here), ratio] for (here, _there), ratio in zip(costs, ratios, strict=True)]
    return [*numbers, [top1(found), whose]]


def _bars(network: MobileNet, quantity: str) -> list[dict[str, Any]]:
    """The layers of every block, as parts of the longest bar; and where the same block of the paper's network ends."""
    costs = [
        [(layer.kind, getattr(layer, quantity)) for _name, layer in layers] for layers in by_block(network).values()
    ]
    sums = [sum(number for _kind, number in block) for block in costs]
    ends = _ends(network.shallow, quantity)
    longest = max(*sums, *ends)
    return [
        {
            "parts": [[kind, round(number / longest, 4)] for kind, number in block],
            "beside": round(end / longest, 4),
            "number": short(whole),
        }
        for block, whole, end in zip(costs, sums, ends, strict=True)
    ]


def _ends(shallow: bool, quantity: str) -> list[int]:
    blocks = by_block(grid(shallow=shallow)[1.0, 224])
    return [sum(getattr(layer, quantity) for _name, layer in layers) for layers in blocks.values()]


def kind_names() -> dict[str, str]:
    """What the kinds of its layers are called."""
    return {
        "conv": _("full 3×3"),
        "depthwise": _("depthwise 3×3"),
        "pointwise": _("pointwise 1×1"),
        "linear": _("classifier"),
    }


def top1(found: Accuracy | None) -> str:
    """An accuracy as it is written, or a dash."""
    return f"{'≈ ' if found.is_interpolated else ''}{percent(found.percent / 100)}" if found else "–"
