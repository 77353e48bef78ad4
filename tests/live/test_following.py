"""What follows one of Streamlit's sliders in a real browser: while it is dragged, and once it is let go."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import exp

import pytest
import torch

from models import load
from models.decoding import decoded
from models.samples import SAMPLES
from pages.common.text import MARKS
from tests.app.test_normalisation_page import followed
from tests.live.conftest import soon, still
from tests.live.test_page import PHONE, fits
from vis.concepts.dropout import mask
from vis.concepts.examples import batch, preactivations, units
from vis.figures.numbers import grouped, percent, significant, written_with

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
LONG = 120_000  # milliseconds
STOPS = (0.0, 0.35, 0.75, 1.0, 0.85)  # of the track; the last one is not where any slider stands at first
LOOK = """
(keys) => keys.flatMap((key) => {
  const place = document.querySelector(`.st-key-${key}`);
  const plot = place.querySelector(".js-plotly-plot");
  if (!plot) return [place.innerText.split(/\\s+/).join(" ").trim()];
  const { left, top } = plot.getBoundingClientRect();
  const moved = ".scatterlayer .js-line, .scatterlayer .point, .barlayer .point path, .shape-group path";
  const boxes = [...plot.querySelectorAll(moved)].flatMap((each) => {
    const box = each.getBoundingClientRect();
    return [box.left - left, box.top - top, box.right - left, box.bottom - top, 100 * (each.style.opacity || 1)];
  });
  return [boxes, [...plot.querySelectorAll(".ytick text")].map((tick) => tick.textContent).join(" ")];
})
"""


# The numbers, reckoned here ------------------------------------------------------------------------------------------


def of_sigmoid(x: float) -> list[str]:
    value = 1 / (1 + exp(-x))
    return [significant(value), significant(value * (1 - value))]


def left_of_gradient(layers: float) -> list[str]:
    return [f"{layers:.0f}", significant(0.25**layers)]


def variance_after(seen: int, momentum: float) -> list[str]:
    return [significant(float(followed(seen, momentum).running_var[2]))] if seen else ["1"]


@cache
def of_network(p: float) -> list[str]:
    """The mean of the passes and their deviation."""
    loaded = load("alexnet_mini", "shipped", "cpu")
    given = loaded.classifier_input(decoded(SAMPLES["coffee"].content()))
    with torch.no_grad():
        flat = loaded.model.avgpool(loaded.model.features(given)).flatten(1)
        best = loaded.model(given).argmax()
        passes = flat * mask((50, flat.numel()), p, 1) / (1 - p)
        shares = loaded.model.classifier[2:](passes).softmax(1)[:, best]
    return [percent(float(shares.mean())), percent(float(shares.std(correction=0)))]


def active(bias: float) -> list[str]:
    return [f"{int((preactivations() + bias > 0).sum())} of 160 inputs"]


def kept(p: float) -> list[str]:
    return [f"{int(mask((1024, 4, 6), p, 1)[0].sum())} of 24 units"]


def error_after(passes: float) -> list[str]:
    x, _gradient = units()
    mean = (2 * x * mask((1024, 4, 6), 0.5, 1))[: int(passes)].mean(0)
    return [grouped(int(passes)), significant(float((mean - x).square().mean().sqrt()), 2)]


@dataclass(frozen=True)
class Slider:
    """A slider of a page, what of it follows, and which numbers are to be read there at a value."""

    page: str
    link: str
    label: str
    name: str  # in the address
    follows: tuple[str, ...]  # the keys of containers
    says: Callable[[float], list[str]]
    language: str = "en"


AVERAGES = ("averages", "words-of-averages")
SHIFT = tuple(f"{what}-{which}" for what in ("bands", "bars", "title-of-bars") for which in ("without", "with"))
SLIDERS = (
    Slider("nonlinearities", "", "x", "x", ("functions", "wrapped-slopes"), of_sigmoid),
    Slider("nonlinearities", "&slopes_guess=3", "Các tầng", "layers", ("wrapped-slopes",), left_of_gradient, "vi"),
    Slider(
        "normalisation",
        "&batch_guess=2&average=variance",
        "Số lô đã thấy",
        "seen",
        AVERAGES,
        lambda seen: variance_after(int(seen), 0.1),
        "vi",
    ),
    Slider(
        "normalisation",
        "&batch_guess=2&average=variance&seen=7",
        "Momentum m",
        "momentum",
        AVERAGES,
        lambda momentum: variance_after(7, momentum),
    ),
    Slider(
        "normalisation",
        "&covariate_guess=3&train=on",
        "Training step",
        "step",
        SHIFT,
        lambda step: [f"without batch norm, after {step:.0f} steps", f"with batch norm, after {step:.0f} steps"],
    ),
    Slider("dropout", "&scatter_guess=2", "p in the network", "rate", ("scattered", "words-of-scattered"), of_network),
    Slider("nonlinearities", "", "Bias", "bias", ("words-of-dead",), active),
    Slider("dropout", "", "Dropout probability p", "p", ("words-of-masks",), kept),
    Slider(
        "dropout", "&passes_guess=2", "Passes averaged", "averaged", ("error-of-mean", "words-of-error"), error_after
    ),
)


# What a visitor does -------------------------------------------------------------------------------------------------


def at(page, app: str, slider: Slider):
    """The page, when the slider is there, and charts in their places."""
    page.goto(f"{app}/{slider.page}?language={slider.language}{slider.link}", timeout=LONG)
    settled(page, slider)
    drawn = "(keys) => keys.every((key) => document.querySelector(`.st-key-${key}`)?.innerText.trim())"
    page.wait_for_function(drawn, arg=list(slider.follows), timeout=LONG)
    page.wait_for_function("() => ![...document.querySelectorAll('.js-plotly-plot')].some((one) => !one._fullLayout)")
    return page


def settled(page, slider: Slider) -> None:
    expect(thumb(page, slider)).to_be_attached(timeout=LONG)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)


def whole(page, slider: Slider):
    label = page.get_by_test_id("stWidgetLabel").get_by_text(slider.label, exact=True)
    return page.get_by_test_id("stSlider").filter(has=label).first


def thumb(page, slider: Slider):
    return whole(page, slider).locator("input[type=range]")


def take(page, slider: Slider, holds: Callable[[], object]) -> Callable[[float], None]:
    """The mouse takes the thumb and drags it to its first stop, until holds() is true there; what moves it on.

    Once may not be enough there: a browser takes a moment to unpack what the thumb can be dragged to.
    """
    track = whole(page, slider).locator("[data-rac] [data-rac]").first
    track.scroll_into_view_if_needed()
    box = still(track)

    def move(part: float) -> None:
        page.mouse.move(box["x"] + part * box["width"], box["y"] + box["height"] / 2, steps=4)
        page.evaluate("() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))")

    least, most, now = (float(thumb(page, slider).get_attribute(name)) for name in ("min", "max", "value"))
    move((now - least) / (most - least))
    page.mouse.down()

    def holds_there() -> bool:
        move(STOPS[0])
        if not holds():
            move(0.5)  # from where it comes again
            return False
        return True

    soon(page, holds_there)
    return move


def value(page, slider: Slider) -> float:
    """Where the thumb is, as it says it."""
    return float(thumb(page, slider).get_attribute("aria-valuetext").replace(",", ".").replace("−", "-"))


def look(page, slider: Slider) -> list:
    return page.evaluate(LOOK, list(slider.follows))


def shows_its_numbers(page, slider: Slider) -> bool:
    """Whether what follows a slider says the numbers of where it is."""
    words = " ".join(each for each in look(page, slider) if isinstance(each, str)).lower()
    with written_with(MARKS[slider.language]):
        numbers = slider.says(value(page, slider))
    return all(re.search(rf"(?<![\w.,·−]){re.escape(said.lower())}(?![\w·]|[.,]\d)", words) for said in numbers)


@pytest.mark.parametrize("slider", SLIDERS, ids=lambda slider: f"{slider.page} {slider.name}")
def test_a_dragged_slider_shows_the_right_numbers_and_nothing_jumps_when_it_is_let_go(page, app, slider):
    at(page, app, slider)
    address, seen = page.url, [look(page, slider)]
    move = take(page, slider, lambda: shows_its_numbers(page, slider))
    for part in STOPS:
        move(part)
        soon(page, lambda: look(page, slider) != seen[-1] and shows_its_numbers(page, slider))
        seen.append(look(page, slider))
    assert page.url == address  # the server has not heard of it
    page.mouse.up()
    page.wait_for_url(re.compile(rf"{slider.name}="), timeout=LONG)
    settled(page, slider)
    page.wait_for_timeout(500)  # in which Plotly draws what the server says
    for held, after in zip(seen[-1], look(page, slider), strict=True):
        assert held == (after if isinstance(after, str) else pytest.approx(after, abs=1.5))


def test_the_mark_of_a_step_stands_at_its_place(page, app):
    slider = SLIDERS[4]
    at(page, app, slider)

    def is_at_its_place() -> bool:
        here = page.evaluate("""() => ["without", "with"].map((which) => {
            const plot = document.querySelector(`.st-key-bands-${which}`);
            const [area, line] = [".nsewdrag", ".shape-group path"].map((name) => plot.querySelector(name));
            const [all, box] = [area, line].map((each) => each.getBoundingClientRect());
            return ((box.left + box.right) / 2 - all.left) / all.width;
        })""")
        return here == pytest.approx([value(page, slider) / 124] * 2, abs=0.01)

    move = take(page, slider, is_at_its_place)
    for part in STOPS:
        move(part)
        soon(page, is_at_its_place)
    page.mouse.up()


def test_the_cells_of_batch_norm_are_torchs_while_the_slider_is_dragged(page, app):
    slider = Slider("normalisation", "&mode=inference", "Batches seen", "seen", (), lambda _seen: [])
    at(page, app, slider)
    cell = page.locator(".st-key-batch-output .sheets [data-cell='0']")

    def is_torchs() -> bool:
        seen = int(value(page, slider))
        y = followed(seen, 0.1).eval()(batch(max(1, seen), 4, 2)).detach()
        label = cell.get_attribute("aria-label").rpartition(": ")[2].replace("−", "-")
        return float(label) == pytest.approx(float(y[0, 0, 0, 0]), abs=0.006)

    move = take(page, slider, is_torchs)
    for part in STOPS:
        move(part)
        soon(page, is_torchs)
    page.mouse.up()


def test_keys_and_fingers_move_it_in_the_dark_on_a_telephone_too(new_page, app):
    slider = SLIDERS[0]
    page = at(new_page(**PHONE, color_scheme="dark"), app, slider)
    thumb(page, slider).focus()
    page.keyboard.press("ArrowRight")
    table = page.locator(".st-key-wrapped-slopes")
    expect(table).to_contain_text(of_sigmoid(1.0)[0], timeout=3_000)
    page.wait_for_url(re.compile(r"x=1\.0"), timeout=LONG)
    expect(table).to_contain_text(of_sigmoid(1.0)[1])
    fits(page)
