"""Inception's bottleneck: a 1×1 convolution makes a large kernel cheap."""

from pathlib import Path

import streamlit as st

from models.options import Choice, Number, Phrase
from pages.common.asking import ask_one, fragment
from pages.common.panels import reading
from pages.common.text import _
from pages.count.calculator import Calculator, block_drawn, calculator
from pages.count.columns import Column, draw_table, text
from pages.count.following import ratio_in_words
from pages.count.style import Style
from vis.cost.blocks import INCEPTIONS, PRINTED, googlenet, inception, ratio

TEXTS = Path(__file__).parent / "texts"
SLIDERS = (
    Number("rows", Phrase("Height H"), 28, 1, 224, marks=(28, 56, 112, 224)),
    Number("columns", Phrase("Width W"), 28, 1, 224, marks=(28, 56, 112, 224)),
    Number("maps_in", Phrase("Input channels, C_in"), 192, 1, 1024, marks=(192, 512, 832)),
    Number("between", Phrase("Bottleneck channels, C_mid"), 16, 1, 1024, marks=(16, 192, 512)),
    Number("maps_out", Phrase("Output channels, C_out"), 32, 1, 1024, marks=(32, 256, 512)),
    Number("kernel", Phrase("Kernel K×K"), 5, 1, 11, step=2, marks=(1, 3, 5, 7, 9, 11)),
)
MODULE = Choice("module", Phrase("Module"), tuple(INCEPTIONS))


def page() -> None:
    st.title(_("1×1 bottlenecks"))
    st.markdown(
        _(
            "A large kernel over many channels is expensive. GoogLeNet puts a **1×1 convolution** before it, which "
            "mixes the channels into a few, and the kernel reads only these. Drag the sliders and compare the costs."
        )
    )
    sides = Phrase("The kernel on all channels"), Phrase("Through a 1×1 bottleneck")
    style = calculator(Calculator("bottleneck", SLIDERS, "between", _examples(), sides))
    _googlenet(style)
    reading(_("Why it is cheap, and where the numbers come from"), TEXTS, "bottleneck")


def _examples() -> dict[str, dict[str, int]]:
    """The 5×5 and the 3×3 branch of every inception module, that of the usual numbers first; equal ones once."""
    modules: dict[tuple[int, ...], list[str]] = {}
    for kernel, between, maps_out in ((5, "five_reduce", "five"), (3, "three_reduce", "three")):
        for name, widths in INCEPTIONS.items():
            maps = widths.inputs, getattr(widths, between), getattr(widths, maps_out)
            modules.setdefault((widths.side, widths.side, *maps, kernel), []).append(name)
    return {
        f"Inception {', '.join(names)}: {' → '.join(map(str, values[2:5]))}, {values[5]}×{values[5]}": {
            slider.name: value for slider, value in zip(SLIDERS, values, strict=True)
        }
        for values, names in modules.items()
    }


# GoogLeNet --------------------------------------------------------------------------------------------------------


@fragment
def _googlenet(style: Style) -> None:
    """All nine modules, and one of them with its four branches."""
    st.header(_("GoogLeNet's nine inception modules"), anchor="googlenet")
    draw_table(_table(style))
    st.caption(
        _(
            "Printed: Table 1 of the paper. Its weights are in units of 1,024; its rows for the first layer, 4c and "
            "5a do not match the widths it lists. Naive: the same kernels without the 1×1 reductions; the pooled maps "
            "pass unchanged, so there are more output channels."
        )
    )
    module = ask_one(st, MODULE)
    widths = INCEPTIONS[module]
    named = {
        _("Module {name} with 1×1 reductions", name=module): inception(widths),
        _("Module {name}, naive", name=module): inception(widths, is_reduced=False),
    }
    with st.columns([3, 1])[0]:
        for name, block in named.items():
            block_drawn(f"{name}: {style.number(block.macs)} {_('MACs')}", block)


def _table(style: Style) -> dict[str, Column]:
    """GoogLeNet's Table 1 beside ours."""
    rows = googlenet()
    naive = {f"inception {name}": inception(widths, is_reduced=False) for name, widths in INCEPTIONS.items()}
    macs, weights = ([getattr(row, of) for row in rows.values()] for of in ("macs", "weights"))
    printed_weights, printed_macs = zip(*(PRINTED[name] for name in rows), strict=True)
    beside = [(row, naive.get(name)) for name, row in rows.items()]
    columns = {
        _("MACs"): map(style.number, [*macs, sum(macs)]),
        _("printed MACs"): [*printed_macs, None],
        _("weights"): map(style.number, [*weights, sum(weights)]),
        _("printed weights"): [*printed_weights, None],
        _("naive MACs"): [*(other and style.number(other.macs) for _row, other in beside), None],
        _("relative to naive"): [*(other and ratio_in_words(ratio(row, other)) for row, other in beside), None],
    }
    names = Column([*rows, _("total")])
    return {_("layer"): names} | {name: text([*cells], is_right=True) for name, cells in columns.items()}


page()
