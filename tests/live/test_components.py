"""The components in a real browser: what a visitor sees, and what comes back to Python."""

import re
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.live.conftest import soon

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

SCRIPT = Path(__file__).with_name("component_page.py")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def address(server) -> str:
    return server(SCRIPT, "--theme.dark.primaryColor=#ff922b")  # without an option of its own there is no dark theme


@pytest.fixture
def opened(page, address):
    return open_at(page, address)


def open_at(page, address):
    """The page, when its grids are there and the script has come to its end."""
    page.goto(address)
    expect(page.get_by_text("clicked nothing")).to_be_visible(timeout=30_000)
    expect(grid(page, "positions").locator("img")).to_be_visible()
    return page


def grid(page, key):
    return page.locator(f".st-key-{key}").get_by_role("grid")


def cell(grid, row, column, rows=3, columns=4):
    """Where the middle of a cell is, as `position=` of Playwright's mouse."""
    box = grid.bounding_box()
    return {"x": (column + 0.5) * box["width"] / columns, "y": (row + 0.5) * box["height"] / rows}


def tooltip(grid):
    return grid.locator(".tooltip")


def covers(element, grid, row, column, rows=3, columns=4):
    """Whether the element lies exactly on a cell."""
    box, cell = grid.bounding_box(), element.bounding_box()
    wanted = {
        "x": box["x"] + column * box["width"] / columns,
        "y": box["y"] + row * box["height"] / rows,
        "width": box["width"] / columns,
        "height": box["height"] / rows,
    }
    return cell == pytest.approx(wanted, abs=0.6)


def test_shows_the_label_under_the_pointer_and_hides_it_when_the_pointer_leaves(opened):
    tiles = grid(opened, "tiles")
    tiles.hover(position=cell(tiles, 1, 2))
    expect(tooltip(tiles)).to_have_text("map 6")
    assert covers(tiles.locator(".cursor"), tiles, 1, 2)

    opened.get_by_role("button", name="Run again").hover()
    expect(tooltip(tiles)).to_be_hidden()
    expect(tiles.locator(".cursor")).to_be_hidden()


@pytest.mark.parametrize(("column", "label"), [(1, "<b>bold</b>"), (2, "<script>document.title = 'broken'</script>")])
def test_shows_html_in_a_label_as_text(opened, column, label):
    tiles = grid(opened, "tiles")
    tiles.hover(position=cell(tiles, 0, column))
    expect(tooltip(tiles)).to_have_text(label)
    expect(tooltip(tiles).locator("b, script")).to_have_count(0)
    expect(tiles.locator(".cursor")).to_have_attribute("aria-label", label)
    assert opened.title() != "broken"


def test_returns_the_clicked_cell_for_one_run_only(opened):
    positions = grid(opened, "positions")
    positions.click(position=cell(positions, 30, 7, 55, 55))
    expect(opened.get_by_text(f"clicked position {30 * 55 + 7}, now {30 * 55 + 7}")).to_be_visible()
    expect(tooltip(positions)).to_have_text(re.compile(r"^row 30, column 7: −?[\d.]+$"))

    opened.get_by_role("button", name="Run again").click()
    expect(opened.get_by_text(f"clicked position {30 * 55 + 7}, now None")).to_be_visible()


def test_rings_the_selected_cell(opened):
    tiles = grid(opened, "tiles")
    ring = tiles.locator(".ring")
    expect(ring).to_be_hidden()
    tiles.click(position=cell(tiles, 1, 1))
    expect(opened.get_by_text("clicked tile 5")).to_be_visible()
    expect(ring).to_be_visible()
    assert covers(ring, tiles, 1, 1)
    expect(tiles.locator(".cursor")).to_have_attribute("aria-selected", "true")
    primary = tiles.evaluate("element => getComputedStyle(element).getPropertyValue('--st-primary-color')")
    red, green, blue = (int(primary[i : i + 2], 16) for i in (1, 3, 5))
    assert f"rgb({red}, {green}, {blue})" in ring.evaluate("element => getComputedStyle(element).boxShadow")


def test_leaves_the_empty_end_of_the_last_row_alone(opened):
    tiles = grid(opened, "tiles")
    tiles.click(position=cell(tiles, 2, 3))
    expect(tooltip(tiles)).to_be_hidden()
    expect(tiles.locator(".cursor")).to_be_hidden()
    tiles.click(position=cell(tiles, 2, 2))  # a run later, only this click has arrived
    expect(opened.get_by_text("clicked tile 10")).to_be_visible()


def test_a_strip_below_the_cells_is_none_of_them_and_they_are_where_they_are_seen(page, address):
    """Three rows of cells, and a strip as high as a fourth."""
    opened = open_at(page, f"{address}/?striped=1")
    striped = grid(opened, "striped")
    striped.click(position=cell(striped, 3, 1, rows=4))
    expect(tooltip(striped)).to_be_hidden()
    for row, column in ((0, 0), (1, 3), (2, 1)):
        striped.click(position=cell(striped, row, column, rows=4))
        expect(opened.get_by_text(f"clicked striped {4 * row + column},")).to_be_visible()
        for _ in range(50):  # the words may come before the ring
            if covers(striped.locator(".ring"), striped, row, column, rows=4):
                break
            opened.wait_for_timeout(100)
        assert covers(striped.locator(".ring"), striped, row, column, rows=4)
        expect(tooltip(striped)).to_be_visible()
        assert covers(striped.locator(".cursor"), striped, row, column, rows=4)


def test_is_one_tab_stop_that_arrows_walk_and_enter_clicks(opened):
    tiles, positions = grid(opened, "tiles"), grid(opened, "positions")
    opened.get_by_role("button", name="Take away").focus()
    opened.keyboard.press("Tab")
    expect(tiles).to_be_focused()
    expect(tooltip(tiles)).to_have_text("map 0")
    for key, label in [("ArrowUp", "map 0"), ("ArrowDown", "map 4"), ("End", "map 7"), ("ArrowRight", "map 7")]:
        opened.keyboard.press(key)
        expect(tooltip(tiles)).to_have_text(label)
    opened.keyboard.press("ArrowDown")  # the last row is short
    expect(tooltip(tiles)).to_have_text("map 7")
    assert tiles.get_attribute("aria-activedescendant") == tiles.locator(".cursor").get_attribute("id")

    opened.keyboard.press("Enter")
    expect(opened.get_by_text("clicked tile 7")).to_be_visible()
    opened.keyboard.press("Home")
    opened.keyboard.press("Space")
    expect(opened.get_by_text("clicked tile 4")).to_be_visible()
    opened.keyboard.press("Escape")
    expect(tooltip(tiles)).to_be_hidden()

    opened.keyboard.press("Tab")
    expect(positions).to_be_focused()
    expect(tiles.locator(".cursor")).to_be_hidden()


def test_keeps_focus_and_place_when_something_else_reruns_the_page(opened):
    tiles = grid(opened, "tiles")
    opened.get_by_role("button", name="Take away").focus()
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Enter")  # the ring changes the data …
    expect(opened.get_by_text("clicked tile 1")).to_be_visible()
    runs = opened.get_by_text(re.compile("^run "))
    before = runs.inner_text()
    opened.get_by_role("button", name="Run again").dispatch_event("click")  # … and this changes nothing
    expect(runs).not_to_have_text(before)
    expect(tiles).to_be_focused()
    expect(tooltip(tiles)).to_have_text("<b>bold</b>")


def test_adds_its_listeners_once(opened):
    opened.evaluate("""() => {
        window.added = 0;
        const add = EventTarget.prototype.addEventListener;
        EventTarget.prototype.addEventListener = function (...given) {
          window.added += Boolean(this.classList?.contains("frame"));
          return add.apply(this, given);
        };
    }""")
    tiles = grid(opened, "tiles")
    for column in (0, 1, 2):  # every click moves the ring, so the JavaScript is called again
        tiles.click(position=cell(tiles, 2, column))
        expect(opened.get_by_text(f"clicked tile {8 + column}")).to_be_visible()
    opened.wait_for_timeout(200)
    assert opened.evaluate("window.added") == 0


def test_fits_a_telephone_and_answers_a_tap(new_page, address):
    page = open_at(new_page(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True), address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tiles = grid(page, "tiles")
    box = tiles.bounding_box()
    assert box["width"] / box["height"] == pytest.approx(4 / 3, abs=0.01)
    tiles.tap(position=cell(tiles, 0, 3))
    expect(page.get_by_text("clicked tile 3")).to_be_visible()
    expect(tooltip(tiles)).to_be_visible()  # there is no hovering here: the label stays after the tap
    label = tooltip(tiles).bounding_box()
    assert label["x"] >= 0
    assert label["x"] + label["width"] <= 390
    assert label["height"] > 50  # two hundred characters wrap


def test_takes_its_colours_from_the_theme(new_page, address):
    seen = []
    for scheme in ("light", "dark"):
        page = open_at(new_page(color_scheme=scheme), address)
        tiles = grid(page, "tiles")
        tiles.hover(position=cell(tiles, 1, 0))
        style = tooltip(tiles).evaluate(
            "element => [getComputedStyle(element).backgroundColor, getComputedStyle(element).color]"
        )
        app = page.locator(".stApp").evaluate(
            "element => [getComputedStyle(element).backgroundColor, getComputedStyle(element).color]"
        )
        assert style == app
        seen.append(style)
    assert seen[0] != seen[1]


def test_follows_its_cell_when_the_page_scrolls(new_page, address):
    page = open_at(new_page(viewport={"width": 390, "height": 500}), address)
    tiles = grid(page, "tiles")
    page.get_by_role("button", name="Take away").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.mouse.move(5, 400)
    page.mouse.wheel(0, 60)
    page.wait_for_function("document.querySelector('.stMain').scrollTop > 50")

    def is_above_its_cell() -> bool:
        label, cell = tooltip(tiles).bounding_box(), tiles.locator(".cursor").bounding_box()
        return label["y"] + label["height"] == pytest.approx(cell["y"] - 8, abs=1.5)

    soon(page, is_above_its_cell)  # it may still be scrolling


def test_leaves_nothing_behind_when_it_is_taken_away_in_use(opened):
    tiles = grid(opened, "tiles")
    opened.get_by_role("button", name="Take away").focus()
    opened.keyboard.press("Tab")
    expect(tooltip(tiles)).to_be_visible()
    opened.get_by_role("button", name="Take away").dispatch_event("click")
    expect(opened.get_by_role("grid")).to_have_count(0)
    opened.evaluate("document.dispatchEvent(new Event('scroll'))")  # an error on the console would fail this test
    opened.get_by_role("button", name="Run again").click()
    tiles.hover(position=cell(tiles, 0, 0))
    expect(tooltip(tiles)).to_have_text("map 0")


def test_answers_a_click_soon_among_seventeen(page, address):
    begun = time.perf_counter()
    page = open_at(page, f"{address}/?grids=15")
    expect(grid(page, "more14").locator("img")).to_be_visible()
    loaded = time.perf_counter() - begun
    positions, waits = grid(page, "positions"), []
    for row in range(8):
        place = cell(positions, row, 3, 55, 55)
        positions.hover(position=place)
        begun = time.perf_counter()
        page.mouse.down()
        page.mouse.up()
        expect(page.get_by_text(f"now {55 * row + 3}", exact=False)).to_be_visible()
        waits.append(time.perf_counter() - begun)
    median = sorted(waits)[len(waits) // 2]
    print(
        f"\n17 grids: loaded in {loaded:.2f} s; click to text {1000 * median:.0f} ms, worst {1000 * max(waits):.0f} ms"
    )
    assert median < 2


def test_runs_under_apptest():
    """Without a browser the component is an opaque element without any click."""
    at = AppTest.from_file(str(SCRIPT), default_timeout=30).run()
    assert not at.exception
    at.button[0].click().run()
    assert not at.exception
    assert at.markdown[0].value == "run `2`"
    assert at.markdown[1].value == "clicked `nothing`, now `None`"
