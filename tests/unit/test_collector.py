"""The garbage collector is kept quick, and keeps its promises: what is of no use goes, a little later."""

import gc
import inspect
import sys
import threading
import time
import weakref

import pytest
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

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


@pytest.fixture
def memory(monkeypatch):
    """The bytes that the process holds; a test changes them."""
    held = [1 << 30]
    monkeypatch.setattr(turns, "resident", lambda: held[0])
    return held


def always(**how) -> Collector:
    return Collector(much=0, **how)


def test_what_outlives_a_collection_is_out_of_the_collectors_sight():
    kept = [[number] for number in range(50_000)]
    before = len(gc.get_objects())
    assert always().tidy()
    assert len(gc.get_objects()) < before - 50_000
    assert gc.get_freeze_count() > 50_000
    assert len(kept) == 50_000


def frozen_in_use(collector: Collector, clock) -> weakref.ref:
    """What has become garbage since it was frozen."""
    collector.tidy()
    node = Node()
    seen = weakref.ref(node)
    clock[0] += 5
    assert collector.tidy()
    assert seen() is node
    del node
    gc.collect()
    assert seen()  # it is out of sight
    return seen


def test_a_circle_made_after_the_first_time_is_freed_when_it_is_garbage(clock, memory):
    collector = always()
    seen = frozen_in_use(collector, clock)
    for _ in range(10):
        clock[0] += 5
        assert collector.tidy()
        assert seen()
    clock[0] += 5  # a minute after everything was looked through
    assert collector.tidy()
    assert not seen()


def test_it_is_freed_at_once_where_memory_has_grown(clock, memory):
    collector = always()
    seen = frozen_in_use(collector, clock)
    clock[0] += 5
    memory[0] += (256 << 20) - 1
    assert collector.tidy()
    assert seen()
    clock[0] += 5
    memory[0] += 1
    assert collector.tidy()
    assert not seen()
    seen = frozen_in_use(collector, clock)
    clock[0] += 5
    assert collector.tidy()
    assert seen()  # it has not grown since


def test_a_circle_that_is_garbage_before_it_is_frozen_goes_with_the_next_collection(clock, memory):
    collector = always()
    collector.tidy()
    seen = weakref.ref(Node())
    assert seen()
    clock[0] += 5
    assert collector.tidy()
    assert not seen()


def test_between_two_collections_of_everything_what_is_frozen_is_not_looked_through(clock, memory):
    kept = [[number] for number in range(200_000)]
    collector = always()
    began = time.process_time()
    collector.tidy()
    all_took = time.process_time() - began
    clock[0] += 5
    began = time.process_time()
    assert collector.tidy()
    assert time.process_time() - began < all_took / 3
    assert len(kept) == 200_000


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


def test_where_it_takes_long_it_comes_less_often(clock, memory, monkeypatch):
    collector, everything = always(), []
    monkeypatch.setattr(turns.gc, "unfreeze", lambda: everything.append(clock[0]))
    monkeypatch.setattr(turns.gc, "collect", lambda: clock.__setitem__(0, clock[0] + 2.0))  # two seconds
    assert collector.tidy()
    monkeypatch.setattr(turns.gc, "collect", lambda: 0)
    began, memory[0] = clock[0], memory[0] * 2
    for _ in range(10):
        clock[0] += 5
        assert collector.tidy()
    assert [when - began for when in everything] == [-2, 40]  # 2 s are a twentieth of 40 s


def test_where_little_has_come_since_it_waits_for_a_minute(clock, quick):
    collector = Collector(much=10**9)
    clock[0] += 5
    assert collector.tidy()  # the first time there is all that start-up left
    clock[0] += 59
    assert not collector.tidy()
    clock[0] += 1
    assert collector.tidy()


def test_whoever_fills_a_tuple_meanwhile_is_not_disturbed():
    """What is in a list of all objects, such as `gc.get_objects` gives, has an owner too many to grow."""
    collector, broke, usual = Collector(seconds=0, seldom=1e9, much=10**9), [], sys.getswitchinterval()
    collector.tidy()
    end = time.monotonic() + 0.5

    def fill() -> None:
        while time.monotonic() < end and not broke:
            try:
                tuple(number for number in range(30))
            except SystemError as error:
                broke.append(error)

    threads = [threading.Thread(target=fill) for _ in range(2)]
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        while time.monotonic() < end:
            assert not collector.tidy()
    finally:
        sys.setswitchinterval(usual)
        for thread in threads:
            thread.join()
    assert not broke


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


class Run(threading.Thread):
    """A session's run that ends when it may."""

    NAME = "ScriptRunner.scriptThread"

    def __init__(self):
        self.may_end = threading.Event()
        super().__init__(target=self.may_end.wait, args=(5,), name=self.NAME)
        self.start()

    def end(self) -> None:
        self.may_end.set()
        self.join()


@pytest.fixture
def tidied(monkeypatch):
    """Set when it is done."""
    done = threading.Event()
    monkeypatch.setattr(turns.collector, "tidy", done.set)
    monkeypatch.setattr(turns.collector, "_ended", -float("inf"))
    return done


def test_the_app_does_it_when_a_run_has_ended_and_nobody_waits(tidied):
    run, other = Run(), Run()
    turns.collector.tidy_after(run)
    assert not tidied.wait(0.2)
    run.end()
    assert not tidied.wait(0.2)  # somebody else's
    other.end()
    assert tidied.wait(1)


def test_where_there_is_always_somebody_it_is_done_all_the_same(tidied, monkeypatch):
    monkeypatch.setattr(turns, "PATIENT", 0.3)
    run = Run()
    turns.collector.tidy_after(run)
    assert tidied.wait(1)
    run.end()


def test_many_ends_of_runs_make_one_thread(tidied):
    run = Run()
    for _ in range(50):
        turns.collector.tidy_after(run)
    assert sum(thread.name == "collector" for thread in threading.enumerate()) == 1
    run.end()
    assert tidied.wait(1)


def test_the_end_of_a_run_is_told(monkeypatch):
    told = []
    monkeypatch.setattr(turns.collector, "tidy_after", told.append)
    turns.warm()
    assert told == [threading.current_thread()]


def test_a_run_is_known_by_its_thread():
    assert f'"{Run.NAME}"' in inspect.getsource(ScriptRunner.start)
