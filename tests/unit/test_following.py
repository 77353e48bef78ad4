"""What follows a dragged slider: of charts, what is not the same at all of its stops."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pages.common.components.following import differing, follow
from tests.app.visit import redrawn

NUMBERS = some.lists(some.floats(-9, 9), min_size=1, max_size=3)


def chart(x: list[float], y: list[float], here: float, colour: str = "red") -> dict:
    lines = [{"x": x, "y": y, "line": {"color": colour}}, {"x": [here], "y": [0.0], "marker": {"size": 3}}]
    return {"data": lines, "layout": {"shapes": [{"x0": here, "yref": "paper"}], "height": 9}}


@given(some.lists(some.tuples(NUMBERS, NUMBERS, some.floats(-9, 9)), min_size=1, max_size=4))
def test_what_is_not_the_same_makes_each_chart_of_any_other_one(given):
    charts = [chart(*numbers) for numbers in given]
    found = differing(deepcopy(charts))
    assert all(redrawn(charts[0], by) == whole for by, whole in zip(found, charts, strict=True))
    assert "height" not in str(found)
    assert "yref" not in str(found)
    if len({repr(each) for each in charts}) == 1:
        assert not any(found)


def test_a_chart_that_cannot_be_moved_so_is_an_error():
    stops = [{"two": chart([1.0], [2.0], 3.0, colour)} for colour in ("red", "blue")]
    with pytest.raises(ValueError, match=r"'two' no slider can move \{'color'\}"):
        follow("two", {"x": stops})
