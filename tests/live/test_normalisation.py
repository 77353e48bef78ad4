"""Internal covariate shift in a real browser: two networks are trained, and the range of C5's inputs moves."""

import re

import pytest

from tests.live.test_page import PHONE, sideways_room

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
LONG = 90_000  # milliseconds


def at(page, app: str, link: str = ""):
    page.goto(f"{app}/normalisation{link}")
    expect(page.get_by_text("What to keep, and the papers")).to_be_visible(timeout=LONG)
    return page


def charts(page):
    """Two bands and two histograms, below the heading."""
    return page.get_by_text(re.compile("after 124 steps")).first


def spans(page) -> list[float]:
    """How wide the middle 90 % are at the end, without batch norm and with it: from the charts' own numbers."""
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
    assert sideways_room(page) <= 0
