"""Long work beside the page: what comes of it, and how it ends."""

import threading
import time

import pytest

from models.refusals import Refused
from pages.common.jobs import Job

SOON = 5  # seconds that a thread may take to end


def ended(job: Job) -> Job:
    end = time.monotonic() + SOON
    while job.running and time.monotonic() < end:
        time.sleep(0.005)
    assert not job.running
    return job


def wait_until_stopped(report, stopped) -> str:
    while not stopped():
        time.sleep(0.005)
    return "stopped"


def test_the_result_of_the_work_is_there_when_it_is_finished_and_not_before():
    go = threading.Event()
    job = Job(lambda report, stopped: go.wait(SOON) and 42, 60)
    assert job.running
    assert job.result is None
    assert not job.failed
    go.set()
    assert ended(job).result == 42
    assert job.refused is None
    assert not job.failed


def test_an_empty_result_is_a_result():
    job = ended(Job(lambda report, stopped: {}, 60))
    assert job.result == {}
    assert not job.failed


def test_the_part_that_is_done_is_told_while_the_work_goes_on():
    told, go = threading.Event(), threading.Event()

    def work(report, stopped) -> str:
        report(0.25)
        told.set()
        go.wait(SOON)
        report(1.0)
        return "done"

    job = Job(work, 60)
    assert told.wait(SOON)
    assert (job.part, job.running) == (0.25, True)
    go.set()
    assert ended(job).part == 1.0


def test_a_refusal_is_kept_to_be_said():
    def work(report, stopped) -> None:
        raise Refused("There is no “{what}”.", what="network")

    job = ended(Job(work, 60))
    assert str(job.refused) == "There is no “network”."
    assert job.result is None
    assert not job.failed


def test_work_that_ends_with_nothing_has_not_failed():
    job = ended(Job(lambda report, stopped: None, 60))
    assert job.result is None
    assert not job.failed


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_work_that_breaks_has_failed():
    job = ended(Job(lambda report, stopped: 1 / 0, 60))
    assert job.failed
    assert job.result is None
    assert job.refused is None


def test_work_that_is_asked_to_stop_ends_with_what_it_has():
    job = Job(wait_until_stopped, 60)
    assert job.running
    assert not job.stopped()
    job.stop()
    assert job.stopped()
    assert ended(job).result == "stopped"


def test_work_is_stopped_when_its_time_is_over():
    begun = time.monotonic()
    job = ended(Job(wait_until_stopped, 0.1))
    assert job.result == "stopped"
    assert 0.1 <= time.monotonic() - begun < SOON


def test_work_of_two_jobs_is_kept_apart():
    first, second = Job(wait_until_stopped, 60), Job(wait_until_stopped, 60)
    first.stop()
    assert ended(first).result == "stopped"
    assert second.running
    assert not second.stopped()
    second.stop()
    ended(second)


def test_work_does_not_keep_the_process_alive():
    job = Job(wait_until_stopped, 60)
    (thread,) = (thread for thread in threading.enumerate() if thread is job._thread)
    assert thread.daemon
    job.stop()
    ended(job)


def test_work_that_nobody_looks_at_any_more_is_stopped(monkeypatch):
    monkeypatch.setattr("pages.common.jobs.PATIENCE", 0.1)
    assert ended(Job(wait_until_stopped, 60)).result == "stopped"


def test_work_that_is_looked_at_goes_on(monkeypatch):
    monkeypatch.setattr("pages.common.jobs.PATIENCE", 0.5)
    job = Job(wait_until_stopped, 60)
    for _ in range(20):
        job.watched()
        time.sleep(0.05)
    assert job.running
    job.stop()
    ended(job)


def test_the_limit_counts_from_the_first_report_for_before_it_the_work_may_wait_for_its_turn():
    turn, ends = threading.Event(), []

    def work(report, stopped) -> str:
        turn.wait(SOON)
        report(0.0)
        ends.append(stopped())
        return wait_until_stopped(report, stopped)

    job = Job(work, 0.3)
    time.sleep(0.4)
    turn.set()
    assert ended(job).result == "stopped"
    assert ends == [False]


def test_work_that_was_left_alone_stays_stopped_whoever_comes_back(monkeypatch):
    monkeypatch.setattr("pages.common.jobs.PATIENCE", 0.1)
    asked = threading.Event()

    def work(report, stopped) -> bool:
        wait_until_stopped(report, stopped)
        asked.wait(SOON)
        return stopped()

    job = Job(work, 60)
    time.sleep(0.3)
    job.watched()
    asked.set()
    assert ended(job).result is True
    assert job.left_alone


def test_work_that_was_asked_to_stop_was_not_left_alone():
    job = Job(wait_until_stopped, 60)
    job.stop()
    assert not ended(job).left_alone
