import pytest

from pages.common.components.sliders import Slider, _fits, _nearest, live_sliders

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
