"""The CIFAR-10 arena in a real browser."""

import re

import pytest

from tests.live.test_page import PHONE, sideways_room

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser


def at(page, app: str, link: str = ""):
    """The page with the names in its chart, when all of it is there."""
    page.goto(f"{app}/arena?small_guess=2{link}")
    expect(page.locator(".js-plotly-plot").first.locator(".point").first).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    return page


def test_a_clicked_point_shows_its_network_closely(page, app):
    at(page, app)
    chart = page.locator(".js-plotly-plot").first
    chart.scroll_into_view_if_needed()
    number = chart.evaluate("plot => plot.data[1].customdata.findIndex(([name]) => name === 'cifar_vgg')")
    box = chart.locator(".point").nth(number).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile("closely=cifar_vgg"), timeout=30_000)
    expect(page.get_by_role("combobox", name="Network", exact=True)).to_have_value("VGG")


@pytest.mark.parametrize(("axis", "language"), [("macs", "en"), ("core_seconds", "vi")])
def test_fits_a_telephone_and_no_two_names_overlap(new_page, app, axis, language):
    page = at(new_page(**PHONE, has_touch=True), app, f"&axis={axis}&language={language}")
    assert sideways_room(page) <= 0
    boxes = [text.bounding_box() for text in page.locator(".js-plotly-plot").first.locator(".textpoint text").all()]
    boxes = [box for box in boxes if box and box["width"] > 0]
    assert len(boxes) >= 8
    plot = page.locator(".js-plotly-plot .main-svg").first.bounding_box()
    for i, a in enumerate(boxes):
        assert plot["x"] <= a["x"]
        assert a["x"] + a["width"] <= plot["x"] + plot["width"]
        for b in boxes[:i]:
            is_beside = a["x"] + a["width"] <= b["x"] + 1 or b["x"] + b["width"] <= a["x"] + 1
            is_above = a["y"] + a["height"] <= b["y"] + 3 or b["y"] + b["height"] <= a["y"] + 3
            assert is_beside or is_above
