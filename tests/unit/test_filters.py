"""A layer's filters, what their numbers say of them, and its strongest maps, against what PyTorch itself computes."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import load
from vis.figures.filters import MARK, columns_for, limits_of, planes, sheet
from vis.figures.pictures import signed
from vis.filters import (
    ALIKE,
    ORDERS,
    aliased_share,
    clipped,
    convolutions,
    dominant_waves,
    filters_of,
    kernels_of,
    layer_ending_with,
    matrix_of,
    measured,
    nearest,
    norms,
    root_mean_squares,
    rows,
    view_of,
)
from vis.trace import TraceRefused


class Small(nn.Module):
    """A convolution whose maps are gated in halves, and a head where the maps come last."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.relu = nn.ReLU()
        self.norm = nn.LayerNorm(4)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        one, other = self.relu(self.conv(x)).chunk(2, 1)
        gated = one * torch.sigmoid(other)
        normed = self.norm(gated.permute(0, 2, 3, 1))
        back = normed.permute(0, 3, 1, 2)
        return self.fc(torch.flatten(self.pool(back), 1))


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(3)
    return Small().double().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.rand(1, 3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


# Filters -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_filters_over_one_or_three_maps_are_shown_whole(channels):
    layer = nn.Conv2d(channels, 5, (3, 2))
    found = filters_of(layer)
    assert np.array_equal(found.tiles, layer.weight.detach().numpy())
    assert found.maps == (0, 1, 2, 3, 4)
    assert found.slices is None


@pytest.mark.parametrize("channels", [2, 4, 7])
def test_of_deeper_filters_the_slice_with_the_largest_norm_is_shown(channels):
    layer = nn.Conv2d(channels, 6, 3)
    found = filters_of(layer)
    assert found.tiles.shape == (6, 1, 3, 3)
    weight = layer.weight.detach().numpy()
    for number, (tile, place) in enumerate(zip(found.tiles, found.slices, strict=True)):
        norms = [np.sqrt((one.astype(np.float64) ** 2).sum()) for one in weight[number]]
        assert norms[place] == pytest.approx(max(norms), rel=1e-6)
        assert np.array_equal(tile[0], weight[number, place])


def test_a_depthwise_filter_has_one_slice():
    assert filters_of(nn.Conv2d(8, 8, 5, groups=8)).tiles.shape == (8, 1, 5, 5)


def test_no_more_filters_are_shown_than_asked_for():
    found = filters_of(nn.Conv2d(4, 100, 1), 10)
    assert len(found.tiles) == len(found.maps) == len(found.slices) == 10


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.Linear(3, 4), nn.BatchNorm2d(3), nn.MaxPool2d(2), nn.Sequential()])
def test_what_is_no_convolution_has_no_filters(layer):
    assert filters_of(layer) is None


def test_filters_in_half_precision_are_shown_as_numbers_that_pictures_are_made_of():
    assert filters_of(nn.Conv2d(3, 4, 3).half()).tiles.dtype == np.float32


# Maps --------------------------------------------------------------------------------------------------------------


def test_the_strongest_maps_are_those_with_the_largest_maxima(model, image):
    values = model.conv(image)[0]  # (8, 6, 6)
    found = view_of(model, image, "conv", 3)
    order = values.flatten(1).amax(1).argsort(descending=True)[:3].tolist()
    assert found.channels == tuple(order)
    assert found.shape == (8, 6, 6)
    assert found.limit == pytest.approx(values.max().item(), rel=1e-6)  # in single precision
    np.testing.assert_allclose(found.maps, values[order].numpy(), rtol=1e-6)
    assert found.filters.tiles.shape == (8, 3, 3, 3)


def test_all_maps_are_shown_where_there_are_fewer_than_asked_for(model, image):
    assert sorted(view_of(model, image, "relu", 99).channels) == [*range(8)]


def test_what_gives_several_maps_at_once_shows_none_of_them(model, image):
    found = view_of(model, image, "chunk", 4)
    assert (found.maps, found.filters, found.channels, found.shape) == (None, None, (), ())


def test_a_function_and_the_picture_itself_have_maps_and_no_filters(model, image):
    halves = F.relu(model.conv(image)).chunk(2, 1)
    gated = view_of(model, image, "mul", 4)
    np.testing.assert_allclose(gated.maps, (halves[0] * halves[1].sigmoid())[0, list(gated.channels)], rtol=1e-6)
    assert gated.filters is None
    assert view_of(model, image, "x", 3).shape == (3, 6, 6)


@pytest.mark.parametrize("layer", ["flatten", "fc"])
def test_what_has_no_rows_and_columns_has_no_maps(model, image, layer):
    found = view_of(model, image, layer, 4)
    assert found.maps is None
    assert found.limit == 0


@pytest.mark.parametrize("layer", ["permute", "norm"])
def test_maps_that_come_last_are_shown_as_maps_and_not_as_rows(model, image, layer):
    gated = view_of(model, image, "mul", 4)
    found = view_of(model, image, layer, 4)
    assert found.shape == gated.shape == (4, 6, 6)
    if layer == "permute":
        assert found.channels == gated.channels
        np.testing.assert_array_equal(found.maps, gated.maps)


def test_maps_without_anything_positive_have_no_range():
    model = nn.Sequential(nn.Conv2d(1, 2, 1)).eval()
    nn.init.constant_(model[0].weight, -1.0)
    nn.init.zeros_(model[0].bias)
    assert view_of(model, torch.ones(1, 1, 2, 2), "0", 2).limit == 0


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(number):
    model = nn.Sequential(nn.Conv2d(1, 2, 1)).eval()
    nn.init.constant_(model[0].weight, number)
    with pytest.raises(TraceRefused, match="“0” gives non-finite values; choose other weights"):
        view_of(model, torch.ones(1, 1, 2, 2), "0", 2)


def test_a_layer_that_there_is_not_is_refused(model, image):
    with pytest.raises(TraceRefused, match="There is no layer “conv9”"):
        view_of(model, image, "conv9", 4)


# Convolutions ------------------------------------------------------------------------------------------------------


class Kinds(nn.Module):
    """One convolution of each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, (5, 4), stride=2)
        self.grouped = nn.Conv2d(6, 8, 3, groups=2, padding=1)
        self.deep = nn.ModuleList([nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 5, 1), nn.Conv2d(5, 3, 1)])
        self.last = nn.Conv2d(3, 4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.grouped(self.first(x).relu())
        for layer in self.deep:
            x = layer(x)
        return self.last(x)


@pytest.fixture(scope="module")
def kinds() -> nn.Module:
    torch.manual_seed(11)
    return Kinds().double().eval().requires_grad_(False)


def test_convolutions_are_found_in_the_order_in_which_they_run(kinds):
    assert {c.name: c.kind for c in convolutions(kinds).values()} == {
        "first": "whole",
        "grouped": "slices",
        "deep.0": "depthwise",
        "deep.1": "matrix",
        "deep.2": "matrix",
        "last": "slices",  # over three maps, but they are not the colours of the picture
    }
    first = convolutions(kinds)["first"]
    assert (first.outputs, first.inputs, first.kernel, first.stride, first.groups) == (6, 3, (5, 4), (2, 2), 1)


def test_a_network_without_convolutions_has_none():
    assert convolutions(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).eval()) == {}


def test_a_grouped_filter_reads_the_maps_of_its_group_numbered_as_in_the_whole_layer(kinds):
    """What the filter does not read may be anything."""
    grouped = convolutions(kinds)["grouped"]
    assert [grouped.inputs_of(output) for output in (0, 3, 4, 7)] == [range(3), range(3), range(3, 6), range(3, 6)]
    maps = torch.rand(1, 6, 7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for output in range(8):
        read, elsewhere = list(grouped.inputs_of(output)), torch.zeros_like(maps)
        elsewhere[:, read] = maps[:, read]
        assert torch.equal(kinds.grouped(elsewhere)[0, output], kinds.grouped(maps)[0, output])
        by_hand = F.conv2d(
            maps[:, read], kinds.grouped.weight[output : output + 1], kinds.grouped.bias[output : output + 1], padding=1
        )
        torch.testing.assert_close(by_hand[0, 0], kinds.grouped(maps)[0, output], rtol=1e-12, atol=1e-12)


def test_kernels_for_pixels_answer_to_them_as_the_stored_ones_to_the_normalised_picture(kinds):
    """Up to a constant, where there is no padding."""
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    pixels = torch.rand(1, 3, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    normalised = (pixels - pixels.new_tensor(mean).view(3, 1, 1)) / pixels.new_tensor(std).view(3, 1, 1)
    stored, for_pixels = (torch.from_numpy(kernels_of(kinds, "first", s)) for s in (None, std))
    apart = F.conv2d(normalised, stored) - F.conv2d(pixels, for_pixels)  # (1, 6, 8, 9)
    assert float(apart.std((2, 3)).max()) < 1e-12
    assert kernels_of(kinds, "first").dtype == np.float64


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_1x1_layer_is_its_matrix(groups):
    layer = nn.Conv2d(8, 12, 1, groups=groups, bias=False).double()
    maps = torch.rand(1, 8, 3, 3, dtype=torch.float64)
    matrix = torch.from_numpy(matrix_of(layer.weight.detach().numpy(), groups))
    assert matrix.shape == (12, 8)
    torch.testing.assert_close(torch.einsum("kc,nchw->nkhw", matrix, maps), layer(maps), rtol=1e-12, atol=1e-12)


# What the numbers say ----------------------------------------------------------------------------------------------


def wave(frequency: float, angle: float, side: int = 11, phase: float = 0.6, width: float = np.inf) -> np.ndarray:
    """A wave (1, side, side) whose stripes run at `angle` degrees, counter-clockwise; a Gabor filter of that width."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    up = -y  # rows count downwards
    across = -np.sin(np.radians(angle)) * x + np.cos(np.radians(angle)) * up
    return (np.exp(-(x**2 + y**2) / 2 / width**2) * np.cos(2 * np.pi * frequency * across + phase))[None]


def apart(one: float, other: float) -> float:
    """Degrees between two orientations."""
    return abs((one - other + 90) % 180 - 90)


@pytest.mark.parametrize("width", [3.0, np.inf], ids=["Gabor", "sinusoid"])
@pytest.mark.parametrize("frequency", [0.15, 0.2, 0.3, 0.4])
@pytest.mark.parametrize("angle", range(0, 180, 15))
def test_a_wave_has_its_own_frequency_and_orientation(frequency, angle, width):
    """Within the spectrum's step of 1/128 and what a window of 11 pixels moves the peak by."""
    found, orientation = dominant_waves(wave(frequency, angle, width=width)[None])
    assert found[0] == pytest.approx(frequency, abs=0.02)
    assert apart(orientation[0], angle) < 4


def test_stripes_that_can_be_seen_to_be_horizontal_and_vertical_are():
    horizontal = np.tile([[1.0], [1.0], [-1.0], [-1.0]], (2, 8))[None, None]  # rows alternate
    frequency, orientation = dominant_waves(np.concatenate([horizontal, horizontal.swapaxes(2, 3)]))
    assert frequency == pytest.approx([0.25, 0.25], abs=1 / 64)
    assert orientation == pytest.approx([0, 90], abs=0.5)


def test_the_wave_is_that_of_all_channels_together():
    colour = np.concatenate([0.2 * wave(0.4, 30), 1.0 * wave(0.2, 120), -0.9 * wave(0.2, 120)])  # (3, 11, 11)
    frequency, orientation = dominant_waves(colour[None])
    assert frequency[0] == pytest.approx(0.2, abs=0.02)
    assert apart(orientation[0], 120) < 3


@pytest.mark.parametrize(
    ("kernel", "is_even"),
    [
        (np.ones((3, 5, 5)), True),
        (np.zeros((3, 5, 5)), True),
        (np.full((1, 1, 1), 0.3), True),
        (wave(0.25, 45) + 0.8, True),  # the mean's energy is 0.64, the wave's 0.5
        (wave(0.25, 45) + 0.5, False),
    ],
)
def test_a_kernel_whose_mean_holds_more_than_half_of_its_energy_has_frequency_0(kernel, is_even):
    frequency, orientation = dominant_waves(kernel[None])
    assert (frequency[0] == 0) == is_even
    assert np.isnan(orientation[0]) == is_even


def test_dots_and_checks_have_no_orientation():
    y, x = np.mgrid[-3:4, -3:4]
    dot, checks = np.exp(-(x**2 + y**2) / 2.0) - 0.12, wave(0.25, 0, 8) * wave(0.25, 90, 8)[0]
    for kernel in (dot[None], checks):
        frequency, orientation = dominant_waves(kernel[None])
        assert frequency[0] > 0
        assert np.isnan(orientation[0])


def test_no_kernels_have_no_waves():
    assert [len(found) for found in dominant_waves(np.zeros((0, 1, 3, 3)))] == [0, 0]


@pytest.mark.parametrize(
    ("frequency", "angle", "share"), [(0.2, 0, 0), (0.2, 90, 0), (0.35, 0, 1), (0.35, 90, 1), (0.31, 45, 0)]
)
def test_waves_that_a_stride_of_two_cannot_sample_are_aliased(frequency, angle, share):
    """0.31 along the diagonal is 0.22 down and across, which a stride of two can sample."""
    found = aliased_share(wave(frequency, angle, 41, width=8.0)[None], (2, 2))
    assert found[0] == pytest.approx(share, abs=0.07)


def test_nothing_is_aliased_by_a_stride_of_one_and_a_wave_only_along_the_coarse_side():
    kernels = np.random.default_rng(1).normal(size=(3, 2, 5, 5))
    assert aliased_share(kernels, (1, 1)).tolist() == [0, 0, 0]
    across = wave(0.35, 90, 41, width=8.0)[None]  # vertical stripes vary across
    assert aliased_share(across, (4, 1))[0] < 0.01 < 0.99 < aliased_share(across, (1, 2))[0]
    assert aliased_share(np.zeros((1, 1, 3, 3)), (2, 2)).tolist() == [0]


@pytest.mark.parametrize(
    ("sizes", "few"), [((3, 4), 1), ((1, 1, 1, 1), 2), ((1, 1, 1), 2), ((5, 0, 0), 1), ((2, 2, 1), 2), ((0, 0), 0)]
)
def test_half_of_the_energy_is_counted_from_the_strongest(sizes, few):
    """By hand: the squares 9 and 16, of which the larger is more than half; of three equal ones two are needed; …"""
    kernels = np.array(sizes, float)[:, None, None, None] * np.ones((1, 1, 1, 1))
    assert measured(kernels).half_of_energy == few


def test_a_layer_has_the_name_of_the_maps_that_its_convolution_makes():
    zfnet, resnet = load("zfnet_mini"), load("resnet18", "random")
    names = [layer_ending_with(zfnet.model, zfnet.layers, f"features.conv{i}") for i in range(1, 6)]
    assert names == ["1", "2", "3", "4", "5"]
    assert layer_ending_with(resnet.model, resnet.layers, "conv1") == "1"
    assert layer_ending_with(resnet.model, resnet.layers, "layer1.0.conv1") is None


def test_norm_and_rms_are_those_of_all_weights_of_a_filter():
    kernels = np.zeros((2, 2, 2, 2))
    kernels[0] = [[[3, 0], [0, 0]], [[0, 4], [0, 0]]]
    assert norms(kernels).tolist() == [5, 0]
    assert root_mean_squares(kernels).tolist() == [pytest.approx(5 / np.sqrt(8)), 0]


def test_a_filter_and_its_negative_are_alike_whatever_their_size():
    kernels = np.random.default_rng(0).normal(size=(5, 3, 7, 7))
    kernels[3] = -0.01 * kernels[1]
    kernels[4] = 0
    which, cosine = nearest(kernels)
    assert (which[1], which[3]) == (3, 1)
    assert cosine[[1, 3]] == pytest.approx([1, 1], abs=1e-12)
    assert cosine[4] == 0
    assert measured(kernels).repeated == (1, 3)


def test_a_filter_alone_is_like_none():
    assert [found.tolist() for found in nearest(np.ones((1, 3, 3, 3)))] == [[-1], [0]]
    (row,) = rows(measured(np.ones((1, 3, 3, 3))))
    assert row["most_like"] is None
    assert row["orientation_degrees"] is None


def test_two_filters_are_repeated_from_the_threshold_on():
    angle = np.arccos(ALIKE)
    pair = np.array([[1, 0], [np.cos(angle - 1e-9), np.sin(angle - 1e-9)], [0, 0]])[..., None, None]
    assert measured(pair).repeated == (0, 1)
    pair[1, :, 0, 0] = np.cos(angle + 1e-6), np.sin(angle + 1e-6)
    assert measured(pair).repeated == ()


def test_dead_filters_are_found():
    kernels = np.random.default_rng(0).normal(size=(9, 3, 5, 5))
    kernels[6] *= 0.01
    assert measured(kernels).dead == (6,)
    assert [row["dead"] for row in rows(measured(kernels))] == [number == 6 for number in range(9)]


def test_filters_are_sorted_by_what_was_asked_for():
    kernels = np.stack([2 * wave(0.3, 100), np.ones((1, 11, 11)), 5 * wave(0.4, 20), wave(0.2, 60)])
    m = measured(kernels)
    orders = {by: m.order(by).tolist() for by in ORDERS}
    assert orders == {
        "index": [0, 1, 2, 3],
        "norm": [2, 0, 1, 3],
        "frequency": [1, 3, 0, 2],
        "orientation": [2, 3, 0, 1],
    }


# Clipping ----------------------------------------------------------------------------------------------------------


def test_only_filters_whose_rms_exceeds_the_radius_are_rescaled_to_it():
    kernels = (
        np.random.default_rng(0).normal(size=(6, 3, 5, 5))
        * np.array([0.01, 0.05, 0.09, 0.2, 1, 0])[:, None, None, None]
    )
    before = kernels.copy()
    after = clipped(kernels)
    small = root_mean_squares(kernels) <= 0.1
    assert small.sum() == 4
    np.testing.assert_array_equal(after[small], kernels[small])
    np.testing.assert_allclose(root_mean_squares(after)[~small], 0.1, rtol=1e-12)
    assert nearest(np.stack([after[4], kernels[4]]))[1] == pytest.approx([1, 1])  # only its size changed
    np.testing.assert_array_equal(kernels, before)
    np.testing.assert_allclose(clipped(after), after, rtol=1e-12)


def test_measuring_and_clipping_leave_the_network_as_it_is():
    model = load("zfnet_mini").model
    before = model.features.conv1.weight.clone()
    kernels = kernels_of(model, "features.conv1")
    clipped(kernels, 0.01)
    measured(kernels)
    kernels_of(model, "features.conv1", (0.2, 0.2, 0.2))
    assert torch.equal(model.features.conv1.weight, before)


# Sheets ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 16, 32, 64, 96, 128, 192, 511, 512])
@pytest.mark.parametrize("shape", [(3, 3), (1, 7), (7, 1)])
def test_a_sheet_has_place_for_all_and_is_neither_a_ribbon_nor_a_tower(count, shape):
    columns = columns_for(count, shape)
    rows = -(-count // columns)
    assert 1 <= columns <= count
    assert count <= 4 or 0.35 < (rows * shape[0]) / (columns * shape[1]) < 3
    assert shape != (3, 3) or count % columns == 0 or count in (7, 511)


def test_a_range_is_that_of_each_tile_or_of_all():
    kernels = np.array([[[[1.0, -3.0]]], [[[0.5, 0.0]]]])
    assert limits_of(kernels, own=True).tolist() == [3, 0.5]
    assert limits_of(kernels, own=False).tolist() == [3, 3]


def test_marked_tiles_have_a_frame_and_the_others_none():
    kernels = np.random.default_rng(0).normal(size=(5, 3, 4, 4))
    pixels = sheet(kernels, limits_of(kernels, own=False), 3, marked=[4])
    pitch = pixels.shape[1] // 3
    assert pixels.shape == (2 * pitch, 3 * pitch, 4)
    framed = [(pixels[r * pitch, c * pitch] == MARK).all() for r in range(2) for c in range(3)]
    assert framed == [False, False, False, False, True, False]


def test_the_channels_of_a_filter_stand_side_by_side():
    kernel = np.random.default_rng(0).normal(size=(3, 2, 4))
    pixels = planes(kernel, 2.0)
    assert pixels.shape == (2, 14, 4)
    for channel in range(3):
        np.testing.assert_array_equal(pixels[:, channel * 5 : channel * 5 + 4, :3], signed(kernel[channel][None], 2.0))
    assert (pixels[:, [4, 9], 3] == 0).all()
