"""Every option of every page and its link: what a link sets is set on the page, and stands in the address again."""

from typing import Any

import pytest

from models.options import Choice, Number, Numbers, Option, Several, Switch
from pages.common import asking
from tests.app.visit import ROUTES, Visit

OF_FRAME = ("network", "sample", "weights", "device", "state")


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
    assert {one: visit.link[one] for one in shown if asked[one][1] != asked[one][0].usual} == {
        one: link[one] for one in shown
    }
