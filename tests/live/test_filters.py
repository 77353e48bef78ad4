"""The page “Filters” in a real browser, as its visitors use it."""

import re

import pytest

from models import load
from tests.live.test_page import click_cell, fits
from vis.figures.filters import columns_for
from vis.filters import kernels_of, measured

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
LAYER = "features.conv1"
PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def measures():
    return measured(kernels_of(load("zfnet_mini").model, LAYER))


def at(page, app: str, link: str = ""):
    """The page, when everything on it is there."""
    page.goto(f"{app}/filters{link}")
    return settled(page)


def settled(page):
    expect(page.get_by_text("What is shown here, and how it is measured")).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    return page


def tiles(page, layer: str = LAYER):
    return page.get_by_role("grid", name=f"Filters of {layer}", exact=True)


def click(page, place: int, count: int = 64) -> None:
    """Clicks the tile at this place of the sheet."""
    click_cell(tiles(page), *divmod(place, columns_for(count)))


def test_a_clicked_tile_tells_its_numbers_in_any_order_and_its_link_restores_both(page, app, new_page, measures):
    at(page, app, "?network=zfnet_mini")
    click(page, 10)
    expect(page.get_by_role("heading", level=2, name="Filter 10", exact=True)).to_be_visible(timeout=30_000)
    expect(page.get_by_text(f"RMS {measures.rms[10]:.4g} · norm {measures.norm[10]:.4g}")).to_be_visible()

    page.get_by_role("button", name="Order and colours").click()
    page.get_by_role("radio", name="orientation").click()
    expect(page).to_have_url(re.compile("sort=orientation"))
    settled(page)
    third = measures.order("orientation")[2]
    click(page, 2)
    expect(page.get_by_role("heading", level=2, name=f"Filter {third}", exact=True)).to_be_visible(timeout=30_000)
    expect(
        page.get_by_role("listitem").filter(has_text=f"stripes at {measures.orientation[third]:.0f}°")
    ).to_be_visible()
    expect(page).to_have_url(re.compile(rf"sort=orientation.*filter={third}\b"))

    other = new_page()
    other.goto(page.url)
    settled(other)
    expect(other.get_by_role("heading", level=2, name=f"Filter {third}", exact=True)).to_be_visible()
    other.get_by_role("button", name="Order and colours").click()
    expect(other.get_by_role("radio", name="orientation")).to_be_checked(timeout=30_000)  # its script may come late


def test_a_weight_that_is_pointed_at_is_read(page, app, measures):
    at(page, app, f"?network=zfnet_mini&layer={LAYER}&filter=5")
    weights = page.get_by_role("grid", name="Weights of Filter 5", exact=True)
    weights.scroll_into_view_if_needed()
    box = weights.bounding_box()
    weights.hover(position={"x": 9.5 * box["width"] / 23, "y": 2.5 * box["height"] / 7})  # the green channel's second
    expect(weights.locator(".tooltip")).to_have_text(
        f"G, row 2, column 1: {measures.kernels[5, 1, 2, 1]:.4g}".replace("-", "−")
    )


def test_a_weight_of_a_matrix_that_is_clicked_is_read(page, app):
    link = "?network=squeezenet1_1&weights=random&layer=features.3.squeeze&sort=index"
    matrix = kernels_of(load("squeezenet1_1", "random").model, "features.3.squeeze")[..., 0, 0]  # (16, 64) or so
    at(page, app, link)
    grid = page.get_by_role("grid", name="Weights of features.3.squeeze", exact=True)
    click_cell(grid, 4, 9)
    expect(page.get_by_role("heading", level=2, name="Output map 4, input map 9")).to_be_visible(timeout=30_000)
    expect(page.get_by_text(f"weight {matrix[4, 9]:+.4g}".replace("-", "−"))).to_be_visible()


def test_the_way_to_what_a_filter_responds_to_opens_its_map(page, app):
    at(page, app, f"?network=zfnet_mini&layer={LAYER}&filter=5")
    page.get_by_role("button", name="What map 5 responds to").click()
    expect(page.get_by_role("heading", level=1, name="What layers 1–5 respond to")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("heading", level=2, name=re.compile(r"^Layer 1 · feature map 5,"))).to_be_visible(
        timeout=60_000
    )


@pytest.mark.parametrize("view", ["layer", "clipping", "training", "pair"])
def test_no_view_is_wider_than_a_telephone(new_page, app, view):
    page = at(new_page(**PHONE), app, f"?network=zfnet_mini&layer={LAYER}&filter=5&show={view}")
    fits(page)
