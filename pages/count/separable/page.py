"""MobileNet's convolution in two steps: a filter for each map, then 1×1 among the maps."""

from pathlib import Path

import streamlit as st

from models.options import Number, Phrase
from pages.common.panels import reading
from pages.common.text import _
from pages.count.calculator import Calculator, calculator

TEXTS = Path(__file__).parent / "texts"
SLIDERS = (
    Number("side", Phrase("Map side, D"), 14, 1, 224, marks=(28, 56, 112, 224)),
    Number("maps_in", Phrase("Input channels, M"), 512, 1, 1024, marks=(32, 256, 512, 1024)),
    Number("maps_out", Phrase("Output channels, N"), 512, 1, 1024, marks=(32, 256, 512, 1024)),
    Number("kernel", Phrase("Kernel K×K"), 3, 1, 11, marks=(1, 3, 5, 7, 9, 11)),
    Number("stride", Phrase("Stride"), 1, 1, 8, marks=(1, 2, 4)),
    Number("padding", Phrase("Padding"), 1, 0, 5, marks=(0, 1, 2, 3)),
)
USUAL = {slider.name: slider.usual for slider in SLIDERS}
EXAMPLES = {
    "MobileNet, 14×14: 512 → 512": USUAL,
    "MobileNet, α = 0.75: 384 → 384": USUAL | {"maps_in": 384, "maps_out": 384},
    "MobileNet, α = 0.75, ρ = 0.714": USUAL | {"maps_in": 384, "maps_out": 384, "side": 10},
    "6×6, 3 → 5, p = 0": dict(zip(USUAL, (6, 3, 5, 3, 1, 0), strict=True)),
    "MobileNet, 112×112 /2: 64 → 128": dict(zip(USUAL, (112, 64, 128, 3, 2, 1), strict=True)),
}


def page() -> None:
    st.title(_("Depthwise-separable convolutions"))
    st.markdown(
        _(
            "An ordinary convolution filters in space and mixes channels at once. MobileNet does one after the other: "
            "a **depthwise** filter per channel, then a **1×1** convolution across the channels."
        )
    )
    sides = Phrase("An ordinary convolution"), Phrase("Depthwise, then 1×1")
    calculator(Calculator("separable", SLIDERS, "kernel", EXAMPLES, sides))
    reading(_("Why it is cheap, and where the numbers come from"), TEXTS, "separable")


page()
