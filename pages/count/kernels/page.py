"""Small kernels for large ones: stacks of 3×3, rows and columns, groups, and kernels with gaps."""

from pathlib import Path

import streamlit as st

from models.options import Choice, Number, Phrase
from pages.common.asking import ask_one
from pages.common.panels import reading
from pages.common.text import _
from pages.count.calculator import Calculator, calculator

TEXTS = Path(__file__).parent / "texts"
INSTEAD = Choice(
    "block",
    Phrase("Instead of a large kernel"),
    {
        "stacked": Phrase("stacked 3×3"),
        "factorised": Phrase("1×n, then n×1"),
        "groups": Phrase("groups and a shuffle"),
        "dilated": Phrase("dilation"),
    },
)


def _maps(side: int, maps: int) -> tuple[Number, Number]:
    """The sliders for the maps that go in, with where they stand at first."""
    return (
        Number("side", Phrase("Map side, D"), side, 1, 224, marks=(28, 56, 112, 224)),
        Number("maps", Phrase("Input and output channels, C"), maps, 1, 1024, marks=(64, 256, 512)),
    )


STACKED = Calculator(
    "stacked",
    (*_maps(56, 256), Number("layers", Phrase("Layers n"), 3, 1, 10, marks=(1, 2, 3, 5, 10))),
    "layers",
    {
        "VGG: 3 × 3×3, 256": {"side": 56, "maps": 256, "layers": 3},
        "VGG: 2 × 3×3, 128": {"side": 112, "maps": 128, "layers": 2},
        "VGG: 3 × 3×3, 512": {"side": 28, "maps": 512, "layers": 3},
    },
    (Phrase("One large kernel"), Phrase("A stack of 3×3")),
)
FACTORISED = Calculator(
    "factorised",
    (*_maps(17, 192), Number("length", Phrase("Length n"), 7, 1, 15, step=2, marks=(1, 3, 7, 11, 15))),
    "length",
    {
        "Inception v3, 17×17: 1×7, 7×1": {"side": 17, "maps": 192, "length": 7},
        "8×8: 1×3, 3×1": {"side": 8, "maps": 384, "length": 3},
    },
    (Phrase("A square kernel"), Phrase("A row, then a column")),
)
GROUPS = Calculator(
    "groups",
    (
        *_maps(28, 240),
        Number("kernel", Phrase("Kernel K×K"), 1, 1, 11, step=2, marks=(1, 3, 5, 7, 9, 11)),
        Number("groups", Phrase("Groups g"), 3, 1, 64, marks=(1, 8, 16, 32, 64)),
    ),
    "groups",
    {
        "ShuffleNet, 28×28: 240, g = 3": {"side": 28, "maps": 240, "kernel": 1, "groups": 3},
        "ResNeXt, 56×56: 128, g = 32": {"side": 56, "maps": 128, "kernel": 3, "groups": 32},
    },
    (Phrase("Each filter reads all channels"), Phrase("Groups, then a shuffle")),
)
DILATED = Calculator(
    "dilated",
    (
        *_maps(64, 64),
        Number("kernel", Phrase("Kernel K×K"), 3, 1, 7, step=2, marks=(1, 3, 5, 7)),
        Number("dilation", Phrase("Dilation d"), 2, 1, 16, marks=(1, 2, 4, 8, 16)),
    ),
    "dilation",
    {f"Context module, d = {d}": {"side": 64, "maps": 64, "kernel": 3, "dilation": d} for d in (1, 2, 4, 8, 16)},
    (Phrase("A full kernel of the same reach"), Phrase("A kernel with gaps")),
)
CALCULATORS = {of.name: of for of in (STACKED, FACTORISED, GROUPS, DILATED)}


def page() -> None:
    st.title(_("Small kernels, groups and gaps"))
    st.markdown(
        _(
            "Four ways to see as far as a large kernel with less arithmetic: **stack** small kernels, **factorise** "
            "one into a row and a column, split the channels into **groups**, or leave gaps by **dilation**."
        )
    )
    calculator(CALCULATORS[ask_one(st, INSTEAD)])
    reading(_("Why it is cheap, and where the numbers come from"), TEXTS, "kernels")


page()
