"""Sheets of maps, beside the pictures of single maps."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from vis.activations import Activations, histogram
from vis.figures.pictures import RED, heat, signed
from vis.figures.sheets import heat_sheet, sheet_of, signed_sheet


def pixels(sheet: bytes) -> np.ndarray:
    """(H, W, 4)."""
    picture = Image.open(io.BytesIO(sheet))
    assert picture.mode == "P"
    return np.asarray(picture.convert("RGBA"))


def alike(sheet: np.ndarray, single: np.ndarray) -> bool:
    """To a step of the palette, in which 0 and the limits are exact."""
    return np.abs(sheet[..., :3].astype(int) - single).max() <= 4


def maps(count: int = 7, height: int = 5, width: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, height, width)).astype(np.float32)


@settings(deadline=None, max_examples=40)
@given(
    count=some.integers(1, 20),
    height=some.integers(1, 6),
    width=some.integers(1, 6),
    columns=some.integers(1, 9),
    gap=some.integers(0, 4),
)
def test_every_map_has_a_cell_of_the_same_size_and_the_rest_is_clear(count, height, width, columns, gap):
    values = maps(count, height, width)
    sheet = pixels(signed_sheet(values, 3.0, columns, gap))
    rows = -(-count // columns)
    assert sheet.shape == (rows * (height + gap), columns * (width + gap), 4)
    clear = np.ones(sheet.shape[:2], bool)
    for i, one in enumerate(values):
        top = i // columns * (height + gap) + gap // 2
        left = i % columns * (width + gap) + gap // 2
        place = np.s_[top : top + height, left : left + width]
        assert alike(sheet[place], signed(one[None], 3.0))
        clear[place] = False
    assert np.array_equal(sheet[..., 3] == 0, clear)


def test_a_heat_sheet_has_the_colours_of_a_single_map_to_a_step_of_the_palette():
    values = maps()
    sheet = pixels(heat_sheet(values, 2.0, columns=7, gap=0))
    singly = np.concatenate([heat(one, 2.0) for one in values], 1)
    assert alike(sheet, singly)


def test_heat_goes_from_the_darkest_to_the_brightest_colour():
    row = np.linspace(-1, 2, 13, dtype=np.float32).reshape(1, 1, 13)
    brightness = pixels(heat_sheet(row, 1.0, columns=1, gap=0))[0, :, :3].sum(1).astype(int)
    assert (np.diff(brightness) >= 0).all()
    assert len(set(brightness[:5])) == 1  # all that is 0 or less
    assert len(set(brightness[8:])) == 1  # all from the limit on


@pytest.mark.parametrize("sheet_of", [heat_sheet, signed_sheet])
def test_own_limits_show_every_map_as_it_looks_alone(sheet_of):
    values = np.abs(maps()) * np.arange(1, 8, dtype=np.float32)[:, None, None]
    own = values.max((1, 2))
    together = pixels(sheet_of(values, own, columns=7, gap=0))
    singly = np.concatenate([pixels(sheet_of(one[None], own[i], 1, gap=0)) for i, one in enumerate(values)], 1)
    assert np.array_equal(together, singly)


@pytest.mark.parametrize(("sheet_of", "single"), [(heat_sheet, heat), (signed_sheet, lambda m, n: signed(m[None], n))])
def test_a_limit_of_zero_shows_zero(sheet_of, single):
    nothing = np.zeros((2, 4, 4), np.float32)
    sheet = pixels(sheet_of(nothing, np.array([0.0, 1.0]), columns=2, gap=0))
    assert np.array_equal(sheet[:, :4, :3], single(nothing[0], 0.0))
    assert np.array_equal(sheet[:, :4], sheet[:, 4:])


def test_512_maps_take_a_byte_a_pixel_at_most():
    values = maps(512, 14, 14)
    assert len(signed_sheet(values, 3.0, columns=32)) < 512 * 15 * 15 + 2000


def test_a_signed_sheet_shows_zero_grey_and_the_limits_black_and_white():
    row = np.array([[[-5, -2, 0, 2, 5]]], np.float32)
    assert pixels(signed_sheet(row, 2.0, columns=1, gap=0))[0, :, 0].tolist() == [1, 1, 128, 255, 255]


@pytest.mark.parametrize("sheet_of", [heat_sheet, signed_sheet])
@pytest.mark.parametrize("side", [1, 7, 14, 112])
def test_a_warning_stands_under_the_maps_in_a_strip_of_its_own(sheet_of, side):
    values = maps(20, side, side)
    without, warned = (sheet_of(values, 3.0, columns=8, banner=banner) for banner in (None, "trọng số ngẫu nhiên"))
    maps_alone = pixels(without)
    assert len(maps_alone) == 3 * (side + 1)
    below = pixels(warned)[len(maps_alone) :]
    assert np.array_equal(pixels(warned)[: len(maps_alone)], maps_alone)
    assert (below[..., 3] == 255).all()
    assert (below[..., :3] == RED).all(2).mean() > 0.5
    assert (below[..., :3] == 255).all(2).any()


def of_layer(values: np.ndarray) -> Activations:
    """A layer that gave these maps (K, h, w)."""
    flat = values.reshape(len(values), -1)
    counted = flat.max(1), flat.min(1), flat.mean(1), (flat <= 0).mean(1)
    return Activations("layer", values.shape, *counted, histogram(values), values, 1)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("has_sign", [True, False])
def test_a_sheet_of_a_layer_shows_the_chosen_maps_as_each_looks_alone(has_sign, own):
    values = maps(9, 6, 4) if has_sign else np.abs(maps(9, 6, 4))
    chosen = np.array([7, 2, 5])
    sheet = sheet_of(of_layer(values), chosen, own)
    drawn = pixels(sheet.png)
    assert drawn.shape[:2] == (sheet.height, sheet.width)
    down, across = sheet.height // -(-3 // sheet.columns), sheet.width // sheet.columns
    for i, channel in enumerate(chosen):
        limit = float(np.abs(values[channel] if own else values).max())
        single = signed(values[channel][None], limit) if has_sign else heat(values[channel], limit)
        top, left = i // sheet.columns * down, i % sheet.columns * across
        assert alike(drawn[top : top + 6, left : left + 4], single)


def test_single_numbers_are_squares_of_four_pixels_with_a_gap_of_one():
    """By hand: 8 numbers of one pixel each stand in 4 columns, twice as wide as high, each with 4 + 1 pixels."""
    sheet = sheet_of(of_layer(maps(8, 1, 1)), np.arange(8), own=False)
    assert (sheet.columns, sheet.height, sheet.width) == (4, 2 * 5, 4 * 5)
