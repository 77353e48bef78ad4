"""The page “What layers 1–5 respond to” in a real browser, as its visitors use it."""

import io
import json
import re
import zipfile
from importlib import resources

import pytest
import torch
from PIL import Image

from models import ARCHITECTURES
from tests.live.conftest import ROOT
from tests.unit.pictures import corners, saved

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
ACTIVATION = re.compile(r"activation (-?[\d.e+-]+)")
PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture(scope="session")
def address(app) -> str:
    return f"{app}/layers"


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A JPEG as a camera writes it: 400 × 300, with an EXIF note."""
    with resources.files("skimage.data").joinpath("coffee.png").open("rb") as file:
        picture = Image.open(file).convert("RGB").resize((400, 300))
    exif = Image.Exif()
    exif[0x010E] = "a cup"
    return saved(picture, "JPEG", quality=90, exif=exif)


def at(page, address: str, link: str = ""):
    """The page, when everything on it is there."""
    page.goto(f"{address}{link}")
    return settled(page)


def settled(page):
    expect(page.get_by_role("button", name=re.compile("ZIP"))).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    return page


def grid(page, layer: int | str, name: str = "What they saw"):
    return page.get_by_role("grid", name=f"Layer {layer}: {name}", exact=True)


def title(page):
    """The heading of the opened unit."""
    return page.get_by_role("heading", level=4)


def activation_map(page):
    return page.get_by_role("grid", name="The feature map over the picture")


def click_cell(grid, row: int, column: int) -> None:
    """Clicks the middle of a cell."""
    rows, columns = (int(grid.get_attribute(f"aria-{side}count")) for side in ("row", "col"))
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    height = box["height"] * float(grid.get_attribute("data-share"))  # without the banner below the cells
    grid.click(position={"x": (column + 0.5) * box["width"] / columns, "y": (row + 0.5) * height / rows})


def upload(page, name: str, content: bytes, mime: str) -> None:
    """Chooses a file in the file chooser of “Your picture”, behind the picture's name."""
    if not page.get_by_test_id("stFileUploader").is_visible():
        page.get_by_test_id("stPopoverButton").first.click()
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("stFileUploader").get_by_test_id("stBaseButton-secondary").click()
    chooser.value.set_files({"name": name, "mimeType": mime, "buffer": content})


def sideways_room(page) -> int:
    """By how many pixels the page is wider than its window."""
    return page.evaluate(
        """() => Math.max(
            document.documentElement.scrollWidth - innerWidth,
            document.querySelector(".stMain").scrollWidth - document.querySelector(".stMain").clientWidth
        )"""
    )


def test_the_first_screen_shows_five_layers_with_what_they_saw_beside_that_part_of_the_picture(page, address):
    at(page, address)
    expect(page.get_by_role("heading", level=1, name="What layers 1–5 respond to")).to_be_visible()
    for layer in range(1, 6):
        expect(page.get_by_role("heading", name=f"Layer {layer}", exact=True)).to_be_visible()
        saw, part = grid(page, layer), grid(page, layer, "That part of the picture")
        for picture in (saw, part):
            expect(picture).to_be_visible()
            assert picture.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        assert saw.bounding_box()["height"] == pytest.approx(part.bounding_box()["height"], abs=1)
        assert saw.bounding_box()["y"] == pytest.approx(part.bounding_box()["y"], abs=1)
    expect(page.get_by_text(re.compile(r"Cup of coffee, as the network sees it: 224×224 pixels"))).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(5)


def test_an_uploaded_photograph_takes_the_place_of_the_sample_until_it_is_removed(page, address, photo):
    at(page, address)
    predictions = page.get_by_test_id("stProgress")
    before, grids = predictions.all_inner_texts(), grid(page, 3).locator("img").get_attribute("src")
    name = "<b>my</b> *cup* :red[x] $1$ [a](b).jpg"
    upload(page, name, photo, "image/jpeg")
    caption = page.get_by_text("as the network sees it: 224×224 pixels")
    expect(caption).to_have_text(f"{name}, as the network sees it: 224×224 pixels", timeout=30_000)
    expect(caption.locator("a, b, em, span, .katex")).to_have_count(0)
    settled(page)
    assert predictions.all_inner_texts() != before
    assert grid(page, 3).locator("img").get_attribute("src") != grids
    assert "sample" not in page.url

    page.get_by_test_id("stFileUploader").get_by_role("button", name=re.compile("Remove|Delete")).click()
    expect(caption).to_have_text("Cup of coffee, as the network sees it: 224×224 pixels", timeout=30_000)
    settled(page)
    assert predictions.all_inner_texts() == before


def test_a_copied_link_is_the_address_and_what_it_leaves_out_is_said(page, address, photo):
    at(page, address, "?network=lenet5&maps=1")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    said = page.get_by_role("status").filter(has_text="Copied.")
    page.get_by_role("button", name="Copy link").click()
    expect(said).to_have_text("Copied. ")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    upload(page, "a<b>.jpg", photo, "image/jpeg")
    expect(page.get_by_text("a<b>.jpg, as the network sees it")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Copy link").click()
    expect(said).to_have_text("Copied. It leaves out what only you have: a<b>.jpg.")


def test_a_text_file_under_the_name_of_a_picture_is_one_sentence(page, address):
    at(page, address)
    upload(page, "holiday.png", b"Dear diary, " * 100, "image/png")
    expect(page.get_by_role("alert")).to_have_count(1, timeout=30_000)
    expect(page.get_by_role("alert")).to_contain_text("The file is not a supported picture (PNG, JPEG,")
    expect(page.get_by_role("grid", name=re.compile("^Layer"))).to_have_count(0)
    page.get_by_test_id("stFileUploader").get_by_role("button", name=re.compile("Remove|Delete")).click()
    settled(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("grid", name=re.compile("^Layer"))).to_have_count(10)


def test_a_clicked_tile_opens_under_its_layer_and_its_neighbours_can_be_projected(page, new_page, address):
    at(page, address)
    click_cell(grid(page, 2), 1, 1)
    expect(title(page)).to_contain_text("Layer 2 · feature map", timeout=30_000)
    settled(page)
    channel = re.search(r"feature map (\d+)", title(page).inner_text())[1]
    assert f"layer=2&map={channel}" in page.url
    assert "at=" not in page.url
    below = page.get_by_role("heading", name="Layer 2", exact=True).bounding_box()["y"]
    above = page.get_by_role("heading", name="Layer 3", exact=True).bounding_box()["y"]
    assert below < title(page).bounding_box()["y"] < above
    strongest = title(page).inner_text()

    click_cell(activation_map(page), 20, 30)
    expect(title(page)).to_contain_text("row 20, column 30: activation", timeout=30_000)
    settled(page)
    moved = title(page).inner_text()
    assert float(ACTIVATION.search(moved)[1]) <= float(ACTIVATION.search(strongest)[1])
    assert "at=20,30" in page.url.replace("%2C", ",")

    again = at(new_page(), page.url)
    assert title(again).inner_text() == moved
    assert again.url == page.url
    shown, restored = (p.get_by_role("grid").locator("img").all() for p in (page, again))
    assert [i.get_attribute("src") for i in restored] == [i.get_attribute("src") for i in shown]

    page.get_by_role("button", name="Back to the strongest").click()
    expect(title(page)).to_have_text(strongest, timeout=30_000)
    settled(page)
    assert "at=" not in page.url
    page.get_by_role("button", name="Close").click()
    expect(title(page)).to_have_count(0, timeout=30_000)
    settled(page)
    assert "layer=" not in page.url


def test_the_steps_of_a_unit_lead_from_itself_down_to_the_picture(page, address):
    at(page, address, "?network=lenet5&layer=C3&map=5")
    page.get_by_text("Step by step, from the unit down to the picture").click()
    steps = page.get_by_test_id("stExpander").first.get_by_test_id("stCaptionContainer")
    texts = [text for text in steps.all_inner_texts() if re.match(r"\d+\. ", text)]
    assert [int(text.split(".")[0]) for text in texts] == [*range(len(texts))], "read one by one, as on a telephone"
    assert texts[0].startswith("0. seed")
    assert "filter" in texts[-1]
    assert {"unpool", "rectify", "filter"} <= {text.split()[1] for text in texts}


def test_switches_to_vietnamese_and_back_with_the_unit_still_open(page, address):
    at(page, address, "?network=lenet5&sample=coins&weights=random&maps=3&layer=C3&map=5&at=2,7")
    numbers = re.findall(r"[\d.]+", title(page).inner_text())
    for language, word, heading in (
        ("Tiếng Việt", "Tầng C3", "Các tầng 1–5 phản ứng với điều gì"),
        ("English", "Layer C3", "What layers 1–5 respond to"),
    ):
        page.get_by_test_id("stSidebar").get_by_text(language, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(heading, timeout=30_000)
        settled(page)
        expect(title(page)).to_contain_text(word)
        assert re.findall(r"[\d.]+", title(page).inner_text()) == numbers
        for choice in ("network=lenet5", "sample=coins", "weights=random", "maps=3", "map=5"):
            assert choice in page.url
    page.get_by_role("button", name="Close").click()
    expect(title(page)).to_have_count(0, timeout=30_000)
    settled(page)


def test_what_is_taken_away_speaks_the_language_of_the_page(page, address):
    archives = {}
    for language in ("en", "vi"):
        at(page, address, f"?network=lenet5&maps=1&language={language}")
        with page.expect_download() as download:
            page.get_by_role("button", name=re.compile("ZIP")).click()
        assert download.value.suggested_filename == "convscope-lenet5.zip"
        archives[language] = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    manifest = json.loads(archives["en"].read("manifest.json"))
    assert [entry["layer"] for entry in manifest["projections"]] == ["C1", "C3", "C5"]
    assert archives["vi"].read("manifest.json") == archives["en"].read("manifest.json")
    captioned = manifest["projections"][0]["files"][0]
    assert archives["vi"].read(captioned) != archives["en"].read(captioned), "the captions are in one language"


def test_follows_the_system_into_the_dark(new_page, address):
    lightness = []
    for scheme in ("light", "dark"):
        page = at(new_page(color_scheme=scheme), address, "?network=lenet5&maps=2")
        colours = page.locator(".stApp").evaluate(
            "element => [getComputedStyle(element).backgroundColor, getComputedStyle(element).color]"
        )
        lightness.append([sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours])
    (light_ground, light_text), (dark_ground, dark_text) = lightness
    assert light_ground > 600 > 300 > light_text
    assert dark_ground < 200 < 500 < dark_text


def test_fits_a_telephone(new_page, address):
    page = at(new_page(**PHONE), address)
    assert sideways_room(page) <= 0
    left, right = grid(page, 1).bounding_box(), grid(page, 1, "That part of the picture").bounding_box()
    for box in (left, right):
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["width"] > 120
    click_cell(grid(page, 1), 0, 0)
    expect(title(page)).to_contain_text("Layer 1 · feature map", timeout=30_000)
    settled(page)
    assert sideways_room(page) <= 0


def test_the_keyboard_alone_opens_a_unit(page, address):
    at(page, address, "?network=lenet5&maps=4")
    page.get_by_role("slider", name="Feature maps per layer").focus()
    for _ in range(30):
        page.keyboard.press("Tab")
        if grid(page, "C1").evaluate("element => element.matches(':focus')"):
            break
    expect(grid(page, "C1")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    label = grid(page, "C1").locator(".tooltip")
    expect(label).to_contain_text("feature map")
    wanted = label.inner_text()
    page.keyboard.press("Enter")
    expect(title(page)).to_have_text(f"Layer C1 · {wanted}", timeout=30_000)


def test_two_visitors_with_pictures_of_their_own_each_see_their_own(new_page, address, photo):
    visitors = [at(new_page(), address, "?network=lenet5&maps=1") for _ in range(2)]
    files = [("cup.jpg", photo, "image/jpeg"), ("corners.png", saved(corners(), "PNG"), "image/png")]
    for visitor, file in zip(visitors, files, strict=True):
        upload(visitor, *file)
    for visitor, (name, _content, _mime) in zip(visitors, files, strict=True):
        expect(visitor.get_by_text(f"{name}, as the network sees it")).to_be_visible(timeout=30_000)
        settled(visitor)
    parts = [grid(visitor, "C1", "That part of the picture").locator("img") for visitor in visitors]
    assert parts[0].get_attribute("src") != parts[1].get_attribute("src")


def test_what_comes_from_an_upload_is_remembered_for_its_session_alone(new_page, server):
    address = server(ROOT / "tests/live/memory_page.py")
    seen = []
    for _ in range(2):
        page = new_page()
        page.goto(address)
        lines = page.get_by_text(re.compile(r"^(sample|upload|weights) \d+$"))
        expect(lines).to_have_count(3, timeout=30_000)
        seen.append(dict(line.split() for line in lines.all_inner_texts()))
    assert seen[0]["sample"] == seen[1]["sample"]
    assert seen[0]["upload"] != seen[1]["upload"]
    assert seen[0]["weights"] != seen[1]["weights"]


def test_a_file_of_weights_may_be_larger_than_a_picture(page, app, tmp_path):
    """The limit of a widget counts in the browser alone; the server's is one for all uploads."""
    file = tmp_path / "resnet18.pt"
    torch.save(ARCHITECTURES["resnet18"].build().state_dict(), file)
    assert file.stat().st_size > 15 << 20
    page.goto(f"{app}/architecture?network=resnet18")
    expect(page.get_by_role("application")).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    page.get_by_role("button", name="Weights").click()  # which the end of a run would close again
    page.get_by_role("radio", name="Your own file").click()
    expect(page.get_by_text("Upload the file; until then")).to_be_visible()
    page.get_by_test_id("stFileUploaderDropzoneInput").last.set_input_files(file)
    expect(page.get_by_text("Upload the file; until then")).to_have_count(0, timeout=60_000)
    expect(page.get_by_role("button", name="resnet18.pt", exact=True)).to_be_visible()
