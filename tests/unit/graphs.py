"""Networks whose layer graphs are looked at: the house's, torchvision's, and small ones of one peculiarity each."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torchvision import models

from models.loading import skeleton
from models.registry import ARCHITECTURES
from tests.agreement.networks import EXACT, NORMALISED, PICTURE, UNUSUAL, Net, gated
from tests.representatives import REPRESENTATIVES
from vis.figures.graph import texts
from vis.graph import Graph, layer_graph
from vis.layout import Drawing, drawing

TORCHVISION = (
    *("efficientnet_v2_s", "inception_v3", "mnasnet0_5", "regnet_x_400mf", "regnet_y_400mf", "resnext50_32x4d"),
    "shufflenet_v2_x0_5",
)
WITH_OPTIONS = {
    "GoogLeNet with its heads": ("googlenet_2014", {"aux": True}),
    "ResNet-18 with padded shortcuts": ("resnet18", {"shortcut": "A"}),
    "ResNet-18 with projections alone": ("resnet18", {"shortcut": "C"}),
    "MobileNet of full convolutions": ("mobilenet_v1", {"separable": False}),
}
BY_HAND = {**EXACT, **NORMALISED, **UNUSUAL, "gates": gated}
WIDE = 1.7  # width by height
NETWORKS = (*REPRESENTATIVES, *WITH_OPTIONS, *TORCHVISION, *BY_HAND)


def network(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """A network without numbers, and the shape of its pictures."""
    if name in ARCHITECTURES:
        return skeleton(name), (1, *ARCHITECTURES[name].input_shape)
    if name in WITH_OPTIONS:
        of, options = WITH_OPTIONS[name]
        return skeleton(of, **options), (1, *ARCHITECTURES[of].input_shape)
    if name in BY_HAND:
        return BY_HAND[name]().to("meta").eval(), PICTURE
    options = {"init_weights": False} if name == "inception_v3" else {}
    return models.get_model(name, weights=None, **options).to("meta").eval(), (1, 3, 299, 299)


@cache
def graph_of(name: str) -> Graph:
    return layer_graph(*network(name))


@cache
def sheet_of(name: str) -> Drawing:
    """The drawing of a network with all its blocks open."""
    return drawn(graph_of(name))


@cache
def wide_sheet_of(name: str) -> Drawing:
    """The same for a canvas of a projector's shape."""
    return drawn(graph_of(name), aspect=WIDE)


def drawn(graph: Graph, opened: set[str] | None = None, aspect: float | None = None) -> Drawing:
    """The drawing with these blocks open; by default all."""
    return drawing(graph, graph.blocks if opened is None else opened, texts, aspect=aspect)


# Small networks --------------------------------------------------------------------------------------------------


class Residual(nn.Module):
    """Two convolutions beside a skip."""

    def __init__(self, maps: int = 4, between: int = 4):
        super().__init__()
        self.conv1 = nn.Conv2d(maps, between, 3, padding=1)
        self.conv2 = nn.Conv2d(between, maps, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv2(torch.relu(self.conv1(x))) + x)


def conv(before: int = 4, after: int = 4, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel, padding=kernel // 2)


def pair(maps: int = 4) -> nn.Sequential:
    return nn.Sequential(conv(maps, maps), nn.ReLU())


def graph_by_hand(way: Callable[[nn.Module, Tensor], Tensor], **modules: nn.Module) -> Graph:
    """The graph of a network whose way through these modules is a function, for a picture of 4 × 8 × 6."""
    return layer_graph(Net(way, **modules).eval(), (1, 4, 8, 6))


def graph_in_a_row(*modules: nn.Module) -> Graph:
    return layer_graph(nn.Sequential(*modules).eval(), (1, 4, 8, 6))
