"""One measurement at a time in the whole process, for all sessions."""

import threading
import time

import pytest

from models.device import OutOfMemory
from models.refusals import Refused
from pages.common.cache import turns
from pages.common.measuring import Measurement
from tests.unit.test_jobs import SOON, ended


class Room:
    """Where only one may be at a time; remembers who came, and the most that were in it together."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.came: list[str] = []
        self.lock = threading.Lock()
        self.leave = threading.Event()

    def work(self, name: str, waits: bool = True):
        """Work that stays in the room until it is stopped, or all may leave."""

        def work(report, stopped) -> str:
            with self.lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
                self.came.append(name)
            while waits and not stopped() and not self.leave.is_set():
                time.sleep(0.002)
            time.sleep(0.01)
            with self.lock:
                self.inside -= 1
            return name

        return work


def until(condition) -> None:
    end = time.monotonic() + SOON
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    assert condition()


@pytest.fixture
def room():
    room = Room()
    yield room
    room.leave.set()
    until(lambda: not turns.measurements.places)


def in_line(room: Room, *names: str, limit: float = 60) -> list[Measurement]:
    """Measurements that came one after another, of which the first is under way."""
    jobs = []
    for name in names:
        jobs.append(Measurement(room.work(name), limit))
        until(lambda: jobs[-1].place is not None)
    until(lambda: room.came == [names[0]])
    return jobs


def test_measurements_of_two_visitors_do_not_overlap_and_keep_their_order(room):
    first, second, third = in_line(room, "first", "second", "third")
    assert [job.place.before for job in (first, second, third)] == [0, 1, 2]
    time.sleep(0.05)
    assert room.came == ["first"]
    room.leave.set()
    assert [ended(job).result for job in (first, second, third)] == ["first", "second", "third"]
    assert room.came == ["first", "second", "third"]
    assert room.most == 1


def test_many_at_once_are_done_one_by_one(room):
    jobs = [Measurement(room.work(str(i), waits=False)) for i in range(8)]
    assert {ended(job).result for job in jobs} == {str(i) for i in range(8)}
    assert room.most == 1


def test_one_that_is_cancelled_gives_its_turn_back(room):
    first, second = in_line(room, "first", "second")
    first.stop()
    assert ended(first).result == "first"
    until(lambda: room.came == ["first", "second"])
    assert second.place.before == 0


def test_one_that_is_cancelled_in_the_line_is_never_begun_and_lets_the_next_one_up(room):
    first, second, third = in_line(room, "first", "second", "third")
    second.stop()
    assert ended(second).result is None
    assert not second.failed
    assert third.place.before == 1
    first.stop()
    until(lambda: room.came == ["first", "third"])


def test_one_whose_visitor_has_left_stops_whether_it_has_its_turn_or_waits(room, monkeypatch):
    first, second, third = in_line(room, "first", "second", "third")
    monkeypatch.setattr("pages.common.jobs.PATIENCE", 0.1)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:  # of the third the page is still there
        third.watched()
        time.sleep(0.01)
    monkeypatch.setattr("pages.common.jobs.PATIENCE", 60)
    assert ended(first).left_alone
    assert ended(second).left_alone
    until(lambda: room.came == ["first", "third"])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [ZeroDivisionError(), Refused("No.")])
def test_one_that_breaks_or_is_refused_gives_its_turn_back(room, error):
    def breaks(report, stopped):
        raise error

    job = ended(Measurement(breaks))
    assert job.failed == isinstance(error, ZeroDivisionError)
    assert ended(Measurement(room.work("next", waits=False))).result == "next"


def test_a_gpu_without_room_is_a_refusal_that_names_the_way_out():
    def fills(report, stopped):
        raise OutOfMemory

    assert "smaller batch" in str(ended(Measurement(fills)).refused)


def test_its_time_begins_with_its_turn(room):
    first, second = in_line(room, "first", "second", limit=0.3)
    assert ended(first).result == "first"  # its time was over
    assert ended(second).result == "second"  # and this one had its own


def test_it_takes_one_of_the_turns_of_heavy_work_and_waits_for_it_with_an_ear_for_stop(room, monkeypatch):
    monkeypatch.setattr(turns, "turn", threading.BoundedSemaphore(1))
    turns.turn.acquire()
    job = Measurement(room.work("first"))
    until(lambda: job.place is not None)
    time.sleep(0.15)
    assert room.came == []
    job.stop()
    assert ended(job).result is None
    other = Measurement(room.work("second", waits=False))
    turns.turn.release()
    assert ended(other).result == "second"
    assert turns.turn.acquire(blocking=False)


def test_more_than_there_is_room_for_are_refused(room, monkeypatch):
    monkeypatch.setattr(turns.measurements, "most", 1)
    (first,) = in_line(room, "first")
    assert "1 searches, measurements or trainings" in str(ended(Measurement(room.work("second"))).refused)
    assert first.running
