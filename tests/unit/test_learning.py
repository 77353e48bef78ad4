"""Trainings in threads: their turns, pauses and ends, many at once and without their session."""

import threading
import time
from dataclasses import replace
from functools import partial

import pytest
import torch

from models.training import Training
from pages.common import learning
from pages.common.cache import turns
from pages.common.cache.turns import Line
from pages.common.jobs import THREAD
from pages.common.learning import Run
from tests.unit.test_training import RECIPE, equal, few, small, trained

pytestmark = pytest.mark.usefixtures("on_one_thread")
SOON = 20  # seconds
LONG = replace(RECIPE, epochs=50, batch=1)


def wait_for(what, seconds: float = SOON) -> None:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.005)
    assert what()


def a_training(recipe=RECIPE) -> Training:
    return Training(recipe, small, few())


@pytest.fixture(autouse=True)
def line(monkeypatch) -> Line:
    line = Line(seconds=float("inf"), most=50, at_once=2)
    monkeypatch.setattr(learning, "trainings", line)
    return line


@pytest.fixture
def endless(monkeypatch):
    """A run whose training never ends by itself; stopped after the test."""
    monkeypatch.setattr(Training, "is_over", False)
    begun = []

    def begin(**options) -> Run:
        begun.append(Run(a_training(LONG), **options))
        return begun[-1]

    yield begin
    for run in begun:
        run.stop()
    wait_for(lambda: not any(run.running for run in begun))


def test_a_run_is_trained_to_its_end_and_has_the_weights_of_the_same_training_without_a_thread():
    run = Run(a_training())
    wait_for(lambda: not run.running)
    assert not run.failed
    assert run.training.is_over
    assert run.part == 1
    assert equal(run.training, trained())


def test_as_many_as_the_machine_has_cores_have_their_turn_and_the_line_is_that_of_the_process():
    assert turns.trainings.at_once == turns.cores()


def test_pauses_and_single_steps_change_no_number():
    run = Run(a_training(), steps=1)
    wait_for(lambda: run.training.step == 1)
    assert run.is_paused
    assert run.running
    for done in (2, 3):
        run.go(1)
        wait_for(lambda done=done: run.training.step == done)
    run.go(2)
    wait_for(lambda: run.training.step == 5)
    time.sleep(0.2)
    assert run.training.step == 5
    run.go()
    wait_for(lambda: not run.running)
    assert equal(run.training, trained())


def test_a_pause_comes_after_the_step_that_is_being_made(endless):
    run = endless()
    wait_for(lambda: run.training.step > 3)
    run.pause()
    wait_for(lambda: not run.before)
    time.sleep(0.1)
    step = run.training.step
    time.sleep(0.2)
    assert run.training.step == step
    assert run.running


def test_the_others_wait_and_know_their_place_and_a_pause_makes_room(endless):
    first, second = endless(), endless()
    wait_for(lambda: first.training.step and second.training.step)
    third = endless()
    wait_for(lambda: third.before == 1)
    fourth = endless()
    wait_for(lambda: fourth.before == 2)
    assert third.training.step == 0
    assert first.before == second.before == 0
    first.pause()
    wait_for(lambda: third.training.step)
    assert fourth.before == 1
    assert fourth.training.step == 0
    second.stop()
    wait_for(lambda: fourth.training.step)


def test_ten_at_once_finish_all_and_never_more_than_two_compute(line, monkeypatch):
    at_work, most, lock, advance = [0], [0], threading.Lock(), Training.advance

    def counted(training: Training) -> None:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        try:
            advance(training)
        finally:
            with lock:
                at_work[0] -= 1

    monkeypatch.setattr(Training, "advance", counted)
    runs = [Run(a_training(replace(RECIPE, seed=seed))) for seed in range(10)]
    wait_for(lambda: not any(run.running for run in runs))
    assert all(run.training.is_over and not run.failed for run in runs)
    assert most[0] <= 2
    assert not line.places
    for seed in (0, 7):
        assert equal(runs[seed].training, trained(replace(RECIPE, seed=seed)))


def test_a_run_without_its_session_leaves_no_thread(endless, monkeypatch):
    monkeypatch.setattr(learning, "PATIENCE", 0.3)
    begun = time.monotonic()
    going, paused, there = endless(), endless(steps=0), endless(is_there=lambda: True)
    wait_for(lambda: not (going.running or paused.running), 10)
    assert time.monotonic() - begun >= 0.3
    assert going.left_alone
    assert there.running
    assert not there.left_alone


def test_its_patience_is_below_ten_seconds():
    assert learning.PATIENCE + 1 < 10


def test_a_run_that_waits_for_its_turn_can_be_stopped(endless):
    endless(), endless()
    third = endless()
    wait_for(lambda: third.before == 1)
    third.stop()
    wait_for(lambda: not third.running)
    assert third.training.step == 0


def test_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(learning, "trainings", Line(seconds=float("inf"), most=1))
    monkeypatch.setattr(Training, "is_over", False)
    first = Run(a_training(LONG))
    wait_for(lambda: first.training.step)
    second = Run(a_training(LONG))
    wait_for(lambda: not second.running)
    assert "already running" in str(second.refused)
    first.stop()
    wait_for(lambda: not first.running)


def test_weights_that_are_read_while_it_runs_are_those_between_two_steps(monkeypatch):
    """Biases and kernels of one step: their sum over a step changes at once, or not at all."""
    training = a_training(replace(LONG, learning_rate=0.0))
    run = Run(training)
    first = training.weights()
    for _ in range(50):
        assert all(torch.equal(first[name], values) for name, values in training.weights().items())
    run.stop()
    wait_for(lambda: not run.running)


# Of a session ------------------------------------------------------------------------------------------------------


@pytest.fixture
def session(monkeypatch) -> dict:
    kept: dict = {}
    monkeypatch.setattr(learning, "kept", lambda name, first: kept.setdefault(name, first()))
    monkeypatch.setattr(learning, "keep", kept.__setitem__)
    return kept


def test_a_session_trains_one_at_a_time_and_keeps_the_newest_runs(session, monkeypatch):
    monkeypatch.setattr(Training, "is_over", False)
    begun = []
    for number in range(learning.MOST_KEPT + 2):
        begun.append(learning.begin(a_training(LONG)))
        wait_for(partial(lambda before: not any(run.running for run in before), begun[:number]))
        assert learning.under_way() is begun[-1]
    assert learning.runs() == tuple(begun[-learning.MOST_KEPT :])
    learning.forget(begun[-1])
    wait_for(lambda: not begun[-1].running)
    assert learning.under_way() is None
    assert learning.runs() == tuple(begun[-learning.MOST_KEPT : -1])
    assert not [thread for thread in threading.enumerate() if thread.name == THREAD]
