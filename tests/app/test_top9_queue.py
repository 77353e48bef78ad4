"""Searches that take turns, a ZIP that is kept for its session, and who may have a data set downloaded."""

import gc
import pickle
import re
import threading
import time
import weakref
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from models import Loaded, load
from models.picture_sets import folder, part, samples
from models.refusals import Refused
from pages.common import cache
from pages.common.cache import top9
from pages.common.cache.turns import Line
from pages.common.jobs import Job
from pages.common.session import SET_FILE
from pages.look.top9.mining import _how_far
from pages.look.top9.sets import is_here
from pages.look.top9.state import Progress
from tests.app.test_top9_page import (
    ended,
    kept,
    many,
    mining,
    of_folder,
    of_zip,
    packed,
    picture,
    progress,
    root,
    searched,
    slow,
    until,
)
from tests.app.visit import HOME, TOP9, Visit
from tests.unit.pictures import saved
from vis.top9 import Top, key_of, mine

__all__ = ["kept", "root", "slow"]  # fixtures
SOON = 30  # seconds

# Turns -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch) -> Line:
    """The line of searches, with turns of a twentieth of a second."""
    line = Line(seconds=0.05, most=3)
    monkeypatch.setattr(top9, "searches", line)
    return line


class Slowly:
    """A set of pictures each of which takes a moment; it notes which were opened."""

    def __init__(self, pictures, seconds: float = 0.02):
        self._pictures, self._seconds, self.opened = pictures, seconds, []

    def __getattr__(self, name: str):
        return getattr(self._pictures, name)

    def open(self, id: str):
        time.sleep(self._seconds)
        self.opened.append(id)
        return self._pictures.open(id)


class Search:
    """A search by the cache, in a thread of its own."""

    def __init__(self, pictures, folder: Path, loaded: Loaded | None = None):
        self.top: Top | None = None
        self.refused: Refused | None = None
        self.done, self.ended, self.stop = 0, 0.0, threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(pictures, folder, loaded or load("lenet5")), daemon=True
        )
        self._thread.start()

    def _run(self, pictures, folder: Path, loaded: Loaded) -> None:
        key = key_of(loaded, pictures, list(loaded.layers.values()))
        try:
            self.top = cache.search(loaded, pictures, key, folder, self._report, self.stop.is_set)
        except Refused as refused:
            self.refused = refused
        self.ended = time.monotonic()

    def _report(self, done: int, total: int) -> None:
        self.done = done

    def wait_until(self, reached: Callable[[], bool]) -> "Search":
        end = time.monotonic() + SOON
        while not reached():
            assert time.monotonic() < end, "the search takes too long"
            time.sleep(0.002)
        return self

    def end(self) -> "Search":
        self._thread.join(SOON)
        assert not self._thread.is_alive()
        return self


@pytest.fixture
def large(root) -> Slowly:
    many(root, 240)
    return Slowly(folder(root / "many", root))


@pytest.fixture
def small(root) -> Slowly:
    return Slowly(folder(root / "set", root))


def same(one: Top, other: Top) -> bool:
    """Whether two results agree in every bit."""
    return one.key == other.key and all(
        one.entries(layer, channel) == other.entries(layer, channel)
        for layer in one.layers
        for channel in range(one.channels(layer))
    )


def test_a_small_search_is_done_long_before_a_large_one_that_came_first(quick, large, small, tmp_path):
    first = Search(large, tmp_path)
    first.wait_until(lambda: first.done)
    second = Search(small, tmp_path).end()
    assert second.top.finished
    assert first.done < 120
    assert first.end().top.finished
    assert second.ended < first.ended


def test_searches_that_took_turns_find_what_each_finds_alone(quick, large, small, tmp_path):
    turns = [Search(pictures, tmp_path) for pictures in (large, small)]
    loaded = load("lenet5")
    for search, pictures in zip(turns, (large, small), strict=True):
        alone = mine(loaded, pictures, list(loaded.layers.values()))
        assert same(search.end().top, alone)
        assert [(id, str(why)) for id, why in search.top.unreadable] == [(id, str(why)) for id, why in alone.unreadable]


def test_no_two_searches_are_inside_the_network_at_once(quick, root, large, tmp_path):
    inside, order, most = set(), [], 0
    loaded = load("lenet5")

    def enters(*_: object) -> None:
        nonlocal most
        inside.add(threading.get_ident())
        order.append(threading.get_ident())
        most = max(most, len(inside))
        time.sleep(0.002)

    def leaves(*_: object) -> None:
        inside.remove(threading.get_ident())

    for module in loaded.model.modules():
        if not list(module.children()):
            module.register_forward_pre_hook(enters)
            module.register_forward_hook(leaves)
    other = Slowly(samples({"noise": saved(picture(7), "PNG")}))
    half = Slowly(part(folder(root / "many", root), 1, 2))
    for search in [Search(pictures, tmp_path, loaded) for pictures in (large, half, other)]:
        assert search.end().top.finished
    assert len(set(order)) == 3
    assert most == 1
    assert sum(one != following for one, following in pairwise(order)) > 3  # they did take turns


def test_a_search_that_is_stopped_while_it_waits_ends_at_once(quick, large, small, tmp_path, monkeypatch):
    monkeypatch.setattr(quick, "seconds", 3600)
    first = Search(large, tmp_path)
    first.wait_until(lambda: first.done)
    second = Search(small, tmp_path).wait_until(lambda: len(quick.places) == 2)
    begun = time.monotonic()
    second.stop.set()
    assert second.end().top is None
    assert time.monotonic() - begun < SOON  # and not an hour
    assert not small.opened
    first.stop.set()
    first.end()
    assert not quick.places


def test_a_search_that_is_stopped_between_its_turns_has_what_it_found(quick, large, small, tmp_path):
    first = Search(large, tmp_path)
    second = Search(Slowly(small, 0.1), tmp_path)
    first.wait_until(lambda: first.done and quick.places[-1].before and len(large.opened) < 240)
    first.stop.set()
    top = first.end().top
    assert not top.finished
    assert top.counted == first.done
    assert second.end().top.finished


def test_two_searches_for_the_same_do_the_work_once(quick, large, tmp_path):
    searches = [Search(large, tmp_path) for _ in range(2)]
    assert all(search.end().top.finished for search in searches)
    assert same(*(search.top for search in searches))
    assert len(large.opened) == len(large.ids)


def test_whoever_waits_for_the_same_goes_on_where_the_first_was_stopped(quick, large, tmp_path):
    first = Search(large, tmp_path)
    first.wait_until(lambda: first.done)
    second = Search(large, tmp_path).wait_until(lambda: len(quick.places) == 2)
    first.stop.set()
    counted = first.end().top.counted
    second.end()
    assert 0 < counted < len(large.ids)
    assert second.top.finished
    assert len(large.opened) < len(large.ids) + 40  # those that were decoded ahead of their turn


def test_a_turn_has_at_least_one_group_however_short_it_is(quick, large, small, tmp_path, monkeypatch):
    monkeypatch.setattr(quick, "seconds", 0)
    searches = [Search(pictures, tmp_path) for pictures in (large, small)]
    assert all(search.end().top.finished for search in searches)


def test_more_different_searches_than_there_is_room_for_are_refused(quick, root, large, tmp_path, monkeypatch):
    monkeypatch.setattr(quick, "most", 1)
    first = Search(large, tmp_path)
    first.wait_until(lambda: first.done)
    again = Search(large, tmp_path).wait_until(lambda: len(quick.places) == 2)
    other = Search(folder(root / "set", root), tmp_path).end()
    assert str(other.refused).startswith("1 searches, measurements or trainings are already running")
    for search in (first, again):
        search.stop.set()
        search.end()


def test_whoever_had_a_turn_goes_to_the_end_of_the_line():
    line = Line(seconds=0, most=9)
    with line.place("a") as a, line.place("b") as b, line.place("c") as c:
        assert [a.before, b.before, c.before] == [0, 1, 2]
        assert a.wait(lambda: False)
        assert a.is_over
        a.again()
        assert [b.before, c.before, a.before] == [0, 1, 2]
        assert not a.wait(lambda: True)
    assert not line.places


def test_a_turn_goes_on_while_nobody_waits_with_other_work():
    line = Line(seconds=0, most=9)
    with line.place("a") as a, line.place("a"):
        assert a.wait(lambda: False)
        assert not a.is_over
        with line.place("b"):
            assert a.is_over


# What the page says of it ------------------------------------------------------------------------------------------


def test_the_rate_counts_the_searchs_own_turns_alone(monkeypatch):
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    progress = Progress()
    with Line(30, 9).place("work") as place:
        progress.wait(place)
        progress.tell(40, 1000)  # of an earlier run
        assert progress.rate is None
        now += 10
        progress.tell(60, 1000)
        assert progress.rate == 2
        progress.wait(place)
        now += 500
        progress.tell(90, 1000)  # another session searched for the same meanwhile
        assert progress.rate == 2
        now += 10
        progress.tell(130, 1000)
        assert progress.rate == 3


def test_the_words_say_how_far_a_search_is_and_where_in_the_line(monkeypatch):
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    line, progress = Line(30, 9), Progress()
    with line.place("a") as place:
        progress.wait(place)
        assert _how_far(progress, "mine") == "Starting the search …"
        progress.tell(0, 1000)
        now += 10
        progress.tell(20, 1000)
        assert _how_far(progress, "mine") == "20 of 1,000 pictures: mine · 2 pictures per second · 8:10 min left"
        with line.place("b") as other:
            assert _how_far(progress, "mine").endswith("8:10 min of work left, in turns with other searches")
            assert "Searches take turns of 30 s; yours is number 1 in the queue" in in_words_of(other)
            place.again()
            assert _how_far(progress, "mine") == (
                "20 of 1,000 pictures: mine · another search has its turn; yours is number 1 in the queue …"
            )
    assert _how_far(progress, "mine").endswith("8:10 min left")


def in_words_of(place: cache.Place) -> str:
    progress = Progress()
    progress.wait(place)
    return _how_far(progress, "mine")


def test_two_visitors_take_turns_and_both_see_their_nines(root, quick):
    many(root, 60)
    first = of_folder("many").press("search")
    second = of_folder("set", network="zfnet_mini", weights="random").press("search")
    for visit in (second, first):
        assert ended(visit).pictures()
        assert not visit.errors


def test_a_page_that_was_left_alone_goes_on_by_itself_where_it_was(root, kept, slow, monkeypatch):
    monkeypatch.setattr("pages.common.jobs.PATIENCE", 1.0)
    many(root, 120)
    visit = of_folder("many").press("search")
    until(visit, lambda: re.match(r"[1-9]\d* of 120", progress(visit)))
    job = mining(visit).job
    end = time.monotonic() + SOON
    while job.running and time.monotonic() < end:
        time.sleep(0.05)
    assert job.left_alone
    seen, already = job.result.counted, len(slow)
    assert 0 < seen < 120
    ended(visit.run())
    assert visit.pictures()
    assert len(slow) - already <= 120 - seen + 6 * 9  # the six maps on the page are read once more


# A ZIP of one's own ------------------------------------------------------------------------------------------------


def elsewhere_and_back(visit: Visit) -> Visit:
    visit.at.switch_page(HOME.script)
    visit.run().at.switch_page(TOP9.script)
    return visit.run()


def test_a_zip_and_what_was_found_in_it_are_there_when_its_page_was_left():
    visit = searched(of_zip(packed(*range(10))))
    before = visit.pictures()
    assert before
    elsewhere_and_back(visit)
    assert visit.widget("set").value == "zip"
    assert visit.at.file_uploader(key=SET_FILE).value is None
    assert visit.pictures() == before
    assert r"**mine\.zip** is still here." in [m.value for m in visit.at.markdown]


def test_a_zip_is_there_after_another_set_was_looked_at(root):
    visit = searched(of_zip(packed(*range(10))))
    before = visit.pictures()
    visit.choose(set="folder").choose(set="zip")
    assert visit.pictures() == before


def test_a_kept_zip_is_searched_further_in_other_layers():
    visit = elsewhere_and_back(searched(of_zip(packed(*range(10)))))
    visit.choose(network="zfnet_mini", weights="random")
    assert searched(visit).pictures()


def test_a_zip_that_is_removed_is_gone_from_the_memory():
    visit = elsewhere_and_back(searched(of_zip(packed(*range(10)))))
    pictures = weakref.ref(mining(visit).archive[1])
    visit.press("remove archive")
    assert not visit.pictures()
    assert "Upload a ZIP" in visit.at.info[0].value
    gc.unfreeze()  # the app takes what is old out of the collector's sight: see `cache.turns.Collector`
    gc.collect()
    assert pictures() is None
    assert not elsewhere_and_back(visit).pictures()


def test_a_zip_that_is_taken_out_of_its_uploader_is_not_kept():
    visit = searched(of_zip(packed(*range(10))))
    visit.remove_upload(SET_FILE)
    assert not visit.pictures()
    assert "Upload a ZIP" in visit.at.info[0].value
    assert mining(visit).archive is None


def test_another_zip_takes_the_place_of_the_first():
    visit = elsewhere_and_back(searched(of_zip(packed(*range(10)))))
    before = visit.pictures()
    searched(visit.upload(packed(*range(5, 15)), "other.zip", SET_FILE))
    assert r"other\.zip" in visit.captions
    assert visit.pictures() != before
    elsewhere_and_back(visit)
    assert r"other\.zip" in visit.captions
    visit.upload(b"no zip", "broken.zip", SET_FILE)
    assert len(visit.errors) == 1
    assert mining(visit).archive is None


def test_a_kept_zip_is_nobody_elses():
    elsewhere_and_back(searched(of_zip(packed(*range(10)))))
    other = Visit(TOP9, network="lenet5", set="dataset").choose(set="zip")
    assert not other.pictures()
    assert "Upload a ZIP" in other.at.info[0].value


def test_the_search_of_a_zip_that_is_removed_is_stopped():
    visit = of_zip(packed(*range(10)))
    mining(visit).archive[1].open = lambda id: time.sleep(0.3) or picture(0)
    visit.press("search")
    job = mining(visit).job
    assert job.running
    visit.remove_upload(SET_FILE)
    assert job.stopped()


# Downloads ---------------------------------------------------------------------------------------------------------


def test_a_visitor_may_not_have_a_data_set_downloaded_and_reads_who_may(monkeypatch):
    monkeypatch.delenv("CONVSCOPE_DOWNLOADS", raising=False)
    visit = Visit(TOP9, network="lenet5", set="dataset", dataset="CIFAR10")
    assert "CIFAR\\-10 test is not on this server" in visit.at.info[0].value
    assert not any(button.key == "download data set" for button in visit.at.button)
    assert any("CONVSCOPE_DOWNLOADS set to 1" in markdown.value for markdown in visit.at.markdown)
    assert not visit.errors


def test_only_a_one_allows_downloads(monkeypatch):
    monkeypatch.setenv("CONVSCOPE_DOWNLOADS", "0")
    visit = Visit(TOP9, network="lenet5", set="dataset", dataset="CIFAR10")
    assert not any(button.key == "download data set" for button in visit.at.button)


def test_a_data_set_that_comes_while_the_page_is_drawn_is_seen(monkeypatch):
    visit = Visit(TOP9, network="lenet5", set="dataset", dataset="CIFAR10")
    downloads, looked = mining(visit).downloads, []

    def look(name):
        looked.append(name)
        if len(looked) == 1:
            downloads[name] = Job(lambda report, stopped: None, 10)
            while downloads[name].running:
                time.sleep(0.01)
            raise Refused("It is not there.")
        return cache.sample_crops()

    monkeypatch.setattr(cache, "pictures_in_dataset", look)
    visit.run()
    assert not any("is not on this server" in info.value for info in visit.at.info)
    assert not downloads


def test_a_data_set_that_is_there_is_for_all(monkeypatch):
    monkeypatch.delenv("CONVSCOPE_DOWNLOADS", raising=False)
    base = cache.kept() / "datasets" / datasets.CIFAR10.base_folder
    base.mkdir(parents=True)
    data = np.random.default_rng(0).integers(0, 256, (20, 3 * 32 * 32), dtype=np.uint8)
    files = {"test_batch": {"data": data, "labels": [0, 1] * 10}, "batches.meta": {"label_names": ["frog", "ship"]}}
    for name, values in files.items():
        (base / name).write_bytes(pickle.dumps(values))
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", None]])
    monkeypatch.setattr(datasets.CIFAR10, "meta", {"filename": "batches.meta", "key": "label_names", "md5": None})
    cache.pictures_in_dataset.clear()
    visit = searched(Visit(TOP9, network="lenet5", set="dataset", dataset="CIFAR10"))
    cache.pictures_in_dataset.clear()
    assert visit.pictures()


HERE = {"Host": "localhost:8501", "Origin": "http://localhost:8501"}


@pytest.mark.parametrize("name", ["localhost", "localhost:8501", "127.0.0.1:80", "[::1]:8501"])
def test_a_browser_on_the_server_itself_is_here(name):
    assert is_here(None, {"Host": name, "Origin": f"http://{name}"})


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.0.2.7", HERE),
        (None, {}),
        (None, HERE | {"X-Forwarded-For": "192.0.2.7"}),
        (None, HERE | {"Forwarded": "for=192.0.2.7"}),
        (None, HERE | {"Host": "convscope.example"}),
        (None, HERE | {"Origin": "https://convscope.example"}),
        (None, HERE | {"Origin": "http://localhost.example"}),
        (None, HERE | {"Origin": "http://localhost:8501@example"}),
        (None, HERE | {"Origin": "null"}),
        (None, HERE | {"Host": "[x"}),
    ],
)
def test_whoever_comes_from_elsewhere_or_by_a_proxy_is_not(address, headers):
    assert not is_here(address, headers)
