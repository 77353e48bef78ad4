"""Small kernels for large ones: stacks of 3×3, rows and columns, groups, and kernels with gaps."""

from fractions import Fraction
from pathlib import Path

import streamlit as st

from pages.common.components.sliders import Slider
from pages.common.session import from_link
from pages.common.text import _, prose
from pages.common.widgets import choice
from pages.count.calculator import Calculator, calculator
from pages.count.style import chosen_style
from vis.cost.blocks import Block, dilated, factorised, grouped, stacked, standard
from vis.cost.formulas import dilated_ratio, factorised_ratio, grouped_ratio, stacked_ratio

TEXTS = Path(__file__).parent / "texts"


def page() -> None:
    st.title(_("Small kernels, groups and gaps"))
    st.markdown(
        _(
            "Four ways to look as far as a large kernel with less arithmetic: **stack** small ones, **factorise** one "
            "into a row and a column, share the maps out among **groups**, or leave gaps by **dilation**."
        )
    )
    names = {
        "stacked": _("stacked 3×3"),
        "factorised": _("1×n, then n×1"),
        "groups": _("groups and a shuffle"),
        "dilated": _("dilation"),
    }
    row = st.container(horizontal=True, gap="medium")
    which = choice(row, _("Instead of a large kernel"), names, from_link("block", "stacked", names), "small kernels")
    style = chosen_style(row)
    calculator({"stacked": _stacked, "factorised": _factorised, "groups": _groups, "dilated": _dilated}[which](), style)
    with st.expander(_("Why it is cheap, and where the numbers are from"), icon=":material/menu_book:"):
        st.markdown(prose(TEXTS, "kernels"))


def _maps() -> tuple[Slider, Slider]:
    return (
        Slider("side", _("Side of the maps, D"), range(1, 225), (28, 56, 112, 224)),
        Slider("maps", _("Maps in and out, C"), range(1, 1025), (64, 256, 512)),
    )


def _stacked() -> Calculator:
    def blocks(side: int, maps: int, layers: int) -> tuple[Block, Block]:
        return standard((maps, side, side), maps, 2 * layers + 1), stacked((maps, side, side), layers)

    def law(layers: int, **_size: int) -> tuple[str, Fraction]:
        symbols = r"\frac{n \cdot 3^2 \cdot C^2}{(2n + 1)^2 \cdot C^2}"
        return rf"{symbols} = \frac{{{9 * layers} C^2}}{{{(2 * layers + 1) ** 2} C^2}}", stacked_ratio(layers)

    usual = {"side": 56, "maps": 256, "layers": 3}
    return Calculator(
        "stacked",
        (*_maps(), Slider("layers", _("Layers n"), range(1, 11), (1, 2, 3, 5, 10))),
        usual,
        "layers",
        {
            "VGG: 3 × 3×3, 256": usual,
            "VGG: 2 × 3×3, 128": {"side": 112, "maps": 128, "layers": 2},
            "VGG: 3 × 3×3, 512": {"side": 28, "maps": 512, "layers": 3},
        },
        (_("One large kernel"), _("A stack of 3×3")),
        blocks,
        law,
    )


def _factorised() -> Calculator:
    def blocks(side: int, maps: int, length: int) -> tuple[Block, Block]:
        return standard((maps, side, side), maps, length), factorised((maps, side, side), maps, length)

    def law(length: int, **_size: int) -> tuple[str, Fraction]:
        symbols = r"\frac{2n \cdot C^2}{n^2 \cdot C^2} = \frac{2}{n}"
        return rf"{symbols} = \frac{{2}}{{{length}}}", factorised_ratio(length)

    usual = {"side": 17, "maps": 192, "length": 7}
    return Calculator(
        "factorised",
        (*_maps(), Slider("length", _("Length n"), range(1, 16, 2), (1, 3, 7, 11, 15))),
        usual,
        "length",
        {"Inception v3, 17×17: 1×7, 7×1": usual, "8×8: 1×3, 3×1": {"side": 8, "maps": 384, "length": 3}},
        (_("A square kernel"), _("A row, then a column")),
        blocks,
        law,
    )


def _groups() -> Calculator:
    def blocks(side: int, maps: int, kernel: int, groups: int) -> tuple[Block, Block]:
        given = (maps, side, side)
        return standard(given, maps, kernel), grouped(given, maps, kernel, groups, is_shuffled=groups > 1)

    def law(groups: int, **_size: int) -> tuple[str, Fraction]:
        symbols = r"\frac{K^2 \cdot (C / g) \cdot C}{K^2 \cdot C \cdot C} = \frac{1}{g}"
        return rf"{symbols} = \frac{{1}}{{{groups}}}", grouped_ratio(groups)

    usual = {"side": 28, "maps": 240, "kernel": 1, "groups": 3}
    return Calculator(
        "groups",
        (
            *_maps(),
            Slider("kernel", _("Kernel K×K"), (1, 3, 5, 7, 9, 11), (1, 3, 5, 7, 9, 11)),
            Slider("groups", _("Groups g"), range(1, 65), (1, 8, 16, 32, 64)),
        ),
        usual,
        "groups",
        {
            "ShuffleNet, 28×28: 240, g = 3": usual,
            "ResNeXt, 56×56: 128, g = 32": {"side": 56, "maps": 128, "kernel": 3, "groups": 32},
        },
        (_("One filter looks at all maps"), _("Groups, then a shuffle")),
        blocks,
        law,
    )


def _dilated() -> Calculator:
    def blocks(side: int, maps: int, kernel: int, dilation: int) -> tuple[Block, Block]:
        given, reach = (maps, side, side), dilation * (kernel - 1) + 1
        return standard(given, maps, reach), dilated(given, maps, kernel, dilation)

    def law(kernel: int, dilation: int, **_size: int) -> tuple[str, Fraction]:
        symbols = r"\frac{K^2}{(d \cdot (K - 1) + 1)^2}"
        reach = dilation * (kernel - 1) + 1
        return rf"{symbols} = \frac{{{kernel}^2}}{{{reach}^2}}", dilated_ratio(kernel, dilation)

    usual = {"side": 64, "maps": 64, "kernel": 3, "dilation": 2}
    return Calculator(
        "dilated",
        (
            *_maps(),
            Slider("kernel", _("Kernel K×K"), (1, 3, 5, 7), (1, 3, 5, 7)),
            Slider("dilation", _("Dilation d"), range(1, 17), (1, 2, 4, 8, 16)),
        ),
        usual,
        "dilation",
        {f"Context module, d = {d}": usual | {"dilation": d} for d in (1, 2, 4, 8, 16)},
        (_("A full kernel of the same reach"), _("A kernel with gaps")),
        blocks,
        law,
    )


page()
