"""The live sliders in a real browser."""

import re
import time
from pathlib import Path

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

SCRIPT = Path(__file__).with_name("sliders_page.py")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def address(server) -> str:
    return server(SCRIPT)


@pytest.fixture
def opened(page, address):
    return open_at(page, address)


def open_at(page, address, link=""):
    page.goto(address + link)
    expect(page.get_by_text("width 1.0, side 224")).to_be_visible(timeout=30_000)
    return page


def slider(page, name):
    return page.get_by_role("slider", name=name)


def grip(page, name, part):
    """Where the thumb of a slider is at this part of its track, for the mouse."""
    box = slider(page, name).bounding_box()
    return box["x"] + 8 + part * (box["width"] - 16), box["y"] + box["height"] / 2


def says(page, words):
    expect(page.get_by_text(words)).to_be_visible()


def answers(page) -> int:
    return int(re.search(r"answers (\d+)", page.locator("body").inner_text())[1])


def test_python_hears_a_slider_while_it_is_dragged(opened):
    opened.mouse.move(*grip(opened, "Resolution", (224 - 32) / 288))
    opened.mouse.down()
    for part in (0.6, 0.55, 0.5):
        opened.mouse.move(*grip(opened, "Resolution", part))
        opened.wait_for_timeout(300)
    said = slider(opened, "Resolution").get_attribute("aria-valuetext")
    says(opened, f"width 1.0, side {said}")  # the button is still held down
    says(opened, "held")
    assert abs(int(said) - 176) <= 2
    opened.mouse.up()
    says(opened, f"width 1.0, side {said}")
    says(opened, "at rest")


def test_the_last_value_of_a_fast_drag_arrives_and_a_slow_server_is_not_asked_more_than_it_answers(page, address):
    open_at(page, address, "?slow=0.2")
    page.mouse.move(*grip(page, "Width", 0.5))
    page.mouse.down()
    begun = time.perf_counter()
    for step in range(60):
        page.mouse.move(*grip(page, "Width", 0.5 + step / 120))
        page.wait_for_timeout(16)
    page.mouse.up()
    said = slider(page, "Width").get_attribute("aria-valuetext")
    assert said in ("1.95", "2.00")
    says(page, f"width {float(said)}")
    assert 2 <= answers(page) <= (time.perf_counter() - begun) / 0.2 + 1


def test_a_preset_moves_the_sliders(opened):
    opened.get_by_role("button", name="Preset").click()
    says(opened, "width 0.5, side 160")
    expect(slider(opened, "Width")).to_have_attribute("aria-valuetext", "0.50")
    expect(slider(opened, "Resolution")).to_have_value(str(160 - 32))


def test_the_keyboard_steps_and_names_are_text(opened):
    width = slider(opened, "Width")
    width.focus()
    opened.keyboard.press("ArrowRight")
    says(opened, "width 1.05")
    says(opened, "at rest")
    opened.keyboard.press("Home")
    says(opened, "width 0.05")
    expect(width).to_have_attribute("aria-valuetext", "0.05")
    assert opened.locator(".st-key-calculator b").count() == 0
    expect(opened.get_by_text("Width α <b>bold</b>")).to_be_visible()


def test_a_dragged_thumb_snaps_to_a_mark(opened):
    opened.mouse.move(*grip(opened, "Resolution", 0.9))
    opened.mouse.down()
    opened.mouse.move(*grip(opened, "Resolution", (193 - 32) / 288), steps=5)
    says(opened, "side 192")
    opened.mouse.up()
    says(opened, "side 192")


def test_fits_a_telephone(new_page, address):
    page = open_at(new_page(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True), address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert slider(page, "Width").bounding_box()["height"] >= 24
