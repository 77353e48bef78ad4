"""What can be set, as data: every value can be written into a link and is read from it again."""

import math
from inspect import signature

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import ARCHITECTURES
from models.options import Cells, Choice, Number, Numbers, Option, Phrase, Several, Switch
from models.refusals import Refused

SOME = (
    Choice("sort", "Sorted by", {"index": "number", "mean": Phrase("mean")}),
    Choice("radius", "Radius", (0.02, 0.1, 0.5), 0.1),
    Choice("compare", "Compare with", (None, "vgg16")),
    Number("side", "Side", 224, 1, 1024),
    Number("width", "Width", 1.0, 0.05, 4.0, step=0.05, digits=2),
    Number("map", "Map", None, 0, 191),
    Switch("bias", "Bias", True),
    Several("count", "What is counted", ("flops", "bias", "norm")),
    Numbers("maps", "Maps", most=3),
    Cells("kernel", "Kernel", (0, 0, 1, -1), -4, 4),
    Cells("drawn", "Drawing", (0,) * 6, 0, 1),
)
OF_NETWORKS = [option for entry in ARCHITECTURES.values() for option in entry.options.values()]


def values_of(option: Option) -> st.SearchStrategy:
    """Values that it can have."""
    if isinstance(option, Choice):
        return st.sampled_from([value for value in option.values if value is not None])
    if isinstance(option, Number) and option.kind is int:
        return st.integers(option.least, option.most)
    if isinstance(option, Number):
        steps = int((option.most - option.least) / option.step + 1e-9)  # whole ones: no value is above the most
        return st.integers(0, steps).map(lambda i: round(option.least + i * option.step, option.digits))
    if isinstance(option, Switch):
        return st.booleans()
    if isinstance(option, Several):
        return st.sets(st.sampled_from(option.values), min_size=1).map(option.ordered)
    if isinstance(option, Cells):
        return st.tuples(*[st.integers(option.least, option.most) for _cell in option.usual])
    return st.lists(st.integers(0, 99_999), max_size=option.most, unique=True).map(tuple)


@given(st.data(), st.sampled_from([*SOME, *OF_NETWORKS]))
def test_every_value_is_accepted_and_read_again_as_it_was_written(data, option):
    value = data.draw(values_of(option))
    assert option.checked(value) == value
    read = option.read(option.written(value))
    assert read == value
    assert type(read) is type(value)


@given(st.text(), st.sampled_from([*SOME, *OF_NETWORKS]))
def test_any_text_of_a_link_is_a_value_or_none_of_them(text, option):
    try:
        value = option.read(text)
    except ValueError:
        return
    assert option.accepts(value)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        *((SOME[0], text) for text in ("", "max", "Index", "number")),
        *((SOME[1], text) for text in ("0.3", "nan")),
        *((SOME[3], text) for text in ("0", "1025", "2.0", "1e2", "-3", "")),
        *((SOME[4], text) for text in ("0", "4.01", "nan", "inf", "α")),
        (SOME[6], "yes"),
        (SOME[7], "pooling"),
        *((SOME[8], text) for text in ("a", "1.5", "-1", "²", "1000000")),
        *((SOME[9], text) for text in ("0,0,1", "0,0,1,5", "0,0,1,01", "0,0,1,", "0011")),
        *((SOME[10], text) for text in ("01010", "010102", "0,1,0,1,0,1")),
    ],
)
def test_what_is_none_of_its_values_is_not_read(option, text):
    with pytest.raises(ValueError):  # noqa: PT011 – of any kind: the page then takes the usual value
        option.read(text)


def test_the_usual_value_is_the_first_unless_another_is_given():
    usual = ["index", 0.1, None, 224, 1.0, None, True, (), (), (0, 0, 1, -1), (0,) * 6]
    assert [option.usual for option in SOME] == usual


@pytest.mark.parametrize("option", SOME, ids=lambda option: option.name)
def test_the_usual_value_is_one_that_it_can_have(option):
    assert option.checked(option.usual) == option.usual


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_usual_value_of_a_networks_option_is_its_builders(name):
    entry = ARCHITECTURES[name]
    parameters = signature(entry.build).parameters
    for option in entry.options.values():
        if option.name in parameters and option.name not in ("num_classes", "resolution"):
            assert option.usual == parameters[option.name].default
            assert option.accepts(option.usual)


def test_numbers_are_read_as_they_are_typed():
    maps = Numbers("maps", "Maps", most=3)
    assert maps.read(" 3, 17;40 ") == (3, 17, 40)
    assert maps.read("5 5 1 9 2") == (5, 1, 9)
    assert maps.read("") == ()


def test_what_a_slider_can_be_set_to():
    assert list(Number("n", "n", 1, 1, 7, step=2).values) == [1, 3, 5, 7]
    assert Number("n", "n", 1.0, 0.5, 1.0, step=0.25, digits=2).values == [0.5, 0.75, 1.0]


@pytest.mark.parametrize("value", [math.nan, math.inf, True, "1", None, 0.0])
def test_what_is_no_number_within_the_bounds_is_refused(value):
    with pytest.raises(Refused, match=r"choose a number from 0\.05 to 4\.0"):
        SOME[4].checked(value)


@pytest.mark.parametrize("value", [(0, 0, 1), (0, 0, 1, 5), (0, 0, 1, True), [0, 0, 1, 1], None])
def test_what_does_not_fit_the_cells_is_refused(value):
    with pytest.raises(Refused, match="choose 4 whole numbers, -4 to 4"):
        SOME[9].checked(value)
    assert SOME[9].written((0, 0, 1, -4)) == "0,0,1,-4"
    assert SOME[10].written((0, 1, 0, 1, 0, 1)) == "010101"


@pytest.mark.parametrize(
    ("option", "text", "value", "wrong"),
    [
        (SOME[0], "max", "index", ("max",)),
        (SOME[3], "2.5", 224, ("2.5",)),
        (SOME[6], "off", False, ()),
        (SOME[7], "bias,pooling,norm", ("bias", "norm"), ("pooling",)),
        (SOME[7], "pooling", (), ("pooling",)),
        (SOME[8], "3,abc", (3,), ("abc",)),
        (SOME[8], "-1 3;1e3", (3,), ("-1", "1e3")),
        (Numbers("maps", "Maps", highest=15), "15, 16, 0", (15, 0), ("16",)),
        (Numbers("maps", "Maps", (1, 2), highest=15), "16", (1, 2), ("16",)),
        (Numbers("maps", "Maps", (1, 2), highest=15), "", (), ()),
    ],
)
def test_of_a_text_that_is_wrong_in_part_the_rest_is_read(option, text, value, wrong):
    assert option.read_in_part(text) == (value, wrong)
    assert option.accepts(value)
    if wrong:
        with pytest.raises(ValueError):  # noqa: PT011
            option.read(text)


def test_what_no_link_says_is_neither_written_nor_read():
    source = Choice("set", "Set", {"samples": "Samples", "zip": "A ZIP", "folder": "A folder"}, unlinked=("zip",))
    assert [source.linked(value) for value in source.values] == [None, None, "folder"]
    assert source.accepts("zip")
    assert source.read_in_part("zip") == ("samples", ("zip",))
