"""MobileNet's multipliers: what its width and its resolution save, counted while they are dragged."""

from pathlib import Path

import streamlit as st

from models import ARCHITECTURES
from models.options import Choice, Number, Phrase
from pages.common.asking import ask, ask_live, ask_one, first_value, fragment, key_of
from pages.common.export import download, table
from pages.common.panels import reading
from pages.common.session import value_of
from pages.common.text import _, spoken
from pages.count.columns import Column, costs, draw_table, share, text
from pages.count.mobilenet.built import build_it, title
from pages.count.mobilenet.following import PAPER, following, kind_names, top1
from pages.count.style import Style, chosen_style
from vis.cost.mobilenet import LEAST_SIDE, MOST_SIDE, SIDES, WIDTHS, MobileNet, accuracy, grid
from vis.cost.tables import filter_shape, layer_rows
from vis.figures.costs import block_costs
from vis.figures.graph_files import png, svg
from vis.figures.numbers import percent, short, sizes
from vis.figures.sixteen import sixteen

TEXTS = Path(__file__).parent / "texts"
CONVOLUTIONS = Choice(
    "convolutions",
    Phrase("Convolutions"),
    {"separable": Phrase("depthwise separable"), "full": Phrase("full 3×3")},
)
DEPTH = Choice(
    "depth",
    Phrase("Depth"),
    {"deep": Phrase("13 blocks"), "shallow": Phrase("8 blocks, without the five at 14×14×512")},
)
SLIDERS = (
    Number("width", Phrase("Width α"), PAPER.width, 0.05, 2.0, step=0.05, digits=2, marks=WIDTHS),
    Number("resolution", Phrase("Resolution"), PAPER.resolution, LEAST_SIDE, MOST_SIDE, marks=SIDES),
    Choice(
        "classes",
        Phrase("Classes"),
        (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 21_841),
        PAPER.num_classes,
        marks=(10, 100, 1000),
    ),
)
BARS = Choice("bars", Phrase("Bars"), {"macs": Phrase("MACs"), "params": Phrase("parameters")})
SUCCESSORS = ("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small")


def page() -> None:
    st.title(_("MobileNet's multipliers"))
    st.markdown(
        _(
            "MobileNet V1 has two multipliers: the **width α** scales the channels of every layer, the **resolution** "
            "the side of the picture. Drag them, and everything below is recomputed."
        )
    )
    chosen = ask(st.container(horizontal=True, gap="medium"), CONVOLUTIONS, DEPTH)
    place = st.container()
    style = chosen_style(st)
    with place:
        _calculator(chosen["convolutions"] == "separable", chosen["depth"] == "shallow", style)
    reading(_("What the multipliers do, and where the numbers come from"), TEXTS, "mobilenet")


@fragment
def _calculator(separable: bool, shallow: bool, style: Style) -> None:
    """The sliders, and all that is counted of the network that they set."""
    quantity = value_of(key_of(BARS.name), first_value(BARS))  # which is chosen further below
    results = following(separable, shallow, quantity, spoken(BARS.called(quantity)), style)
    now = ask_live(st.container(), *SLIDERS, of="multipliers", results=results).values
    network = MobileNet(now["width"], now["resolution"], separable, shallow, now["classes"])
    _about_the_sixteen(network, style)
    st.caption(
        _(
            "Multiply-adds of the convolutions and the classifier, for one picture, without biases, batch norm and "
            "pooling. Parameters include batch norm's scales and offsets and the classifier's biases. 1.0 "
            "MobileNet-224 is the paper's name for α = 1 at 224×224; the accuracies are from its tables 4 to 7 and 9."
        )
    )
    left, right = st.columns(2, gap="large")
    with left:
        _blocks(network, style)
    with right:
        _kinds(network)
        _successors(network)
    build_it(network)
    _layers(network, style)


# What is counted --------------------------------------------------------------------------------------------------


def _blocks(network: MobileNet, style: Style) -> None:
    """What every block costs, in bars; of multiply-adds or of parameters."""
    st.subheader(_("Cost of each block"), anchor="blocks")
    quantity = ask_one(st, BARS, label_visibility="collapsed")
    beside = grid(shallow=network.shallow)[1.0, 224]
    style.draw_chart(
        block_costs(network, beside, quantity, kind_names(), _("1.0 MobileNet-224"), spoken(BARS.called(quantity))),
        "blocks",
        "mobilenet-blocks",
        _("One bar per block with its MACs or parameters; the table below has the same numbers."),
    )


def _about_the_sixteen(network: MobileNet, style: Style) -> None:
    """How to read the paper's sixteen, and the sheet as a file, with this network on it."""
    drawn, caption = sixteen(network), (_("The paper's 4 × 4 grid; orange: {network}", network=title(network)),)
    st.caption(
        _(
            "With 1,000 classes. Each cell shows MACs, parameters and, where the paper reports it, accuracy; the "
            "more a cell stands out, the more MACs. An orange frame marks your network; where it is none of the "
            "sixteen, an orange ring shows its place."
        )
    )
    download(
        st,
        _("Drawing (SVG)") if style.file == "svg" else _("Drawing (PNG)"),
        lambda: svg(*drawn, caption) if style.file == "svg" else png(*drawn, caption),
        f"convscope-mobilenet-sixteen.{style.file}",
        "sixteen as a file",
    )


def _kinds(network: MobileNet) -> None:
    """Which part of the work and of the weights each kind of layer has: the paper's Table 2."""
    st.subheader(_("By kind of layer"), anchor="kinds")
    macs, weights = network.shares("macs"), network.shares("weights")
    names = kind_names()
    columns = {
        _("kind"): Column([names[kind] for kind in macs]),
        _("of all MACs"): share([100 * float(part) for part in macs.values()], 100),
        _("of all weights"): share([100 * float(weights[kind]) for kind in macs], 100),
    }
    draw_table(columns)
    st.caption(
        _("At 1.0 MobileNet-224 these are the numbers of Table 2, which prints the first layer's 1.91 % as 1.19 %.")
    )


def _successors(network: MobileNet) -> None:
    """What came after, beside this network."""
    st.subheader(_("Compared with its successors"), anchor="successors")
    others = [ARCHITECTURES[name] for name in SUCCESSORS]
    accuracies = [percent(other.accuracy / 100) for other in others]
    columns = {
        _("network"): Column([_("this network"), *(other.title for other in others)]),
        _("MACs"): text([short(each.macs) for each in (network, *others)], is_right=True),
        _("parameters"): text([short(n) for n in (network.params, *(o.parameters for o in others))], is_right=True),
        _("top-1 accuracy"): text([top1(accuracy(network)), *accuracies], is_right=True),
    }
    draw_table(columns)
    st.caption(_("Successors at 224×224 with 1,000 classes; accuracies measured with torchvision's weights."))


def _layers(network: MobileNet, style: Style) -> None:
    """The paper's Table 1 with what every layer costs, to be looked at and to be taken away."""
    st.subheader(_("Layer by layer"), anchor="layers")
    layers = list(network.layers.values())
    columns = {
        _("layer"): text(list(network.layers), 130),
        _("filter shape"): Column([filter_shape(each) for each in layers]),
        _("stride"): Column([each.stride[0] if each.is_convolution else None for each in layers]),
        _("input"): Column([sizes(each.given) for each in layers]),
        **costs(layers, "macs", network.macs, (_("MACs"), _("of all MACs")), style.is_short),
        **costs(layers, "params", network.params, (_("parameters"), _("of all parameters")), style.is_short),
    }
    draw_table(columns)
    file = f"convscope-mobilenet-{network.width:g}-{network.resolution}.csv"
    download(st, _("Table of layers (CSV)"), lambda: table(layer_rows(network.layers)), file, "layers csv")


page()
