"""The line of those who wait for what a network makes of their picture."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit.testing.v1 import AppTest

from pages.common.cache import room
from pages.common.cache.room import computing
from pages.common.cache.turns import Line

SOON = 20  # seconds


@pytest.fixture(autouse=True)
def line(monkeypatch) -> Line:
    """An empty line in which one computes at a time."""
    monkeypatch.setattr(room, "computations", Line(seconds=float("inf"), most=10, at_once=1))
    monkeypatch.setattr(room, "turn", threading.BoundedSemaphore(1))
    monkeypatch.setattr(room, "SAID_AFTER", 0)
    return room.computations


def until(is_so) -> None:
    end = time.monotonic() + SOON
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_who_came_first_computes_first_and_nobody_at_the_same_time(line):
    order, at_once = [], []

    def work(number: int) -> None:
        with computing():
            at_once.append(number)
            order.append((number, len(at_once)))
            time.sleep(0.01)
            at_once.remove(number)

    with ThreadPoolExecutor(6) as pool:
        with computing():
            works = []
            for number in range(6):
                works.append(pool.submit(work, number))
                until(lambda number=number: len(line.places) == number + 2)
            assert not order
        for each in works:
            each.result(SOON)
    assert order == [(number, 1) for number in range(6)]
    assert not line.places


def test_what_fails_leaves_the_line(line):
    with pytest.raises(ValueError, match="no picture"), computing():
        raise ValueError("no picture")
    assert not line.places
    with computing():
        assert len(line.places) == 1


def page() -> None:
    import streamlit as st

    from pages.common.cache.room import computing

    with computing():
        st.write("computed")


def test_a_page_that_waits_says_its_place_until_its_turn_comes(line, monkeypatch):
    said = []
    speak = room._
    monkeypatch.setattr(room, "_", lambda words, **values: said.append(speak(words, **values)) or said[-1])
    at = AppTest.from_function(page)
    with ThreadPoolExecutor(1) as pool:
        with computing(), line.place("another"):
            run = pool.submit(at.run, timeout=SOON)
            until(lambda: said)
        run.result(SOON)
    assert said[0] == "Other visitors' pictures are being computed; yours is number 3 in the queue …"
    assert [caption.value for caption in at.caption] == []
    assert [part.value for part in at.markdown] == ["computed"]


def page_of_results() -> None:
    import streamlit as st

    from pages.common.cache.room import computing
    from pages.common.widgets import computed

    def work() -> str:
        with computing():
            return "computed"

    st.write(computed("Computing …", work))


def test_what_a_page_draws_stands_in_the_same_place_whether_somebody_waited_or_not(line, monkeypatch):
    """Or Streamlit would leave a fragment where it stood before, and draw it a second time."""
    said = []
    speak = room._
    monkeypatch.setattr(room, "_", lambda words, **values: said.append(speak(words, **values)) or said[-1])

    def place(at: AppTest) -> int:
        (found,) = (number for number, part in at.main.children.items() if part.type == "markdown")
        return found

    at = AppTest.from_function(page_of_results)
    before = place(at.run(timeout=SOON))
    assert not said
    with ThreadPoolExecutor(1) as pool:
        with computing(), line.place("another"):
            run = pool.submit(at.run, timeout=SOON)
            until(lambda: said)
        assert place(run.result(SOON)) == before
