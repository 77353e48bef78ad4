import pytest

from pages.common.components.sliders import MOST_STOPS, Slider, _fits, _named, _nearest, live_sliders, stops

SLIDERS = [Slider("width", "Width", (0.25, 0.5, 1.0)), Slider("side", "Side", range(32, 321))]


@pytest.mark.parametrize("places", [[0, 0], [2, 288]])
def test_a_place_of_every_slider_is_believed(places):
    assert _fits(places, SLIDERS)


@pytest.mark.parametrize(
    "places", [None, [], [0], [0, 0, 0], [3, 0], [-1, 0], [0, 289], [0.5, 0], [True, 0], ["0", 0], {"width": 0}, "00"]
)
def test_what_a_browser_makes_up_is_not(places):
    assert not _fits(places, SLIDERS)


@pytest.mark.parametrize(("value", "place"), [(0.3, 0), (0.8, 2), (5, 2), (-1, 0), (0.5, 1)])
def test_a_value_between_two_is_shown_at_the_nearest(value, place):
    assert _nearest(SLIDERS[0].values, value) == place


@pytest.mark.parametrize(
    "slider", [Slider("a", "A", ()), Slider("a", "A", (1, 2), (3,)), Slider("a", "A", range(5001))]
)
def test_a_slider_that_cannot_be_is_an_error(slider):
    with pytest.raises(ValueError, match="'a' of 'key'"):
        live_sliders([slider], {"a": 1}, "key", on_change=print)


def test_a_pointer_stops_at_few_of_many_values_at_round_ones_at_the_marks_and_at_both_ends():
    slider = Slider("maps", "Maps", range(1, 1025), (1, 37, 512))
    found = [slider.values[place] for place in stops(slider)]
    assert found == sorted({1, 37, *range(4, 1025, 4)})
    assert stops(Slider("side", "Side", range(32, 32 + MOST_STOPS))) == [*range(MOST_STOPS)]


@pytest.mark.parametrize(
    ("place", "name"), [(1, "side"), (2, None), (-1, None), (True, None), (None, None), ("0", None)]
)
def test_the_slider_that_a_browser_is_at_is_one_of_them_or_none(place, name):
    assert _named(place, SLIDERS) == name
