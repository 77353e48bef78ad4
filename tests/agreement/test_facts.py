"""The facts of the registry, recomputed: parameters, multiply-adds, shapes; no weights are needed for that."""

from functools import cache
from math import prod

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models import ARCHITECTURES
from vis.trace import Recording, record

OF_TORCHVISION = [entry.name for entry in ARCHITECTURES.values() if entry.torchvision_weights]
MINIS = ["zfnet_mini", "alexnet_mini"]


@cache
def without_weights(name: str, **options: object) -> nn.Module:
    """The network on the meta device, where there are shapes but no values."""
    with torch.device("meta"):
        return ARCHITECTURES[name].build(**options).eval()


def picture(shape: tuple[int, ...]) -> Tensor:
    return torch.empty(1, *shape, device="meta")


@cache
def recorded(name: str, shape: tuple[int, ...] | None = None) -> Recording:
    return record(without_weights(name), picture(shape or ARCHITECTURES[name].input_shape))


def parameters(model: nn.Module) -> dict[str, int]:
    """Weights and biases of every layer that has some of its own."""
    counts = {name: sum(p.numel() for p in m.parameters(recurse=False)) for name, m in model.named_modules()}
    return {name: count for name, count in counts.items() if count}


def macs(name: str) -> dict[str, int]:
    """Multiply-adds of every module as torch counts them, "" for the whole network."""
    counter = FlopCounterMode(display=False)
    with counter:
        without_weights(name)(picture(ARCHITECTURES[name].input_shape))
    flops = {module: sum(of.values()) for module, of in counter.get_flop_counts().items()}
    assert not any(count % 2 for count in flops.values())
    return {"": flops["Global"] // 2} | {m.partition(".")[2]: c // 2 for m, c in flops.items() if "." in m}


# Counts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parameters_and_macs_are_those_of_the_network_that_is_built(name):
    entry = ARCHITECTURES[name]
    assert sum(parameters(without_weights(name)).values()) == entry.parameters
    assert macs(name)[""] == entry.macs


@pytest.mark.parametrize("name", OF_TORCHVISION)
def test_parameters_and_macs_are_those_that_torchvision_publishes(name):
    entry = ARCHITECTURES[name]
    published = entry.torchvision_weights().meta
    assert entry.parameters == published["num_params"]  # GoogLeNet's there, too, are without the auxiliary heads
    assert entry.macs / 1e9 == pytest.approx(published["_ops"], abs=0.0005 + 1e-9)  # G, three decimals


def test_the_layers_of_lenet_have_the_parameters_that_the_paper_leads_to():
    """60,000 in the paper: there C3 is sparse (1,516) and subsampling has 12 + 32, the output none."""
    assert parameters(without_weights("lenet5")) == {
        "features.c1": 6 * (5 * 5 * 1 + 1),
        "features.c3": 16 * (5 * 5 * 6 + 1),
        "features.c5": 120 * (5 * 5 * 16 + 1),
        "classifier.f6": 84 * (120 + 1),
        "classifier.output": 10 * (84 + 1),
    }
    assert list(parameters(without_weights("lenet5")).values()) == [156, 2_416, 48_120, 10_164, 850]
    assert 61_706 - 2_416 - 850 + 1_516 + 12 + 32 == 60_000


def test_the_layers_of_lenet_cost_one_mac_for_each_weight_and_position():
    found = macs("lenet5")
    by_hand = {
        "features.c1": 28 * 28 * 6 * 25,
        "features.c3": 10 * 10 * 16 * 25 * 6,
        "features.c5": 120 * 25 * 16,
        "classifier.f6": 120 * 84,
        "classifier.output": 84 * 10,
    }
    assert {layer: found[layer] for layer in by_hand} == by_hand
    assert found[""] == sum(by_hand.values()) == 416_520


def test_the_layers_of_zfnet_cost_what_the_papers_shapes_lead_to():
    found = macs("zfnet")
    by_hand = {
        "features.conv1": 110**2 * 96 * 7**2 * 3,
        "features.conv2": 26**2 * 256 * 5**2 * 96,
        "features.conv3": 13**2 * 384 * 3**2 * 256,
        "features.conv4": 13**2 * 384 * 3**2 * 384,
        "features.conv5": 13**2 * 256 * 3**2 * 384,
        "classifier.fc6": 9216 * 4096,
        "classifier.fc7": 4096 * 4096,
        "classifier.fc8": 4096 * 1000,
    }
    assert {layer: found[layer] for layer in by_hand} == by_hand
    assert found[""] == sum(by_hand.values())
    assert [round(count / 1e6, 1) for count in by_hand.values()][:5] == [170.8, 415.3, 149.5, 224.3, 149.5]


def test_the_layers_of_the_minis_cost_what_their_first_layer_leaves_them():
    above = 5**2 * 64 * 128, 3**2 * 128 * 192, 3**2 * 192 * 192, 3**2 * 192 * 256  # of one position
    zfnet = [32**2 * 64 * 7**2 * 3, *(n * cost for n, cost in zip((256, 64, 64, 64), above, strict=True))]
    alexnet = [16**2 * 64 * 11**2 * 3, *(n * cost for n, cost in zip((64, 16, 16, 16), above, strict=True))]
    for name, by_hand, classifier in zip(MINIS, (zfnet, alexnet), (4096 * 384, 1024 * 384), strict=True):
        found = macs(name)
        assert [found[f"features.conv{i}"] for i in range(1, 6)] == by_hand
        assert found[""] == sum(by_hand) + classifier + 384 * 200


def test_options_change_what_they_are_named_for():
    assert parameters(without_weights("zfnet_mini", num_classes=3))["classifier.fc7"] == 3 * (384 + 1)
    thin = sum(parameters(without_weights("mobilenet_v2", width_mult=0.5)).values())
    assert thin == 1_968_680  # the 1.97 M under which torchvision's network is known at half the width
    for name, entry in ARCHITECTURES.items():
        assert recorded_output(without_weights(name, num_classes=7), entry.input_shape) == (1, 7)


def recorded_output(model: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(model(picture(shape)).shape)


# Layers and shapes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers_are_operations_of_the_trace_with_feature_maps_in_the_order_of_their_depth(name):
    recording, layers = recorded(name), list(ARCHITECTURES[name].layers.values())
    order = [recording.trace.names[node] for node in recording.trace.graph.nodes if node.op != "output"]
    depths = [order.index(layer) for layer in layers]
    assert depths == sorted(set(depths))
    assert all(recording.of(layer).dim() == 4 for layer in layers)
    sides = [recording.of(layer).shape[-1] for layer in layers]
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers_end_where_their_signal_is_rectified(name):
    """So that no unit that can be chosen has a negative activation; a concatenation of rectified maps is rectified."""
    model = without_weights(name)
    recording = recorded(name)
    for layer in ARCHITECTURES[name].layers.values():
        node = recording.trace[layer]
        ends = node.args[0] if layer.endswith("cat") else [node]
        assert {type(model.get_submodule(str(end.target))) for end in ends if end.op == "call_module"} <= {
            nn.ReLU,
            nn.ReLU6,
        }, layer
        assert all(end.op == "call_module" or "relu" in str(end.target) for end in ends), layer


SHAPES = {
    "zfnet_mini": [(64, 32, 32), (128, 16, 16), (192, 8, 8), (192, 8, 8), (256, 8, 8)],
    "alexnet_mini": [(64, 16, 16), (128, 8, 8), (192, 4, 4), (192, 4, 4), (256, 4, 4)],
    "lenet5": [(6, 28, 28), (16, 10, 10), (120, 1, 1)],
    "alexnet": [(64, 55, 55), (192, 27, 27), (384, 13, 13), (256, 13, 13), (256, 13, 13)],
    "zfnet": [(96, 110, 110), (256, 26, 26), (384, 13, 13), (384, 13, 13), (256, 13, 13)],
    "vgg16": [(64, 224, 224), (128, 112, 112), (256, 56, 56), (512, 28, 28), (512, 14, 14)],
    "googlenet": [(64, 112, 112), (192, 56, 56), (480, 28, 28), (832, 14, 14), (1024, 7, 7)],
    "resnet18": [(64, 112, 112), (64, 56, 56), (128, 28, 28), (256, 14, 14), (512, 7, 7)],
    "resnet50": [(64, 112, 112), (256, 56, 56), (512, 28, 28), (1024, 14, 14), (2048, 7, 7)],
    "mobilenet_v2": [(32, 112, 112), (144, 56, 56), (192, 28, 28), (576, 14, 14), (1280, 7, 7)],
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers_have_the_shapes_of_the_papers(name):
    found = [tuple(recorded(name).of(layer).shape[1:]) for layer in ARCHITECTURES[name].layers.values()]
    assert found == SHAPES[name]


def test_zfnet_has_the_shapes_of_the_papers_figure_3():
    steps = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")
    found = [tuple(recorded("zfnet").of(f"features.{step}").shape[1:]) for step in steps]
    assert found == [
        (96, 110, 110),
        (96, 55, 55),
        (256, 26, 26),
        (256, 13, 13),
        (384, 13, 13),
        (384, 13, 13),
        (256, 13, 13),
        (256, 6, 6),
    ]
    assert prod(found[-1]) == 9216


def test_lenet_has_the_shapes_of_the_papers_figure_2():
    found = [recorded("lenet5").of(f"features.{step}").shape for step in ("c1", "s2", "c3", "s4", "c5")]
    assert [tuple(shape[1:]) for shape in found] == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1)]


def test_the_minis_differ_in_the_kernel_and_the_stride_of_the_first_layer_alone():
    """Their classifiers differ in how much of the grid is left for them."""
    zfnet, alexnet = (dict(without_weights(name).features.named_children()) for name in MINIS)
    assert zfnet.keys() == alexnet.keys()
    assert [step for step in zfnet if repr(zfnet[step]) != repr(alexnet[step])] == ["conv1"]
    one, other = zfnet["conv1"], alexnet["conv1"]
    assert (one.kernel_size, one.stride) == ((7, 7), (2, 2))
    assert (other.kernel_size, other.stride) == ((11, 11), (4, 4))
    assert one.out_channels == other.out_channels
    assert ARCHITECTURES[MINIS[0]].preprocess == ARCHITECTURES[MINIS[1]].preprocess


@pytest.mark.parametrize("name", MINIS)
@pytest.mark.parametrize("size", [(64, 64), (65, 64), (100, 73), (224, 224), (300, 300), (224, 512)])
def test_the_minis_take_pictures_of_any_size_and_keep_their_layers_in_proportion(name, size):
    recording = recorded(name, (3, *size))
    stride = without_weights(name).features.conv1.stride[0]
    assert recorded_output(without_weights(name), (3, *size)) == (1, 200)
    assert recording.of("features.conv1").shape[2:] == tuple(-(-side // stride) for side in size)
