"""The window of a convolution in a real browser: it plays, it is dragged, and its sum is written where it stops."""

import re

import pytest

from tests.live.conftest import soon, still
from tests.live.test_page import PHONE, fits

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
LONG = 60_000  # milliseconds
FIRST = 64 + 9  # cell of the output


def at(page, app: str, link: str = ""):
    page.goto(f"{app}/convolution{link}")
    expect(page.get_by_text("What to keep, and the papers")).to_be_visible(timeout=LONG)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=LONG)
    return page


def drawing(page):
    """The window's drawing: those of the gradients may be there before it."""
    return page.locator(".st-key-convolution .sheets")


def chosen(page):
    return drawing(page).locator(".cell.chosen")


def windows_before(page) -> int:
    """How many windows come before the one that is shown."""
    return int(chosen(page).get_attribute("data-cell")) - FIRST


def test_it_plays_and_where_it_pauses_its_sum_is_written_out(page, app):
    at(page, app, "?so_far=on&output=0,0")
    page.get_by_role("button", name="Play", exact=True).first.click()
    soon(page, lambda: windows_before(page) >= 3)  # a busy machine may miss any one of them
    page.get_by_role("button", name="Pause", exact=True).first.click()
    stopped = windows_before(page)
    assert stopped >= 3
    expect(page.get_by_text(re.compile(rf"Window {stopped + 1} of 6×6"))).to_be_visible(timeout=LONG)
    expect(chosen(page)).to_have_attribute("data-cell", str(FIRST + stopped))
    written = drawing(page).locator(".number").filter(has_text=re.compile(r"\d"))
    expect(written).to_have_count(FIRST + stopped + 1)


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desktop", "telephone"])
def test_it_is_dragged_and_stays_where_it_is_let_go(new_page, app, look):
    page = at(new_page(**look), app)
    cells = [drawing(page).locator(f"[data-cell='{FIRST + number}']") for number in (7, 8, 14)]
    cells[0].scroll_into_view_if_needed()
    still(cells[0])
    places = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4) for box in (c.bounding_box() for c in cells)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=3)
    expect(chosen(page)).to_have_attribute("data-cell", str(FIRST + 8))
    page.mouse.move(*places[2], steps=3)
    expect(chosen(page)).to_have_attribute("data-cell", str(FIRST + 14))
    assert drawing(page).locator(".cell.lit").count() == 9 + 9 + 1
    assert "output=" not in page.url
    page.mouse.up()
    page.wait_for_url(re.compile(r"output=2(,|%2C)2"), timeout=LONG)
    expect(page.get_by_text("Window 15 of 6×6")).to_be_visible(timeout=LONG)
    fits(page)
