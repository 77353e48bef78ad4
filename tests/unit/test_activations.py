"""What is counted of a layer's maps, the same map before and after, and one value as the sum that it is."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor, nn
from torch.nn import functional as F

from vis.activations import BINS, ORDERS, activations, before_and_after, channel_view, dead_shares, histogram, rows
from vis.figures.activations import bars, multiplication
from vis.filters import convolutions
from vis.sums import origin_of, sum_at
from vis.trace import TraceRefused, record


class Small(nn.Module):
    """conv, BN, ReLU, max pool, LRN, and a head; all in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)  # (1, 3, 12, 10) -> (1, 8, 12, 10)
        self.bn = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(3, 2)  # -> (1, 8, 5, 4)
        self.lrn = nn.LocalResponseNorm(3)
        self.mix = nn.Conv2d(8, 6, 3, groups=2)  # -> (1, 6, 3, 2)
        self.fc = nn.Linear(36, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.lrn(self.pool(self.relu(self.bn(self.conv(x)))))
        return self.fc(torch.flatten(F.relu(self.mix(x)), 1))


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    net = Small()
    nn.init.normal_(net.bn.weight)
    nn.init.normal_(net.bn.running_mean)
    with torch.no_grad():
        net.bn.weight[2], net.bn.bias[2] = 0, -1  # this map never passes the ReLU
        net.bn.bias[5] = 9  # and this one always does
    return net.eval().double().requires_grad_(False)


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.randn(1, 3, 12, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


# What is counted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["conv", "bn", "relu", "pool", "mix", "fc"])
def test_every_number_of_a_map_is_that_of_numpy(model, image, layer):
    maps = record(model, image).of(layer)[0].numpy()
    maps = maps.reshape(len(maps), -1)
    found = activations(model, image, layer)
    assert np.array_equal(found.maximum, maps.max(1))
    assert np.array_equal(found.minimum, maps.min(1))
    np.testing.assert_allclose(found.mean, maps.mean(1), rtol=1e-12, atol=1e-15)
    assert found.silent.tolist() == [(one <= 0).sum() / one.size for one in maps]
    assert found.limit == np.abs(maps).max()
    assert found.has_sign == (maps < 0).any()


def test_a_map_that_never_passes_the_relu_is_dead_before_and_after_it(model, image):
    for layer in ("bn", "relu", "pool"):
        found = activations(model, image, layer)
        assert found.dead[2]
        assert found.silent[2] == 1
        assert not found.dead[5]
    assert activations(model, image, "relu").silent[5] == 0


def test_dead_maps_of_several_layers_are_those_of_each(model, image):
    together = dead_shares(model, image, ["relu", "mix", "fc"])
    for layer, (dead, maps, share) in together.items():
        alone = activations(model, image, layer)
        assert (dead, maps) == (alone.dead.sum(), len(alone.dead))
        assert share == pytest.approx(alone.silent.mean(), abs=1e-12)
    assert together["relu"][0] >= 1


def test_the_table_has_a_row_for_every_map_with_its_numbers(model, image):
    maps = record(model, image, ["relu"]).of("relu")[0].numpy()
    table = list(rows(activations(model, image, "relu")))
    assert len(table) == len(maps) == 8
    for channel, (row, values) in enumerate(zip(table, maps, strict=True)):
        assert (row["channel"], row["dead"]) == (channel, not values.any())
        numbers = [row[name] for name in ("maximum", "minimum", "mean", "share_not_positive")]
        truth = [values.max(), values.min(), values.mean(), np.count_nonzero(values == 0) / values.size]
        np.testing.assert_allclose(numbers, truth, rtol=1e-12)
    assert table[2]["dead"]


@pytest.mark.parametrize("by", ORDERS)
def test_an_order_has_every_map_once_and_the_largest_first(model, image, by):
    found = activations(model, image, "relu")
    order = found.order(by)
    assert sorted(order) == [*range(8)]
    keys = order if by == "index" else -getattr(found, by)[order]
    assert (np.diff(keys) >= 0).all()


def test_equal_maps_are_ordered_by_their_number(model):
    found = activations(model, torch.zeros(1, 3, 12, 10), "relu")
    alike = found.order("silent")
    assert all(a < b for a, b in pairwise(alike) if found.silent[a] == found.silent[b])
    assert len(set(found.silent)) < len(alike)


@pytest.mark.parametrize("layer", ["conv", "relu", "fc"])
def test_a_histogram_is_numpys_and_counts_every_value_once(model, image, layer):
    values = record(model, image).of(layer).numpy().ravel()
    found = activations(model, image, layer).histogram
    assert found.counts.sum() == values.size
    limit = np.abs(values).max()
    low = -limit if values.min() < 0 else 0
    assert np.array_equal(found.counts, np.histogram(values, np.linspace(low, limit, BINS + 1))[0])
    assert found.edges[[0, -1]].tolist() == [low, limit]
    assert 0 in found.edges


def test_a_histogram_of_nothing_but_zeros_has_them_all_in_its_first_bin():
    assert histogram(np.zeros(10)).counts.tolist() == [10] + [0] * (BINS - 1)


def test_a_vector_is_as_many_maps_of_one_value(model, image):
    found = activations(model, image, "fc")
    assert found.shape == (4, 1, 1)
    np.testing.assert_allclose(found.maps.ravel(), model(image)[0], rtol=1e-6)  # kept in single precision


def test_maps_too_large_to_be_kept_are_averaged_over_squares(model, image):
    whole = activations(model, image, "conv")
    smaller = activations(model, image, "conv", most=300)  # of 8·12·10 values
    assert (whole.reduced, smaller.reduced) == (1, 2)
    assert smaller.maps.shape == (8, 6, 5)
    squares = record(model, image).of("conv")[0].numpy().reshape(8, 6, 2, 5, 2).mean((2, 4))
    np.testing.assert_allclose(smaller.maps, squares, rtol=1e-5, atol=1e-6)  # in single precision
    assert np.array_equal(smaller.maximum, whole.maximum)  # what is counted is of the maps in full
    assert smaller.shape == whole.shape


class Odd(nn.Module):
    """A split, a permutation and a softplus, which has no zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, bias=False)
        self.mixing = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        one, other = self.conv(x).chunk(2, 1)
        last = F.softplus(one * other).permute(0, 2, 3, 1)
        return F.gelu(self.mixing(last))


@pytest.fixture(scope="module")
def odd() -> nn.Module:
    torch.manual_seed(2)
    return Odd().eval().double().requires_grad_(False)


def test_maps_that_come_last_are_maps_and_not_rows(odd, image):
    before, after = (activations(odd, image, layer) for layer in ("softplus", "permute"))
    assert before.shape == after.shape == (4, 10, 8)
    assert np.array_equal(before.maps, after.maps)
    assert activations(odd, image, "gelu").shape == (5, 10, 8)


def test_an_operation_without_maps_is_refused(odd, image):
    with pytest.raises(TraceRefused, match="“chunk” has no feature maps"):
        activations(odd, image, "chunk")


def test_values_that_are_not_finite_are_refused(image):
    broken = nn.Sequential(nn.Conv2d(3, 2, 1)).eval()
    nn.init.constant_(broken[0].weight, torch.inf)
    for work in (activations, lambda *of: dead_shares(*of[:2], [of[2]]), lambda *of: channel_view(*of, 0)):
        with pytest.raises(TraceRefused, match="non-finite"):
            work(broken, image, "0")


# Before and after -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["conv", "bn", "relu", "pool", "lrn"])
def test_a_chain_is_found_from_each_of_its_operations(model, layer):
    assert before_and_after(model, layer) == ("conv", "bn", "relu", "pool", "lrn")


def test_a_chain_ends_where_channels_are_mixed(model):
    assert before_and_after(model, "mix") == ("mix", "relu_1")
    assert before_and_after(model, "fc") == ("fc",)


def test_a_chain_ends_where_a_map_goes_to_several():
    class Fork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.one, self.other = nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Sigmoid()

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return self.one(x) + self.other(x)

    fork = Fork().eval()
    assert before_and_after(fork, "conv") == ("conv",)
    assert before_and_after(fork, "one") == ("conv", "one")


def test_every_stage_is_the_map_of_a_plain_forward_pass(model, image):
    view = channel_view(model, image, "relu", 5)
    x = image
    for stage, done in zip(view.stages, (model.conv, model.bn, model.relu, model.pool, model.lrn), strict=True):
        x = done(x)
        assert np.array_equal(stage.map, x[0, 5].numpy())
    assert np.array_equal(view.map, view.stages[2].map)


def test_a_chain_of_maps_that_come_last_keeps_its_channel(odd, image):
    view = channel_view(odd, image, "gelu", 4)
    linear, gelu = view.stages
    np.testing.assert_allclose(F.gelu(torch.from_numpy(linear.map)), gelu.map, rtol=1e-13)
    assert gelu.map.shape == (10, 8)


@pytest.mark.parametrize("channel", [-1, 8])
def test_a_channel_that_is_not_there_is_refused(model, image, channel):
    with pytest.raises(TraceRefused, match="feature maps 0 to 7, no"):
        channel_view(model, image, "relu", channel)


# One value --------------------------------------------------------------------------------------------------------


def test_a_value_is_followed_through_the_pool_to_where_its_largest_input_was(model, image):
    recording = record(model, image)
    for row in range(5):
        for column in range(4):
            origin = origin_of(model, image, "lrn", 5, row, column)
            conv, bn, relu, pool, _lrn = origin.steps
            window = recording.of("relu")[0, 5, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            assert pool.value == relu.value == window.max()
            assert (relu.row, relu.column) == (bn.row, bn.column) == (conv.row, conv.column)
            assert recording.of("relu")[0, 5, relu.row, relu.column] == relu.value
            assert origin.sum.value == conv.value == recording.of("conv")[0, 5, conv.row, conv.column]
            assert abs(origin.sum.total - conv.value) < 1e-12


@pytest.mark.parametrize("pad", [nn.ZeroPad2d((2, 1, 1, 0)), nn.ConstantPad2d((2, 1, 1, 0), 0.5)])
def test_a_sum_counts_from_the_map_that_a_padding_was_put_around(image, pad):
    """A row before the picture's first, and two columns before its first."""
    net = nn.Sequential(nn.Sequential(pad, nn.ZeroPad2d((0, 0, 0, 0))), nn.Conv2d(3, 2, 3, 2)).eval().double()
    found = sum_at(record(net, image), "1", 1, 0, 0)
    assert (found.rows, found.columns, found.of_picture) == ((-1, 0, 1), (-2, -1, 0), True)
    assert found.inside.tolist() == [[False] * 3, [False, False, True], [False, False, True]]
    assert (found.patch[:, ~found.inside] == pad.value).all()
    assert np.array_equal(found.patch[:, 1:, 2], image[0, :, :2, 0].numpy())
    assert abs(found.total - found.value) < 1e-12
    assert next(iter(convolutions(net).values())).kind == "whole"


def test_what_averages_positions_is_where_a_value_begins(image):
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AvgPool2d(2), nn.ReLU()).eval().double()
    origin = origin_of(net, image, "2", 1, 0, 0)
    assert [step.layer for step in origin.steps] == ["1", "2"]
    assert origin.sum is None


@pytest.mark.parametrize("position", [(8, 0, 0), (0, 12, 0), (0, 0, 10), (0, -1, 0)])
def test_a_position_that_is_not_there_is_refused(model, image, position):
    with pytest.raises(TraceRefused, match=r"8 feature maps of 12×10; there is no unit|feature maps 0 to 7, no 8"):
        origin_of(model, image, "relu", *position)


def test_what_is_no_sum_of_products_is_refused(model, image):
    with pytest.raises(TraceRefused, match="neither a convolution nor a linear layer"):
        sum_at(record(model, image), "pool", 0)


def test_the_strongest_inputs_and_the_rest_and_the_bias_are_the_value(model, image):
    found = sum_at(record(model, image), "mix", 4, 1, 1)
    assert found.inputs == (4, 5, 6, 7)  # those of its group
    top, rest = found.strongest(2)
    assert abs(sum(added for _channel, added in top) + rest + found.bias - found.value) < 1e-12
    assert [abs(added) for _channel, added in top] == sorted(np.abs(found.by_channel), reverse=True)[:2]
    for channel, added in top:
        assert added == found.by_channel[found.inputs.index(channel)]


def test_a_value_of_a_linear_layer_is_split_by_its_inputs(model, image):
    found = sum_at(record(model, image), "fc", 2)
    assert len(found.inputs) == 36
    assert abs(found.total - model(image)[0, 2].item()) < 1e-12


def test_a_linear_layer_over_maps_that_come_last_is_taken_apart_at_its_position(odd, image):
    found = sum_at(record(odd, image), "mixing", 3, 6, 5)
    assert found.inputs == (0, 1, 2, 3)
    assert abs(found.total - record(odd, image).of("mixing")[0, 6, 5, 3].item()) < 1e-12


def test_single_precision_agrees_to_its_digits(model, image):
    single = Small().eval()
    single.load_state_dict(model.state_dict())
    found = sum_at(record(single, image.float()), "conv", 1, 4, 4)
    assert found.total == pytest.approx(found.value, rel=1e-5, abs=1e-6)
    assert found.patch.dtype == found.kernel.dtype == np.float64


@settings(deadline=None, max_examples=150)
@given(data=some.data())
def test_patch_times_kernel_plus_bias_is_the_value_of_any_convolution(data):
    draw = data.draw
    two = some.tuples(some.integers(1, 4), some.integers(1, 4))
    groups = draw(some.integers(1, 3))
    inputs, outputs = (groups * draw(some.integers(1, 3)) for _ in range(2))
    kernel, dilation = draw(two), draw(some.tuples(some.integers(1, 3), some.integers(1, 3)))
    mode = draw(some.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    padding = draw(some.one_of(some.sampled_from(["same", "valid"]), some.tuples(*[some.integers(0, 3)] * 2)))
    stride = (1, 1) if padding == "same" else draw(some.tuples(some.integers(1, 3), some.integers(1, 3)))
    conv = nn.Conv2d(
        inputs,
        outputs,
        kernel,
        stride,
        padding,
        dilation,
        groups,
        bias=draw(some.booleans()),
        padding_mode=mode,
        dtype=torch.float64,
    )
    sides = draw(some.tuples(some.integers(12, 15), some.integers(12, 15)))
    net, picture = nn.Sequential(conv).eval().requires_grad_(False), torch.randn(1, inputs, *sides).double()
    recording = record(net, picture)
    value = recording.of("0")
    channel, row, column = (draw(some.integers(0, size - 1)) for size in value.shape[1:])
    found = sum_at(recording, "0", channel, row, column)
    assert found.value == value[0, channel, row, column]
    assert abs(found.total - found.value) < 1e-12
    assert found.patch.shape == found.kernel.shape == (inputs // groups, *kernel)
    assert (len(found.rows), len(found.columns)) == kernel
    for u, i in enumerate(found.rows):  # every number of the patch is where it is said to be
        for v, j in enumerate(found.columns):
            assert found.inside[u, v] == (0 <= i < sides[0] and 0 <= j < sides[1])
            if found.inside[u, v]:
                assert np.array_equal(found.patch[:, u, v], picture[0, list(found.inputs), i, j])
            elif mode == "zeros":
                assert not found.patch[:, u, v].any()


def test_a_convolution_written_as_a_function_is_taken_apart_alike(image):
    class Written(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 3, 3, 2))

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.weight, None, stride=(2, 1), padding="valid", dilation=2)

    net = Written().eval().double().requires_grad_(False)
    found = sum_at(record(net, image), "conv2d", 3, 1, 2)
    assert found.bias is None
    assert abs(found.total - net(image)[0, 3, 1, 2].item()) < 1e-12


# Figures ----------------------------------------------------------------------------------------------------------


def test_the_bars_are_the_histogram(model, image):
    found = activations(model, image, "conv").histogram
    (bar,) = bars(found, "value", "count").data
    assert np.array_equal(bar.y, found.counts)
    np.testing.assert_allclose(bar.x - bar.width / 2, found.edges[:-1], atol=1e-12)


def test_every_number_of_the_arithmetic_is_drawn_once_and_padding_is_crossed_out(model, image):
    found = sum_at(record(model, image), "conv", 4, 0, 9)  # in the corner at the top and on the right
    figure = multiplication(found, [0, 1, 2], ["red", "green", "blue"], ["patch", "kernel", "products", "padding"])
    fields = [trace for trace in figure.data if trace.type == "heatmap"]
    drawn = [np.where(np.isnan(one.z), other.z, one.z) for one, other in zip(fields[::2], fields[1::2], strict=True)]
    assert np.array_equal(drawn, [*found.patch, *found.kernel, *found.products])
    for trace in fields:  # no number where the other ink has it
        assert not (np.array(trace.text)[np.isnan(trace.z)] != "").any()
    crosses = [{*zip(trace.y, trace.x, strict=True)} for trace in figure.data if trace.type == "scatter"]
    assert crosses == [{(0, 0), (0, 1), (0, 2), (1, 2), (2, 2)}] * 3
