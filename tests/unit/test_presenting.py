"""What the arrow keys of a page that is presented go through."""

import pytest

from pages.common.presenting import Position, step

SHEETS = {"conv1": (2, 0, 1), "relu1": (0, 1, 2), "conv2": (0, 1, 2, 3)}  # of which one layer fills the screen
ON_ONE_PAGE = {"1": (17, 4), "2": (30, 4), "3": (4, 30)}


def after(layers, at, keys, has_sheets=False):
    for key in keys.split():
        at = step(layers, at, key, has_sheets)
    return at


@pytest.mark.parametrize("key", ["left", "right", "up", "down"])
def test_where_nothing_is_open_the_first_press_opens_the_first_unit_of_the_first_layer(key):
    assert step(ON_ONE_PAGE, Position(), key) == Position("1", 17)


def test_units_follow_the_order_in_which_they_are_shown_and_the_ends_stop():
    assert after(SHEETS, Position("conv1", 2), "right") == Position("conv1", 0)
    assert after(SHEETS, Position("conv1", 2), "right right right right") == Position("conv1", 1)
    assert after(SHEETS, Position("conv1", 2), "left left") == Position("conv1", 2)
    assert after(SHEETS, Position("conv1", 2), "right left") == Position("conv1", 2)


def test_layers_follow_one_another_and_the_ends_stop():
    assert after(ON_ONE_PAGE, Position("1", 17), "up") == Position("1", 17)
    assert after(ON_ONE_PAGE, Position("1", 17), "down") == Position("2", 30)
    assert after(ON_ONE_PAGE, Position("3", 4), "down") == Position("3", 4)


def test_another_layer_begins_with_its_first_unit_or_with_its_sheet():
    assert after(ON_ONE_PAGE, Position("1", 4), "down") == Position("2", 30)  # though it has a 4, too
    assert after(ON_ONE_PAGE, Position("2", 4), "up") == Position("1", 17)
    assert after(SHEETS, Position("relu1", 2), "down", has_sheets=True) == Position("conv2")
    assert after(SHEETS, Position("conv2", 2), "up", has_sheets=True) == Position("relu1")


def test_layers_that_number_their_units_alike_keep_the_unit():
    assert after(SHEETS, Position("conv1", 1), "down", has_sheets=True) == Position("relu1", 1)
    assert after(ON_ONE_PAGE, Position("2", 30), "down") == Position("3", 30)  # the second there


def test_a_sheet_leads_to_the_sheets_beside_it_and_to_its_first_unit():
    assert after(SHEETS, Position("conv1"), "down", has_sheets=True) == Position("relu1")
    assert after(SHEETS, Position("conv1"), "down right", has_sheets=True) == Position("relu1", 0)
    assert after({"conv1": ()}, Position("conv1"), "right", has_sheets=True) == Position("conv1")


def test_a_unit_that_is_not_among_those_shown_leads_to_the_first_of_them():
    assert after(ON_ONE_PAGE, Position("2", 99), "right") == Position("2", 30)


def test_of_a_single_layer_all_keys_go_through_the_units():
    assert after({"": range(3)}, Position("", None), "down down right") == Position("", 2)
    assert after({"": range(3)}, Position("", 2), "up left left") == Position("", 0)


def test_without_anything_to_go_through_nothing_happens():
    assert after({}, Position(), "right down") == Position()
