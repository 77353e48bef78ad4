"""The page “What layers 1–5 respond to” in a real browser, as its visitors use it."""

import io
import json
import re
import zipfile
from functools import partial
from importlib import resources

import pytest
import torch
from PIL import Image

from models import ARCHITECTURES
from tests.live.conftest import ROOT, close_ups, resize, soon, still
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
    return close_ups(page)


def activation_map(page):
    return page.get_by_role("grid", name="The feature map over the picture")


def click_cell(grid, row: int, column: int) -> None:
    """Clicks the middle of a cell."""
    rows, columns = (int(grid.get_attribute(f"aria-{side}count")) for side in ("row", "col"))
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    height = box["height"] * float(grid.get_attribute("data-share"))  # without the banner below the cells
    grid.click(position={"x": (column + 0.5) * box["width"] / columns, "y": (row + 0.5) * height / rows})


def upload(page, name: str, content: bytes, mime: str, window=None) -> None:
    """Chooses a file in the file chooser of “Your picture”, behind the picture's name.

    Args:
        window: the whole page, where `page` is a frame in it.
    """
    if not page.get_by_test_id("stFileUploader").is_visible():
        page.get_by_test_id("stPopoverButton").first.click()
    with (window or page).expect_file_chooser() as chooser:
        page.get_by_test_id("stFileUploader").get_by_test_id("stBaseButton-secondary").click()
    chooser.value.set_files({"name": name, "mimeType": mime, "buffer": content})


def fits(page) -> None:
    """Waits until the page is no wider than its window: charts follow a window that got narrower a moment later."""
    page.wait_for_function(
        """() => Math.max(
            document.documentElement.scrollWidth - innerWidth,
            document.querySelector(".stMain").scrollWidth - document.querySelector(".stMain").clientWidth
        ) <= 0"""
    )


def are_beside(*pictures) -> bool:
    """Whether two pictures are of one height and begin at one line."""
    one, other = (picture.bounding_box() for picture in pictures)
    return all(one[side] == pytest.approx(other[side], abs=1) for side in ("y", "height"))


def are_above(elements, fold: int) -> bool:
    """Whether all of them end above a line of the window."""
    boxes = [element.bounding_box() for element in elements]
    return all(box["y"] + box["height"] <= fold for box in boxes)


def width(element) -> float:
    return element.bounding_box()["width"]


def test_the_first_screen_shows_the_photograph_a_unit_of_each_layer_and_the_prediction(page, address):
    """And below, each layer has what its units saw beside that part of the picture, large enough to be seen."""
    at(page, address)
    expect(page.get_by_role("heading", level=1, name="What layers 1–5 respond to")).to_be_visible()
    for layer in range(1, 6):
        expect(page.get_by_role("heading", name=f"Layer {layer}", exact=True)).to_be_visible()
        saw, part = grid(page, layer), grid(page, layer, "That part of the picture")
        for picture in (saw, part):
            expect(picture).to_be_visible()
            assert picture.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        soon(page, partial(are_beside, saw, part))
    expect(page.get_by_text(re.compile(r"Cup of coffee, as the network sees it: 224×224 pixels"))).to_be_visible()

    shown = [page.locator(".strip .whole"), *page.locator(".strip .saw").all(), *page.locator(".answer li").all()]
    assert len(shown) == 1 + 5 + 3
    for wide, high in ((1280, 800), (390, 844)):
        resize(page, wide, high)
        soon(page, partial(are_above, shown, high))
        soon(page, lambda: width(page.locator(".strip .saw").first) >= 110)
        soon(page, lambda: width(grid(page, 1)) / 3 >= 110)
    page.get_by_role("radio", name="one, large").click()
    page.wait_for_url(re.compile("maps=1"))
    settled(page)
    soon(page, lambda: width(grid(page, 5)) >= 240)


def test_an_uploaded_photograph_takes_the_place_of_the_sample_until_it_is_removed(page, address, photo):
    at(page, address)
    predictions, picture = page.locator(".answer"), grid(page, 3).locator("img")
    expect(predictions).to_have_count(1)
    before, grids = predictions.inner_text(), picture.get_attribute("src")
    name = "<b>my</b> *cup* :red[x] $1$ [a](b).jpg"
    upload(page, name, photo, "image/jpeg")
    caption = page.get_by_text("as the network sees it: 224×224 pixels")
    expect(caption).to_have_text(f"{name}, as the network sees it: 224×224 pixels", timeout=30_000)
    expect(caption.locator("a, b, em, span, .katex")).to_have_count(0)
    settled(page)
    expect(predictions).not_to_have_text(before, use_inner_text=True)
    expect(picture).not_to_have_attribute("src", grids)
    assert "sample" not in page.url
    small = page.get_by_test_id("stImage").locator("img").first.get_attribute("src")

    page.get_by_test_id("stFileUploader").get_by_role("button", name=re.compile("Remove|Delete")).click()
    expect(caption).to_have_text("Cup of coffee, as the network sees it: 224×224 pixels", timeout=30_000)
    settled(page)
    expect(predictions).to_have_text(before, use_inner_text=True)
    assert page.request.get(small).ok  # still, for a browser that is slow


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


def test_a_presented_page_is_large_and_goes_from_unit_to_unit_and_from_layer_to_layer_until_escape(page, address):
    at(page, address)
    sidebar, button = page.get_by_test_id("stSidebar"), page.get_by_role("button", name="Present", exact=True)
    keys = page.get_by_text("← → feature maps · ↑ ↓ layers · Esc ends")

    def letters() -> float:
        return page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")

    def after(key: str, layer: int) -> str:
        """The title of the unit that is open then, which the address names, too."""
        before = title(page).inner_text() if title(page).count() else ""
        page.keyboard.press(key)
        expect(title(page)).to_contain_text(f"Layer {layer} · feature map", timeout=30_000)
        expect(title(page)).not_to_have_text(before)
        channel = re.search(r"feature map (\d+)", title(page).inner_text())[1]
        page.wait_for_url(re.compile(f"layer={layer}&map={channel}$"))
        return title(page).inner_text()

    usual = letters()
    page.keyboard.press("ArrowRight")  # which means nothing yet
    button.click()
    expect(keys).to_be_visible()
    expect(sidebar).to_be_hidden()
    page.wait_for_function("document.fullscreenElement !== null")
    assert letters() >= 1.25 * usual
    expect(title(page)).to_have_count(0)

    first = after("ArrowRight", layer=1)
    drawer, window = page.locator(".st-key-drawer").bounding_box(), page.viewport_size
    assert (drawer["width"], drawer["height"]) == (window["width"], window["height"])
    second = after("ArrowRight", layer=1)
    third = after("ArrowRight", layer=1)
    assert after("ArrowLeft", layer=1) == second
    assert after("ArrowLeft", layer=1) == first
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")  # while the page is still busy
    expect(title(page)).to_have_text(third, timeout=30_000)
    after("ArrowDown", layer=2)

    page.keyboard.press("Escape")
    expect(sidebar).to_be_visible()
    expect(button).to_be_focused()
    expect(keys).to_have_count(0)
    page.wait_for_function("document.fullscreenElement === null")
    assert letters() == usual
    expect(title(page)).to_contain_text("Layer 2")  # it stays open

    page.keyboard.press("Alt+p")
    expect(sidebar).to_be_hidden()
    page.get_by_role("button", name="End the presentation").click()
    expect(sidebar).to_be_visible()


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


def sources(page) -> list[str]:
    """Where the pictures of all grids come from."""
    return page.get_by_role("grid").locator("img").evaluate_all("images => images.map(image => image.src)")


def test_a_clicked_tile_opens_beside_its_layer_and_its_neighbours_can_be_projected(page, new_page, address):
    at(page, address)
    grid(page, 2).scroll_into_view_if_needed()
    sheet = still(grid(page, 2))
    click_cell(grid(page, 2), 1, 1)
    expect(title(page)).to_contain_text("Layer 2 · feature map", timeout=30_000)
    settled(page)
    channel = re.search(r"feature map (\d+)", title(page).inner_text())[1]
    assert f"layer=2&map={channel}" in page.url
    assert "at=" not in page.url
    beside = still(title(page))
    assert grid(page, 2).bounding_box() == sheet, "what was clicked has moved"
    assert sheet["x"] + sheet["width"] <= beside["x"]
    assert 0 < beside["y"] < 200
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
    soon(page, lambda: sources(again) == sources(page))

    title(again).scroll_into_view_if_needed()
    again.close()
    page.get_by_role("button", name="Back to the strongest").click()
    expect(title(page)).to_have_text(strongest, timeout=30_000)
    settled(page)
    assert "at=" not in page.url
    page.get_by_role("button", name="Close").click()
    expect(title(page)).to_have_count(0, timeout=30_000)
    settled(page)
    assert "layer=" not in page.url


def is_on_top(heading) -> bool:
    """Whether it is where a link ought to come to: below Streamlit's header."""
    return abs(heading.bounding_box()["y"] - 72) <= 60


def test_a_link_comes_to_the_layer_of_its_unit_whatever_the_window_and_its_steps_are_in_order(page, address):
    """The layers above grow after the page is there, and more on a wider window."""
    for wide in (390, 1024, 1280, 1920):
        page.set_viewport_size({"width": wide, "height": 1080 if wide > 1280 else 800})
        at(page, address, "?layer=5&map=204")
        heading = page.get_by_role("heading", name="Layer 5", exact=True)
        soon(page, partial(is_on_top, heading))
        page.wait_for_timeout(1000)  # it stays there
        assert is_on_top(heading), wide
        assert title(page).inner_text().startswith("Layer 5 · feature map 204")
        assert 0 < still(title(page))["y"] < 300

    page.get_by_text("Step by step, from the unit down to the picture").click()
    steps = page.get_by_test_id("stExpander").first.get_by_test_id("stCaptionContainer")
    expect(steps.filter(has_text=re.compile(r"^0\. seed"))).to_be_visible(timeout=30_000)  # drawn when it is opened
    settled(page)
    texts = [text for text in steps.all_inner_texts() if re.match(r"\d+\. ", text)]
    assert [int(text.split(".")[0]) for text in texts] == [*range(len(texts))], "read one by one, as on a telephone"
    assert texts[0].startswith("0. seed")
    assert "filter" in texts[-1]
    assert {"unpool", "rectify", "filter"} <= {text.split()[1] for text in texts}


def entries_of(page) -> int:
    """How many entries the history has up to here: the first one's completed address may stand after it."""
    before, now = None, page.evaluate("navigation.currentEntry.index + 1")
    while now != before:  # it goes back from that a moment after the page is there
        page.wait_for_timeout(300)
        before, now = now, page.evaluate("navigation.currentEntry.index + 1")
    return now


def test_back_and_forward_undo_and_redo_what_was_opened_and_nothing_else(page, app, address):
    """One entry for a page, one for a unit; a choice or a position takes the place of its page's entry."""
    at(page, address, "?network=lenet5")
    entries = entries_of(page)
    opened = []
    for column in (0, 1):
        click_cell(grid(page, "C1"), 0, column)
        expect(title(page)).to_have_count(1, timeout=30_000)
        if opened:
            expect(title(page)).not_to_have_text(opened[0], timeout=30_000)
        settled(page)
        opened.append(title(page).inner_text())
    page.get_by_role("radio", name="one per layer").click()
    page.wait_for_url(re.compile("range=shared"))
    settled(page)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Filters").click()
    page.wait_for_url(re.compile("/filters.*network=lenet5"), timeout=30_000)
    click_cell(page.get_by_role("grid", name="Filters of features.c1"), 0, 1)
    expect(title(page)).to_have_text("Filter 1", timeout=30_000)
    page.wait_for_url(re.compile("filter=1"))
    assert page.evaluate("navigation.entries().length") == entries + 4
    page.go_back()
    expect(title(page)).to_have_count(0, timeout=30_000)
    assert "/filters" in page.url
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    for move, wanted in (("back", opened[1]), ("back", opened[0]), ("back", None), ("forward", opened[0])):
        page.evaluate(f"history.{move}()")
        if wanted:
            expect(title(page)).to_have_text(wanted, timeout=30_000)
        else:
            expect(title(page)).to_have_count(0, timeout=30_000)
        settled(page)
        assert ("map=" in page.url) is bool(wanted)
    assert page.evaluate("navigation.entries().length") == entries + 4


def test_a_page_whose_words_came_before_its_name_is_one_entry_and_the_page_before_keeps_its_own(page, address):
    for link in ("?network=lenet5", "?network=lenet5&layer=C1&map=2"):
        at(page, address, link)
        entries, before = entries_of(page), page.url
        for name in ("layers", "filters"):  # in Streamlit's order, when it has lost its race
            page.evaluate(f"history.pushState({{}}, '', '/{name}?network=lenet5&layer=features.c1')")
        assert page.evaluate("navigation.entries().length") == entries + 1
        page.go_back()
        assert page.url == before
        settled(page)


def test_a_first_address_that_was_completed_too_early_leaves_no_dead_press_of_back(page, address):
    page.add_init_script(
        "if (location.search === '?network=lenet5') setTimeout(() => {"
        "  History.prototype.pushState.call(history, null, '', location.href + '&language=en');"
        "}, 100);"
    )
    at(page, address, "?network=lenet5")
    page.wait_for_url(re.compile("sample="))
    entries_of(page)
    page.go_back()
    assert page.url == "about:blank"


def in_english(words: str) -> str:
    """Words whose decimal commas are points."""
    return re.sub(r"(?<=\d),(?=\d)", ".", words)


def test_switches_to_vietnamese_and_back_with_the_unit_still_open(page, address):
    at(page, address, "?network=lenet5&sample=coins&weights=random&maps=3&layer=C3&map=5&at=2,7")
    numbers = re.findall(r"[\d.]+", title(page).inner_text())
    for language, word, heading, field in (
        ("Tiếng Việt", "Tầng C3", "Các tầng 1–5 phản ứng với điều gì", "Tải lên15MB mỗi tệp"),
        ("English", "Layer C3", "What layers 1–5 respond to", "Upload15MB per file"),
    ):
        page.get_by_test_id("stSidebar").get_by_text(language, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(heading, timeout=30_000)
        settled(page)
        page.locator(".st-key-choices").get_by_test_id("stPopover").first.get_by_role("button").click()
        expect(page.get_by_test_id("stFileUploaderDropzone")).to_contain_text(field)
        page.keyboard.press("Escape")  # closes what was opened last alone
        expect(page.get_by_test_id("stFileUploaderDropzone")).to_have_count(0)
        expect(title(page)).to_contain_text(word)
        assert re.findall(r"[\d.]+", in_english(title(page).inner_text())) == numbers
        for choice in ("network=lenet5", "sample=coins", "weights=random", "maps=3", "map=5"):
            assert choice in page.url
    page.keyboard.press("Escape")
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


def test_on_a_telephone_the_menu_makes_room_for_the_page_that_was_chosen(new_page, address):
    page = at(new_page(**PHONE), address)
    page.get_by_test_id("stExpandSidebarButton").click()
    menu = page.get_by_test_id("stSidebar")
    expect(menu).to_have_attribute("data-collapsed", "false")
    menu.get_by_role("link", name="Filters", exact=True).click()
    expect(page.get_by_role("heading", name="Filters", exact=True)).to_be_visible(timeout=60_000)
    expect(menu).to_have_attribute("data-collapsed", "true")


def test_fits_a_telephone(new_page, address):
    page = at(new_page(**PHONE), address)
    fits(page)
    left, right = still(grid(page, 1)), still(grid(page, 1, "That part of the picture"))
    for box in (left, right):
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["width"] > 120
    click_cell(grid(page, 1), 0, 0)
    expect(title(page)).to_contain_text("Layer 1 · feature map", timeout=30_000)
    settled(page)
    fits(page)
    assert 0 < still(title(page))["y"] < 400


def test_the_keyboard_alone_opens_a_unit(page, address):
    at(page, address, "?network=lenet5&maps=4")
    page.get_by_role("radio", name="nine", exact=True).focus()
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
    soon(visitors[0], lambda: parts[0].get_attribute("src") != parts[1].get_attribute("src"))


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


def test_a_page_that_streamlit_has_lost_comes_back_by_itself(page, app):
    """Of which nothing is left; one that it only cleared away is asked for in the same way."""
    page.goto(f"{app}/residual?language=vi")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_be_visible(timeout=60_000)
    page.evaluate("document.getElementById('root').remove()")
    expect(heading).to_have_count(0)
    expect(heading).to_have_text("Nút thắt phần dư", timeout=60_000)
    assert "/residual?" in page.url
