"""Every option of every page and its link: what a link sets is set on the page, and stands in the address again."""

import time
from typing import Any

import pytest

from models.options import Choice, Number, Numbers, Option, Several, Switch
from pages.common import asking, chooser
from tests.app.visit import ROUTES, Visit, a_moment
from vis.cost.design import as_code
from vis.cost.presets import PRESETS

OF_FRAME = ("network", "sample", "part", "weights", "device", "state")


@pytest.fixture
def asked(monkeypatch) -> dict[str, tuple[Option, Any]]:
    """What the pages ask from now on and how it is answered, by the names in the address."""
    found: dict[str, tuple[Option, Any]] = {}
    noted = asking.note

    def note(option: Option, value: Any, prefix: str = "") -> None:
        found[prefix + option.name] = option, value
        noted(option, value, prefix)

    monkeypatch.setattr(asking, "note", note)
    return found


def another(option: Option) -> Any:
    """A value that is not the usual one; None where there is no other."""
    match option:
        case Choice():
            others = [value for value in option.values if value not in (option.usual, None)]
            return others[-1] if others else None
        case Number():
            near = (option.usual or option.least) + option.step
            value = near if near <= option.most else option.least
            return value if value != option.usual else None
        case Switch():
            return not option.usual
        case Several():
            return next(((value,) for value in option.values if (value,) != option.usual), None)
        case Numbers():
            return (1, 0)


@pytest.mark.parametrize("name", ROUTES)
def test_a_link_sets_every_option_of_its_page_and_the_address_says_so_again(name, asked):
    usual = Visit(ROUTES[name], network="lenet5").link
    link = {
        option_name: option.written(value)
        for option_name, (option, _) in asked.items()
        if option_name not in OF_FRAME and (value := another(option)) is not None
    }
    asked.clear()
    visit = Visit(ROUTES[name], **usual | link)
    assert not visit.errors
    shown = asked.keys() & link.keys()
    assert bool(shown) is bool(link)
    assert {one: asked[one][0].written(asked[one][1]) for one in shown} == {one: link[one] for one in shown}
    assert not visit.at.toast
    assert {one: visit.link[one] for one in shown if asked[one][1] != asked[one][0].usual} == {
        one: link[one] for one in shown
    }


UNITS = {  # what links say beside the options, by the pages that they are to
    "layers": {"layer": "C3", "map": "5", "at": "2,7", "also": "features.relu1"},
    "activations": {"layer": "features.c3", "map": "5", "at": "2,7"},
    "filters": {"layer": "features.c3", "filter": "2", "output": "3"},
    "top9": {"layer": "C3", "map": "5", "nine": "5,2", "folder": "."},
    "architecture": {"open_left": "*", "node_left": "features.c3"},
    "stack": {"stack": as_code(PRESETS["lenet5"].rows), "picture": "1x32x32"},
}


def arrived(visit: Visit) -> Visit:
    """The visit when what its page searches by itself is there."""
    end = time.monotonic() + 60
    while visit.at.title[0].value == "Top nine pictures" and visit.at.get("progress") and time.monotonic() < end:
        a_moment()
        visit.run()
    return visit


@pytest.mark.parametrize("name", ROUTES)
def test_a_links_details_are_read_by_the_page_alone_that_it_opened(name, asked, tmp_path, monkeypatch):
    """The page is opened from another one, whose link had said everything that this page can be told."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    other = ROUTES["home" if name != "home" else "separable"]
    visit = Visit(other, network="lenet5")
    asked.clear()
    usual = arrived(visit.go(ROUTES[name]))
    of_frame = {one: usual.link[one] for one in OF_FRAME if one in usual.link}
    details = UNITS.get(name, {}) | {
        option_name: option.written(value)
        for option_name, (option, _) in asked.items()
        if option_name not in OF_FRAME and (value := another(option)) is not None
    }
    visit = Visit(other, **of_frame, **details)
    asked.clear()
    arrived(visit.go(ROUTES[name]))
    assert visit.link == usual.link
    assert {one: value for one, (option, value) in asked.items() if one in details and value != option.usual} == {}
    assert not visit.at.toast


@pytest.mark.parametrize("name", ROUTES)
def test_what_a_link_says_of_the_frame_holds_for_every_page(name):
    frame = {"network": "lenet5", "sample": "coins", "weights": "random", "language": "vi"}
    visit = Visit(ROUTES["separable" if name == "home" else "home"], **frame).go(ROUTES[name])
    assert {one: visit.link.get(one) for one in frame} == frame


@pytest.mark.parametrize("other", ["kernels", "milliseconds"])
def test_what_several_pages_share_is_the_same_when_one_goes_to_another(other):
    visit = Visit(ROUTES["bottleneck"], numbers="short", charts="png").go(ROUTES[other])
    assert (visit.link["numbers"], visit.link["charts"]) == ("short", "png")


@pytest.mark.parametrize(
    ("page", "option", "value", "instead", "title"),
    [
        ("top9", "set", "zip", "samples", "Set of pictures"),
        ("layers", "weights", "file", "auto", "Weights"),
        ("milliseconds", "device", "cpu", "mps", "Device"),
    ],
)
def test_what_only_its_visitor_has_is_in_no_link_and_taken_from_none(page, option, value, instead, title, monkeypatch):
    if option == "device":
        monkeypatch.setattr(chooser, "available", lambda: ("mps", "cpu"))  # nothing is run there
    visit = Visit(ROUTES[page], network="lenet5", searched="C1", **{option: value})
    assert visit.widget(option).value == instead
    assert option not in visit.link
    (toast,) = visit.at.toast
    assert f"“{value}” for “{title}” is not possible" in toast.value
    assert option not in visit.choose(**{option: value}).link
    assert visit.widget(option).value == value


@pytest.mark.parametrize(
    ("name", "value", "stop"),
    [
        *(("width", value, stop) for value, stop in (("0.333", "0.35"), ("0.32", "0.3"), ("1.99", "2.0"))),
        ("resolution", "192", "192"),
        *(("classes", value, stop) for value, stop in (("900", None), ("140", "100"), ("21841", "21841"))),
        *(("width", value, None) for value in ("1.01", "1")),
    ],
)
def test_a_link_between_two_stops_of_a_slider_goes_to_the_nearest(name, value, stop):
    """By hand: the width goes by 0.05 up to 2, the resolution by 1; of classes there are 100, 200, 500 and 1000."""
    visit = Visit(ROUTES["mobilenet"], **{name: value})
    assert visit.link.get(name) == stop
    assert not visit.at.toast


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", "2.01"),
        ("width", "nan"),
        ("width", "0"),
        ("resolution", "160.4"),
        ("classes", "1"),
        ("classes", "many"),
    ],
)
def test_a_link_beyond_the_ends_of_a_slider_leaves_it_as_usual_and_says_so(name, value):
    visit = Visit(ROUTES["mobilenet"], **{name: value})
    assert name not in visit.link
    (toast,) = visit.at.toast
    assert f"“{value}”" in toast.value.replace("\\", "")


@pytest.mark.parametrize(("value", "stop"), [("2", None), ("4", "3"), ("7", "7"), ("10", "9")])
def test_a_link_between_two_whole_stops_goes_to_the_lower_of_two_that_are_as_near(value, stop):
    """The side of a kernel is odd, 1 to 11; 5 is usual."""
    visit = Visit(ROUTES["bottleneck"], block="bottleneck", kernel=value)
    assert visit.link.get("kernel") == (stop or "1")


@pytest.mark.parametrize(
    ("page", "link", "said"),
    [
        ("layers", {"network": "zfnet_mini", "layer": "9", "map": "3"}, "“9” for “layer”"),
        ("architecture", {"network": "lenet5", "open_left": "nonsense"}, "“nonsense” for “block”"),
        ("architecture", {"network": "lenet5", "node_left": "foo"}, "“foo” for “layer”"),
        ("pooling", {"language": "xx"}, "“xx” for “language”"),
    ],
)
def test_what_a_link_says_of_a_network_that_has_no_such_thing_is_named(page, link, said):
    visit = Visit(ROUTES[page], **link)
    assert [toast for toast in visit.at.toast if said in toast.value]
    assert not visit.errors
