"""The field to draw a digit in, in a real browser."""

import re

import pytest

from tests.live.conftest import still
from tests.live.test_page import fits

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser

SEVEN = [(0.25, 0.2), (0.5, 0.2), (0.75, 0.2), (0.6, 0.5), (0.45, 0.8)]  # in sides of the field
SOON = 30_000


def opened(page, app):
    """The field on the page of LeNet-5's layers, scrolled into view, and its box."""
    page.goto(f"{app}/layers?network=lenet5&sample=digit_3")
    paper = page.get_by_role("img", name="Field to draw a digit in")
    expect(paper).to_be_visible(timeout=SOON)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SOON)
    paper.scroll_into_view_if_needed()
    return paper, still(paper)


def places(box: dict, points) -> list[tuple[float, float]]:
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]


def test_a_digit_is_classified_while_it_is_drawn_and_becomes_the_picture(page, app):
    _paper, box = opened(page, app)
    answer, used = page.locator(".drawing output"), page.get_by_role("button", name="Use this picture")
    undo, clear = (page.get_by_role("button", name=name, exact=True) for name in ("Undo", "Clear"))
    expect(used).to_be_disabled()
    (first, *others) = places(box, SEVEN)
    page.mouse.move(*first)
    page.mouse.down()
    for place in others:
        page.mouse.move(*place, steps=3)
    expect(answer).to_have_text(re.compile(r"7 · 9\d"), timeout=SOON)  # the pen is still down
    page.mouse.up()
    for place in places(box, [(0.1, 0.9), (0.9, 0.9)]):  # dots that do not belong there
        page.mouse.click(*place)
    expect(answer).not_to_have_text(re.compile(r"7 · 9\d"), timeout=SOON)
    undo.focus()
    for _ in range(2):
        page.keyboard.press("Enter")
    expect(answer).to_have_text(re.compile(r"7 · 9\d"), timeout=SOON)
    used.click()
    expect(page.get_by_text(re.compile("^digit.png, as the network sees it: 32×32 pixels"))).to_be_visible(timeout=SOON)
    expect(page).not_to_have_url(re.compile("sample="), timeout=SOON)
    clear.click()
    expect(answer).to_have_text("", timeout=SOON)
    expect(used).to_be_disabled()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_one_draws_and_sees_the_probabilities_without_scrolling(new_page, app, width, height):
    page = new_page(viewport={"width": width, "height": height})
    page.goto(f"{app}/layers?network=lenet5")
    bars = page.locator(".drawing .bar")
    expect(bars).to_have_count(10, timeout=SOON)
    for what in (
        page.get_by_role("img", name="Field to draw a digit in"),
        bars.last,
        page.locator(".strip .saw").first,
    ):
        expect(what).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Use this picture")).to_be_in_viewport(ratio=1)


def test_a_finger_draws_and_does_not_scroll_the_page(new_page, app):
    page = new_page(viewport={"width": 390, "height": 800}, has_touch=True)
    paper, box = opened(page, app)
    browser = page.context.new_cdp_session(page)

    def touch(kind: str, *at: tuple[float, float]) -> None:
        browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in at]})

    (first, *others) = places(box, SEVEN)
    touch("touchStart", first)
    for place in others:
        touch("touchMove", place)
    touch("touchEnd")
    expect(page.locator(".drawing output")).to_have_text(re.compile(r"7 · \d"), timeout=SOON)
    assert paper.bounding_box()["y"] == pytest.approx(box["y"], abs=1)
    fits(page)
