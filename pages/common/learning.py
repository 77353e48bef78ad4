"""Trainings of this session, each in a thread of its own on one core: in the whole process as many as it has cores."""

import math
import threading
from collections.abc import Callable
from typing import Protocol

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from models.device import compute_on_one_core
from models.server import server
from models.training import Training
from pages.common.cache import Place, trainings
from pages.common.framing import framed
from pages.common.jobs import Job
from pages.common.routes import TRAIN
from pages.common.session import keep, kept
from pages.common.text import _, speak
from vis.figures.numbers import percent

PATIENCE = 8  # seconds without its session, after which a training is stopped
AT_MOST = server().budget.training  # seconds, its waiting apart
MOST_KEPT = 4  # runs of a session, to be compared


class Advancing(Protocol):
    """A training, or what goes on like one, step by step."""

    @property
    def step(self) -> int: ...

    @property
    def total(self) -> int: ...

    @property
    def is_over(self) -> bool: ...

    def advance(self) -> None: ...


class Run(Job[None]):
    """A training that waits for its turn, and can be paused and made to go on, all at once or by one step.

    Args:
        training: it, or what goes on like one.
        is_there: whether its session is connected, and so need not look at it.
    """

    def __init__(self, training: Advancing, is_there: Callable[[], bool] = lambda: False, steps: float = math.inf):
        self.training = training
        self.place: Place | None = None
        self._is_there = is_there
        self._steps = steps  # that it may still go; 0 while it is paused
        self._changed = threading.Condition()
        super().__init__(self._work, AT_MOST, may_wait=True, patience=PATIENCE)

    def go(self, steps: float = math.inf) -> None:
        """Goes on, so many steps."""
        with self._changed:
            self._steps = steps
            self._changed.notify_all()

    def pause(self) -> None:
        """Makes room for others after this step, until it is to go on."""
        self.go(0)

    @property
    def is_paused(self) -> bool:
        return self._steps <= 0

    @property
    def before(self) -> int:
        """How many trainings come first; 0 while it is its turn, and while it does not wait."""
        return self.place.before if self.place else 0

    def stopped(self) -> bool:
        if self._is_there():
            self.watched()
        return super().stopped()

    def _work(self, report: Callable[[float], None], stopped: Callable[[], bool]) -> None:
        compute_on_one_core()
        while not (stopped() or self.training.is_over):
            if self.is_paused:
                with self._changed:
                    self._changed.wait(0.1)
                continue
            with trainings.place(self) as self.place:
                if self.place.wait(lambda: stopped() or self.is_paused):
                    self._go_on(report, stopped)

    def _go_on(self, report: Callable[[float], None], stopped: Callable[[], bool]) -> None:
        while not (stopped() or self.training.is_over) and self._may_step():
            self.training.advance()
            report(self.training.step / self.training.total)

    def _may_step(self) -> bool:
        with self._changed:
            if self.is_paused:
                return False
            self._steps -= 1
            return True


# Of this session -------------------------------------------------------------------------------------------------


def runs() -> tuple[Run, ...]:
    """The runs of this session, the newest last."""
    return kept("runs", tuple)


def under_way() -> Run | None:
    """The one that has not ended, if there is one: a session trains one network at a time."""
    return next((run for run in runs() if run.running), None)


def begin(training: Training, steps: float = math.inf) -> Run:
    """Starts a training of this session, after that which is under way was stopped; of the others the newest stay."""
    for before in filter(None, (under_way(), apart())):
        before.stop()
    run = Run(training, _connected(), steps)
    keep("runs", (*runs(), run)[-MOST_KEPT:])
    return run


def forget(run: Run) -> None:
    """Stops it, and keeps nothing of it."""
    run.stop()
    keep("runs", tuple(other for other in runs() if other is not run))


def apart() -> Run | None:
    """What another page than that of trainings had learn, for itself: none of the runs that are compared."""
    return kept("run apart", lambda: None)


def begin_apart(learning: Advancing) -> Run:
    """Starts it; not while a run is under way, for a session trains at one place at a time."""
    forget_apart()
    run = Run(learning, _connected())
    keep("run apart", run)
    return run


def forget_apart() -> None:
    """Stops it, and keeps nothing of it."""
    if before := apart():
        before.stop()
    keep("run apart", None)


def say_what_learns(page: str) -> None:
    """A line for the sidebar of every page but its own, while a training of this session is under way."""
    if page != TRAIN.name and under_way():
        _what_learns()


@framed
@st.fragment(run_every=2)
def _what_learns() -> None:
    speak()
    run = runs()[-1]
    run.watched()
    training = run.training
    right = percent(training.held_out[-1].accuracy) if training.held_out else "–"
    st.page_link(
        TRAIN.script,
        label=_(
            "Training: epoch {epoch} of {epochs}, {right} right",
            epoch=math.ceil(training.epoch),
            epochs=training.recipe.epochs,
            right=right,
        )
        if run.running
        else _("Training ended: {right} right", right=right),
        icon=f":material/{TRAIN.icon}:",
    )


def _connected() -> Callable[[], bool]:
    """Whether the browser of this session is connected, to be asked by other threads."""
    context = get_script_run_ctx()
    if context is None or not Runtime.exists():
        return lambda: False
    runtime, session = Runtime.instance(), context.session_id
    return lambda: runtime.is_active_session(session)
