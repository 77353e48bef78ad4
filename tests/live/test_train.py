"""The page “Train live” in a real browser: it moves, other pages answer, and no thread outlives its window."""

import re
import statistics
import time

import pytest

from pages.common.learning import PATIENCE
from tests.live.conftest import ROOT
from tests.live.test_page import fits

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser
LONG = 60_000  # milliseconds
ANSWER = 0.5  # seconds in which another page answers a click, while a training runs


def at(page, app: str, link: str = ""):
    page.goto(f"{app}/train{link}")
    expect(page.get_by_text("What to keep, and the papers")).to_be_visible(timeout=LONG)
    return page


def press(page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True).click()


def steps(page) -> int:
    """How many steps the page says are done."""
    said = page.get_by_text(re.compile(r"^(Step|Paused after) \d+")).first
    expect(said).to_be_visible(timeout=LONG)
    return int(re.search(r"\d+", said.inner_text())[0])


def wait_for_steps(page, least: int, seconds: float = 60) -> int:
    end = time.monotonic() + seconds
    while (done := steps(page)) < least and time.monotonic() < end:
        time.sleep(0.1)
    assert done >= least
    return done


def test_a_training_is_seen_to_go_on_pauses_goes_on_by_one_step_and_stops(page, app):
    at(page, app, "?epochs=50")
    press(page, "Start")
    before = wait_for_steps(page, 1)
    wait_for_steps(page, before + 1)
    press(page, "Pause")
    expect(page.get_by_text(re.compile("^Paused after"))).to_be_visible(timeout=LONG)
    time.sleep(0.7)  # the step that was under way is said, too
    paused = steps(page)
    time.sleep(1)
    assert steps(page) == paused
    press(page, "One step")
    wait_for_steps(page, paused + 1)
    assert steps(page) == paused + 1
    press(page, "Resume")
    wait_for_steps(page, paused + 30)
    press(page, "Stop")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible(timeout=LONG)
    expect(page.get_by_text(re.compile("^Stopped after"))).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    losses = page.evaluate("document.querySelectorAll('.js-plotly-plot')[0].data[0].y")
    assert losses[-1] < losses[0]


def test_a_training_whose_page_is_left_goes_on_and_other_pages_answer_at_once(page, app):
    at(page, app, "?learner=lenet5_1998&epochs=50")
    press(page, "Start")
    wait_for_steps(page, 3)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Dropout", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Dropout")).to_be_visible(timeout=LONG)
    note = page.get_by_test_id("stSidebar").get_by_role("link", name=re.compile("^Training: epoch"))
    expect(note).to_be_visible(timeout=LONG)
    page.wait_for_selector(".stApp[data-test-script-state=notRunning]", timeout=LONG)
    taken = []
    for number in range(2, 9):
        time.sleep(0.5)
        begun = time.perf_counter()
        press(page, "Draw another mask")
        page.wait_for_url(re.compile(rf"mask={number}\b"), wait_until="commit")
        taken.append(time.perf_counter() - begun)
    assert statistics.median(taken) < ANSWER
    note.click()
    expect(page.get_by_role("heading", level=1, name="Train live")).to_be_visible(timeout=LONG)
    wait_for_steps(page, 4)
    press(page, "Stop")
    expect(page.get_by_text(re.compile("^Stopped after"))).to_be_visible(timeout=LONG)


def test_a_window_that_is_there_keeps_its_training_and_one_that_is_closed_ends_it_within_ten_seconds(new_page, server):
    address = server(ROOT / "tests/live/learning_page.py")
    first, second = new_page(), new_page()

    def at_work() -> str:
        second.goto(address)
        said = second.get_by_text(re.compile(r"^\d+ at work$"))
        expect(said).to_be_visible(timeout=LONG)
        return said.inner_text()

    first.goto(f"{address}?train=yes")
    expect(first.get_by_text("1 at work")).to_be_visible(timeout=LONG)
    time.sleep(PATIENCE + 2)  # it asks for nothing, but it is connected
    assert at_work() == "1 at work"
    closed = time.monotonic()
    first.goto("about:blank")
    time.sleep(PATIENCE)  # looks would slow the training, and so its end
    while at_work() != "0 at work" and time.monotonic() < closed + 20:
        time.sleep(0.2)
    assert time.monotonic() - closed <= 10


@pytest.mark.parametrize("look", [{"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}])
def test_it_is_not_wider_than_a_telephone(new_page, app, look):
    page = at(new_page(**look), app, "?epochs=1&batch=256")
    press(page, "Start")
    expect(page.get_by_text("1.0 / 1")).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible(timeout=LONG)
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot')[1]?.data?.[1]?.y.length === 3", timeout=LONG)
    fits(page)
