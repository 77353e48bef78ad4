"""The first page in a real browser."""

import re
from functools import partial
from itertools import combinations, starmap

import pytest

from tests.live.conftest import close_ups, overlap, resize, soon
from tests.live.test_page import PHONE, are_above, fits
from tests.unit.pictures import photograph, saved

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
OWN = saved(photograph(300, 200), "PNG")


@pytest.fixture
def address(app) -> str:
    return app


def at(page, address: str, link: str = ""):
    """The page, when all of its points are there."""
    page.goto(f"{address}{link}")
    return settled(page)


def settled(page):
    expect(points(page).first).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    return page


def points(page):
    return page.locator(".js-plotly-plot .point")


def middle(page, number: int) -> tuple[float, float]:
    """Where the point is in the window."""
    points(page).nth(number).scroll_into_view_if_needed()
    box = points(page).nth(number).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def across(page):
    """What stands below the horizontal axis; of two pictures, while one takes the other's place, both."""
    return page.locator(".js-plotly-plot .xtitle")


def hovered(page) -> str:
    """The title of the network that the mouse is over."""
    label = page.locator(".js-plotly-plot .hovertext")
    expect(label).to_be_visible()
    return re.match(r"(.+?) \(\d{4}\)", label.text_content())[1]


def test_a_clicked_point_opens_its_network_and_opens_it_again_after_a_return(page, address):
    at(page, address)
    for _ in range(2):
        place = middle(page, 0)
        page.mouse.move(*place)
        assert hovered(page) == "AlexNet"
        page.mouse.click(*place)
        expect(page.get_by_role("heading", level=1)).to_have_text("The layer graph", timeout=30_000)
        expect(page.get_by_role("combobox", name="Network").first).to_have_value(re.compile("AlexNet"))
        page.wait_for_url(re.compile("/architecture.*network=alexnet"))
        page.get_by_role("link", name="Home").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("See how"), timeout=30_000)
        settled(page)
        page.wait_for_timeout(1_000)  # in which an old click could have its effect once more
        assert "/architecture" not in page.url


def test_a_menu_of_the_timeline_opens_a_network_of_its_family(page, address):
    at(page, address)
    page.get_by_test_id("stMenuButton").nth(3).get_by_role("button").click()
    expect(page.get_by_role("menuitem")).to_have_text(["VGG-11", "VGG-13", "VGG-16", "VGG-19"])
    page.get_by_role("menuitem", name="VGG-16").click()
    page.wait_for_url(re.compile("/architecture.*network=vgg16"), timeout=30_000)


def test_the_axes_are_chosen_and_stay_in_the_address(page, new_page, address):
    at(page, address)
    page.get_by_role("radio", name="Year").click()
    expect(across(page)).to_have_text(["Year"], timeout=30_000)
    page.wait_for_url(re.compile("x=year"))
    again = at(new_page(), page.url)
    expect(across(again)).to_have_text(["Year"])


def names(page) -> list[dict[str, float]]:
    """Where the names in the first chart stand, and its whole drawing as the first of the list, all at one moment."""
    return page.locator(".js-plotly-plot").first.evaluate(
        """plot => [plot.querySelector('.main-svg'), ...plot.querySelectorAll('.textpoint text')]
            .map(part => part.getBoundingClientRect().toJSON()).filter(box => box.width > 0)"""
    )


def are_apart(page, least: int) -> bool:
    """Whether so many names stand inside the first chart and no two on one another."""
    plot, *boxes = names(page)
    are_inside = all(plot["left"] <= box["left"] and box["right"] <= plot["right"] for box in boxes)
    over = partial(overlap, across=1, down=3)  # of lines' own room
    return are_inside and len(boxes) >= least and not any(starmap(over, combinations(boxes, 2)))


@pytest.mark.parametrize(("x", "language"), [("macs", "en"), ("parameters", "vi"), ("year", "vi")])
def test_fits_a_telephone_scrolls_under_a_finger_and_no_two_names_overlap(new_page, address, x, language):
    page = at(new_page(**PHONE, has_touch=True), address, f"/?x={x}&language={language}")
    fits(page)
    touch = page.locator(".js-plotly-plot .nsewdrag").evaluate("element => getComputedStyle(element).touchAction")
    assert touch != "none"
    soon(page, lambda: are_apart(page, 5))


def test_lists_keep_what_was_chosen_through_two_changes_of_the_language(page, app):
    page.goto(f"{app}/milliseconds?network=lenet5&language=en")
    network = page.get_by_role("combobox", name=re.compile("Network|Mạng"))
    vietnamese, english = "có sẵn trọng số đã huấn luyện", "trained weights included"
    for language, words in (("Tiếng Việt", vietnamese), ("English", english), ("Tiếng Việt", vietnamese)):
        page.get_by_test_id("stSidebar").get_by_text(language, exact=True).click()
        expect(network).to_have_value(f"LeNet-5 (1998) · {words}", timeout=30_000)
        expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
        assert page.get_by_test_id("stAlert").count() == 0
        assert "network=lenet5" in page.url


# The strip ---------------------------------------------------------------------------------------------------------


def units(page):
    return page.locator(".strip .unit")


def test_the_photograph_and_its_five_units_stand_on_the_first_screen(page, address):
    at(page, address)
    pictures = [page.locator(".strip .whole"), *page.locator(".strip .saw").all()]
    assert len(pictures) == 6
    for width, height in ((1280, 800), (390, 844), (1920, 1080)):
        resize(page, width, height)
        fits(page)
        soon(page, partial(are_above, pictures, height))
        soon(page, lambda: all(picture.bounding_box()["width"] >= 100 for picture in pictures))


def test_a_unit_that_is_pointed_at_brings_its_box_forward_and_opens_where_its_layer_is(page, address):
    """With its trained weights, though random ones were chosen."""
    at(page, address, "/?weights=random")
    boxes = page.locator(".strip .box")
    units(page).nth(2).focus()
    expect(boxes.nth(2)).to_have_class(re.compile("forward"))
    expect(boxes.nth(1)).to_have_css("opacity", "0.15")
    units(page).nth(1).hover()
    expect(boxes.nth(1)).to_have_css("opacity", "1")
    wanted = units(page).nth(3).locator(".note").text_content()  # "map 187, activation 4.28"
    units(page).nth(3).click()
    page.wait_for_url(re.compile("/layers.*layer=4"), timeout=30_000)
    channel, value = re.match(r"map (\d+), activation (.+)", wanted).groups()
    title = close_ups(page).filter(has_text="Layer 4")
    expect(title).to_contain_text(f"feature map {channel}, ", timeout=30_000)
    expect(title).to_contain_text(f"activation {value}")
    expect(page.get_by_text("The weights of ZFNet mini are random")).to_have_count(0)
    assert "weights" not in page.url


def test_ones_own_picture_and_then_a_photograph_are_taken_apart_and_the_camera_is_asked_for(page, address):
    page.context.grant_permissions(["camera"])
    at(page, address)
    main = page.get_by_test_id("stMain")
    main.locator("input[type=file]").set_input_files({"name": "a<b>.png", "mimeType": "image/png", "buffer": OWN})
    expect(page.locator(".strip figcaption")).to_contain_text("a<b>.png", timeout=30_000)
    settled(page)
    photographs = main.get_by_role("grid", name="Photographs to try")
    box = photographs.bounding_box()
    photographs.click(position={"x": 5 * box["width"] / 6, "y": box["height"] / 2})
    expect(page.locator(".strip figcaption")).to_contain_text("Cat, as", timeout=30_000)
    known = "Right answers among ZFNet mini's 200 classes: tabby, Egyptian cat"
    expect(page.locator(".strip .answer")).to_contain_text(known)
    page.wait_for_url(re.compile("sample=chelsea"))
    expect(main.get_by_text("a<b>.png")).to_have_count(0)  # the field is empty again
    settled(page)
    main.get_by_role("button", name="Camera").click()
    expect(page.get_by_test_id("stCameraInput")).to_be_visible(timeout=30_000)
