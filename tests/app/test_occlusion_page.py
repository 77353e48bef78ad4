"""The page “What if a part is covered”, as its visitors set it and read it."""

import time

import numpy as np
import pytest

from models import load
from models.decoding import decoded
from pages.common.cache import InTurns, sample
from pages.common.cache.explained import explanations
from pages.common.text import plain
from pages.explain import work
from pages.explain.occlusion import grids
from tests.app.visit import ROUTES, Visit, read_csv
from vis.attribution.figure7 import figure7
from vis.attribution.partial import covered
from vis.figures.numbers import percent


def arrived(page: Visit) -> Visit:
    end = time.monotonic() + 60
    while (page.at.get("progress") or not page.pictures()) and time.monotonic() < end:
        time.sleep(0.1)
        page.run()
    assert page.pictures()
    assert not page.at.get("progress")
    return page


@pytest.fixture
def given(monkeypatch):
    files = {}
    monkeypatch.setattr(grids, "download", lambda place, label, make, file, key, **look: files.update({key: make}))
    return files


@pytest.fixture(scope="module")
def known():
    loaded = load("zfnet_mini", "shipped", "cpu")
    image = loaded.classifier_input(decoded(sample("coffee")))
    best = int(loaded.model(image).argmax())
    *_, found = figure7(loaded.model, image, best, loaded.layers["5"], 16, 8)
    return loaded, image, found


def test_the_square_is_slid_and_a_place_can_be_looked_at(known, given, monkeypatch):
    loaded, image, found = known
    best = int(loaded.model(image).argmax())
    monkeypatch.setattr(work, "AT_ONCE", 0)
    page = Visit(ROUTES["occlusion"], network="zfnet_mini", sample="coffee")
    assert "about 1 s: 50 forward passes" in page.captions
    assert not page.pictures()
    page = arrived(page.press("start square"))
    assert [one["alt"] for one in page.pictures()] == [
        *("The picture", "Sum of the strongest map", f"Probability: {loaded.categories[best]}", "Most probable class"),
    ]
    rows = read_csv(given["occlusion csv"]())
    shape = found.best.shape
    assert np.array([float(row["probability"]) for row in rows]).reshape(shape) == pytest.approx(
        found.probability.numpy(), abs=1e-6
    )
    assert {int(row["map"]) for row in rows} == {found.channel}
    assert [row["most_probable"] for row in rows] == [loaded.categories[n] for n in found.best.ravel().tolist()]
    again = arrived(Visit(ROUTES["occlusion"], **page.link, at="2,3").press("start square"))
    words = next(m.value for m in again.at.markdown if m.value.startswith("## Covered: "))
    assert words == "## Covered: rows 16–31, columns 24–39"
    answer = loaded.model(covered(image, [found.box(2, 3)])).softmax(1)[0]
    (listed,) = (m.value for m in again.at.markdown if m.value.startswith("1. "))
    assert listed.startswith(f"1. {loaded.categories[int(answer.argmax())]}: **{100 * float(answer.max()):.1f} %**")
    assert again.link["at"] == "2,3"
    assert not again.errors
    other = (best + 1) % len(loaded.categories)
    page = Visit(ROUTES["occlusion"], network="zfnet_mini", sample="coffee", target=str(other))
    page = arrived(page.press("start square"))
    share = float(loaded.model(image).softmax(1)[0, best])
    assert plain(f"as it is: {loaded.categories[best]} {percent(share)}") in page.captions


def test_a_job_that_is_stopped_leaves_the_line_and_gives_nothing():
    job = InTurns(lambda: iter(int, 1), lambda known: 0.0, most=1)  # it would never end
    while not job.known:
        time.sleep(0.01)
    job.stop()
    end = time.monotonic() + 10
    while job.running and time.monotonic() < end:
        time.sleep(0.01)
    assert not job.running
    assert (job.result, job.failed, len(job.known)) == (None, False, 1)
    assert not explanations.places


def test_a_step_beyond_the_square_is_said_and_cut_to_its_side_so_that_every_pixel_is_covered(given):
    page = arrived(Visit(ROUTES["occlusion"], network="lenet5", size="8", stride="14"))
    assert "at most a side of the square, so that every pixel is covered" in page.captions
    rows = read_csv(given["occlusion csv"]())
    assert len(rows) == 16  # of 32 pixels: 0–7, 8–15, 16–23, 24–31, both ways
    assert (
        "from one place to the next"
        not in arrived(Visit(ROUTES["occlusion"], network="lenet5", size="8", stride="8")).captions.lower()
    )


def test_another_square_and_layer_are_in_the_address(given):
    page = arrived(Visit(ROUTES["occlusion"], network="lenet5", size="12", stride="10"))
    assert (page.link["size"], "stride" in page.link) == ("12", True)
    assert len(read_csv(given["occlusion csv"]())) == 9  # of 32 pixels: 0–11, 10–21, 20–31, both ways
