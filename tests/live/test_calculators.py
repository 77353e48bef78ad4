"""The calculators of cheap blocks in a real browser: numbers and drawings follow a slider that is still held."""

import re
from itertools import combinations

import pytest

from tests.live.conftest import overlap, soon
from tests.live.test_mobilenet import grip, macs, slider
from tests.live.test_page import fits
from vis.cost.blocks import reduced
from vis.figures.numbers import grouped

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}}


def at(page, app: str, name: str, link: str = ""):
    """A page, when everything on it is there."""
    page.goto(f"{app}/{name}{link}")
    expect(page.get_by_text("Why it is cheap, and where the numbers come from")).to_be_visible(timeout=60_000)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    return page


def through(between: int) -> str:
    return grouped(reduced((192, 28, 28), between, 32, 5).macs)


def fits_a_telephone(page) -> None:
    page.set_viewport_size(PHONE["viewport"])
    expect(macs(page)).to_be_visible()
    fits(page)


def drawn(page) -> str:
    """The picture of the cheap block, as it is shown."""
    return page.locator("[data-testid=stImage] img").nth(1).get_attribute("src")


def test_everything_follows_a_slider_that_is_held_and_the_address_when_it_is_let_go(page, app):
    at(page, app, "bottleneck")
    expect(macs(page)).to_have_text(through(16))
    before = drawn(page)
    page.mouse.move(*grip(page, "Bottleneck channels", 15))
    page.mouse.down()
    page.mouse.move(*grip(page, "Bottleneck channels", 400), steps=6)
    said = int(slider(page, "Bottleneck channels").get_attribute("aria-valuetext"))
    assert 300 < said < 500
    expect(macs(page)).to_have_text(through(said))
    page.wait_for_function(
        "before => document.querySelectorAll('[data-testid=stImage] img')[1].src !== before", arg=before
    )
    assert "between" not in page.url
    page.mouse.up()
    expect(page).to_have_url(re.compile(rf"block=bottleneck.*between={said}\b"))
    expect(macs(page)).to_have_text(through(said))


def test_results_follow_drags_and_keys_without_the_server_and_stay_in_view_on_a_phone(new_page, app):
    page = at(new_page(**PHONE), app, "bottleneck")
    name = "Bottleneck channels"
    expect(macs(page)).to_have_text(through(16))
    many, few = lengths_of_maps(page)[-3:-1]
    assert many / few == pytest.approx(192 / 16, rel=0.02)
    page.evaluate("WebSocket.prototype.send = () => {}")  # from now on the server hears nothing
    slider(page, name).scroll_into_view_if_needed()
    page.mouse.move(*grip(page, name, 15))
    page.mouse.down()
    for place in (100, 240, 390, 30):
        page.mouse.move(*grip(page, name, place))
        said = int(slider(page, name).get_attribute("aria-valuetext"))
        assert abs(said - 1 - place) < 20
        expect(macs(page)).to_have_text(through(said), timeout=1000)
    assert lengths_of_maps(page)[-3] / lengths_of_maps(page)[-2] == pytest.approx(192 / said, rel=0.02)
    assert sum(macs(page).bounding_box()[part] for part in ("y", "height")) < grip(page, name, 30)[1] < 844
    assert macs(page).bounding_box()["y"] > 0
    page.mouse.move(*grip(page, name, 15))
    page.mouse.up()
    said = int(slider(page, name).get_attribute("aria-valuetext"))
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        said += 1
        expect(slider(page, name)).to_have_attribute("aria-valuetext", str(said))
        expect(macs(page)).to_have_text(through(said), timeout=1000)
    fits(page)


def lengths_of_maps(page) -> list[float]:
    """How long the boxes of all maps are in pixels, which is the number of their channels."""
    return page.locator(".step.maps .front").evaluate_all("all => all.map((each) => each.getBBox().width)")


BOXES = """all => all.map((word) => {
    const { left, right, top, bottom } = word.getBoundingClientRect();
    return { text: word.textContent, left, right, top, bottom };
})"""


@pytest.mark.parametrize("width", [360, 390])
def test_on_a_phone_each_kernel_has_its_name_and_no_two_words_overlap(new_page, app, width):
    page = new_page(viewport={"width": width, "height": 800})
    for name, link, kernels in (("residual", "", 5), ("kernels", "?block=stacked", 4), ("kernels", "?block=groups", 3)):
        at(page, app, name, link)
        expect(page.locator(".step .title:visible")).to_have_count(kernels)
        soon(page, lambda: not overlapping(page))


def overlapping(page) -> list[tuple[str, str]]:
    """Words of the drawings, two by two, that lie over one another."""
    words = page.locator(".step .words span:visible").evaluate_all(BOXES)
    return [(one["text"], other["text"]) for one, other in combinations(words, 2) if overlap(one, other)]


def test_an_example_sets_the_sliders_and_its_link_opens_it_again(page, new_page, app):
    at(page, app, "kernels")
    page.get_by_role("radio", name="dilation").click()
    expect(slider(page, "Dilation")).to_have_attribute("aria-valuetext", "2")
    page.get_by_role("combobox", name="Example").click()
    page.get_by_role("option", name="Context module, d = 8").click()
    expect(slider(page, "Dilation")).to_have_attribute("aria-valuetext", "8")
    expect(page).to_have_url(re.compile(r"block=dilated.*dilation=8\b"))
    other = at(new_page(), app, "kernels", f"?{page.url.partition('?')[2]}")
    expect(macs(other)).to_have_text(macs(page).inner_text())
    expect(slider(other, "Dilation")).to_have_attribute("aria-valuetext", "8")
    fits_a_telephone(other)


def test_a_block_that_cannot_be_is_refused_and_comes_back(page, app):
    page.goto(f"{app}/separable?block=separable&side=2&stride=8")
    expect(page.get_by_role("alert").get_by_text("The stride 8×8 is larger than the 2×2 maps")).to_be_visible(
        timeout=60_000
    )
    slider(page, "Stride").focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("The stride 8×8 is larger")).to_have_count(0)
    expect(macs(page)).to_be_visible()
    fits_a_telephone(page)


def test_the_blocks_are_taken_away(page, app):
    at(page, app, "residual")
    names = {"csv": "Table of layers (CSV)", "svg": "Drawing (SVG)", "png": "Drawing (PNG)"}
    said = {"csv": "pointwise,1×1×256×64,".encode(), "svg": b"218,365,952 MACs", "png": b"\x89PNG"}
    for kind, name in names.items():
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        assert download.value.suggested_filename == f"convscope-residual-56-256-64.{kind}"
        assert said[kind] in download.value.path().read_bytes()
    fits_a_telephone(page)


class Late:
    """The browser's messages to the server, which can be held back and sent close to one another."""

    def __init__(self, page) -> None:
        self.held: list | None = None
        page.route_web_socket(re.compile("_stcore/stream"), self._opened)

    def _opened(self, browser) -> None:
        self._server = browser.connect_to_server()
        browser.on_message(self._said)

    def _said(self, message) -> None:
        self._server.send(message) if self.held is None else self.held.append(message)

    def arrive(self) -> None:
        held, self.held = self.held, None
        for message in held:
            self._server.send(message)


@pytest.mark.parametrize("way", ["menu", "back"])
def test_a_page_may_be_left_while_a_slider_is_held(page, app, way):
    late = Late(page)
    if way == "back":
        at(page, app, "residual")
        page.get_by_role("link", name="1×1 bottlenecks", exact=True).click()
        expect(page).to_have_url(re.compile("bottleneck.*block=bottleneck"), timeout=60_000)
        expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    else:
        at(page, app, "bottleneck")
    page.mouse.move(*grip(page, "Bottleneck channels", 15))
    page.mouse.down()
    late.held = []
    page.mouse.move(*grip(page, "Bottleneck channels", 300), steps=6)
    page.wait_for_timeout(700)  # after which the slider would report again, though nobody has answered
    before = len(late.held)
    if way == "back":
        page.evaluate("history.back()")
    else:
        page.get_by_role("link", name="Residual bottlenecks").evaluate("link => link.click()")
    soon(page, lambda: len(late.held) > before)  # it is asked for the other page
    page.wait_for_timeout(100)
    asked = len(late.held)
    page.mouse.move(*grip(page, "Bottleneck channels", 400), steps=6)
    page.wait_for_timeout(700)
    assert len(late.held) == asked  # whoever leaves says no more
    late.arrive()
    expect(page.get_by_role("heading", name="Residual bottlenecks", exact=True)).to_be_visible(timeout=60_000)
    page.mouse.up()
    expect(page).to_have_url(re.compile("residual.*block=residual"), timeout=60_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)
