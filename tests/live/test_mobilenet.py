"""The page “MobileNet's multipliers” in a real browser: everything follows a slider while it is dragged."""

import re

import pytest

from tests.live.test_page import fits
from vis.cost.mobilenet import MobileNet
from vis.figures.numbers import grouped

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}}


def at(page, app: str, link: str = ""):
    """The page, when everything on it is there."""
    page.goto(f"{app}/mobilenet{link}")
    expect(page.get_by_text("What the multipliers do, and where the numbers come from")).to_be_visible(timeout=60_000)
    expect(macs(page)).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    return page


def slider(page, name: str):
    return page.get_by_role("slider", name=name)


def grip(page, name: str, place: int):
    """Where the thumb of a slider is at this place of its values, for the mouse."""
    box = slider(page, name).bounding_box()
    part = place / int(slider(page, name).get_attribute("max"))
    return box["x"] + 8 + part * (box["width"] - 16), box["y"] + box["height"] / 2


def macs(page):
    return page.locator(".reading .value").first


def mark_is(page, kind: str) -> None:
    """The mark of the network on the paper's sixteen is a cell's frame, or a ring, within some seconds."""
    expect(page.locator("rect.mark")).to_have_attribute("width", {"frame": "76", "ring": "16"}[kind])


def says(page, network: MobileNet) -> None:
    expect(macs(page)).to_have_text(grouped(network.macs), timeout=10_000)


def first_bar(page) -> float:
    """How wide the bar of the first layer is, in pixels."""
    return page.locator(".stack .kind").first.bounding_box()["width"]


def test_numbers_bars_and_the_mark_follow_a_slider_that_is_still_held(page, app):
    at(page, app)
    says(page, MobileNet())
    mark_is(page, "frame")
    whole = first_bar(page)
    page.mouse.move(*grip(page, "Width", 19))
    page.mouse.down()
    page.mouse.move(*grip(page, "Width", 12), steps=4)
    said = slider(page, "Width").get_attribute("aria-valuetext")
    assert 0.6 <= float(said) <= 0.75
    says(page, MobileNet(float(said)))
    page.mouse.move(*grip(page, "Width", 7), steps=4)
    said = slider(page, "Width").get_attribute("aria-valuetext")
    says(page, MobileNet(float(said)))
    assert first_bar(page) < 0.6 * whole
    mark_is(page, "ring")  # 0.4 is none of the paper's widths
    page.mouse.up()
    says(page, MobileNet(float(said)))
    expect(page).to_have_url(re.compile(rf"width={float(said)}\b"))
    page.get_by_role("button", name="Width α: 0.50").click()
    says(page, MobileNet(0.5))
    mark_is(page, "frame")
    expect(page).to_have_url(re.compile(r"width=0.5\b"))
    light = page.locator("figure.grid img").get_attribute("src")
    page.emulate_media(color_scheme="dark")  # a visitor's evening begins
    expect(page.locator("figure.grid img")).not_to_have_attribute("src", light)
    says(page, MobileNet(0.5))


def test_a_drag_is_no_step_of_the_browsers_history_but_in_the_address_when_it_ends(page, app):
    at(page, app)
    before = page.evaluate("history.length")
    page.mouse.move(*grip(page, "Width", 19))
    page.mouse.down()
    for place in (16, 13, 10):
        page.mouse.move(*grip(page, "Width", place), steps=4)
        page.wait_for_timeout(400)
    said = float(slider(page, "Width").get_attribute("aria-valuetext"))
    says(page, MobileNet(said))
    assert "width" not in page.url
    page.mouse.up()
    expect(page).to_have_url(re.compile(rf"width={said:g}\b"))
    assert page.evaluate("history.length") == before  # a step is a page, or a unit on it


def test_its_link_restores_what_was_set(page, app):
    at(page, app)
    slider(page, "Resolution").focus()
    page.keyboard.press("Home")
    says(page, MobileNet(resolution=32))
    expect(page).to_have_url(re.compile(r"\bresolution=32\b"))  # the numbers come before the server has heard of it
    page.wait_for_timeout(600)  # which is when the slider has said its last
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    page.get_by_role("radio", name="full 3×3").click()
    expect(page.get_by_role("radio", name="full 3×3")).to_be_checked()
    network = MobileNet(resolution=32, separable=False)
    says(page, network)
    expect(page).to_have_url(re.compile(r"(?=.*\bresolution=32\b).*\bconvolutions=full\b"))
    page.reload()
    says(page, network)
    expect(slider(page, "Resolution")).to_have_attribute("aria-valuetext", "32")
    expect(page.get_by_role("radio", name="full 3×3")).to_be_checked()


def test_it_is_not_wider_than_a_telephone_and_its_table_is_taken_away(new_page, app):
    page = at(new_page(**PHONE, color_scheme="dark"), app, "?width=0.5&resolution=320&convolutions=full")
    network = MobileNet(0.5, 320, separable=False)
    says(page, network)
    fits(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Table of layers (CSV)").click()
    assert download.value.suggested_filename == "convscope-mobilenet-0.5-320.csv"
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(network.layers)
    assert lines[1].startswith("conv1,conv,3×3×3×16,2,1,1,1,3×320×320,16×160×160,")
