"""The CIFAR-10 arena in a real browser."""

import os
import pickle
import re

import numpy as np
import pytest

from models.cards import cards
from tests.live.conftest import ROOT, soon, still
from tests.live.test_home import are_apart
from tests.live.test_page import PHONE, fits

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.browser


def at(page, app: str, link: str = ""):
    """The page with the names in its chart, when all of it is there."""
    page.goto(f"{app}/arena?small_guess=2{link}")
    expect(page.locator(".js-plotly-plot").first.locator(".point").first).to_be_visible(timeout=60_000)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
    return page


def test_a_clicked_point_shows_its_network_closely(page, app):
    at(page, app)
    chart = page.locator(".js-plotly-plot").first
    chart.scroll_into_view_if_needed()
    number = chart.evaluate("plot => plot.data[1].customdata.findIndex(([name]) => name === 'cifar_vgg')")
    box = still(chart.locator(".point").nth(number))
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile("closely=cifar_vgg"), timeout=30_000)
    expect(page.get_by_role("combobox", name="Network", exact=True)).to_have_value("VGG")


@pytest.mark.parametrize(("axis", "language"), [("macs", "en"), ("core_seconds", "vi")])
def test_fits_a_telephone_and_no_two_names_overlap(new_page, app, axis, language):
    page = at(new_page(**PHONE, has_touch=True), app, f"&axis={axis}&language={language}")
    fits(page)
    soon(page, lambda: are_apart(page, 8))


PATCH = """\
import torchvision.datasets.cifar as of
of.check_integrity = lambda path, md5=None: True
"""


@pytest.fixture(scope="module")
def with_noise(server, browser, tmp_path_factory) -> str:
    """The address of the app where pictures of noise lie in the place of CIFAR-10, whose sums are not looked at."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "hub" / "convscope" / "datasets" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    (home / "sitecustomize.py").write_text(PATCH)
    for name, seed in (("test_batch", 0), *((f"data_batch_{n}", n) for n in range(1, 6))):
        pixels = np.random.default_rng(seed).integers(0, 256, (400, 3072), np.uint8)
        (folder / name).write_bytes(pickle.dumps({"data": pixels, "labels": [n % 10 for n in range(400)]}))
    names = list(cards()["cifar_vgg"].categories)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": names}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(home))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(home), os.environ.get("PYTHONPATH", "")]))
        address = server(ROOT / "app.py", "--server.maxMessageSize=201")  # another server than that of other tests
    first = browser.new_page()
    first.goto(address)
    first.get_by_role("heading", level=1).wait_for(timeout=60_000)
    first.close()
    return address


def click_cell(page, right: int, answer: int) -> None:
    table = page.locator(".js-plotly-plot").filter(has=page.locator(".heatmaplayer image")).first
    table.scroll_into_view_if_needed()
    box = still(table.locator(".nsewdrag").first)
    page.mouse.click(box["x"] + box["width"] * (answer + 0.35) / 10, box["y"] + box["height"] * (right + 0.4) / 10)


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desktop", "telephone"])
def test_a_clicked_cell_shows_its_pictures_and_the_lists_choose_another(new_page, with_noise, look):
    page = at(new_page(**look), with_noise, "&closely=cifar_lenet5")
    click_cell(page, 2, 6)  # which begins to look
    expect(page.get_by_text("The pictures of a cell")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("combobox", name="Right class", exact=True)).to_have_value("bird")
    expect(page.get_by_role("combobox", name="Answer", exact=True)).to_have_value("frog")
    click_cell(page, 9, 0)
    expect(page.get_by_role("combobox", name="Right class", exact=True)).to_have_value("truck", timeout=30_000)
    expect(page.get_by_role("combobox", name="Answer", exact=True)).to_have_value("airplane")
    answer = page.get_by_role("combobox", name="Answer", exact=True)
    answer.focus()
    answer.press("ArrowDown")
    answer.press("ArrowDown")
    answer.press("Enter")
    expect(answer).not_to_have_value("airplane")
    page.wait_for_url(re.compile("answer="), timeout=30_000)
