"""The garbage collector is kept quick, and keeps its promises: what is of no use goes, a little later."""

import gc
import threading
import time
import weakref

import pytest

from pages.common.cache import turns
from pages.common.cache.turns import Collector


class Node:
    """In a circle with itself, so that only the collector can free it."""

    def __init__(self):
        self.self = self


@pytest.fixture(autouse=True)
def thawed():
    """Before each of these tests nothing is frozen, and nothing is collected while one runs but by what it tests."""
    gc.disable()
    gc.unfreeze()
    yield
    gc.enable()
    gc.freeze()


@pytest.fixture
def clock(monkeypatch):
    """The seconds that have passed; a test moves them on."""
    now = [1000.0]
    monkeypatch.setattr(turns.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def quick(monkeypatch):
    """A collection that takes no time, for tests of when it is done: to look through all that tests hold would."""
    monkeypatch.setattr(turns.gc, "collect", lambda: 0)


def always(**how) -> Collector:
    return Collector(much=0, **how)


def test_what_outlives_a_collection_is_out_of_the_collectors_sight():
    kept = [[number] for number in range(50_000)]
    before = len(gc.get_objects())
    assert always().tidy()
    assert len(gc.get_objects()) < before - 50_000
    assert gc.get_freeze_count() > 50_000
    assert len(kept) == 50_000


def test_a_circle_made_after_the_first_time_is_freed_when_it_is_garbage(clock):
    collector = always()
    collector.tidy()
    node = Node()
    seen = weakref.ref(node)
    clock[0] += 5
    collector.tidy()  # frozen while it is in use
    assert seen() is node
    del node
    gc.collect()
    assert seen()  # it is out of sight …
    clock[0] += 5
    assert collector.tidy()
    assert not seen()  # … until now


def test_what_is_in_no_circle_goes_at_once_even_when_it_was_frozen():
    held = Node()
    held.self = None
    seen = weakref.ref(held)
    always().tidy()
    del held
    assert not seen()


def test_it_is_done_once_in_five_seconds_at_most(clock, quick):
    collector = always()
    done = []
    for _ in range(40):
        done.append(collector.tidy())
        clock[0] += 0.5
    assert done == ([True] + [False] * 9) * 4


def test_where_it_takes_long_it_comes_less_often(clock, monkeypatch):
    collector = always()
    monkeypatch.setattr(turns.gc, "collect", lambda: clock.__setitem__(0, clock[0] + 2.0))  # two seconds
    assert collector.tidy()
    monkeypatch.setattr(turns.gc, "collect", lambda: 0)
    clock[0] += 39.9  # 2 s are a twentieth of 40 s
    assert not collector.tidy()
    clock[0] += 0.2
    assert collector.tidy()


def test_where_little_has_come_since_it_waits_for_a_minute(clock, quick):
    collector = Collector(much=10**9)
    clock[0] += 5
    assert collector.tidy()  # the first time there is all that start-up left
    clock[0] += 59
    assert not collector.tidy()
    clock[0] += 1
    assert collector.tidy()


def test_who_comes_while_it_is_done_goes_on_at_once(monkeypatch):
    collector, begun, go_on = always(), threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        go_on.wait(5)

    monkeypatch.setattr(turns.gc, "collect", slow)
    found = []
    first = threading.Thread(target=lambda: found.append(collector.tidy()))
    first.start()
    assert begun.wait(5)
    others = [threading.Thread(target=lambda: found.append(collector.tidy())) for _ in range(20)]
    started = time.monotonic()
    for thread in others:
        thread.start()
    for thread in others:
        thread.join(5)
    assert time.monotonic() - started < 1
    assert found == [False] * 20  # and nobody did it a second time
    go_on.set()
    first.join(5)
    assert found[-1] is True
    assert not collector.tidy()


def test_an_interrupted_one_does_not_keep_the_next_from_it(monkeypatch):
    collector = always()

    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(turns.gc, "collect", stopped)
    with pytest.raises(KeyboardInterrupt):
        collector.tidy()
    monkeypatch.setattr(turns.gc, "collect", lambda: 0)
    assert collector.tidy()


def test_the_app_does_it_at_the_end_of_a_run(monkeypatch):
    done = []
    monkeypatch.setattr(turns.collector, "tidy", lambda: done.append(True))
    turns.warm()
    assert done == [True]
