"""Where a visit begins: what the app is, all networks in one picture, and their story from 1998 to 2022."""

from collections.abc import Collection
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import ARCHITECTURES
from models.architecture import Architecture
from models.options import Choice, Phrase
from pages.common.asking import ask
from pages.common.panels import chart, let_it_be_drawn, reading
from pages.common.routes import GRAPH, go
from pages.common.session import value_of
from pages.common.text import _, spoken
from pages.start.home.strip import live_strip
from pages.start.home.ways import three_ways
from vis.figures.landscape import Words, landscape, points_of
from vis.figures.numbers import percent, short

TEXTS = Path(__file__).parent / "texts"
FIGURE = "landscape"  # its key
QUANTITIES = {
    "macs": Phrase("Multiply-adds (MACs)"),
    "parameters": Phrase("Parameters"),
    "year": Phrase("Year"),
}
ACROSS = Choice("x", Phrase("Horizontal axis"), QUANTITIES)
AREA = Choice("size", Phrase("Point area"), {"parameters": Phrase("Parameters"), "macs": Phrase("MACs")})

FAMILIES = {  # what each is called, and its story, in the order of the story
    "lenet": ("LeNet", Phrase("Reads handwritten digits: small shared filters and subsampling, all trained together.")),
    "alexnet": ("AlexNet", Phrase("A LeNet grown a thousand times larger, on two GPUs, wins ImageNet.")),
    "zfnet": ("ZFNet", Phrase("Looks inside with the deconvnet and repairs AlexNet's first layer.")),
    "vgg": ("VGG", Phrase("Only 3×3 filters, up to 19 layers: depth with the simplest possible plan.")),
    "googlenet": ("GoogLeNet", Phrase("Four branches side by side, made cheap by 1×1 convolutions.")),
    "plain": ("Plain", Phrase("The control experiment: without shortcuts, 34 layers do worse than 18.")),
    "resnet": ("ResNet", Phrase("Blocks add a change to what they receive; 152 layers can be trained.")),
    "resnet_v2": (
        "ResNet v2",
        Phrase("Batch norm and ReLU move before the convolutions, which leaves the shortcut clean."),
    ),
    "squeezenet": ("SqueezeNet", Phrase("AlexNet's accuracy with about a fiftieth of its parameters.")),
    "densenet": ("DenseNet", Phrase("Every layer of a block reads all layers before it.")),
    "mobilenet_v1": (
        "MobileNet V1",
        Phrase("Filters each channel on its own, then mixes them with 1×1 convolutions: about a ninth of the work."),
    ),
    "mobilenet_v2": (
        "MobileNet V2",
        Phrase("Inverted residuals: shortcuts between narrow layers, a wide but cheap middle."),
    ),
    "mobilenet_v3": (
        "MobileNet V3",
        Phrase("Found by a search on real phones, with squeeze-and-excite gates and hardswish."),
    ),
    "efficientnet": ("EfficientNet", Phrase("Depth, width and resolution grow together, set by one number.")),
    "efficientnet_lite": (
        "EfficientNet-Lite",
        Phrase("EfficientNet for telephones: no gates, ReLU6. It knows ImageNet's 1,000 classes without a download."),
    ),
    "convnext": ("ConvNeXt", Phrase("A ResNet modernised step by step until it keeps up with Transformers.")),
}
WELL_KNOWN = (  # the first have the first right to their names in the picture
    *("alexnet", "resnet50", "vgg16", "efficientnet_b0", "mobilenet_v2", "convnext_tiny", "googlenet", "densenet121"),
    *("squeezenet1_1", "mobilenet_v3_small", "efficientnet_b7", "convnext_large", "mobilenet_v1", "resnet152"),
    *("zfnet", "resnet18"),
)


def page() -> None:
    st.title(_("See how convolutional networks work"))
    st.markdown(
        _("What each layer of a network responds to most in a photograph. **Click a layer**, or try your own picture.")
    )
    live_strip()
    let_it_be_drawn()
    three_ways()
    _picture()
    _timeline()
    reading(_("What ConvScope is"), TEXTS, "home")


def _card(column: DeltaGenerator) -> DeltaGenerator:
    """A frame as high as its neighbours, whose last element stands at its foot."""
    return column.container(border=True, height="stretch", vertical_alignment="distribute")


# The picture ------------------------------------------------------------------------------------------------------


def _picture() -> None:
    """All networks in one picture; what is across and what is the size in it can be chosen."""
    st.header(_("All networks in one chart"), anchor="picture")
    left, middle, right = st.columns([2, 1.4, 1.4])
    x, size = ask([left, middle], ACROSS, AREA).values()
    right.selectbox(
        _("Open a network"),
        ARCHITECTURES,
        index=None,
        format_func=lambda name: f"{ARCHITECTURES[name].title} ({ARCHITECTURES[name].year})",
        placeholder=_("Choose one, or click a point"),
        key="network to open",
        on_change=_open,
        args=("network to open",),
    )
    points = points_of(ARCHITECTURES.values())
    words = Words(
        {name: spoken(words) for name, words in QUANTITIES.items()} | {"accuracy": _("Top-1 accuracy on ImageNet")},
        {family: title for family, (title, _story) in FAMILIES.items()},
        {
            "torchvision": _("measured with torchvision's weights"),
            "paper": _("reported in its paper"),
            "authors": _("reported by its authors"),
            "views": _("reported in its paper, mostly with several crops"),
        },
    )
    worst, *_others, best = sorted(points, key=lambda point: point.accuracy)
    chart(
        landscape(points, x, size, words, WELL_KNOWN),
        FIGURE,
        on_select=lambda: _open(FIGURE),
        selection_mode="points",
        config={"toImageButtonOptions": {"format": "svg", "filename": "convscope-networks"}},
        alt=_(
            "Top-1 accuracy of {count} networks against {x}, from {worst} with {low} to {best} with {high}. "
            "The list “Open a network” has all of them.",
            count=len(points),
            x=spoken(QUANTITIES[x]),
            worst=worst.title,
            low=percent(worst.accuracy / 100),
            best=best.title,
            high=percent(best.accuracy / 100),
        ),
    )
    _notes(ARCHITECTURES.keys() - {point.name for point in points})


def _notes(missing: Collection[str]) -> None:
    """How the picture is to be read, and who is not in it."""
    st.caption(
        _(
            "Single-crop accuracy on the validation pictures: ● torchvision's weights, often better trained than the "
            "paper's; ◆ reported in the paper or by its authors. ◇ reported in the paper, mostly with several crops "
            "per picture. MACs are for the picture size that the network was designed for."
        )
    )
    of_cifar = [a for a in ARCHITECTURES.values() if a.is_for_cifar]
    absent = [a for a in ARCHITECTURES.values() if a.name in missing and not a.is_for_cifar]
    small = [a.title for a in absent if a.input_shape[1] < 200]
    others = [a.title for a in absent if a.title not in small]
    st.caption(
        _(
            "Not in the chart: {small} (small pictures, fewer classes), {others} (no published top-1 accuracy) and the "
            "{count} small networks for CIFAR-10, which end the list “Open a network”.",
            small=", ".join(small),
            count=len(of_cifar),
            others=", ".join(others),
        )
    )


def _open(key: str) -> None:
    """Opens what was chosen in a list, or the point that was clicked in the picture."""
    chosen = value_of(key)
    names = [point["customdata"][0] for point in chosen.selection.points] if key == FIGURE else [chosen]
    if names and names[0]:
        go(GRAPH, names[0])


# The timeline -----------------------------------------------------------------------------------------------------


def _timeline() -> None:
    """The families in the order of their story, each with its networks to be opened."""
    st.header(_("From 1998 to 2022"), anchor="timeline")
    for number, family in enumerate(FAMILIES):
        if number % 3 == 0:
            columns = st.columns(3)
        with _card(columns[number % 3]):
            _family(family, [a for a in ARCHITECTURES.values() if a.family == family and not a.is_for_cifar])


def _family(family: str, networks: list[Architecture]) -> None:
    title, story = FAMILIES[family]
    with st.container(gap=None):
        st.markdown(f"### :primary[{min(a.year for a in networks)}] {title}")
        st.markdown(spoken(story))
    sizes = sorted(a.parameters for a in networks)
    span = short(sizes[0]) if len(sizes) == 1 else f"{short(sizes[0])} – {short(sizes[-1])}"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", wrap=False):
        st.caption(_("{span} parameters", span=span))
        st.menu_button(
            _("Open"),
            [a.name for a in networks],
            format_func=lambda name: ARCHITECTURES[name].title,
            key=f"open {family}",
            on_click=_open,
            args=(f"open {family}",),
        )


page()
