"""ResNet's bottleneck: 256-64-64-256 beside two 3×3 convolutions among all maps."""

from pathlib import Path

import streamlit as st

from models.options import Choice, Number, Phrase
from pages.common.asking import ask_one, fragment
from pages.common.panels import reading
from pages.common.text import _
from pages.count.calculator import Calculator, block_drawn, calculator
from pages.count.columns import Column, draw_table, text
from pages.count.style import Style
from vis.cost.blocks import RESNET50, resnet50
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
    style = calculator(Calculator("residual", SLIDERS, "between", EXAMPLES, sides))
    _stages(style)
    reading(_("Why it is cheap, and where the numbers come from"), TEXTS, "residual")


@fragment
def _stages(style: Style) -> None:
    """ResNet-50 stage by stage."""
    st.header(_("ResNet-50, stage by stage"), anchor="stages")
    stages = resnet50(ask_one(st, STRIDE))
    macs, params = ([sum(getattr(b, of) for b in blocks) for blocks in stages.values()] for of in ("macs", "params"))
    columns = {
        _("stage"): Column([*stages, _("total")]),
        _("blocks"): Column([*(len(blocks) if name in RESNET50 else None for name, blocks in stages.items()), None]),
        _("output"): Column([*(sizes(blocks[-1].shape) for blocks in stages.values()), None]),
        _("MACs"): text([*map(style.number, [*macs, sum(macs)])], is_right=True),
        _("parameters"): text([*map(style.number, [*params, sum(params)])], is_right=True),
    }
    draw_table(columns)
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
