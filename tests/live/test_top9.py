"""The page “Top nine pictures” in a real browser."""

import re

import pytest

from tests.live.conftest import ROOT
from tests.unit.pictures import corners, photograph, saved

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
SOON = 120_000  # milliseconds that a search of the crops may take


@pytest.fixture(scope="module")
def address(tmp_path_factory, server, browser) -> str:
    """The page on a server that keeps its results in a folder of its own, and opens another one to visitors."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("pictures")
        for number in range(12):
            picture = photograph(300, 400).rotate(30 * number) if number % 2 else corners(size=(80, 120 + number))
            (folder / f"{number:02}.png").write_bytes(saved(picture, "PNG"))
        patch.setenv("CONVSCOPE_PICTURES", str(folder))
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("torch")))
        started = server(ROOT / "app.py", "--server.disconnectedSessionTTL=31")  # an option of its own: its own server
    first = browser.new_page()  # before its first visitor, Streamlit knows no page but the first
    first.goto(started)
    first.get_by_role("heading", level=1).wait_for(timeout=60_000)
    first.close()
    return f"{started}/top9"


def at(page, address: str, link: str):
    """The page, when the nine of its first map are there."""
    page.goto(f"{address}?{link}")
    return settled(page)


def settled(page):
    expect(page.get_by_role("grid").first).to_be_visible(timeout=SOON)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SOON)
    return page


def grids(page, name: str):
    return page.get_by_role("grid", name=re.compile(rf"Feature map \d+: {name}"))


def click_cell(grid, row: int, column: int) -> None:
    """Clicks the middle of one of the nine."""
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    grid.click(position={"x": (column + 0.5) * box["width"] / 3, "y": (row + 0.5) * box["height"] / 3})


def test_the_crops_of_the_samples_are_searched_and_shown_without_a_click(page, address):
    at(page, address, "network=zfnet_mini&weights=random")
    expect(grids(page, "What the unit can see")).to_have_count(6, timeout=SOON)
    expect(grids(page, "What it saw there")).to_have_count(6, timeout=SOON)
    expect(page.get_by_text(re.compile(r"268 pictures: crops of the sample photographs"))).to_be_visible()


def test_a_clicked_patch_shows_its_picture_with_the_box_and_close_takes_it_away(page, address):
    at(page, address, "network=zfnet_mini&weights=random&layer=2")
    name = grids(page, "What the unit can see").nth(1).get_attribute("aria-label")
    channel = int(re.search(r"\d+", name)[0])
    click_cell(page.get_by_role("grid", name=name), 1, 0)
    title = page.get_by_role("heading", level=4)
    expect(title).to_have_text(f"Feature map {channel}, picture 4 of 9", timeout=30_000)
    expect(title).to_be_in_viewport()
    for heading in ("The whole picture", "The projection in its place"):
        expect(page.get_by_text(heading, exact=True)).to_be_visible()
    expect(page.locator(".stImage img")).to_have_count(4)
    expect(page.get_by_text(re.compile(rf"feature map {channel}, row \d+, column \d+: activation"))).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(title).to_have_count(0)


def test_a_projection_is_clicked_like_its_patch(page, address):
    at(page, address, "network=zfnet_mini&weights=random&layer=2")
    click_cell(grids(page, "What it saw there").first, 2, 2)
    expect(page.get_by_role("heading", level=4)).to_have_text(re.compile("picture 9 of 9"), timeout=30_000)


def test_a_map_is_searched_by_its_number_and_the_address_leads_to_it(page, new_page, address):
    at(page, address, "network=zfnet_mini&weights=random&layer=2")
    box = page.get_by_role("spinbutton", name="Search a map")
    box.fill("17")
    box.press("Enter")
    expect(grids(page, "What the unit can see")).to_have_count(1, timeout=30_000)
    expect(page.get_by_text("Feature map 17", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"layer=2&map=17"))
    other = new_page()
    other.goto(page.url)
    settled(other)
    expect(other.get_by_text("Feature map 17", exact=True)).to_be_visible()
    expect(grids(other, "What the unit can see")).to_have_count(1)


def test_a_folder_is_searched_with_progress_when_its_button_is_pressed(page, address):
    page.goto(f"{address}?network=zfnet_mini&weights=random&set=folder&folder=.")
    expect(page.get_by_text("12 pictures", exact=True)).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Find the top nine").click()
    settled(page)
    expect(grids(page, "What the unit can see")).to_have_count(6, timeout=SOON)


def test_on_a_phone_the_nines_stand_side_by_side_and_nothing_sticks_out(new_page, address):
    page = at(new_page(viewport={"width": 390, "height": 844}), address, "network=zfnet_mini&weights=random")
    left, right = (grids(page, name).first for name in ("What the unit can see", "What it saw there"))
    assert left.bounding_box()["y"] == pytest.approx(right.bounding_box()["y"], abs=1)
    assert left.bounding_box()["width"] > 100
    assert page.evaluate("document.querySelector('.stMain').scrollWidth <= innerWidth")
