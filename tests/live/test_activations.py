"""The page “Activations” in a real browser: a tile, a position, and the arithmetic behind its value."""

import re

import pytest

from models import load
from models.decoding import decoded
from pages.common.cache import sample
from tests.live.conftest import close_ups
from tests.live.test_page import PHONE, click_cell, fits
from vis.trace import record

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def address(app) -> str:
    return f"{app}/activations"


def at(page, address: str, link: str = ""):
    """The page, when everything on it is there."""
    page.goto(f"{address}{link}")
    return settled(page)


def settled(page):
    expect(page.get_by_text("What is shown here, and how to read it")).to_be_visible(timeout=60_000)
    expect(sheet(page)).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    return page


def sheet(page):
    return page.get_by_role("grid", name=re.compile("All feature maps of"))


def ledger(page) -> dict[str, float]:
    lines = page.get_by_test_id("stCode").first.inner_text().splitlines()
    terms = (line.rsplit(" ", 1) for line in lines if line.strip() and not line.startswith("─"))
    return {name.strip(): float(number.replace("−", "-")) for name, number in terms}


def test_a_tile_and_a_position_are_clicked_and_the_sum_is_the_value_shown(page, address):
    at(page, address, "?network=zfnet_mini")
    click_cell(sheet(page), 0, 3)
    expect(close_ups(page)).to_have_text("features.relu1 · feature map 3")
    expect(page).to_have_url(re.compile("map=3"))
    click_cell(settled(page).get_by_role("grid", name="The feature map", exact=True), 56, 20)
    expect(page).to_have_url(re.compile("at=56%2C20|at=56,20"))
    shown = page.get_by_text(re.compile("features.conv1 · row 56, column 20: "))
    expect(shown).to_be_visible(timeout=30_000)
    settled(page)

    loaded = load("zfnet_mini", "shipped", "cpu")
    recording = record(loaded.model, loaded.preprocess(decoded(sample("coffee"))))
    value = recording.of("features.conv1")[0, 3, 56, 20].item()
    terms = ledger(page)
    assert terms["sum"] == pytest.approx(value, rel=1e-3)
    assert terms["sum"] == pytest.approx(terms["the network's value"], rel=1e-3)
    assert float(shown.inner_text().rsplit(" ", 1)[1].replace("−", "-")) == pytest.approx(value, rel=1e-3)
    expect(page.locator(".js-plotly-plot")).to_have_count(
        2, timeout=60_000
    )  # the numbers of the arithmetic, and the histogram


def test_a_click_changes_the_map_and_a_link_brings_it_back(page, new_page, address):
    at(page, address, "?network=lenet5&sort=maximum")
    click_cell(sheet(page), 1, 2)
    title = close_ups(page)
    expect(title).to_be_visible()
    words = title.inner_text()
    expect(page).to_have_url(re.compile("map=.*"))
    other = at(new_page(), address, page.url.partition("activations")[2])
    expect(close_ups(other)).to_have_text(words, timeout=60_000)
    expect(sheet(other)).to_have_attribute("aria-colcount", sheet(page).get_attribute("aria-colcount"))


def test_on_a_telephone_nothing_is_wider_than_the_window(new_page, address):
    page = at(new_page(**PHONE), address, "?network=zfnet_mini&layer=features.relu1&map=3&at=0,5")
    fits(page)
    expect(sheet(page)).to_be_visible()
