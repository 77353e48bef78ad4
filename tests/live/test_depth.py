"""The page “Depth” in a real browser: its curves follow a hand, and a training goes on beside the page."""

import re

import pytest

from pages.learn.depth.begin import DEPTH
from tests.live.test_mobilenet import grip, slider
from tests.live.test_page import fits
from vis.concepts.depth import Stack, train
from vis.figures.numbers import scientific

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser


def first_gradient(depth: int) -> str:
    return scientific(next(train(Stack(depth, "residual", start="xavier"), 1, 0)).of_signals[0])


def test_curves_and_readings_follow_a_drag_without_the_server(page, app):
    page.goto(f"{app}/depth?shortcuts_guess=2")
    shown = page.locator(".readings .value").nth(1)
    expect(shown).to_have_text(first_gradient(50), timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    page.evaluate("WebSocket.prototype.send = () => {}")  # from now on the server hears nothing
    lines = set()
    page.mouse.move(*grip(page, "Layers", DEPTH.values.index(50)))
    page.mouse.down()
    for depth in (20, 100, 6, 32):
        page.mouse.move(*grip(page, "Layers", DEPTH.values.index(depth)), steps=3)
        expect(shown).to_have_text(first_gradient(depth), timeout=1000)
        lines.add(page.locator(".curve path.n1").first.get_attribute("d"))
    assert len(lines) == 4
    page.mouse.up()


def test_stacks_are_trained_beside_the_page_and_their_steps_follow_a_key(page, app):
    page.goto(f"{app}/depth?deeper_guess=3")
    page.get_by_role("button", name=re.compile("Train 14 stacks")).click(timeout=60_000)
    expect(page).to_have_url(re.compile("learning=on"))
    step = slider(page, "Training step")
    expect(step).to_be_visible(timeout=120_000)
    losses = page.locator(".readings .note")
    before = losses.nth(1).inner_text()
    step.focus()
    page.keyboard.press("Home")
    expect(losses.nth(1)).not_to_have_text(before)
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".curve").first).to_be_visible()
    fits(page)
