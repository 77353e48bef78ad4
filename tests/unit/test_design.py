"""A stack as text: what a table and a link hold comes back as it was, and what makes no sense is said."""

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.refusals import Refused
from vis.cost.design import (
    MOST_CODE,
    Design,
    as_code,
    as_setting,
    cells,
    from_cells,
    from_code,
    picture_code,
    picture_from_code,
    row,
)
from vis.cost.layer import SETTINGS
from vis.cost.presets import PRESETS
from vis.cost.stack import MOST_ROWS, Row, row_by_row

NUMBERS = st.none() | st.integers(-(10**30), 10**30) | st.tuples(st.integers(0, 99), st.integers(0, 99))
WRITTEN = NUMBERS | st.text(max_size=8).map(as_setting)
ROWS = st.sampled_from([*SETTINGS, None]).flatmap(
    lambda kind: st.fixed_dictionaries(dict.fromkeys(SETTINGS.get(kind, ()), WRITTEN)).map(
        lambda told: row(kind, **told)
    )
)


def test_a_code_is_short_and_needs_no_escapes():
    rows = Row("conv", 64, 7, 2, 3), Row("max pool", None, 3, 2, 1), Row("conv", 8, (1, 7)), Row("global pool")
    assert as_code(rows) == "conv.64.7.2.3_max-pool.3.2.1_conv.8.1x7_global-pool"
    for design in PRESETS.values():
        assert not set(as_code(design.rows)) - set(string.ascii_letters + string.digits + ".-_")


@given(st.lists(ROWS, max_size=5))
def test_every_stack_comes_back_from_its_link(rows):
    assert from_code(as_code(rows)) == tuple(rows)


@given(ROWS)
def test_every_row_comes_back_from_its_cells(of):
    assert from_cells(cells(of)) == of


@given(st.text(max_size=60) | st.text("conv.max-pool_0123456789x%,;", max_size=60))
def test_any_text_of_a_link_is_a_stack_or_a_sentence(code):
    try:
        rows = from_code(code)
    except Refused:
        return
    row_by_row(rows, (3, 32, 32))


@pytest.mark.parametrize(
    "code",
    ["", "<b>", "conv.1.1.1.1.1.1.1", "attention.8", "conv.64_", "linear.10.3", "conv 64", "conv:64,3", "Conv.64.3"],
)
def test_what_this_page_did_not_write_is_refused(code):
    with pytest.raises(Refused, match="contains no readable stack"):
        from_code(code)


def test_a_picture_comes_back_from_its_link_and_what_is_none_is_refused():
    assert picture_code((3, 64, 96)) == "3x64x96"
    assert picture_from_code("3x64x96") == (3, 64, 96)
    for code in ("", "3x64", "3x64x96x1", "axbxc", "3x" + "9" * 5000 + "x3"):
        with pytest.raises(Refused, match="contains no readable stack"):
            picture_from_code(code)
    for code in ("0x64x96", "3x64x0", "3x64x-1", "3x64x1000000000"):
        with pytest.raises(Refused):
            picture_from_code(code)


@pytest.mark.parametrize("code", ["conv." + "9" * MOST_CODE, "_".join(["linear.9"] * (MOST_ROWS + 1))])
def test_an_endless_link_is_refused_at_once(code):
    with pytest.raises(Refused, match=f"has more than {MOST_ROWS} rows"):
        from_code(code)


def test_a_stack_that_is_too_long_for_a_link_has_none():
    assert as_code([Row("conv", 64, 3)] * MOST_ROWS) is not None
    assert as_code([Row("conv", 64, 3)] * (MOST_ROWS + 1)) is None
    assert as_code([Row("conv", *["many words, many words"] * 4)] * MOST_ROWS) is None


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        *(("64", 64), (" 64 ", 64), ("-3", -3), ("007", 7), (64, 64)),
        *(("1×7", (1, 7)), ("1x7", (1, 7)), ("1 X 7", (1, 7)), ("1, 7", (1, 7)), ("1*7", (1, 7))),
        *((None, None), ("", None), (math.nan, None), ("None", None)),
        *(("abc", "abc"), ("2.5", "2.5"), ("1×2×3", "1×2×3"), ("1e3", "1e3"), ("9" * 5000, int("9" * 40))),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_is_written_in_a_cell_is_a_number_or_stays_to_be_refused(text, setting):
    assert as_setting(text) == setting


def test_an_empty_cell_is_what_is_usual_but_channels_and_kernel_are_asked_for():
    assert from_cells({"kind": "conv", "channels": "8", "kernel": "3"}) == Row("conv", 8, 3)
    for missing in ("channels", "kernel"):
        written = {"kind": "conv", "channels": "8", "kernel": "3"} | {missing: None}
        assert "number is missing" in str(Design((from_cells(written),)).stack().refused)


def test_cells_that_a_kind_does_not_have_are_empty_and_left_alone():
    assert cells(Row("linear", 10)) == {"kind": "linear", "channels": "10"} | dict.fromkeys(
        ("kernel", "stride", "padding", "dilation", "groups")
    )
    assert from_cells({"kind": "global pool", "channels": "abc", "kernel": "0"}) == Row("global pool")
