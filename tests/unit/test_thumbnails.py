"""The strongest map of every layer, made small: the one that plain hooks find, drawn as it would be by hand."""

import io
from collections.abc import Callable
from functools import cache

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import models

from tests.agreement.networks import EXACT, Net, picture, seeded
from tests.unit.graphs import graph_of, network
from vis.deconvnet import strongest_units
from vis.figures.thumbnails import SIDE, Thumbnail, palette_png, pictured, thumbnails
from vis.graph import Graph
from vis.graph import graph_of as graph_from
from vis.shapes import record_shapes
from vis.trace import TraceRefused

PIXELS = 1, 3, 96, 96
CLOSE = 1e-5  # of a map's range: it is made smaller and drawn in single precision


@cache
def resnet18() -> nn.Module:
    torch.manual_seed(0)
    return models.resnet18().double().eval()


@cache
def convnext() -> nn.Module:
    torch.manual_seed(0)
    return models.convnext_tiny().double().eval()


def shapes_and_graph(model: nn.Module) -> tuple:
    shapes = record_shapes(model, PIXELS)
    return shapes, graph_from(shapes)


def hooked(model: nn.Module, module: str, image: Tensor, gives: bool = True, call: int = 0) -> Tensor:
    """What a module gave, or was given, when it was called for this time: with a hook of torch, and a copy."""
    seen = []
    part = model.get_submodule(module)
    if gives:
        handle = part.register_forward_hook(lambda _module, _given, result: seen.append(result.detach().clone()))
    else:
        handle = part.register_forward_pre_hook(lambda _module, given: seen.append(given[0].detach().clone()))
    with torch.no_grad():
        model(image)
    handle.remove()
    return seen[call]


def pixels_of(found: Thumbnail) -> np.ndarray:
    with Image.open(io.BytesIO(found.png)) as opened:
        return np.asarray(opened.convert("RGB")).astype(int)


def means(values: np.ndarray, side: int) -> np.ndarray:
    """Means over squares, one by one."""
    height, width = (-(-length // side) for length in values.shape)
    rows = ([values[side * i :][:side, side * j :][:, :side].mean() for j in range(width)] for i in range(height))
    return np.array(list(rows))


def check_is_drawn(found: Thumbnail, maps: Tensor, side: int) -> None:
    """The map with the highest value of all, its own range, grey where the layer has a sign and else as heat."""
    flat = maps.reshape(-1)
    highest = int(flat.argmax())
    channel, row, column = np.unravel_index(highest, maps.shape)
    assert (found.unit.channel, found.unit.row, found.unit.column) == (channel, row, column)
    assert found.unit.activation == flat[highest].item()
    own = maps[channel].numpy()
    assert found.lowest == pytest.approx(own.min(), rel=1e-6)
    assert found.has_sign == bool((flat < 0).any())
    assert found.reduced == next(n for n in range(1, 999) if max(own.shape) <= n * side)
    limit = max(own.max(), -own.min())
    assert found.limit == pytest.approx(limit, rel=1e-6)
    small, drawn = means(own, found.reduced) / limit, pixels_of(found)
    assert drawn.shape == (*small.shape, 3)
    assert max(drawn.shape) <= side
    if found.has_sign:
        assert (np.abs(drawn - (128 + 127 * small)[..., None]) <= 0.5 + 127 * CLOSE).all()
        return
    colours = np.round(matplotlib.colormaps["inferno"](np.arange(256))[:, :3] * 255)
    lower, upper = (colours[np.clip((small + by) * 256, 0, 255).astype(int)] for by in (-CLOSE, CLOSE))
    assert ((drawn == lower).all(2) | (drawn == upper).all(2)).all()


Value = Callable[[nn.Module, Tensor], Tensor]  # (1, K, h, w), found with hooks

LAYERS: dict[str, tuple[Callable[[], nn.Module], str, Value]] = {
    "a convolution": (resnet18, "conv1", lambda model, image: hooked(model, "conv1", image)),
    "a ReLU in place": (resnet18, "layer1.0.relu", lambda model, image: hooked(model, "layer1.0.relu", image)),
    "an addition": (resnet18, "layer2.0.add", lambda model, image: hooked(model, "layer2.0.relu", image, False, 1)),
    "a closed block": (resnet18, "layer3", lambda model, image: hooked(model, "layer3", image)),
    "maps that come last": (
        convnext,
        "features.1.0.block.3",
        lambda model, image: hooked(model, "features.1.0.block.3", image).permute(0, 3, 1, 2),
    ),
    "a closed block of ConvNeXt": (convnext, "features.1.2", lambda model, image: hooked(model, "features.1.2", image)),
}


@pytest.mark.parametrize("side", [5, SIDE])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_thumbnail_is_the_map_that_plain_hooks_find(layer, side):
    build, box, by_hand = LAYERS[layer]
    model, image = build(), picture(PIXELS)
    shapes, graph = shapes_and_graph(model)
    name = pictured(graph, shapes)[box]
    found = thumbnails(model, image, [name], side)[name]
    assert found.unit.layer == name
    check_is_drawn(found, by_hand(model, image)[0], side)


def test_it_is_the_unit_that_the_other_pages_call_the_strongest():
    model, image = resnet18(), picture(PIXELS)
    for name, found in thumbnails(model, image, ["bn1", "layer1.1.relu", "layer4.0.add"]).items():
        assert [found.unit] == strongest_units(model, image, name, 1)


def test_one_pass_finds_all_layers_and_leaves_nothing_behind():
    model, image, passes = resnet18(), picture(PIXELS), []
    shapes, graph = shapes_and_graph(model)
    names = [name for name in dict.fromkeys(pictured(graph, shapes).values()) if graph.nodes[name].kind != "input"]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    handle = model.conv1.register_forward_hook(lambda *_: passes.append(1))
    alone = thumbnails(model, image, names[-1:])  # the first pass of a network's code is compared with its own
    passes.clear()
    found = thumbnails(model, image, names)
    handle.remove()
    assert passes == [1]
    assert [*found] == names
    assert found[names[-1]] == alone[names[-1]]
    assert not [module for module in model.modules() if module._forward_hooks]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model.training


def test_values_that_are_not_finite_are_refused():
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU()).eval()
    nn.init.constant_(model[0].weight, float("inf"))
    with pytest.raises(TraceRefused, match="gives non-finite values"):
        thumbnails(model, torch.rand(1, 3, 8, 8), ["1"])


@pytest.mark.parametrize("value", [-3.0, 0.0])
def test_a_layer_that_is_nowhere_active_has_a_map_too(value):
    model = Net(lambda net, x: net.conv(x), conv=nn.Conv2d(3, 2, 1)).eval()
    nn.init.zeros_(model.conv.weight)
    model.conv.bias.data = torch.tensor([value - 1, value])
    found = thumbnails(model, torch.rand(1, 3, 4, 4), ["conv"])["conv"]
    assert (found.unit.channel, found.unit.activation, found.lowest) == (1, value, value)
    assert found.limit == -value
    assert (pixels_of(found) == (1 if value else 128)).all()


# Which boxes have one ---------------------------------------------------------------------------------------------


def pictured_of(name: str) -> tuple[dict[str, str], Graph]:
    return pictured(graph_of(name), record_shapes(*network(name))), graph_of(name)


def test_boxes_without_maps_of_several_positions_have_none():
    found, graph = pictured_of("resnet50")
    assert graph.nodes.keys() - found.keys() == {"avgpool", "flatten", "fc"}
    assert graph.blocks.keys() - found.keys() == {""}
    assert found["x"] == "x"
    assert (found["layer1"], found["layer3.1…5"]) == ("layer1.2.relu_2", "layer3.5.relu_2")
    found, graph = pictured_of("efficientnet_b0")
    assert not [name for name in found if "avgpool" in name or "scale_activation" in name]  # gates
    found, graph = pictured_of("convnext_tiny")
    assert {"features.1.0.block.2", "features.1.0.block.5"} <= found.keys()


@pytest.mark.parametrize("name", ["resnet50", "googlenet_2014", "densenet121", "mobilenet_v3_large", "convnext_tiny"])
def test_what_leaves_a_block_is_what_its_last_operation_gives(name):
    graph = graph_of(name)
    for block in graph.blocks.keys() - {""}:
        inside = {node.name for node in graph.operations(block)}
        leaving = {edge.source for edge in graph.edges if edge.source in inside and edge.target not in inside}
        assert leaving <= {graph.last(block).name}


@pytest.mark.parametrize("build", EXACT.values(), ids=EXACT)
def test_every_box_that_may_have_one_gets_one(build):
    model, image = seeded(build), picture()
    shapes = record_shapes(model, tuple(image.shape))
    graph = graph_from(shapes)
    names = {n for n in pictured(graph, shapes).values() if graph.nodes[n].kind != "input"}
    assert thumbnails(model, image, names).keys() == names


# Files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colours", [1, 2, 200, 256])
def test_a_table_of_colours_loses_nothing(colours):
    pixels = np.random.default_rng(colours).integers(0, 256, (colours, 3), np.uint8)
    pixels = pixels[np.random.default_rng(0).integers(0, colours, (20, 30))]
    with Image.open(io.BytesIO(palette_png(pixels))) as opened:
        assert (np.asarray(opened.convert("RGB")) == pixels).all()
