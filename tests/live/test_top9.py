"""The page “Top nine pictures” in a real browser."""

import io
import re
import zipfile

import pytest

from models.picture_sets import samples
from models.samples import photographs
from tests.live.conftest import ROOT, close_ups, soon
from tests.live.test_page import PHONE, click_cell, fits
from tests.unit.pictures import corners, photograph, saved

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
SOON = 240_000  # milliseconds that a search of the crops may take where others work, too


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


def test_the_crops_of_the_samples_are_searched_and_shown_without_a_click(page, address):
    at(page, address, "network=zfnet_mini&weights=random&searched=1,2")
    expect(grids(page, "What the unit can see")).to_have_count(6, timeout=SOON)
    expect(grids(page, "What it saw there")).to_have_count(6, timeout=SOON)
    count, number = len(samples(photographs()).ids), len(photographs())
    expect(page.get_by_text(re.compile(rf"{count} pictures: crops of {number} sample photographs"))).to_be_visible()
    for name in ("What the unit can see", "What it saw there"):
        expect(grids(page, name).first).to_be_in_viewport(ratio=1)


def test_a_clicked_patch_shows_its_picture_with_the_box_and_escape_takes_it_away(page, address):
    at(page, address, "network=zfnet_mini&weights=random&searched=1,2&layer=2")
    name = grids(page, "What the unit can see").nth(1).get_attribute("aria-label")
    channel = int(re.search(r"\d+", name)[0])
    click_cell(page.get_by_role("grid", name=name), 1, 0)
    title = close_ups(page)
    expect(title).to_have_text(f"Feature map {channel}, picture 4 of 9", timeout=30_000)
    expect(title).to_be_in_viewport()
    for heading in ("The whole picture", "The projection at its position"):
        expect(page.get_by_text(heading, exact=True)).to_be_visible()
    expect(page.locator(".stImage img")).to_have_count(4)
    expect(page.get_by_text(re.compile(rf"feature map {channel}, row \d+, column \d+: activation"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(title).to_have_count(0)


def test_a_projection_is_clicked_like_its_patch(page, address):
    at(page, address, "network=zfnet_mini&weights=random&searched=1,2&layer=2")
    click_cell(grids(page, "What it saw there").first, 2, 2)
    expect(close_ups(page)).to_have_text(re.compile("picture 9 of 9"), timeout=30_000)


def test_a_map_is_searched_by_its_number_and_the_address_leads_to_it(page, new_page, address):
    at(page, address, "network=zfnet_mini&weights=random&searched=1,2&layer=2")
    box = page.get_by_role("spinbutton", name="Go to map")
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


def own(number: int) -> dict:
    """A ZIP of pictures, for an uploader."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for i in range(number):
            packed.writestr(f"class {i % 2}/{i}.png", saved(photograph(90, 120).rotate(20 * i), "PNG"))
    return {"name": f"{number} of mine.zip", "mimeType": "application/zip", "buffer": file.getvalue()}


def go_to(page, name: str):
    """By the menu, so that the session goes on."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SOON)


def test_a_zip_is_still_there_when_its_page_was_left_and_can_be_removed(page, address):
    at(page, address, "network=zfnet_mini&weights=random&searched=1,2")
    page.get_by_role("combobox", name="Set of pictures").click()
    page.get_by_role("option", name="Your own ZIP").click()
    uploader = page.get_by_test_id("stFileUploader").filter(has_text="A ZIP with pictures").locator("input[type=file]")
    uploader.set_input_files(own(10))
    page.get_by_role("button", name="Find the top nine").click(timeout=30_000)
    here = page.get_by_text(re.compile(r"10 pictures: 10 of mine\.zip"))
    expect(here).to_be_visible(timeout=SOON)
    expect(page.get_by_text("is still here")).to_have_count(0)
    go_to(page, "Filters")
    expect(here).to_have_count(0)
    go_to(page, "Top nine pictures")
    expect(here).to_be_visible(timeout=SOON)
    expect(page.get_by_text("10 of mine.zip is still here.")).to_be_visible()
    expect(grids(page, "What the unit can see")).to_have_count(6, timeout=SOON)
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text(re.compile("Upload a ZIP with up to"))).to_be_visible(timeout=30_000)
    expect(here).to_have_count(0)
    uploader.set_input_files(own(3))
    expect(page.get_by_text("3 pictures", exact=True)).to_be_visible(timeout=30_000)


def test_in_a_browser_on_the_server_itself_a_data_set_can_be_downloaded(page, address):
    page.goto(f"{address}?network=zfnet_mini&weights=random&set=dataset&dataset=CIFAR10")
    expect(page.get_by_role("button", name="Download it to this server")).to_be_visible(timeout=60_000)


def test_on_a_phone_the_nines_stand_side_by_side_on_the_first_screen_and_those_of_one_map_are_large(new_page, address):
    page = at(new_page(**PHONE), address, "network=zfnet_mini&weights=random&searched=1,2")
    left, right = (grids(page, name).first for name in ("What the unit can see", "What it saw there"))
    apart = "(one, other) => Math.abs(one.getBoundingClientRect().y - other.getBoundingClientRect().y)"
    soon(page, lambda: left.evaluate(apart, right.element_handle()) < 1)  # what stands above may still grow
    soon(page, lambda: left.bounding_box()["width"] > 100)
    expect(left).to_be_in_viewport(ratio=1)
    fits(page)
    at(page, address, "network=zfnet_mini&weights=random&searched=1,2&layer=2&map=17")
    left, right = (grids(page, name) for name in ("What the unit can see", "What it saw there"))
    soon(page, lambda: min(one.bounding_box()["width"] for one in (left, right)) > 300)  # 100 pixels a tile
    fits(page)
