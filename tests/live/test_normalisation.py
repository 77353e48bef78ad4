"""Internal covariate shift in a real browser: two networks are trained, and the range of C5's inputs moves."""

import re

import pytest

from tests.live.test_page import PHONE, fits

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
LONG = 240_000  # milliseconds


def at(page, app: str, link: str = ""):
    page.goto(f"{app}/normalisation{link}")
    expect(page.get_by_text("What to keep, and the papers")).to_be_visible(timeout=LONG)
    return page


def charts(page):
    """Two bands and two histograms, below the heading."""
    return page.get_by_text(re.compile("after 124 steps")).first


def spans(page) -> list[float]:
    """How much wider the middle 90 % became, without batch norm and with it: by the charts' own numbers."""
    drawn = "[...document.querySelectorAll('.js-plotly-plot')].slice(-4).filter(plot => plot.data?.length).length === 4"
    page.wait_for_function(drawn, timeout=LONG)
    return page.evaluate(
        """() => [...document.querySelectorAll('.js-plotly-plot')].slice(-4, -2).map(plot => {
            const last = plot.data.slice(0, 2).map(trace => Array.from(trace.y).at(-1));
            const first = plot.data.slice(0, 2).map(trace => trace.y[0]);
            return Math.abs(last[0] - last[1]) / Math.abs(first[0] - first[1]);
        })"""
    )


def test_once_predicted_both_networks_are_trained_and_another_seed_trains_them_anew(page, app):
    at(page, app)
    expect(page.get_by_role("button", name="Train both networks")).to_have_count(0)
    page.get_by_role("button", name="more than ten times", exact=True).click()
    page.get_by_role("button", name="Train both networks").click()
    expect(charts(page)).to_be_visible(timeout=LONG)
    without, with_norm = spans(page)
    assert without > 10
    assert with_norm < 1.5
    seed = page.get_by_role("spinbutton", name="Seed", exact=True)
    seed.fill("3")
    seed.press("Enter")
    page.wait_for_url(re.compile(r"seed=3\b"), timeout=LONG)
    expect(charts(page)).to_be_visible(timeout=LONG)
    assert spans(page)[0] != without


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
    cell = page.locator(".sheets [data-cell='129']").first
    before, track = cell.get_attribute("aria-label"), slider.locator("[data-rac] [data-rac]").first.bounding_box()
    page.mouse.move(track["x"], track["y"] + track["height"] / 2)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] * 0.9, track["y"] + track["height"] / 2, steps=5)
    expect(slider.locator("input[type=range]")).to_have_attribute("aria-valuetext", "0.01")
    page.evaluate("() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))")
    expect(cell).not_to_have_attribute("aria-label", before)
    dragged = cell.get_attribute("aria-label")
    assert "alpha=" not in page.url
    page.mouse.up()
    page.wait_for_url(re.compile(r"alpha=0\.01"), timeout=LONG)
    expect(cell).to_have_attribute("aria-label", dragged)
