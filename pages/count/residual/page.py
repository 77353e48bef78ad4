"""ResNet's bottleneck: 256-64-64-256 beside two 3×3 convolutions among all maps."""

from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import streamlit as st

from models.options import Choice, Number, Phrase
from pages.common.asking import ask_one, fragment
from pages.common.panels import reading
from pages.common.text import _
from pages.count.calculator import Calculator, block_drawn, calculator
from pages.count.style import Style, chosen_style
from vis.cost.blocks import RESNET50, Block, bottleneck, resnet50, wide
from vis.cost.formulas import bottleneck_ratio
from vis.figures.numbers import sizes

TEXTS = Path(__file__).parent / "texts"
SLIDERS = (
    Number("side", Phrase("Map side, D"), 56, 1, 112, marks=(14, 28, 56, 112)),
    Number("channels", Phrase("Input and output channels, C"), 256, 1, 2048, marks=(256, 512, 1024, 2048)),
    Number("between", Phrase("Bottleneck channels, R"), 64, 1, 1024, marks=(64, 256, 512, 1024)),
)
EXAMPLES = {
    f"ResNet-50 {name}: {channels}-{maps}-{maps}-{channels}": {"side": side, "channels": channels, "between": maps}
    for name, (side, maps, channels, _count) in RESNET50.items()
}
STRIDE = Choice(
    "strided",
    Phrase("Stride"),
    {
        "first": Phrase("v1: in the first 1×1, as in the paper"),
        "kernel": Phrase("v1.5: in the 3×3, as in torchvision"),
    },
)
STAGE = Choice("stage", Phrase("Stage"), tuple(RESNET50))


def page() -> None:
    st.title(_("Residual bottlenecks"))
    st.markdown(
        _(
            "ResNet-50 and its deeper siblings reduce the channels with a **1×1 convolution**, apply 3×3 to these "
            "few, and expand them again. For comparison: the block of ResNet-34, two 3×3 convolutions."
        )
    )
    sides = Phrase("Two 3×3 convolutions"), Phrase("Through a bottleneck")
    style = chosen_style(st.container(horizontal=True, gap="medium"))
    calculator(Calculator("residual", SLIDERS, "between", EXAMPLES, sides, _blocks, _law), style)
    _stages(style)
    reading(_("Why it is cheap, and where the numbers come from"), TEXTS, "residual")


def _blocks(side: int, channels: int, between: int) -> tuple[Block, Block]:
    given = (channels, side, side)
    return wide(given, channels), bottleneck(given, between, channels)


def _law(channels: int, between: int, **_size: int) -> tuple[str, Fraction]:
    law = r"\frac{2 \cdot C \cdot R + 9 \cdot R^2}{18 \cdot C^2} = "
    numbers = rf"\frac{{2 \cdot {channels} \cdot {between} + 9 \cdot {between}^2}}{{18 \cdot {channels}^2}}"
    return law + numbers, bottleneck_ratio(channels, between)


@fragment
def _stages(style: Style) -> None:
    """ResNet-50 stage by stage."""
    st.subheader(_("ResNet-50, stage by stage"), anchor="stages")
    stages = resnet50(ask_one(st, STRIDE))
    macs = [sum(block.macs for block in blocks) for blocks in stages.values()]
    params = [sum(block.params for block in blocks) for blocks in stages.values()]
    st.dataframe(
        pa.table(
            {
                _("stage"): [*stages, _("total")],
                _("blocks"): [*(len(blocks) if name in RESNET50 else None for name, blocks in stages.items()), None],
                _("output"): [*(sizes(blocks[-1].shape) for blocks in stages.values()), None],
                _("MACs"): [*map(style.number, macs), style.number(sum(macs))],
                _("parameters"): [*map(style.number, params), style.number(sum(params))],
            }
        ),
        hide_index=True,
        placeholder="–",
        height="content",
        column_config=dict.fromkeys((_("MACs"), _("parameters")), st.column_config.TextColumn(alignment="right")),
    )
    st.caption(
        _(
            "For a 224×224 picture and 1,000 classes; parameters include batch norm and the classifier's biases. A "
            "3×3 max pool between conv1 and conv2_x halves the map sides."
        )
    )
    first, second, *_others = stages[ask_one(st, STAGE)]
    named = {
        _("First block: the shortcut is a projection"): first,
        _("The other blocks: the shortcut is the identity"): second,
    }
    with st.container(horizontal=True, gap="medium"):
        for name, block in named.items():
            block_drawn(name, block)


page()
