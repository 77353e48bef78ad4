"""MobileNet's convolution in two steps: a filter for each map, then 1×1 among the maps."""

from fractions import Fraction
from pathlib import Path

import streamlit as st

from pages.common.components.sliders import Slider
from pages.common.text import _, prose
from pages.count.calculator import Calculator, calculator
from pages.count.style import chosen_style
from vis.cost.blocks import Block, separable, standard
from vis.cost.formulas import separable_ratio

TEXTS = Path(__file__).parent / "texts"
NAMES = ("side", "maps_in", "maps_out", "kernel", "stride", "padding")
USUAL = dict(zip(NAMES, (14, 512, 512, 3, 1, 1), strict=True))
EXAMPLES = {
    "MobileNet, 14×14: 512 → 512": USUAL,
    "MobileNet, α = 0.75: 384 → 384": USUAL | {"maps_in": 384, "maps_out": 384},
    "MobileNet, α = 0.75, ρ = 0.714": USUAL | {"maps_in": 384, "maps_out": 384, "side": 10},
    "6×6, 3 → 5, without padding": dict(zip(NAMES, (6, 3, 5, 3, 1, 0), strict=True)),
    "MobileNet, 112×112 /2: 64 → 128": dict(zip(NAMES, (112, 64, 128, 3, 2, 1), strict=True)),
}


def page() -> None:
    st.title(_("Depthwise-separable convolutions"))
    st.markdown(
        _(
            "An ordinary convolution looks around and mixes the maps at once. MobileNet does one after the other: a "
            "**depthwise** filter for each map, then a **1×1** convolution among the maps."
        )
    )
    style = chosen_style(st.container(horizontal=True, gap="medium"))
    calculator(_calculator(), style)
    with st.expander(_("Why it is cheap, and where the numbers are from"), icon=":material/menu_book:"):
        st.markdown(prose(TEXTS, "separable"))


def _calculator() -> Calculator:
    return Calculator(
        "separable",
        (
            Slider("side", _("Side of the maps, D"), range(1, 225), (28, 56, 112, 224)),
            Slider("maps_in", _("Maps in, M"), range(1, 1025), (32, 256, 512, 1024)),
            Slider("maps_out", _("Maps out, N"), range(1, 1025), (32, 256, 512, 1024)),
            Slider("kernel", _("Kernel K×K"), range(1, 12), (1, 3, 5, 7, 9, 11)),
            Slider("stride", _("Stride"), range(1, 9), (1, 2, 4)),
            Slider("padding", _("Padding"), range(6), (0, 1, 2, 3)),
        ),
        USUAL,
        "kernel",
        EXAMPLES,
        (_("An ordinary convolution"), _("Depthwise, then 1×1")),
        _blocks,
        _law,
    )


def _blocks(side: int, maps_in: int, maps_out: int, **window: int) -> tuple[Block, Block]:
    given = (maps_in, side, side)
    return standard(given, maps_out, **window), separable(given, maps_out, **window)


def _law(maps_out: int, kernel: int, **_others: int) -> tuple[str, Fraction]:
    law = rf"\frac{{1}}{{N}} + \frac{{1}}{{K^2}} = \frac{{1}}{{{maps_out}}} + \frac{{1}}{{{kernel}^2}}"
    return law, separable_ratio(kernel, maps_out)


page()
