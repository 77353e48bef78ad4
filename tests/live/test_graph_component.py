"""The layer canvas in a real browser: what a visitor sees, and what comes back to Python."""

import re
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.common.components import graph, sources
from pages.common.components.graph import Action, layer_canvas
from tests.live.conftest import resize, soon
from tests.live.graph_page import WORDS, large

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

SCRIPT = Path(__file__).with_name("graph_page.py")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def address(server) -> str:
    return server(SCRIPT, "--theme.dark.primaryColor=#ff922b")  # without an option of its own there is no dark theme


@pytest.fixture
def opened(page, address):
    return open_at(page, address)


def open_at(page, address, query=""):
    """The page, when its canvas is drawn and the script has come to its end."""
    page.goto(f"{address}/{query}")
    expect(page.get_by_text("The end").first).to_be_visible(timeout=30_000)
    expect(canvas(page).locator(".boxes .item").first).to_be_visible()
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
    rested(canvas(page))
    return page


def canvas(page, key="net"):
    return page.locator(f".st-key-{key}").get_by_role("application")


def rested(canvas) -> None:
    """Waits until a canvas stands in its place, and its view, which glides in each frame, has come to its end."""
    canvas.locator(".view").evaluate("""async (view) => {
      await document.fonts.ready;
      const look = () => view.getAttribute("transform") + JSON.stringify(view.ownerSVGElement.getBoundingClientRect());
      for (let before; before !== look();) {
        before = look();
        await new Promise((then) => setTimeout(then, 100));
        await new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)));
      }
    }""")


def box(page, name, key="net"):
    """The box of a layer; of an open block, its header."""
    return canvas(page, key).locator(f'[role="button"][aria-label^="{name}:"]')


def place(box):
    """Where a box is on the screen: its middle from left to right, and its top."""
    return box.evaluate(
        """box => {
          const { x, y, width } = [...box.querySelectorAll('.face')].at(-1).getBoundingClientRect();
          return { x: x + width / 2, y };
        }"""
    )


def rings(page, kind, key="net"):
    return canvas(page, key).locator(f".rings .{kind}")


def tooltip(page, key="net"):
    return page.locator(f".st-key-{key} .tooltip")


def zoom(page):
    """How many pixels a unit of the drawing has."""
    return canvas(page).locator(".view").evaluate("view => view.transform.baseVal.consolidate().matrix.a")


def says(page, text, key="net"):
    """Waits until Python says this about a canvas."""
    expect(page.get_by_text(re.compile(rf"^{key}: .*{re.escape(text)}"))).to_be_visible()


def test_a_canvas_that_gets_another_shape_is_looked_at_as_one_that_opened_in_it(new_page, address):
    window = {"width": 1280, "height": 320}
    page, other = open_at(new_page(), address), open_at(new_page(viewport=window), address)
    assert zoom(page) != pytest.approx(zoom(other), rel=0.05)
    resize(page, **window)
    soon(page, lambda: zoom(page) == pytest.approx(zoom(other), rel=0.01))
    rested(canvas(page))
    first = other.locator(".boxes .item").first.get_attribute("aria-label").partition(":")[0]
    assert place(box(page, first)) == pytest.approx(place(box(other, first)), abs=3)


def test_a_click_selects_the_box_at_once_and_tells_python_once(opened):
    box(opened, "conv1").click()
    assert rings(opened, "selected").count() == 1  # Python has not answered yet
    says(opened, "selected conv1, last select conv1, 1 in all")
    expect(box(opened, "conv1")).to_have_attribute("aria-pressed", "true")
    opened.get_by_role("button", name="Run again").click()
    says(opened, "selected conv1, last select conv1, 1 in all")

    box(opened, "maxpool").click()
    says(opened, "selected maxpool")
    expect(box(opened, "conv1")).not_to_have_attribute("aria-pressed", "true")
    expect(rings(opened, "selected")).to_have_count(1)


def test_a_click_on_the_background_clears_the_selection(opened):
    box(opened, "conv1").click()
    says(opened, "selected conv1")
    canvas(opened).click(position={"x": 20, "y": 200})
    says(opened, "selected None, last select None")
    expect(rings(opened, "selected")).to_have_count(0)


def test_the_last_of_several_quick_clicks_wins(opened):
    for name in ("conv1", "maxpool", "picture", "conv1", "maxpool"):
        box(opened, name).click()
    says(opened, "selected maxpool")
    opened.wait_for_timeout(500)
    says(opened, "selected maxpool")
    expect(box(opened, "maxpool")).to_have_attribute("aria-pressed", "true")


def test_plus_opens_a_block_which_fills_the_view_and_minus_closes_it_and_shows_all_again(opened):
    block, start = box(opened, "layer1"), zoom(opened)
    expect(block).to_have_attribute("aria-expanded", "false")
    block.locator(".toggle").click()
    expect(block).to_have_attribute("aria-expanded", "true")
    expect(box(opened, "layer1.0")).to_be_visible()
    says(opened, "selected None, last toggle layer1")
    rested(canvas(opened))
    edge = canvas(opened).bounding_box()
    inside = [box(opened, name).bounding_box() for name in ("layer1", "layer1.0", "layer1.1")]
    assert zoom(opened) > start
    assert min(one["y"] for one in inside) >= edge["y"]
    assert max(one["y"] + one["height"] for one in inside) <= edge["y"] + edge["height"]
    assert place(block)["x"] == pytest.approx(edge["x"] + edge["width"] / 2, abs=2)
    expect(overview(opened)).to_be_visible()
    opened.wait_for_timeout(600)  # in which it leaves for a corner without boxes
    soon(opened, lambda: overview_is_beside_all(opened))

    block.locator(".toggle").click()
    expect(block).to_have_attribute("aria-expanded", "false")
    expect(box(opened, "layer1.0")).to_have_count(0)
    rested(canvas(opened))
    assert zoom(opened) == pytest.approx(start, rel=0.01)
    expect(overview(opened)).to_be_hidden()


def overview(page, key="net"):
    return page.locator(f".st-key-{key} .overview")


def overview_is_beside_all(page) -> bool:
    """Whether the overview covers no box, nor the header of one."""
    small = overview(page).bounding_box()
    boxes = [one.bounding_box() for one in canvas(page).locator(".boxes .face, .headers .face").all()]
    ends = (("x", "width"), ("y", "height"))
    return all(
        any(
            one[start] + one[length] <= small[start] or small[start] + small[length] <= one[start]
            for start, length in ends
        )
        for one in boxes
    )


def shows_all(page) -> bool:
    """Whether the boxes end inside the canvas, above and below."""
    edge, drawn = canvas(page).bounding_box(), canvas(page).locator(".boxes").bounding_box()
    return edge["y"] <= drawn["y"] and drawn["y"] + drawn["height"] <= edge["y"] + edge["height"]


def test_a_double_click_selects_a_block_and_opens_it(opened):
    box(opened, "layer2").dblclick(position={"x": 20, "y": 20})
    expect(box(opened, "layer2")).to_have_attribute("aria-expanded", "true")
    says(opened, "selected layer2, last toggle layer2")


def test_the_window_of_the_overview_is_dragged_and_full_screen_shows_all(page, address):
    open_at(page, address, "?boxes=900")
    expect(overview(page)).to_be_hidden()  # there are boxes everywhere, and it would lie over some of them
    page.get_by_role("button", name="Zoom in").click()
    expect(overview(page)).to_be_visible()
    window = overview(page).locator(".window")
    small, before = overview(page).bounding_box(), place(box_at(page, 0))
    page.mouse.move(small["x"] + 5, small["y"] + 5)
    page.mouse.down()
    page.mouse.move(small["x"] + small["width"] / 2, small["y"] + small["height"] / 2, steps=3)
    page.mouse.up()
    middle, seen = canvas(page).bounding_box(), window.bounding_box()
    assert seen["x"] + seen["width"] / 2 == pytest.approx(small["x"] + small["width"] / 2, abs=2)
    assert seen["y"] + seen["height"] / 2 == pytest.approx(small["y"] + small["height"] / 2, abs=2)
    drawn = canvas(page).locator(".boxes").bounding_box()  # whose middle is now that of the view
    assert drawn["x"] + drawn["width"] / 2 == pytest.approx(middle["x"] + middle["width"] / 2, abs=80)
    assert place(box_at(page, 0))["y"] < before["y"] - 500

    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement !== null")
    soon(page, lambda: canvas(page).bounding_box()["width"] == page.viewport_size["width"])
    rested(canvas(page))
    soon(page, lambda: shows_all(page))
    expect(page.locator(".st-key-net .note")).to_contain_text(re.compile(r"900 boxes, \d pixels"))
    page.evaluate("document.exitFullscreen()")
    page.wait_for_function("document.fullscreenElement === null")


def test_the_header_of_an_open_block_stays_in_view_and_closes_it_there(page, address):
    open_at(page, address, "?opened=layer1 layer1.0 layer1.1")
    outer, inner, lower = box(page, "layer1"), box(page, "layer1.0"), box(page, "layer1.1")
    while zoom(page) < 0.9:
        page.get_by_role("button", name="Zoom in").click()
        rested(canvas(page))
    edge = canvas(page).bounding_box()

    def up_to(block, y):
        drag(page, 0, edge["y"] + y - place(block)["y"] if place(block)["y"] - edge["y"] - y < 450 else -450)

    for _ in range(9):
        if place(inner)["y"] - edge["y"] > 30 * zoom(page) + 1:  # where it stays from then on
            up_to(inner, 0)
    assert place(outer)["y"] == pytest.approx(edge["y"], abs=1)
    assert place(inner)["y"] == pytest.approx(edge["y"] + 30 * zoom(page), abs=1)
    # What slides out of view slides under the header of the block around it.
    for _ in range(9):
        if place(lower)["y"] - edge["y"] > 40:
            up_to(lower, 10)
    covered = outer.locator(".face").last.bounding_box()
    hit = page.evaluate(
        """([x, y]) => {
          let found = document.elementFromPoint(x, y);
          while (found?.shadowRoot?.elementFromPoint(x, y)) found = found.shadowRoot.elementFromPoint(x, y);
          return found?.closest('[role="button"]')?.ariaLabel ?? "";
        }""",
        [covered["x"] + covered["width"] / 2, covered["y"] + covered["height"] - 2],
    )
    assert hit.startswith("layer1:")
    outer.locator(".toggle").click()
    expect(outer).to_have_attribute("aria-expanded", "false")


def drag(page, right, down):
    """From an empty place of the canvas."""
    edge = canvas(page).bounding_box()
    x, y = edge["x"] + (220 if down < 0 else 30), edge["y"] + (edge["height"] - 20 if down < 0 else 20)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right / 2, y + down / 2)
    page.mouse.move(x + right, y + down)
    page.mouse.up()


def test_a_drag_moves_the_drawing_and_selects_nothing(opened):
    before = place(box(opened, "conv1"))
    drag(opened, 60, 90)
    after = place(box(opened, "conv1"))
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((60, 90), abs=1)

    middle = box(opened, "conv1").bounding_box()
    opened.mouse.move(middle["x"] + 20, middle["y"] + 20)
    opened.mouse.down()
    opened.mouse.move(middle["x"] + 80, middle["y"] + 50, steps=3)
    opened.mouse.up()
    opened.wait_for_timeout(300)
    expect(rings(opened, "selected")).to_have_count(0)
    says(opened, "selected None, last None")
    box(opened, "conv1").click()  # and clicks work as before
    says(opened, "selected conv1")


def test_the_wheel_zooms_with_ctrl_around_the_pointer_and_scrolls_the_page_without(opened):
    middle = box(opened, "conv1").bounding_box()
    x, y = middle["x"] + middle["width"] / 2, middle["y"]
    opened.mouse.move(x, y)
    before, zoomed = place(box(opened, "conv1")), zoom(opened)
    opened.keyboard.down("Control")
    opened.mouse.wheel(0, -100)
    soon(opened, lambda: zoom(opened) > 1.2 * zoomed)
    opened.keyboard.up("Control")
    assert place(box(opened, "conv1")) == pytest.approx(before, abs=1.5)

    zoomed = zoom(opened)
    opened.mouse.wheel(0, 120)
    opened.wait_for_function("document.querySelector('.stMain').scrollTop > 50")
    assert zoom(opened) == zoomed


def test_buttons_zoom_and_show_everything(opened):
    start = zoom(opened)
    opened.get_by_role("button", name="Zoom in").click()
    rested(canvas(opened))
    assert zoom(opened) == pytest.approx(1.35 * start, rel=0.01)
    expect(overview(opened)).to_be_visible()
    opened.get_by_role("button", name="Zoom out").click()
    rested(canvas(opened))
    assert zoom(opened) == pytest.approx(start, rel=0.01)
    opened.get_by_role("button", name="Show everything").click()
    rested(canvas(opened))
    assert shows_all(opened)


def test_opens_with_all_of_it_or_readable_at_the_top(new_page, address):
    page = open_at(new_page(viewport={"width": 390, "height": 900}), address, "?boxes=60")
    assert 12 * zoom(page) >= 11
    assert place(box_at(page, 0))["y"] - canvas(page).bounding_box()["y"] == pytest.approx(16 + 16 * zoom(page), abs=2)
    page = open_at(page, address)
    whole, edge = canvas(page).locator(".boxes").bounding_box(), canvas(page).bounding_box()
    assert whole["height"] <= edge["height"]
    names = canvas(page).locator(".boxes .title")
    sizes = names.evaluate_all("all => all.map(one => parseFloat(getComputedStyle(one).fontSize))")
    assert min(sizes) * zoom(page) >= 9


def box_at(page, number):
    return canvas(page).locator(f"#box-{number}")


def test_the_keyboard_walks_selects_opens_and_enters_a_block(opened):
    opened.get_by_role("button", name="Select the last one").focus()
    opened.keyboard.press("Tab")
    expect(canvas(opened)).to_be_focused()
    expect(tooltip(opened)).to_have_text(re.compile("^picture: "))
    for key, name in [("ArrowUp", "picture"), ("ArrowDown", "conv1"), ("End", "fc"), ("Home", "picture")]:
        opened.keyboard.press(key)
        expect(tooltip(opened)).to_have_text(re.compile(f"^{name}: "))
    for _ in range(4):
        opened.keyboard.press("ArrowDown")
    block = box(opened, "layer1")
    assert canvas(opened).get_attribute("aria-activedescendant") == block.get_attribute("id")
    opened.keyboard.press("Enter")
    says(opened, "selected layer1")
    for key, state in [("Space", "true"), ("Space", "false"), ("+", "true")]:
        opened.keyboard.press(key)
        expect(block).to_have_attribute("aria-expanded", state)
    expect(canvas(opened)).to_be_focused()
    opened.keyboard.press("ArrowDown")
    expect(tooltip(opened)).to_have_text(re.compile("^layer1.0: "))
    expect(rings(opened, "cursor")).to_have_count(1)
    opened.keyboard.press("-")  # a closed box closes the block that it stands in, and the keyboard goes there
    expect(block).to_have_attribute("aria-expanded", "false")
    expect(tooltip(opened)).to_have_text(re.compile("^layer1: "))
    opened.keyboard.press("Escape")
    expect(tooltip(opened)).to_be_hidden()
    opened.keyboard.press("Tab")
    expect(opened.get_by_role("button", name="Zoom in")).to_be_focused()
    expect(rings(opened, "cursor")).to_have_count(0)


def test_arrows_go_to_the_nearest_box_on_each_side(page, address):
    open_at(page, address, "?boxes=60")
    canvas(page).focus()
    for key, number in [("Home", 0), ("ArrowRight", 1), ("ArrowDown", 16), ("ArrowLeft", 15), ("ArrowUp", 0)]:
        page.keyboard.press(key)
        expect(canvas(page)).to_have_attribute("aria-activedescendant", f"box-{number}")


def test_hovering_shows_the_label_and_the_lines_of_a_box(opened):
    lit = canvas(opened).locator(".lit path")
    expect(lit).to_have_count(0)
    box(opened, "conv1").hover()
    expect(tooltip(opened)).to_have_text("conv1: 7×7 Conv2d, stride 2\noutput 64×112×112")
    expect(lit).to_have_count(2)
    box(opened, "layer1").locator(".toggle").hover()
    expect(tooltip(opened)).to_have_text("Open")
    opened.get_by_role("button", name="Run again").hover()
    expect(tooltip(opened)).to_be_hidden()
    expect(lit).to_have_count(0)
    box(opened, "conv1").hover()
    expect(tooltip(opened)).to_be_visible()
    box(opened, "conv1").click()  # what is looked at closely says more
    expect(tooltip(opened)).to_be_hidden()


def test_implied_lines_are_there_while_one_of_their_ends_is_looked_at(opened):
    implied = canvas(opened).locator(".implied")
    expect(implied).to_have_count(0)
    box(opened, "maxpool").hover()
    expect(implied).to_have_count(1)
    box(opened, "picture").click()
    expect(implied).to_have_count(1)
    opened.get_by_role("button", name="Run again").hover()
    expect(implied).to_have_count(1)  # selected
    canvas(opened).click(position={"x": 20, "y": 200})
    expect(implied).to_have_count(0)


def test_the_lines_of_a_box_go_on_through_the_edge_of_its_block(page, address):
    open_at(page, address, "?opened=layer1")
    box(page, "layer1.0").hover()
    # from maxpool into layer1, from its edge to layer1.0, and on to layer1.1
    expect(canvas(page).locator(".lit path")).to_have_count(3)


@pytest.mark.parametrize("text", ["<b>&", "<i>ReLU</i> & more"])
def test_shows_special_characters_as_they_are(opened, text):
    for _ in range(2):  # small words are not shown from afar
        opened.get_by_role("button", name="Zoom in").click()
        rested(canvas(opened))
    expect(canvas(opened).get_by_text(text, exact=True)).to_be_visible()
    expect(canvas(opened).locator("b, i")).to_have_count(0)
    box(opened, "<b>&").hover()
    expect(tooltip(opened)).to_have_text("<b>&: <i>ReLU</i> & more\noutput 64×112×112")
    expect(tooltip(opened).locator("*")).to_have_count(0)


def test_no_text_is_wider_than_its_box(page, address):
    open_at(page, address, "?opened=layer1 layer1.0 layer2")
    outside = canvas(page).evaluate(
        """canvas => [...canvas.querySelectorAll('.item text')].filter(text => {
          const [box, words] = [text.closest('.item').getBoundingClientRect(), text.getBoundingClientRect()];
          return words.left < box.left + 5 || words.right > box.right - 5;
        }).map(text => text.textContent)"""
    )
    assert outside == []
    title = box(page, "a_very_long_name_that_no_box_could_ever_hold_in_full").locator(".title")
    expect(title).to_have_text(re.compile("^a_very_long.*…$"))


def test_a_selection_made_elsewhere_comes_into_view(opened):
    edge = canvas(opened).bounding_box()
    for _ in range(3):
        opened.get_by_role("button", name="Zoom in").click()
        rested(canvas(opened))
    drag(opened, 0, 400)
    assert place(box(opened, "fc"))["y"] > edge["y"] + edge["height"]
    opened.get_by_role("button", name="Select the last one").click()
    expect(box(opened, "fc")).to_have_attribute("aria-pressed", "true")
    rested(canvas(opened))
    assert edge["y"] < place(box(opened, "fc"))["y"] < edge["y"] + edge["height"] - 60


def test_a_link_to_a_layer_opens_there(page, address):
    open_at(page, address, "?selected=fc")
    edge = canvas(page).bounding_box()
    assert edge["y"] < place(box(page, "fc"))["y"] < edge["y"] + edge["height"] - 30
    expect(rings(page, "selected")).to_have_count(1)


def test_keeps_its_view_when_something_else_reruns_the_page(opened):
    drag(opened, 40, 70)
    opened.get_by_role("button", name="Zoom in").click()
    rested(canvas(opened))
    before = place(box(opened, "conv1"))
    opened.get_by_role("button", name="Run again").click()
    opened.wait_for_timeout(500)
    assert place(box(opened, "conv1")) == pytest.approx(before, abs=0.5)


def test_follows_the_theme_while_it_is_shown(opened):
    faces = canvas(opened).locator(".boxes .face:last-of-type")
    light = faces.evaluate_all("faces => faces.map(face => face.getAttribute('fill'))")
    assert light[1] == "#cfe3f5"
    opened.emulate_media(color_scheme="dark")
    expect(box(opened, "conv1").locator(".face")).to_have_attribute("fill", "#174a72")
    expect(box(opened, "conv1")).to_have_attribute("color", "#f3f5f9")
    background = opened.locator(".stApp").evaluate("element => getComputedStyle(element).backgroundColor")
    frame = opened.locator(".st-key-net .frame")
    assert frame.evaluate("element => getComputedStyle(element).backgroundColor") == background


def test_what_is_not_counted_is_hatched(page, address):
    open_at(page, address, "?mode=value")
    expect(box(page, "maxpool").locator(".hatching")).to_have_count(1)
    expect(box(page, "conv1").locator(".hatching")).to_have_count(0)
    expect(box(page, "conv1").locator(".face")).to_have_attribute("fill", "#5ec962")
    legend = page.locator(".st-key-net .legend li")
    assert legend.all_inner_texts() == ["0", "25 %", "50 %", "75 %", "100 %", "not counted"]
    assert [item.locator(".hatching").count() for item in legend.all()] == [0, 0, 0, 0, 0, 1]


def test_two_canvases_know_nothing_of_each_other(page, address):
    open_at(page, address, "?canvases=2")
    before = place(box(page, "conv1", "other"))
    box(page, "conv1").click()
    says(page, "selected conv1")
    box(page, "layer1").locator(".toggle").click()
    expect(box(page, "layer1")).to_have_attribute("aria-expanded", "true")
    drag(page, 30, 40)
    says(page, "selected None, last None", "other")
    expect(rings(page, "selected", "other")).to_have_count(0)
    expect(box(page, "layer1", "other")).to_have_attribute("aria-expanded", "false")
    assert place(box(page, "conv1", "other")) == pytest.approx(before, abs=0.5)


def test_two_canvases_move_together_when_they_are_told_to(page, address):
    open_at(page, address, "?canvases=2&together=1")
    edges = [canvas(page, key).bounding_box() for key in ("net", "other")]
    drag(page, 40, 60)
    page.locator(".st-key-net").get_by_role("button", name="Zoom in").click()
    rested(canvas(page))
    rested(canvas(page, "other"))
    left, right = (place(box(page, "conv1", key)) for key in ("net", "other"))
    assert left["x"] - edges[0]["x"] == pytest.approx(right["x"] - edges[1]["x"], abs=2)
    assert left["y"] == pytest.approx(right["y"], abs=2)
    box(page, "conv1").hover()
    expect(rings(page, "twin", "other")).to_have_count(1)


def test_speaks_the_language_of_its_page(page, address):
    open_at(page, address, "?language=vi")
    expect(page.get_by_role("button", name="Phóng to")).to_be_visible()
    expect(canvas(page)).to_have_attribute("aria-label", "Các tầng của một mạng nhỏ")
    expect(canvas(page).get_by_text("tầng_tích_chập")).to_be_attached()


def test_fits_a_telephone_and_is_dragged_pinched_and_tapped(new_page, address):
    page = open_at(new_page(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True), address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.locator(".st-key-net .toolbar button").all():
        assert min(button.bounding_box()["width"], button.bounding_box()["height"]) >= 24

    fingers = page.context.new_cdp_session(page)

    def touch(kind, *points):
        at = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    before, start = place(box(page, "conv1")), zoom(page)
    edge = canvas(page).bounding_box()
    x, y = edge["x"] + 30, edge["y"] + 300
    touch("touchStart", (x, y))
    touch("touchMove", (x + 10, y - 30))
    touch("touchMove", (x + 10, y - 60))
    touch("touchEnd")
    there = {"x": before["x"] + 10, "y": before["y"] - 60}
    soon(page, lambda: place(box(page, "conv1")) == pytest.approx(there, abs=1.5))

    touch("touchStart", (x + 100, y), (x + 140, y))
    touch("touchMove", (x + 90, y), (x + 150, y))
    touch("touchMove", (x + 80, y), (x + 160, y))
    touch("touchEnd")
    soon(page, lambda: zoom(page) == pytest.approx(2 * start, rel=0.05))
    for _ in range(3):  # a busy machine may take a tap for a long press, which clicks nothing
        page.get_by_role("button", name="Show everything").tap()
        page.wait_for_timeout(200)
        rested(canvas(page))
        if zoom(page) < 1.1 * start:
            break
    assert zoom(page) == pytest.approx(start, rel=0.01)  # it opened with everything

    box(page, "conv1").tap()
    says(page, "selected conv1")
    expect(tooltip(page)).to_be_visible()
    block = box(page, "layer1")
    knob = block.locator(".knob").bounding_box()
    page.touchscreen.tap(knob["x"] + knob["width"] / 2 - 10, knob["y"] + knob["height"] / 2 + 6)  # 24 pixels wide
    expect(block).to_have_attribute("aria-expanded", "true")


def test_answers_soon(opened):
    """Prints how long a click takes until Python has answered, and the drawing is another."""
    waits = {"select": [], "toggle": []}
    block = box(opened, "layer1")
    for name in ("conv1", "maxpool", "picture") * 3:
        begun = time.perf_counter()
        box(opened, name).click()
        says(opened, f"selected {name}")
        waits["select"].append(time.perf_counter() - begun)
    for state in ("true", "false") * 4:
        begun = time.perf_counter()
        block.locator(".toggle").click()
        expect(block).to_have_attribute("aria-expanded", state)
        waits["toggle"].append(time.perf_counter() - begun)
    for kind, seconds in waits.items():
        print(
            f"\n{kind}: median {1000 * sorted(seconds)[len(seconds) // 2]:.0f} ms, worst {1000 * max(seconds):.0f} ms"
        )
    assert max(waits["toggle"]) < 3


def test_draws_900_boxes_and_1500_lines_quickly(page, address):
    """Prints how long the script takes for them, in a page of its own."""
    data = {**graph._packed(large(900), "kind"), "selected": None, "words": WORDS["en"], "height": "560px"}
    page.goto("about:blank")
    seconds = page.evaluate(
        """async ([html, css, js, data]) => {
          const { default: draw } = await import(URL.createObjectURL(new Blob([js], { type: "text/javascript" })));
          const times = [];
          for (let i = 0; i < 5; i++) {
            const host = document.body.appendChild(document.createElement("div"));
            const root = host.attachShadow({ mode: "open" });
            root.innerHTML = `<style>${css}</style>${html}`;
            const begun = performance.now();
            draw({ parentElement: root, data, setTriggerValue: () => {} });
            times.push(performance.now() - begun);
            await new Promise(requestAnimationFrame);
            if (root.querySelectorAll(".item").length !== 900) throw new Error("boxes are missing");
            host.remove();
          }
          return times.map((time) => time / 1000);
        }""",
        [*map(sources("graph").get, ("html", "css", "js")), data],
    )
    print(f"\n900 boxes: first {1000 * seconds[0]:.0f} ms, then {1000 * min(seconds):.0f} ms")
    assert min(seconds) < 0.5


def test_answers_a_click_among_900_boxes(page, address):
    open_at(page, address, "?boxes=900")
    expect(canvas(page).locator(".item")).to_have_count(900)
    waits = []
    for number in (0, 1, 15, 16, 30):
        begun = time.perf_counter()
        box_at(page, number).click()
        says(page, f"selected features.{number},")
        waits.append(time.perf_counter() - begun)
    print(f"\nselect among 900: median {1000 * sorted(waits)[2]:.0f} ms, worst {1000 * max(waits):.0f} ms")
    assert max(waits) < 3


def test_runs_under_apptest():
    """Without a browser the component is an opaque element without any click."""
    at = AppTest.from_file(str(SCRIPT), default_timeout=30).run()
    assert not at.exception
    at.button[0].click().run()
    assert not at.exception
    assert at.markdown[0].value == "net: selected `None`, last `None`, `0` in all"


DRAWING = {
    "width": 100,
    "height": 50,
    "boxes": [{"id": "a", "x": 0, "y": 0, "width": 80, "height": 30, "title": "a", "fill": ("#fff", "#000")}],
    "lines": [],
}


def test_refuses_words_that_are_missing():
    with pytest.raises(ValueError, match="lacks the words zoom_in, fit"):
        layer_canvas(
            DRAWING,
            "net",
            mode="kind",
            selected=None,
            words=dict.fromkeys({*graph.WORDS} - {"zoom_in", "fit"}, ""),
            on_action=print,
        )


def test_refuses_places_that_are_no_numbers():
    with pytest.raises(ValueError, match="nan is no place"):
        graph._packed({**DRAWING, "width": float("nan")}, "kind")


@pytest.mark.parametrize(
    ("asked", "action"),
    [
        ({"kind": "select", "id": "a"}, Action("select", "a")),
        ({"kind": "select", "id": None}, Action("select", None)),
        ({"kind": "toggle", "id": "a"}, Action("toggle", "a")),
        ({"kind": "toggle", "id": None}, None),
        ({"kind": "shrink", "id": None}, Action("shrink")),
        ({"kind": "shape", "id": 1.7}, Action("shape", aspect=1.7)),
        ({"kind": "shape", "id": 1.7123}, Action("shape", aspect=1.7)),
        ({"kind": "shape", "id": 0.01}, Action("shape", aspect=0.3)),
        ({"kind": "shape", "id": float("nan")}, None),
        ({"kind": "shape", "id": "1"}, None),
        ({"kind": "select", "id": "gone"}, None),
        ({"kind": "select", "id": ["a"]}, None),
        ({"kind": ["select"], "id": "a"}, None),
        ({"kind": "delete", "id": "a"}, None),
        ("select", None),
        (None, None),
    ],
)
def test_believes_a_browser_only_what_this_canvas_can_ask(asked, action):
    assert graph._action(asked, {"a"}) == action
