"""Three ways on from Home: for those who learn, who teach and who build."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

from models.options import Phrase
from pages.common.asking import key_of
from pages.common.chooser import with_trained_weights
from pages.common.routes import (
    ATTRIBUTION,
    FILTERS,
    GRAPH,
    LAYERS,
    OCCLUSION,
    TOP9,
    Route,
    go,
    named,
)
from pages.common.session import set_to
from pages.common.text import spoken


@dataclass(frozen=True)
class Way:
    """A view to begin with: a page, the network it shows, and what else is set there."""

    label: Phrase
    route: Route
    network: str | None = None  # None: the one that is chosen
    options: Mapping[tuple[str, str], str] = field(default_factory=dict)  # by name, and what it belongs to


WAYS = {
    Phrase("To learn"): (
        Way(Phrase("One photograph, five layers"), LAYERS),
        Way(Phrase("Draw a digit, and LeNet-5 reads it"), LAYERS, "lenet5"),
        Way(Phrase("Why the network says so"), ATTRIBUTION),
        Way(Phrase("Why 1×1 convolutions save work"), named("bottleneck")),
        Way(Phrase("Where the maxima were: pooling"), named("pooling")),
        Way(Phrase("Watch LeNet-5 learn digits"), named("train")),
    ),
    Phrase("To teach"): (
        Way(
            Phrase("AlexNet beside ZFNet"),
            GRAPH,
            "alexnet_2012",
            {("compare", "alexnet_2012"): "zfnet"},
        ),
        Way(Phrase("Features during training (figure 4)"), FILTERS, "zfnet_mini", {("show", ""): "training"}),
        Way(Phrase("MobileNet's two sliders"), named("mobilenet")),
        Way(Phrase("A grey square over the picture (figure 7)"), OCCLUSION),
        Way(Phrase("LRN and batch norm, number by number"), named("normalisation")),
        Way(Phrase("Gradients through 100 layers"), named("depth")),
    ),
    Phrase("To build"): (
        Way(Phrase("What every layer of ResNet-50 costs"), GRAPH, "resnet50"),
        Way(Phrase("Which pictures activate a feature map"), TOP9),
        Way(Phrase("How far a map can be trusted"), ATTRIBUTION, options={("closely", ""): "grad_cam"}),
        Way(Phrase("MACs are not milliseconds"), named("milliseconds")),
        Way(Phrase("A stack of your own"), named("stack")),
        Way(Phrase("What accuracy costs: the CIFAR-10 arena"), named("arena")),
    ),
}


def three_ways() -> None:
    """Draws them side by side."""
    for column, (title, ways) in zip(st.columns(len(WAYS)), WAYS.items(), strict=True):
        with column.container(border=True, height="stretch", gap="xsmall"):
            st.markdown(f"**{spoken(title)}**")
            for way in (way for way in ways if way.route.is_shown):
                st.button(
                    spoken(way.label),
                    key=f"way {way.label}",
                    icon=f":material/{way.route.icon}:",
                    type="tertiary",
                    on_click=_open,
                    args=(way,),
                )


def _open(way: Way) -> None:
    for (option, of), value in way.options.items():
        set_to(key_of(option, of, way.route.name), value)
    if way.network:
        with_trained_weights()
    go(way.route, way.network)
