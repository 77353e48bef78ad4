"""How the numbers of a stack's rows come about: the arithmetic that is shown gives the number that is shown."""

import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.agreement.test_cost_formulas import SHAPES, rows
from vis.cost.derivation import derived
from vis.cost.design import Design
from vis.cost.layer import SETTINGS
from vis.cost.presets import PRESETS
from vis.cost.stack import Row, row_by_row


def computed(numbers: str) -> int:
    """What the formula with its numbers gives, by Python's own arithmetic."""
    text = re.sub(r"⌊(.*)⌋", r"math.floor(\1)", numbers).replace("·", "*").replace("−", "-")
    assert not re.search(r"[^\d\s+*/().a-z-]", text), text
    return eval(text, {"math": math})


def assert_all_adds_up(stack) -> None:
    for place, step in enumerate(stack.steps):
        found = derived(stack, place)
        for each in found:
            assert computed(each.numbers) == each.value, each
        values = {each.quantity: each.value for each in found}
        of = step.layer
        assert values["activation_bytes"] == of.activation_bytes
        assert (values.get("macs"), values.get("params", values.get("weights", 0))) == (of.macs, of.params)
        if "height" in values:
            assert (values["height"], values["width"]) == of.shape[1:]


@given(st.lists(rows(tuple(SETTINGS)), min_size=1, max_size=4), SHAPES, st.booleans(), st.booleans())
def test_the_arithmetic_gives_the_number(filled, shape, bias, norm):
    stack = row_by_row(filled, shape, bias, norm)
    assume(stack.steps)
    assert_all_adds_up(stack)


@pytest.mark.parametrize("name", PRESETS)
def test_the_arithmetic_of_the_presets_gives_their_numbers(name):
    assert_all_adds_up(PRESETS[name].stack())


def test_a_row_in_symbols_and_in_numbers():
    stack = Design((Row("conv", 64, 7, 2, 3), Row("max pool", None, 3, 2, 1)), norm=True).stack()
    first, second = ({each.quantity: each for each in derived(stack, place)} for place in (0, 1))
    assert (first["height"].numbers, first["height"].value) == ("⌊(224 + 2·3 − 1·(7 − 1) − 1)/2⌋ + 1", 112)
    assert (first["params"].symbols, first["params"].numbers) == (
        "K_h·K_w·C_in·C_out + C_out + 2·C_out",
        "7·7·3·64 + 64 + 2·64",
    )
    assert (second["field"].symbols, second["field"].numbers, second["field"].value) == (
        "r + d·(K_h − 1)·j",
        "7 + 1·(3 − 1)·2",
        11,
    )
    assert (second["jump"].numbers, second["jump"].value) == ("2·2", 4)
    assert "macs" not in second


def test_fields_of_rows_and_columns_are_both_shown_where_they_differ():
    stack = row_by_row([Row("conv", 8, (1, 7), (1, 2), (0, 3))], (4, 20, 30))
    assert [each.value for each in derived(stack, 0) if each.quantity == "field"] == [1, 7]


def test_what_sees_the_whole_picture_has_no_field_to_be_derived():
    stack = row_by_row([Row("global pool"), Row("linear", 10)], (4, 8, 8))
    for place in (0, 1):
        assert not {"field", "jump", "height"} & {each.quantity for each in derived(stack, place)}
