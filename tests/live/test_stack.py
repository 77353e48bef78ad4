"""The page “A stack of your own” in a real browser: cells are typed into, rows are moved, and a link brings it back."""

import re
from contextlib import suppress
from dataclasses import replace

import pytest

from pages.count.stack.editing import moved
from tests.live.test_page import fits
from vis.cost.design import Design, as_code
from vis.cost.presets import PRESETS
from vis.cost.stack import Row
from vis.figures.numbers import grouped

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}}
ALEXNET = PRESETS["alexnet"]


def at(page, app: str, link: str = ""):
    """The page, when everything on it is there."""
    page.goto(f"{app}/stack{link}")
    expect(page.get_by_text("How shapes, receptive fields and jumps are computed")).to_be_visible(timeout=60_000)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=60_000)
    at_rest(page)
    return page


def at_rest(page) -> None:
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)


def says(page, *rows: Row) -> Design:
    """These rows are counted, and in the address."""
    design = Design(rows)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(grouped(design.stack().macs), timeout=10_000)
    expect(page).to_have_url(re.compile(rf"[?&]stack={re.escape(as_code(rows))}(&|$)"))
    at_rest(page)
    return design


def to_first_cell(page) -> None:
    """Chooses the kind of the first row, as the keyboard can go on from there."""
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    for _ in range(3):  # it may be there a moment before it listens
        table.click(position={"x": 150, "y": 35 + 17})
        with suppress(AssertionError):
            expect(table.get_by_test_id("data-grid-canvas")).to_be_focused(timeout=1_000)
            break


def type_into_cell(page, text: str) -> None:
    page.keyboard.press("Enter")
    editor = page.locator("#portal textarea, #portal input").first
    expect(editor).to_be_visible()
    editor.fill(text)
    page.keyboard.press("Enter")


def test_cells_are_typed_into_by_the_keyboard_and_all_is_counted_anew(page, app):
    at(page, app)
    to_first_cell(page)
    page.keyboard.press("ArrowRight")
    type_into_cell(page, "96")
    rows = [replace(ALEXNET.rows[0], channels=96), *ALEXNET.rows[1:]]
    says(page, *rows)
    page.keyboard.press("ArrowRight")  # the cursor is still in the table, one row further down
    type_into_cell(page, "2")
    rows[1] = replace(rows[1], kernel=2)
    says(page, *rows)

    page.get_by_role("button", name="Down", exact=True).click()
    rows = list(moved(rows, 0, 1))
    design = says(page, *rows)
    page.get_by_role("button", name="Duplicate", exact=True).click()
    says(page, *rows[:2], *rows[1:])
    page.get_by_role("button", name="Undo", exact=True).click()
    says(page, *rows)

    output = page.get_by_test_id("stMetric").filter(has_text="Output").get_by_test_id("stMetricValue")
    expect(output).to_have_text("×".join(map(str, design.stack().shape)))


def test_a_cell_that_is_left_for_a_button_is_heard(page, app):
    at(page, app)
    to_first_cell(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    editor = page.locator("#portal textarea, #portal input").first
    editor.fill("8")
    page.get_by_role("button", name="Duplicate", exact=True).click()
    first = replace(ALEXNET.rows[0], channels=8)
    says(page, first, first, *ALEXNET.rows[1:])


def test_a_row_that_cannot_be_says_why_and_stays_in_the_link(page, app):
    at(page, app, "?stack=conv.8.1x7..0x3_conv.4.3_linear.10&picture=3x32x40&norm=on")
    expect(page.get_by_role("alert")).to_have_count(0)
    to_first_cell(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    type_into_cell(page, "41")
    sentence = "Row 2, convolution: The stride 41×41 is larger than the 32×40 maps"
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page).to_have_url(re.compile(r"stack=conv\.8\.1x7\.\.0x3_conv\.4\.3\.41_linear\.10&picture=3x32x40&norm=on"))


def test_it_is_not_wider_than_a_telephone_and_its_table_is_taken_away_as_csv(new_page, app):
    rows = PRESETS["vgg16"].rows
    page = at(new_page(**PHONE, color_scheme="dark"), app, f"?stack={as_code(rows)}")
    says(page, *rows)
    fits(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Table of layers (CSV)").click()
    assert download.value.suggested_filename == "convscope-stack.csv"
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == 1 + len(rows)
    assert lines[1].startswith("1,conv,3×3,1×1,1×1,1×1,1,3×224×224,64×224×224,3×3,1×1,86704128,1728,1792,")
