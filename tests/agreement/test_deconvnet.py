"""The engine against two independent truths: Captum where Captum is right, and the slow twin everywhere."""

import copy
import random
import re
from dataclasses import replace
from functools import partial

import pytest
import torch
from captum.attr import NeuronDeconvolution
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from torch import nn
from torchvision import models

from models import ARCHITECTURES
from models.refusals import Refused
from tests.agreement.networks import (
    EXACT,
    NEARLY_RELUS,
    NORMALISED,
    UNUSUAL,
    gated,
    last_layer,
    picture,
    seeded,
    with_activation,
)
from tests.agreement.slow_twin import SlowTwin
from vis import deconvnet
from vis.deconvnet import METHODS, Projection, Unit, project, project_map, record_for, stages, strongest_units
from vis.operations import maps_of
from vis.trace import record, traced

NEARLY = {name: partial(with_activation, activation) for name, activation in NEARLY_RELUS.items()}
EVERY = {**EXACT, **NORMALISED, **NEARLY, **UNUSUAL, "gates": gated}


def units_everywhere(model: nn.Module, image: torch.Tensor, *layers: str) -> list[Unit]:
    """A unit at every position of these layers (by default of the last), of one feature map after the other."""
    recording = record(model, image)
    units = []
    for layer in layers or [last_layer(model)]:
        maps = recording.of(layer)[0]
        maps = maps if maps.dim() == 3 else maps[:, None, None]
        channels, height, width = maps.shape
        for i in range(max(height * width, channels)):
            place = i % channels, i // width % height, i % width
            units.append(Unit(layer, *place, maps[place].item()))
    return units


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """The largest difference, relative to the largest value."""
    return ((one - other).abs().max() / other.abs().max().clamp(min=1e-30)).item()


def assert_equal_the_twin(found: list[Projection], twin: SlowTwin, tolerance: float = 1e-9) -> None:
    for projection in found:
        truth, box = twin.projection(projection.unit), projection.box
        assert projection.pixels.shape[1:] == (box.bottom - box.top, box.right - box.left)
        assert distance(projection.on_canvas().double(), truth) < tolerance, projection.unit
        truth[:, box.top : box.bottom, box.left : box.right] = 0
        assert not truth.any(), f"{projection.unit} also sees what is outside its box"


# Captum ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alexnet() -> nn.Module:
    return published(models.alexnet)


def published(build, **options) -> nn.Module:
    """A network of torchvision with random weights; Captum cannot do with ReLUs in place."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(weights=None, **options).eval()
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return model.requires_grad_(False)


CAPTUM_WARNS = pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore:Input Tensor 0 did not already")


def assert_equals_captum(model: nn.Module, image: torch.Tensor, layers: list[str], k: int) -> None:
    units = [unit for layer in layers for unit in strongest_units(model, image, layer, k) if unit.activation > 0]
    assert len(units) >= len(layers)
    for projection in project(model, image, units):
        unit = projection.unit
        neuron = (unit.channel, unit.row, unit.column)[: record(model, image, [unit.layer]).of(unit.layer).dim() - 1]
        captum = NeuronDeconvolution(model, model.get_submodule(unit.layer))
        truth = captum.attribute(image.clone(), neuron)[0].detach() * unit.activation
        assert distance(projection.on_canvas(), truth) < 1e-5, unit


@CAPTUM_WARNS
def test_equals_captums_neuron_deconvolution_on_alexnet(alexnet):
    layers = [f"features.{i}" for i in (0, 1, 2, 4, 5, 7, 9, 10, 11, 12)] + ["classifier.2", "classifier.6"]
    assert_equals_captum(alexnet, picture((1, 3, 224, 224), dtype=torch.float32), layers, 2)


@CAPTUM_WARNS
def test_equals_captums_neuron_deconvolution_on_vgg16():
    layers = [f"features.{i}" for i in (1, 4, 9, 13, 22, 29, 30)] + ["classifier.1"]
    model = published(models.vgg16, init_weights=False)
    assert_equals_captum(model, picture((1, 3, 64, 72), dtype=torch.float32), layers, 1)


# The slow twin ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [*EXACT, *NORMALISED])
def test_equals_the_slow_twin_at_every_position(name, method):
    model, image = seeded({**EXACT, **NORMALISED}[name]), picture()
    units = units_everywhere(model, image)
    random.Random(0).shuffle(units)
    found = project(model, image, units, method)
    assert [projection.unit for projection in found] == units
    assert_equal_the_twin(found, SlowTwin(model, image, method))


@pytest.mark.parametrize("name", EXACT)
def test_operations_of_the_paper_and_their_transposes_are_exact(name):
    model, image = seeded(EXACT[name]), picture()
    layer = last_layer(model)
    units = [unit for unit in strongest_units(model, image, layer) if unit.activation > 0]
    assert units
    for method in METHODS:
        assert {projection.fidelity for projection in project(model, image, units, method)} == {"exact"}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NEARLY_RELUS)
def test_what_is_nearly_a_relu_is_treated_as_one(name, method):
    model, image = seeded(lambda: with_activation(NEARLY_RELUS[name])), picture()
    found = project(model, image, units_everywhere(model, image), method)
    assert_equal_the_twin(found, SlowTwin(model, image, method))
    said = {p.fidelity for p in found if p.unit.activation > 0}
    assert said == {"exact" if method == "gradient" else f"approximated: {name} treated as ReLU"}


@pytest.mark.parametrize("name", UNUSUAL)
def test_the_gradient_goes_through_any_operation(name):
    model, image = seeded(UNUSUAL[name]), picture()
    found = project(model, image, units_everywhere(model, image), "gradient")
    assert_equal_the_twin(found, SlowTwin(model, image, "gradient"))
    assert {projection.fidelity for projection in found} == {"exact"}


@pytest.mark.parametrize("method", METHODS)
def test_a_gate_is_held_at_its_value(method):
    model, image = seeded(gated), picture()
    found = project(model, image, units_everywhere(model, image), method)
    held = model
    if method != "gradient":
        values, held = record(model, image).of("sigmoid"), copy.deepcopy(model)
        held.way = lambda net, x: net.last(net.conv(x).relu() * values).relu()
    assert_equal_the_twin(found, SlowTwin(held, image, method))
    said = {p.fidelity for p in found if p.unit.activation > 0}
    assert said == {"exact" if method == "gradient" else "approximated: gates held at their value"}


@pytest.mark.parametrize(
    ("name", "layers"),
    [("inception", ("stem", "one", "three", "pool.0", "pool.1")), ("uneven paddings", ("right_and_below", "sum"))],
)
@pytest.mark.parametrize("method", METHODS)
def test_units_of_several_layers_come_in_any_order(name, layers, method):
    model, image = seeded(EXACT[name]), picture()
    units = units_everywhere(model, image, *layers, last_layer(model))
    units += units[::7]  # some twice
    random.Random(1).shuffle(units)
    found = project(model, image, units, method)
    assert [projection.unit for projection in found] == units
    assert_equal_the_twin(found, SlowTwin(model, image, method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", EVERY)
def test_of_what_the_way_down_does_not_read_the_shapes_do(name, method):
    """To the bit what comes of a recording of everything; what has only a shape has NaN where numbers are asked for."""
    model, image = seeded(EVERY[name]), picture()
    everything, layer = record(model, image), last_layer(model)
    units = units_everywhere(model, image)
    try:
        expected = project(model, everything, units, method)
    except Refused as refused:
        with pytest.raises(type(refused), match=re.escape(str(refused))):
            project(model, image, units, method)
        return
    found = project(model, record_for(model, image, [layer], [method]), units, method)
    assert all(torch.equal(a.pixels, b.pixels) and a.box == b.box for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(("name", "most"), [("efficientnet_b0", 0.06), ("resnet50", 0.17), ("googlenet", 0.33)])
def test_little_of_what_a_large_network_computes_is_read_by_the_deconvnet(name, most):
    """Of all numbers no more than the layer's own, what gates give, and the switches of max pools."""
    model, image = seeded(lambda: ARCHITECTURES[name].build()), picture((1, 3, 64, 64))
    layer = ARCHITECTURES[name].layers["5"]

    def size(recording) -> int:
        maps = (maps_of(value) for value in recording.values.values())
        numbers = sum(m.nbytes for found in maps for m in found if not m.is_meta)
        return numbers + sum(switches.nbytes for switches in recording.switches.values())

    assert 0 < size(record_for(model, image, [layer])) < most * size(record(model, image, [layer]))


def test_units_that_go_down_in_several_groups_arrive_as_they_do_together(monkeypatch):
    model, image = seeded(EXACT["inception"]), picture()
    units, walked = units_everywhere(model, image, "stem", last_layer(model)), []
    together = project(model, image, units)

    def walk(recording, layer, seed, *given):
        walked.append(len(seed.values))
        return found(recording, layer, seed, *given)

    found = deconvnet._walk
    monkeypatch.setattr(deconvnet, "_walk", walk)
    monkeypatch.setattr(deconvnet, "AT_ONCE", 4_000)
    apart = project(model, image, units)
    assert max(walked) < len(units) / 2
    assert sum(walked) == len(units)
    assert all(distance(a.pixels, b.pixels) < 1e-12 for a, b in zip(apart, together, strict=True))


@pytest.mark.parametrize("shape", [(1, 3, 40, 9), (1, 3, 11, 33), (1, 3, 24, 24)])
def test_equals_the_slow_twin_on_pictures_of_any_shape(shape):
    model, image = seeded(EXACT["overlapping pools"]), picture(shape)
    assert_equal_the_twin(project(model, image, units_everywhere(model, image)), SlowTwin(model, image, "deconvnet"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["overlapping pools", "residual", "inception", "fully connected", "batch norms"])
def test_the_projection_of_a_map_is_that_of_all_its_units_at_once(name, method):
    model, image = seeded(EXACT[name]), picture()
    layer = last_layer(model)
    for channel in range(3):
        found = project_map(model, image, layer, channel, method)
        assert distance(found.on_canvas(), SlowTwin(model, image, method).projection_of_map(layer, channel)) < 1e-9


# Random networks -------------------------------------------------------------------------------------------------

small = st.integers(1, 3)
LAYERS = st.one_of(
    st.builds(
        lambda kernel, stride, padding, dilation, groups: nn.Conv2d(4, 4, kernel, stride, padding, dilation, groups),
        *(st.tuples(small, small), st.tuples(small, small), st.tuples(st.integers(0, 2), st.integers(0, 2))),
        *(st.tuples(st.integers(1, 2), st.integers(1, 2)), st.sampled_from([1, 2, 4])),
    ),
    st.builds(
        lambda kernel, stride, ceil: nn.MaxPool2d(kernel, stride, kernel // 2, ceil_mode=ceil),
        small,
        small,
        st.booleans(),
    ),
    st.builds(
        lambda kernel, stride, ceil, pad: nn.AvgPool2d(kernel, stride, kernel // 2, ceil, pad),
        *(small, small, st.booleans(), st.booleans()),
    ),
    st.just(nn.ReLU).map(lambda relu: relu()),
    st.just(nn.BatchNorm2d).map(lambda norm: norm(4)),
    st.builds(lambda kernel: Residual(nn.Conv2d(4, 4, 2 * kernel - 1, padding=kernel - 1)), small),
    st.builds(lambda kernel: Joined(nn.Conv2d(4, 2, 2 * kernel - 1, padding=kernel - 1), nn.MaxPool2d(3, 1, 1)), small),
)


class Residual(nn.Module):
    def __init__(self, body: nn.Module):
        super().__init__()
        self.body = body

    def forward(self, x):
        return (self.body(x) + x).relu()


class Joined(nn.Module):
    def __init__(self, one: nn.Module, two: nn.Module):
        super().__init__()
        self.one, self.two = one, two

    def forward(self, x):
        return torch.cat([self.one(x), self.two(x)[:, :2]], 1)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.lists(LAYERS, min_size=1, max_size=5), st.integers(7, 13), st.integers(7, 13), st.sampled_from(METHODS))
def test_equals_the_slow_twin_on_random_networks(layers, height, width, method):
    model, image = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 1), *layers)), picture((1, 3, height, width))
    try:
        model(image)
    except RuntimeError:
        reject()  # the picture is too small for these layers
    units = random.Random(0).sample(everywhere := units_everywhere(model, image), min(len(everywhere), 12))
    assert_equal_the_twin(project(model, image, units, method), SlowTwin(model, image, method))


# Where windows share a maximum -----------------------------------------------------------------------------------


def peaks() -> tuple[nn.Module, torch.Tensor]:
    """Pools that overlap heavily, over a picture of a few peaks on a plain: most windows share their maximum."""
    with torch.no_grad():
        model = seeded(
            lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.MaxPool2d(5, 1), nn.Conv2d(4, 3, 3), nn.MaxPool2d(3, 1))
        )
        image = torch.full((1, 3, 14, 12), 0.5, dtype=torch.float64)
        image[0, :, 3, 4], image[0, :, 4, 9], image[0, :, 10, 5], image[0, :, 9, 1] = 3.0, -2.0, 2.0, 5.0
    return model, image


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("unpooling", ["add", "overwrite"])
def test_shared_maxima_add_up_or_are_overwritten_in_reading_order(unpooling, method):
    model, image = peaks()
    units = units_everywhere(model, image)
    assert_equal_the_twin(project(model, image, units, method, unpooling), SlowTwin(model, image, method, unpooling))
    found = project_map(model, image, "3", 1, method, unpooling)
    assert distance(found.on_canvas(), SlowTwin(model, image, method, unpooling).projection_of_map("3", 1)) < 1e-9


@pytest.mark.parametrize("name", ["overlapping pools", "pools over the border", "dilated pools", "inception"])
def test_overwriting_equals_the_slow_twin_at_every_position(name):
    model, image = seeded(EXACT[name]), picture()
    found = project(model, image, units_everywhere(model, image), unpooling="overwrite")
    assert_equal_the_twin(found, SlowTwin(model, image, "deconvnet", "overwrite"))


def test_adding_and_overwriting_differ_where_windows_share_a_maximum():
    model, image = peaks()
    added, overwritten = (project_map(model, image, "3", 1, unpooling=u).on_canvas() for u in ("add", "overwrite"))
    assert distance(overwritten, added) > 0.1


@pytest.mark.parametrize("unpooling", ["add", "overwrite"])
def test_repeated_projections_are_identical_to_the_bit(unpooling):
    model, image = peaks()
    units = units_everywhere(model, image)
    once, again = (project(model, image, units, unpooling=unpooling) for _ in range(2))
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(once, again, strict=True))


# Published networks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "options", "layer", "fidelity"),
    [
        (models.googlenet, {"aux_logits": False, "init_weights": False}, "maxpool3", "exact"),
        (models.mobilenet_v2, {}, "features.7.conv.1.2", "approximated: ReLU6 treated as ReLU"),
    ],
)
def test_is_not_the_plain_gradient_where_captum_gives_that(build, options, layer, fidelity):
    model, image = published(build, **options), picture((1, 3, 64, 64), dtype=torch.float32)
    units = [unit for unit in strongest_units(model, image, layer, 4) if unit.activation > 0]
    found, gradients = project(model, image, units), project(model, image, units, "gradient")
    for projection, gradient in zip(found, gradients, strict=True):
        assert projection.fidelity == fidelity
        assert distance(projection.on_canvas(), gradient.on_canvas()) > 0.1
    assert_equal_the_twin(project(model.double(), image, units), SlowTwin(model, image, "deconvnet"))


@pytest.mark.parametrize(
    ("build", "layer"),
    [
        (models.mobilenet_v2, "features.12"),
        (models.mobilenet_v3_small, "features.8"),
        (models.efficientnet_b0, "features.3"),
        (models.shufflenet_v2_x0_5, "stage3"),
        (models.convnext_tiny, "features.2"),
        (models.resnet18, "layer3"),
        (models.densenet121, "features.denseblock2.denselayer1.conv2"),
        (models.squeezenet1_1, "features.7.expand3x3_activation"),
    ],
)
def test_the_gradient_method_is_autograds_gradient_times_the_activation(build, layer):
    model, image = published(build).double(), picture((1, 3, 64, 64))
    outputs = {}
    watch = model.get_submodule(layer).register_forward_hook(lambda m, i, output: outputs.update(top=output.clone()))
    names = traced(model).names.values()
    units = strongest_units(model, image, layer if layer in names else [n for n in names if n.startswith(layer)][-1], 3)
    leaf = image.clone().requires_grad_()
    model(leaf)
    watch.remove()
    for projection in project(model, image, units, "gradient"):
        unit = projection.unit
        activation = outputs["top"][0, unit.channel, unit.row, unit.column]
        (gradient,) = torch.autograd.grad(activation, leaf, retain_graph=True)
        assert distance(projection.on_canvas(), gradient[0] * activation.detach()) < 1e-9
        assert projection.fidelity == "exact"


# The box ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "convolutions",
        "padding",
        "strides leave pixels over",
        "strides leave gaps",
        "dilation without padding",
        "depthwise",
        "residual",
        "inception",
        "average pools",
        "average pools over the border",
        "adaptive pools",
        "fully connected",
    ],
)
def test_the_box_is_the_support_of_the_gradient(name):
    """With positive weights, on a positive picture, nothing cancels; max pools become average pools of their shape."""
    model, image = seeded(EXACT[name]), picture().abs() + 1
    for parent in list(model.modules()):
        for child, module in parent.named_children():
            if isinstance(module, nn.MaxPool2d):
                setattr(parent, child, nn.AvgPool2d(module.kernel_size, module.stride, module.padding))
            if isinstance(module, nn.BatchNorm2d):
                setattr(parent, child, nn.Identity())
    with torch.no_grad():
        for parameter in model.eval().parameters():
            parameter.abs_()
    twin = SlowTwin(model, image, "gradient")
    for projection in project(model, image, units_everywhere(model, image), "gradient"):
        maps, box = range(twin.outputs["the last"].shape[1]), projection.box
        support = sum(twin.projection(replace(projection.unit, channel=channel)).sum(0) for channel in maps)
        rows, columns = support.sum(1).nonzero(), support.sum(0).nonzero()
        truth = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        assert (box.top, box.left, box.bottom, box.right) == tuple(map(int, truth)), projection.unit


@pytest.mark.parametrize(("layer", "size"), [(0, 11), (1, 11), (3, 51), (6, 99), (8, 131), (10, 163), (12, 195)])
def test_the_box_of_an_interior_unit_of_alexnet_is_its_published_receptive_field(alexnet, layer, size):
    image = picture((1, 3, 288, 288), dtype=torch.float32)
    maps = record(alexnet, image, [f"features.{layer}"]).of(f"features.{layer}")
    middle = Unit(f"features.{layer}", 0, maps.shape[2] // 2, maps.shape[3] // 2, 1.0)
    (projection,) = project(alexnet, image, [middle])
    box = projection.box
    assert (box.bottom - box.top, box.right - box.left) == (size, size)


# Step by step ----------------------------------------------------------------------------------------------------


def test_the_stages_of_alexnet_undo_its_operations_one_by_one(alexnet):
    image = picture((1, 3, 224, 224), dtype=torch.float32)
    recording = record(alexnet, image, ["features.10"])
    (unit,) = strongest_units(alexnet, recording, "features.10", 1)
    found = list(stages(alexnet, recording, unit))
    assert [(stage.layer, stage.step, stage.shape) for stage in found] == [
        ("features.10", "seed", (256, 13, 13)),
        ("features.10", "filter", (256, 13, 13)),
        ("features.9", "rectify", (256, 13, 13)),
        ("features.8", "filter", (384, 13, 13)),
        ("features.7", "rectify", (384, 13, 13)),
        ("features.6", "filter", (192, 13, 13)),
        ("features.5", "unpool", (192, 27, 27)),
        ("features.4", "rectify", (192, 27, 27)),
        ("features.3", "filter", (64, 27, 27)),
        ("features.2", "unpool", (64, 55, 55)),
        ("features.1", "rectify", (64, 55, 55)),
        ("features.0", "filter", (3, 224, 224)),
    ]
    switches = {recording.trace.names[node]: value for node, value in recording.switches.items()}
    for stage in found:
        box = stage.box
        assert stage.maps.shape == (stage.shape[0], box.bottom - box.top, box.right - box.left)
        assert stage.maps.any()
        if stage.step == "rectify":
            assert (stage.maps >= 0).all()
        if stage.step == "unpool":
            maxima = torch.zeros(stage.shape).flatten(1).scatter_(1, switches[stage.layer][0].flatten(1), 1.0)
            maxima = maxima.view(stage.shape)[:, box.top : box.bottom, box.left : box.right]
            assert not stage.maps[maxima == 0].any()
    assert found[0].maps.shape == (256, 1, 1)
    assert found[1].maps.shape == (256, 3, 3)
    (projection,) = project(alexnet, image, [unit])
    assert torch.equal(found[-1].maps, projection.pixels)
    assert found[-1].box == projection.box


@pytest.mark.parametrize("name", [*EXACT, *NORMALISED])
def test_the_last_stages_of_any_network_add_up_to_the_projection(name):
    model, image = seeded({**EXACT, **NORMALISED}[name]), picture()
    (unit,) = strongest_units(model, image, last_layer(model), 1)
    (projection,) = project(model, image, [unit])
    canvas = torch.zeros_like(image[0])
    for stage in stages(model, image, unit):
        if stage.shape == tuple(canvas.shape) and stage.layer in takers_of_the_picture(model):
            box = stage.box
            canvas[:, box.top : box.bottom, box.left : box.right] += stage.maps
    assert distance(canvas, projection.on_canvas()) < 1e-9


def takers_of_the_picture(model: nn.Module) -> set[str]:
    trace = traced(model)
    return {trace.names[user] for node in trace.graph.nodes if node.op == "placeholder" for user in node.users}
