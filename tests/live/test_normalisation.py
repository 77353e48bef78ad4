"""Internal covariate shift in a real browser: two networks are trained, and the range of C5's inputs moves."""

import re

import pytest

from tests.live.conftest import soon, still
from tests.live.test_page import PHONE, fits

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
LONG = 240_000  # milliseconds


def at(page, app: str, link: str = ""):
    page.goto(f"{app}/normalisation{link}")
    expect(page.get_by_text("What to keep, and the papers")).to_be_visible(timeout=LONG)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=LONG)
    return page


def charts(page):
    """Two bands and two histograms, below the heading."""
    return page.get_by_text(re.compile("after 124 steps")).first


def spans(page, before: list[float] | None = None) -> list[float]:
    """How much wider the middle 90 % became, without batch norm and with it: by the charts' own numbers.

    Args:
        before: what they were, which they are no longer.
    """
    return page.wait_for_function(
        """before => {
            const plots = document.querySelectorAll('[class*=st-key-bands-with] .js-plotly-plot');
            if (plots.length !== 2 || ![...plots].every(plot => plot.data?.length)) return null;
            const spans = [...plots].map(plot => {
                const last = plot.data.slice(0, 2).map(trace => Array.from(trace.y).at(-1));
                const first = plot.data.slice(0, 2).map(trace => trace.y[0]);
                return Math.abs(last[0] - last[1]) / Math.abs(first[0] - first[1]);
            });
            return spans[0] === before?.[0] ? null : spans;
        }""",
        arg=before,
        timeout=LONG,
    ).json_value()


def test_once_predicted_both_networks_are_trained_and_another_seed_trains_them_anew(page, app):
    at(page, app)
    expect(page.get_by_role("button", name="Train both networks")).to_have_count(0)
    page.get_by_role("button", name="more than ten times", exact=True).click()
    page.get_by_role("button", name="Train both networks").click()
    expect(charts(page)).to_be_visible(timeout=LONG)
    before = spans(page)
    assert before[0] > 10
    assert before[1] < 1.5
    seed = page.get_by_role("spinbutton", name="Seed", exact=True)
    seed.fill("3")
    seed.press("Enter")
    page.wait_for_url(re.compile(r"seed=3\b"), timeout=LONG)
    expect(charts(page)).to_be_visible(timeout=LONG)
    spans(page, before)


def test_a_link_with_a_seed_begins_at_once_and_fits_a_telephone(new_page, app):
    page = at(new_page(**PHONE), app, "?covariate_guess=3&train=on&seed=5")
    expect(charts(page)).to_be_visible(timeout=LONG)
    expect(page.get_by_role("spinbutton", name="Seed", exact=True)).to_have_value("5")
    fits(page)


def test_cells_follow_a_slider_before_it_is_let_go(page, app):
    at(page, app)
    label = page.get_by_test_id("stWidgetLabel").get_by_text("α", exact=True)
    slider = page.get_by_test_id("stSlider").filter(has=label).first
    slider.scroll_into_view_if_needed()
    cell = page.locator(".st-key-lrn .sheets [data-cell='129']")
    before, track = cell.get_attribute("aria-label"), still(slider.locator("[data-rac] [data-rac]").first)

    def follows() -> bool:
        for part in (0.85, 0.9):  # once what the slider reaches has come, it follows the next move
            page.mouse.move(track["x"] + track["width"] * part, track["y"] + track["height"] / 2, steps=3)
        return cell.get_attribute("aria-label") != before

    page.mouse.move(track["x"], track["y"] + track["height"] / 2)
    page.mouse.down()
    soon(page, follows)
    expect(slider.locator("input[type=range]")).to_have_attribute("aria-valuetext", "0.01")
    page.evaluate("() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))")
    dragged = cell.get_attribute("aria-label")
    assert "alpha=" not in page.url
    page.mouse.up()
    page.wait_for_url(re.compile(r"alpha=0\.01"), timeout=LONG)
    expect(cell).to_have_attribute("aria-label", dragged)
