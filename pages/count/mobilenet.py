"""MobileNet's multipliers: what its width and its resolution save, counted while they are dragged."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import streamlit as st

from models import ARCHITECTURES
from pages.common.components.sliders import Slider, live_sliders
from pages.common.session import from_link, of_sidebar, slid, slide, sliders_rest, to_url
from pages.common.text import _, language, prose
from pages.common.widgets import choice, download
from pages.count.built import build_it, title
from pages.count.layer_table import BAR, as_csv, layer_table
from pages.count.style import Style, chosen_style
from vis.cost.mobilenet import LEAST_SIDE, MOST_SIDE, SIDES, WIDTHS, MobileNet, accuracy, grid, is_plotted
from vis.figures.costs import COLOURS, block_costs
from vis.figures.graph import png, svg
from vis.figures.numbers import short
from vis.figures.sixteen import sixteen

TEXTS = Path(__file__).parent / "texts"
PAGE = "mobilenet"  # the key of its sliders
PAPER = grid()[1.0, 224]
OFFERED = {
    "width": [n / 20 for n in range(1, 41)],
    "resolution": range(LEAST_SIDE, MOST_SIDE + 1),
    "classes": (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 21_841),
}
USUAL = {"width": PAPER.width, "resolution": PAPER.resolution, "classes": PAPER.num_classes}
KINDS = {"width": float, "resolution": int, "classes": int}
SUCCESSORS = ("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small")


def page() -> None:
    st.title(_("MobileNet's multipliers"))
    st.markdown(
        _(
            "MobileNet V1 has two knobs: the **width α** scales the number of maps of every layer, the **resolution** "
            "the side of the picture. Drag them, and everything below is counted anew."
        )
    )
    row = st.container(horizontal=True, gap="medium")
    convolutions = {"separable": _("depthwise separable"), "full": _("full 3×3")}
    depths = {"deep": _("13 blocks"), "shallow": _("8, without the five of 14×14×512")}
    kind = choice(row, _("Convolutions"), convolutions, _of_link("convolutions", convolutions), "convolutions")
    depth = choice(row, _("Depth"), depths, _of_link("depth", depths), "depth")
    _calculator(kind == "separable", depth == "shallow", chosen_style(row))
    with st.expander(_("What the multipliers do, and where the numbers are from"), icon=":material/menu_book:"):
        st.markdown(prose(TEXTS, "mobilenet"))


@st.fragment
def _calculator(separable: bool, shallow: bool, style: Style) -> None:
    """The sliders, and all that is counted of the network that they set."""
    network = _network(separable, shallow)
    _totals(network, style)
    left, right = st.columns(2, gap="medium")
    with left:
        quantity = _blocks(network, style)
    with right:
        _sixteen(network, style)
    st.caption(
        _(
            "Counted are the multiply-adds of convolutions and of the classifier, for one picture; no biases, no batch "
            "norm, no pooling. Parameters include the scales and offsets of batch norm and the classifier's biases. "
            "1.0 MobileNet-224 is the paper's name for α = 1 at 224×224; the accuracies are those of its tables 4 to 7 "
            "and 9."
        )
    )
    left, right = st.columns(2, gap="large")
    with left:
        _kinds(network)
    with right:
        _successors(network)
    build_it(network)
    _layers(network, style.is_short)
    if sliders_rest():  # or else every step of a drag would be one of the browser's Back button
        _put_into_url(network, style, quantity)


# What is set ------------------------------------------------------------------------------------------------------


def _network(separable: bool, shallow: bool) -> MobileNet:
    """What the sliders say."""
    first = {name: from_link(name, USUAL[name], OFFERED[name], KINDS[name]) for name in OFFERED}
    now = slid(PAGE, first)
    labels = {"width": _("Width α"), "resolution": _("Resolution"), "classes": _("Classes")}
    marks = {"width": WIDTHS, "resolution": SIDES, "classes": (10, 100, 1000)}
    live_sliders(
        [Slider(name, labels[name], OFFERED[name], marks[name], digits=2 * (name == "width")) for name in OFFERED],
        now,
        "multipliers",
        on_change=lambda values, rest: slide(PAGE, values, rest),
    )
    return MobileNet(now["width"], now["resolution"], separable, shallow, now["classes"])


def _of_link(key: str, names: Mapping[str, str]) -> str:
    """One of the names: the link's, or else the first."""
    return from_link(key, next(iter(names)), names)


def _put_into_url(network: MobileNet, style: Style, quantity: str) -> None:
    values = {"width": network.width, "resolution": network.resolution, "classes": network.num_classes}
    to_url(
        **of_sidebar(),
        **{name: value for name, value in values.items() if value != USUAL[name]},
        convolutions=None if network.separable else "full",
        depth="shallow" if network.shallow else None,
        numbers=style.of_link,
        bars=quantity if quantity != "macs" else None,
        language=language(),
    )


# What is counted --------------------------------------------------------------------------------------------------


def _totals(network: MobileNet, style: Style) -> None:
    """Multiply-adds and parameters, each beside those of the paper's network, and the accuracy."""
    columns = st.columns([5, 4, 4])
    names = {"macs": _("Multiply-adds (MACs)"), "params": _("Parameters")}
    for column, (quantity, name) in zip(columns, names.items(), strict=False):
        number = getattr(network, quantity)
        column.metric(
            name,
            style.number(number),
            _("{ratio} × that of 1.0 MobileNet-224", ratio=f"{number / getattr(PAPER, quantity):.3g}"),
            delta_color="off",
            delta_arrow="off",
        )
    found = accuracy(network)
    if found is None:
        value, whose = (
            "–",
            _("only a point in the paper's figure 4") if is_plotted(network) else _("not reported in the paper"),
        )
    elif found.is_interpolated:
        value, whose = f"≈ {found.percent:.1f} %", _("interpolated between the paper's")
    else:
        value, whose = f"{found.percent:.1f} %", _("as the paper prints it")
    columns[2].metric(_("Top-1 accuracy on ImageNet"), value, whose, delta_color="off", delta_arrow="off")


def _blocks(network: MobileNet, style: Style) -> str:
    """What every block costs, in bars; of multiply-adds or of parameters."""
    st.subheader(_("Where the work is"), anchor="blocks")
    quantities = {"macs": _("MACs"), "params": _("parameters")}
    quantity = choice(st, _("Bars"), quantities, _of_link("bars", quantities), "bars", label_visibility="collapsed")
    beside = grid(shallow=network.shallow)[1.0, 224]
    st.plotly_chart(
        block_costs(network, beside, quantity, _kind_names(), _("1.0 MobileNet-224"), quantities[quantity]),
        key="blocks",
        config=style.toolbar("mobilenet-blocks"),
        alt=_("A bar for every block with its MACs or parameters; the table below has the same numbers."),
    )
    return quantity


def _kind_names() -> dict[str, str]:
    return {
        "conv": _("full 3×3"),
        "depthwise": _("depthwise 3×3"),
        "pointwise": _("pointwise 1×1"),
        "linear": _("classifier"),
    }


def _sixteen(network: MobileNet, style: Style) -> None:
    """The paper's four widths by its four resolutions, with this network on them."""
    st.subheader(_("The paper's sixteen"), anchor="sixteen")
    drawn, caption = sixteen(network), (_("The paper's sixteen; orange: {network}", network=title(network)),)
    st.image(
        svg(*drawn, dark=st.context.theme.type == "dark"),
        width=round(drawn[0].width),
        alt=_("MACs and parameters of the paper's four widths at its four resolutions, with this network marked."),
    )
    st.caption(
        _(
            "Of 1,000 classes. In a cell stand MACs, parameters, and the accuracy where the paper prints one; the more "
            "MACs, the stronger its colour. The orange frame is on your network's cell; where it has none, the ring "
            "stands between cells or at the edge."
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
    names = _kind_names()
    look = {
        name: st.column_config.ProgressColumn(
            width=BAR, format="%.2f %%", min_value=0, max_value=100, color=COLOURS["conv"]
        )
        for name in (_("of all MACs"), _("of all weights"))
    }
    st.dataframe(
        pa.table(
            {
                _("kind"): [names[kind] for kind in macs],
                _("of all MACs"): [100 * float(part) for part in macs.values()],
                _("of all weights"): [100 * float(weights[kind]) for kind in macs],
            }
        ),
        hide_index=True,
        column_config=look,
    )
    st.caption(
        _("At 1.0 MobileNet-224 these are the numbers of Table 2, which prints the first layer's 1.91 % as 1.19 %.")
    )


def _successors(network: MobileNet) -> None:
    """What came after, beside this network."""
    st.subheader(_("Beside its successors"), anchor="successors")
    found = accuracy(network)
    about = "≈ " if found and found.is_interpolated else ""
    rows = [(_("this network"), network.macs, network.params, f"{about}{found.percent:.1f} %" if found else "–")]
    for name in SUCCESSORS:
        other = ARCHITECTURES[name]
        rows.append((other.title, other.macs, other.parameters, f"{other.accuracy:.1f} %"))
    names, macs, params, accuracies = zip(*rows, strict=True)
    numbers = {
        _("MACs"): [short(number) for number in macs],
        _("parameters"): [short(number) for number in params],
        _("top-1 accuracy"): accuracies,
    }
    right = st.column_config.TextColumn(alignment="right")
    st.dataframe(
        pa.table({_("network"): names, **numbers}),
        hide_index=True,
        column_config=dict.fromkeys(numbers, right),
    )
    st.caption(_("The successors at 224×224 and of 1,000 classes; accuracies measured with torchvision's weights."))


def _layers(network: MobileNet, is_short: bool) -> None:
    """The paper's Table 1, to be looked at and to be taken away."""
    st.subheader(_("Layer by layer"), anchor="layers")
    layer_table(network, is_short)
    file = f"convscope-mobilenet-{network.width:g}-{network.resolution}.csv"
    download(st, _("Table of layers (CSV)"), lambda: as_csv(network.layers).encode("utf-8-sig"), file, "layers csv")


page()
