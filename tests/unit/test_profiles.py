"""Lines on a logarithmic axis."""

import math

import pytest

from vis.figures.profiles import MOST_TICKS, decades, profile


@pytest.mark.parametrize(
    ("values", "found"),
    [([0.02, 3], (-2, 1)), ([1e-45, 1], (-45, 0)), ([5], (0, 1)), ([1], (0, 1)), ([0, math.inf, math.nan], (0, 1))],
)
def test_the_powers_of_ten_around_values_are_one_apart_at_least(values, found):
    assert decades(values) == found


@pytest.mark.parametrize("scale", [(-45, 1), (-1, 1), (0, 1), (-7, 30)])
def test_a_profile_has_few_ticks_a_point_for_each_value_and_gaps_where_there_is_no_logarithm(scale):
    made = profile([[1.0, 0.0, 100.0, math.inf], [0.1] * 4], scale, 50)
    assert made["lines"] == [[0, None, 2, None], [-1] * 4]
    assert made["range"] == [*scale]
    assert 1 <= len(made["ticks"]) <= MOST_TICKS + 1
    assert all(scale[0] <= exponent <= scale[1] for exponent, _text in made["ticks"])
    assert made["places"] == [[0, "1"], [24 / 49, "25"], [1, "50"]]


def test_a_single_layer_stands_in_the_middle():
    assert profile([[1.0]], (0, 1), 1)["places"] == [[0.5, "1"]]
