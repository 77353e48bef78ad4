"""The pages that explain, in a real browser: a picture is clicked, a place is covered, and Back undoes both."""

import re

import pytest

from tests.live.conftest import close_ups, resize, soon
from tests.live.test_page import PHONE, click_cell, fits

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
LAST = "Input × gradient: "


def picture(page, name: str):
    return page.get_by_role("grid", name=re.compile(f"^{name}"))


def settled(page, last: str):
    """The page, when its last picture is there and nothing runs any more."""
    expect(picture(page, last)).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    return page


def top(page, name: str) -> float:
    return picture(page, name).bounding_box()["y"]


def test_maps_are_there_without_a_click_one_opens_at_a_click_and_closes_with_back(page, app):
    page.goto(f"{app}/attribution?network=zfnet_mini&sample=coffee")
    settled(page, LAST)
    first = picture(page, "Grad-CAM: ")
    assert first.bounding_box()["y"] < 500
    click_cell(first, 0, 0)
    expect(close_ups(page)).to_have_text(re.compile("^Grad-CAM · "))
    expect(page).to_have_url(re.compile("closely=grad_cam"))
    settled(page, LAST).go_back()
    expect(close_ups(page)).to_have_count(0)
    expect(page).to_have_url(re.compile("/attribution"))
    resize(settled(page, LAST), **PHONE["viewport"])
    fits(page)
    soon(page, lambda: abs(top(page, "LayerCAM") - top(page, "Guided")) <= 2)  # two in a line


def test_a_covered_place_is_looked_at_and_closed_with_back(page, app):
    page.goto(f"{app}/occlusion?network=zfnet_mini&sample=coffee")
    start, last = page.get_by_role("button", name="Start"), picture(page, "Most probable class")
    expect(start.or_(last)).to_be_visible(timeout=60_000)
    if start.is_visible():  # a machine on which this takes more than a moment is asked first
        start.click()
    settled(page, "Most probable class")
    click_cell(picture(page, "Probability: "), 2, 3)
    expect(close_ups(page)).to_have_text("Covered: rows 16–31, columns 24–39")
    settled(page, "Most probable class").go_back()
    expect(close_ups(page)).to_have_count(0)
    click_cell(picture(page, "The picture"), 4, 1)
    expect(close_ups(page)).to_have_text("Covered: rows 32–47, columns 8–23")
