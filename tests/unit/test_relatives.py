"""The law of every cheap relative: what it says remains, in letters, in numbers and counted, is one and the same."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vis.cost.blocks import ratio
from vis.cost.relatives import RELATIVES, costs_along

ODD = st.integers(0, 5).map(lambda n: 2 * n + 1)
SIDE, MAPS = st.integers(1, 40), st.integers(1, 300)
NUMBERS = {
    "bottleneck": {"rows": SIDE, "columns": SIDE, "maps_in": MAPS, "between": MAPS, "maps_out": MAPS, "kernel": ODD},
    "residual": {"side": SIDE, "channels": MAPS, "between": MAPS},
    "separable": {
        **{"side": st.integers(11, 40), "maps_in": MAPS, "maps_out": MAPS, "kernel": st.integers(1, 11)},
        **{"stride": st.integers(1, 8), "padding": st.integers(0, 5)},
    },
    "stacked": {"side": SIDE, "maps": MAPS, "layers": st.integers(1, 10)},
    "factorised": {"side": SIDE, "maps": MAPS, "length": ODD},
    "groups": {"side": SIDE, "maps": st.integers(1, 9).map(lambda n: 12 * n), "kernel": ODD, "groups": st.just(4)},
    "dilated": {"side": SIDE, "maps": MAPS, "kernel": ODD, "dilation": st.integers(1, 16)},
}


def value_of(latex: str) -> Fraction:
    r"""What a sum of \frac{…}{…} of whole numbers is; letters in it stand for 1."""
    sums = re.sub(r"\\frac\{((?:[^{}])*)\}\{((?:[^{}])*)\}", r"Fraction(\1, \2)", latex)
    sums = re.sub(r" [A-Z]\b(\^2)?", "", sums).replace(r"\cdot", "*").replace("^", "**")
    return eval(sums, {"Fraction": Fraction})


def test_every_relative_is_tried():
    assert NUMBERS.keys() == RELATIVES.keys()


@pytest.mark.parametrize("name", RELATIVES)
@given(data=st.data())
def test_the_law_says_what_remains_of_the_plain_blocks_multiply_adds(name, data):
    now = data.draw(st.fixed_dictionaries(NUMBERS[name]))
    plain, cheap = RELATIVES[name].blocks(**now)
    law, share = RELATIVES[name].law(**now)
    assert plain.shape == cheap.shape
    assert share == ratio(cheap, plain) == value_of(law.rpartition(" = ")[2])


def test_what_cannot_be_has_no_cost_and_the_others_have_theirs():
    """Of 12 maps: 5 groups cannot be."""
    plain, cheap = costs_along(
        RELATIVES["groups"], "groups", [1, 5, 12], {"side": 2, "maps": 12, "kernel": 3}, "weights"
    )
    assert plain == [9 * 12 * 12, None, 9 * 12 * 12]
    assert cheap == [9 * 12 * 12, None, 9 * 12]
