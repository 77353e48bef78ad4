"""A layer's value as maps, in whichever order its dimensions stand, and a unit of these maps as what it is."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torchvision import models

from tests.agreement.networks import Net, picture, seeded
from tests.agreement.slow_twin import SlowTwin
from vis.activations import activations, channel_view
from vis.deconvnet import METHODS, Stage, Unit, project, project_map, stages, strongest_units, unit_at
from vis.filters import view_of
from vis.maps import Order, channel_dimensions, layer_maps, order_of
from vis.responses import responses, unit_in_full, unit_step_by_step
from vis.sums import origin_of
from vis.trace import TraceRefused, record


def maps_in_any_order(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv(x).permute(0, 2, 3, 1)  # (1, 3, 13, 10) -> (1, 11, 8, 4)
    x = net.back(F.relu(net.mix(x)))  # -> (1, 11, 8, 6)
    x = net.swapped(x.transpose(2, 3)).transpose(1, 2)  # maps between rows and columns, (1, 11, 6, 8); then first
    return net.last(x).relu()


def build() -> nn.Module:
    return Net(
        maps_in_any_order,
        conv=nn.Conv2d(3, 4, 3),
        mix=nn.Linear(4, 5),
        back=nn.Linear(5, 6),
        swapped=nn.Identity(),
        last=nn.Conv2d(6, 4, 2),
    )


def maps_first(net: nn.Module) -> nn.Module:
    """The same function with its maps in dimension 1 everywhere: a linear layer is a 1×1 convolution."""

    def pointwise(linear: nn.Linear) -> nn.Conv2d:
        conv = nn.Conv2d(linear.in_features, linear.out_features, 1).double()
        conv.weight.data, conv.bias.data = linear.weight.data[:, :, None, None], linear.bias.data
        return conv

    return nn.Sequential(net.conv, pointwise(net.mix), nn.ReLU(), pointwise(net.back), net.last, nn.ReLU()).eval()


SAME = {"permute": "0", "mix": "1", "relu": "2", "back": "3", "transpose": "3", "swapped": "3", "transpose_1": "3"}
ORDERS = {"permute": "hwk", "mix": "hwk", "relu": "hwk", "back": "hwk", "transpose": "hkw", "swapped": "hkw"}


@pytest.fixture(scope="module")
def net() -> nn.Module:
    return seeded(build).requires_grad_(False)


@pytest.fixture(scope="module")
def first(net) -> nn.Module:
    return maps_first(net)


@pytest.fixture(scope="module")
def image() -> Tensor:
    return picture()


def distance(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest value."""
    return ((one - other).abs().max() / other.abs().max().clamp(min=1e-30)).item()


def painted(stage: Stage) -> Tensor:
    """A stage's maps in their place on the whole ones, (K, h, w)."""
    canvas, box = torch.zeros(stage.shape, dtype=torch.float64), stage.box
    canvas[:, box.top : box.bottom, box.left : box.right] = stage.maps
    return canvas


# The order --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", SAME)
def test_the_maps_are_those_of_the_network_whose_maps_come_first(net, first, image, layer):
    expected = record(first, image).of(SAME[layer])[0]
    torch.testing.assert_close(layer_maps(record(net, image), layer), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("channel", [1, 2, 3])
def test_a_units_place_in_the_value_is_where_its_map_has_it(channel):
    value = torch.randn(1, 5, 6, 7)
    order = Order(4, channel)
    maps = order.maps(value)[0]
    for unit in ((0, 0, 0), (2, 3, 4), tuple(n - 1 for n in maps.shape)):
        assert value[(0, *order.place(*unit))] == maps[unit]
    assert Order(2, 1).maps(value[:, :, 0, 0]).shape == (1, 5, 1, 1)
    assert Order(2, 1).place(3, 0, 0) == (3, 0, 0)


@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (1, 3, 6, 6), (1, 3, 13, 10)])  # of 4×4 there are as many maps as rows
def test_which_dimension_counts_the_maps_is_known_whatever_the_sizes(net, shape):
    found = channel_dimensions(net, shape)
    assert found == dict.fromkeys(("permute", "mix", "relu", "back"), 3) | dict.fromkeys(("transpose", "swapped"), 2)


def test_one_value_a_map_stands_as_what_it_was_made_from_does(image):
    def way(net: nn.Module, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        return net.fc((x * x.mean((1, 2), keepdim=True).sigmoid()).mean((1, 2)))

    model = Net(way, fc=nn.Linear(3, 2)).double().eval()
    assert layer_maps(record(model, image), "sigmoid").shape == (3, 1, 1)
    assert layer_maps(record(model, image), "fc").shape == (2, 1, 1)


def test_a_network_that_takes_one_size_alone_is_known_up_to_where_that_matters(image):
    def way(net: nn.Module, x: Tensor) -> Tensor:
        return net.fc(net.mix(x.permute(0, 2, 3, 1)).relu().flatten(1))

    model = Net(way, mix=nn.Linear(3, 4), fc=nn.Linear(4 * 13 * 10, 2)).double().eval()
    assert layer_maps(record(model, image), "relu").shape == (4, 13, 10)
    assert [unit.channel for unit in strongest_units(model, image, "relu", channels=[3])] == [3]
    assert len(strongest_units(model, image, "fc")) == 2


def test_a_network_is_gone_through_for_two_sizes_of_the_picture_whatever_the_number_of_layers():
    model, passed = build().eval(), []

    class Seen(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            if getattr(function, "__name__", "") == "conv2d" and args[0].shape[1] == 3:
                passed.append(tuple(result.shape))
            return result

    with Seen():
        for _layer in range(3):
            channel_dimensions(model, (1, 3, 13, 10))
    assert passed == [(1, 4, 11, 8), (1, 4, 24, 18)]


def test_maps_come_first_where_nothing_is_moved():
    assert not channel_dimensions(nn.Sequential(nn.Conv2d(3, 6, 1)).eval(), (1, 3, 6, 6))


def test_a_layer_without_maps_is_refused(image):
    model = Net(lambda net, x: net.conv(x.chunk(3, 1)[0]), conv=nn.Conv2d(1, 2, 3)).double().eval()
    with pytest.raises(TraceRefused, match="“chunk” has no feature maps"):
        order_of(record(model, image), "chunk")


# Units ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", SAME)
def test_the_strongest_units_are_those_of_the_network_whose_maps_come_first(net, first, image, layer):
    found, expected = strongest_units(net, image, layer), strongest_units(first, image, SAME[layer])
    assert [(u.channel, u.row, u.column) for u in found] == [(u.channel, u.row, u.column) for u in expected]
    for unit in found:
        assert unit.activation == unit_at(net, image, layer, unit.channel, unit.row, unit.column).activation


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layer", SAME)
def test_projections_are_those_of_the_network_whose_maps_come_first(net, first, image, layer, method):
    k, h, w = layer_maps(record(net, image), layer).shape
    units = [Unit(layer, i % k, i % h, i // h % w, 1.0) for i in range(h * w)]
    twins = [Unit(SAME[layer], u.channel, u.row, u.column, 1.0) for u in units]
    for one, other in zip(project(net, image, units, method), project(first, image, twins, method), strict=True):
        assert one.unit.activation == pytest.approx(other.unit.activation, abs=1e-12)
        torch.testing.assert_close(one.on_canvas(), other.on_canvas(), rtol=0, atol=1e-12)
        assert one.fidelity == other.fidelity


@pytest.mark.parametrize("method", METHODS)
def test_projections_equal_the_slow_twin(net, image, method):
    twin = SlowTwin(net, image, method)
    for layer in ("mix", "back", "swapped"):
        units = strongest_units(net, image, layer)
        for found in project(net, image, units, method):
            assert distance(found.on_canvas(), twin.projection(found.unit, ORDERS[layer])) < 1e-12


@pytest.mark.parametrize("layer", ["mix", "back", "swapped"])
def test_a_map_sees_what_all_its_units_see(net, first, image, layer):
    for channel in range(5):
        found, expected = project_map(net, image, layer, channel), project_map(first, image, SAME[layer], channel)
        torch.testing.assert_close(found.on_canvas(), expected.on_canvas(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("layer", ["mix", "back"])
def test_convnexts_blocks_are_projected_from_their_channels(layer):
    torch.manual_seed(0)
    model, image = models.convnext_tiny().double().eval(), picture((1, 3, 64, 64))
    layer = {"mix": "features.1.1.block.3", "back": "features.1.1.block.5"}[layer]
    units = strongest_units(model, image, layer, 3)
    assert layer_maps(record(model, image, [layer]), layer).shape == ({"3": 384, "5": 96}[layer[-1]], 16, 16)
    twin = SlowTwin(model, image, "deconvnet")
    for found in project(model, image, units):
        assert distance(found.on_canvas(), twin.projection(found.unit, "hwk")) < 1e-9


# What is shown of them --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["mix", "relu", "swapped"])
def test_everything_that_is_shown_of_a_layer_counts_its_maps(net, first, image, layer):
    shape = tuple(record(first, image).of(SAME[layer]).shape[1:])
    assert responses(net, image, {"a": layer})["a"].shape == shape
    assert activations(net, image, layer).shape == shape
    assert view_of(net, image, layer, 3).shape == shape
    maps = record(first, image).of(SAME[layer])[0]
    (unit,) = strongest_units(net, image, layer, 1)
    shown = unit_in_full(net, image, layer, unit.channel)
    torch.testing.assert_close(shown.activations, maps[unit.channel], rtol=0, atol=1e-12)
    (first_step, *_rest) = unit_step_by_step(net, image, layer, unit.channel)
    assert first_step.channels == (unit.channel,)
    assert first_step.shape == shape
    np.testing.assert_allclose(channel_view(net, image, layer, 4).map, maps[4], rtol=0, atol=1e-12)


def test_the_stages_below_are_those_of_the_network_whose_maps_come_first(net, first, image):
    (unit,) = strongest_units(net, image, "relu", 1)
    (twin,) = strongest_units(first, image, "2", 1)
    below = [stage for stage in stages(net, image, unit) if stage.layer in ("relu", "mix", "conv")]
    expected = [stage for stage in stages(first, image, twin) if stage.layer in ("2", "1", "0")]
    for one, other in zip(below, expected, strict=True):
        torch.testing.assert_close(painted(one), painted(other), rtol=0, atol=1e-12)


def test_a_value_of_a_linear_layer_is_the_sum_at_its_position(net, image):
    origin = origin_of(net, image, "relu", 2, 6, 5)
    assert [step.layer for step in origin.steps] == ["mix", "relu"]
    assert abs(origin.sum.total - record(net, image).of("mix")[0, 6, 5, 2].item()) < 1e-12
