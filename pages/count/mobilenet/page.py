"""MobileNet's multipliers: what its width and its resolution save, counted while they are dragged."""

from dataclasses import asdict
from pathlib import Path

import streamlit as st

from models import ARCHITECTURES
from models.options import Choice, Number, Phrase
from pages.common.asking import ask, ask_live, fragment
from pages.common.code import arguments, the_code
from pages.common.export import download, table
from pages.common.panels import reading, wrapped
from pages.common.text import _, spoken
from pages.count.columns import Column, costs, draw_table, share, text
from pages.count.mobilenet.built import build_it, title
from pages.count.mobilenet.following import PAPER, following, kind_names, top1
from pages.count.style import Style, chosen_style
from vis.cost.mobilenet import LEAST_SIDE, MOST_SIDE, SIDES, WIDTHS, MobileNet, accuracy, grid
from vis.cost.tables import filter_shape, layer_rows
from vis.figures.costs import as_file, block_costs
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
CODE = """\
from models import load
from vis.cost.measured import options_of
from vis.cost.mobilenet import MobileNet, accuracy

network = MobileNet({values})
for name, layer in network.layers.items():
    print(name, layer.shape, layer.macs, layer.params)
print(network.macs, "MACs,", network.params, "parameters,", accuracy(network))
loaded = load("mobilenet_v1", weights="random", **options_of(network))  # the same, to be run
"""
SUCCESSORS = ("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small")


def page() -> None:
    st.title(_("MobileNet's multipliers"))
    st.markdown(
        _(
            "MobileNet V1 has two multipliers: the **width α** scales the number of channels in every layer; the "
            "**resolution** sets the side length of the picture. Drag them, and everything below is recomputed."
        )
    )
    chosen = ask(st.container(horizontal=True, gap="medium"), CONVOLUTIONS, DEPTH, BARS)
    place = st.container()
    style = chosen_style(st)
    with place:
        _calculator(chosen["convolutions"] == "separable", chosen["depth"] == "shallow", chosen["bars"], style)
    reading(_("What the multipliers do, and where the numbers come from"), TEXTS, "mobilenet")


@fragment
def _calculator(separable: bool, shallow: bool, quantity: str, style: Style) -> None:
    """The sliders, and all that is counted of the network that they set."""
    results = following(separable, shallow, quantity, spoken(BARS.called(quantity)), style)
    now = ask_live(st.container(), *SLIDERS, of="multipliers", results=results).values
    network = MobileNet(now["width"], now["resolution"], separable, shallow, now["classes"])
    _drawings(network, quantity, style)
    st.caption(
        _(
            "Multiply-adds of the convolutions and the classifier, for one picture, without biases, batch norm and "
            "pooling. Parameters include batch norm's scales and offsets and the classifier's biases. 1.0 "
            "MobileNet-224 is the paper's name for α = 1 at 224×224; the accuracies are from its tables 4 to 7 and 9."
        )
    )
    left, right = st.columns(2, gap="large")
    with left:
        _kinds(network)
    with right:
        _successors(network)
    build_it(network)
    _layers(network, style)
    the_code(CODE, values=arguments(asdict(network)))


# What is counted --------------------------------------------------------------------------------------------------


def _drawings(network: MobileNet, quantity: str, style: Style) -> None:
    """How to read the paper's sixteen; and they, with this network among them, and the bars as files."""
    drawn, caption = sixteen(network), (_("The paper's 4 × 4 grid; orange: {network}", network=title(network)),)
    beside, names, whose = grid(shallow=network.shallow)[1.0, 224], kind_names(), _("1.0 MobileNet-224")
    above = f"{title(network)} · {_('Cost of each block')}: {spoken(BARS.called(quantity))}"
    st.caption(
        _(
            "With 1,000 classes. Each cell shows MACs, parameters and, where the paper reports it, accuracy; the "
            "more a cell stands out, the more MACs. An orange frame marks your network; where it is none of the "
            "sixteen, an orange ring shows its place."
        )
    )
    row, kind = st.container(horizontal=True), style.file
    download(
        row,
        _("Grid ({kind})", kind=kind.upper()),
        lambda: svg(*drawn, caption) if kind == "svg" else png(*drawn, caption),
        f"convscope-mobilenet-sixteen.{kind}",
        "sixteen as a file",
    )
    download(
        row,
        _("Bars ({kind})", kind=kind.upper()),
        lambda: as_file(block_costs(network, beside, quantity, names, whose, above), kind),
        f"convscope-mobilenet-blocks.{kind}",
        "bars as a file",
    )


def _kinds(network: MobileNet) -> None:
    """Which part of the work and of the weights each kind of layer has: the paper's Table 2."""
    st.header(_("By kind of layer"), anchor="kinds")
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
    st.header(_("Compared with its successors"), anchor="successors")
    others = [ARCHITECTURES[name] for name in SUCCESSORS]
    rows = [(_("this network"), short(network.macs), short(network.params), top1(accuracy(network)))]
    rows += [(o.title, short(o.macs), short(o.parameters), percent(o.accuracy / 100)) for o in others]
    wrapped([_("network"), _("MACs"), _("parameters"), _("top-1 accuracy")], rows, "successors")
    st.caption(_("Successors at 224×224 with 1,000 classes; accuracies measured with torchvision's weights."))


def _layers(network: MobileNet, style: Style) -> None:
    """The paper's Table 1 with what every layer costs, to be looked at and to be taken away."""
    st.header(_("Layer by layer"), anchor="layers")
    layers = list(network.layers.values())
    columns = {
        _("layer"): text(list(network.layers), 130),
        _("filter shape"): text([filter_shape(each) for each in layers], 118),
        _("stride"): Column([each.stride[0] if each.is_convolution else None for each in layers]),
        _("input"): Column([sizes(each.given) for each in layers]),
        **costs(layers, "macs", network.macs, (_("MACs"), _("of all MACs")), style.is_short),
        **costs(layers, "params", network.params, (_("parameters"), _("of all parameters")), style.is_short),
    }
    draw_table(columns)
    file = f"convscope-mobilenet-{network.width:g}-{network.resolution}.csv"
    download(st, _("Table of layers (CSV)"), lambda: table(layer_rows(network.layers)), file, "layers csv")


page()
