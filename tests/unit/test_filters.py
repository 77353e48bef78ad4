"""A layer's filters and its strongest maps, against what PyTorch itself computes."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vis.filters import filters_of, maps_come_last, view_of
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


@pytest.mark.parametrize(
    ("layer", "last"),
    [("conv", False), ("mul", False), ("permute", True), ("norm", True), ("permute_1", False), ("pool", False)],
)
@pytest.mark.parametrize("side", [4, 6])  # with 4 there are as many maps as rows and columns
def test_maps_come_last_between_the_one_permutation_and_the_other(model, layer, last, side):
    assert maps_come_last(model, (1, 3, side, side), layer) == last


def test_maps_never_come_last_where_nothing_is_moved():
    assert not maps_come_last(nn.Sequential(nn.Conv2d(3, 6, 1)).eval(), (1, 3, 6, 6), "0")


def test_maps_without_anything_positive_have_no_range():
    model = nn.Sequential(nn.Conv2d(1, 2, 1)).eval()
    nn.init.constant_(model[0].weight, -1.0)
    nn.init.zeros_(model[0].bias)
    assert view_of(model, torch.ones(1, 1, 2, 2), "0", 2).limit == 0


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(number):
    model = nn.Sequential(nn.Conv2d(1, 2, 1)).eval()
    nn.init.constant_(model[0].weight, number)
    with pytest.raises(TraceRefused, match=r"“0” gives values that are not finite; choose other weights"):
        view_of(model, torch.ones(1, 1, 2, 2), "0", 2)


def test_a_layer_that_there_is_not_is_refused(model, image):
    with pytest.raises(TraceRefused, match="There is no layer “conv9”"):
        view_of(model, image, "conv9", 4)
