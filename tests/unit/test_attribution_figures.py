"""Attributions as pictures: by hand."""

import numpy as np
import pytest

from vis.figures.attribution import (
    AGAINST,
    CLASSES,
    FOR,
    classes_over,
    colours_of,
    curves_over,
    limit_of,
    over,
    smoothed,
)

PICTURE = np.array([[[0, 0, 0], [255, 255, 255], [50, 100, 150]]], np.uint8)
PALE = [[[80] * 3, [255] * 3, [round(80 + 175 * 100 / 255)] * 3]]  # black, white and grey


def test_full_colours_are_for_and_against_zero_is_the_picture_in_grey_and_half_is_half():
    values = np.array([[2.0, -2.0, 0.0]])
    assert over(values, PICTURE, 2.0, 1.0).tolist() == [[list(FOR), list(AGAINST), PALE[0][2]]]
    (half,) = over(values[:, :1] / 2, PICTURE[:, :1], 2.0, 1.0)[0]
    assert half.tolist() == [round((80 + n) / 2) for n in FOR]
    assert over(values, PICTURE, 2.0, 0.0).tolist() == PALE


def test_what_is_not_known_and_a_map_without_a_range_are_neutral():
    assert over(np.array([[np.nan, 1.0, 5.0]]), PICTURE, 1.0, 1.0)[0, 0].tolist() == PALE[0][0]
    assert over(np.zeros((1, 3)), PICTURE, 0.0, 1.0).tolist() == PALE
    assert limit_of(np.full((2, 2), np.nan)) == 0


def test_colours_end_below_the_few_largest_values_but_a_single_one_is_seen():
    values = np.linspace(-1, 1, 2001)[None]
    assert limit_of(values) == pytest.approx(0.995, abs=1e-3)
    alone = np.zeros((100, 100))
    alone[3, 4] = -7
    assert limit_of(alone) == 7


def test_smoothing_keeps_the_sum_and_spreads_it():
    values = np.zeros((200, 300))
    values[100, 150] = 1
    spread = smoothed(values)
    assert spread.sum() == pytest.approx(1, abs=1e-6)
    variance = (spread.sum(1) * (np.arange(200) - 100) ** 2).sum()
    assert variance == pytest.approx(2**2, rel=0.02)


def test_a_curve_has_a_line_for_every_map_over_percent():
    figure = curves_over([0, 0.5, 1], {"a": [3, 2, 1], "b": [3, 1, 0]}, "pixels covered", "logit")
    assert [(line.name, list(line.x), list(line.y)) for line in figure.data] == [
        ("a", [0, 50, 100], [3, 2, 1]),
        ("b", [0, 50, 100], [3, 1, 0]),
    ]
    assert figure.data[0].line.width > figure.data[1].line.width


def test_the_most_frequent_classes_have_colours_of_their_own_and_all_others_one():
    best = np.array([[7, 7, 7, -1], [3, 3, 9, 1], [4, 5, 6, 8]])
    colours = colours_of(best)
    assert (colours[7], colours[3]) == ("orange", "blue")
    assert len(set(colours.values())) == len(CLASSES)
    pixels = classes_over(best)
    assert pixels[0].tolist() == [list(CLASSES["orange"])] * 3 + [[0, 0, 0]]
    assert pixels[1, 0].tolist() == list(CLASSES["blue"])
