"""The turns that heavy work waits for."""

import atexit
import gc
import math
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cache

from models.device import available, cores, resident
from models.download import clear_partials, kept
from models.refusals import Refused
from models.temporary import clear_abandoned
from pages.common.cache.memory import remembered_things

# One heavy job per core, or one on a GPU: more at once would only make everybody wait longer and fill the memory.
AT_ONCE = 1 if available()[0] != "cpu" else cores()
turn = threading.BoundedSemaphore(AT_ONCE)


class Place:
    """A place in a line; made by `Line.place`."""

    def __init__(self, line: "Line", work: Hashable):
        self.line, self.work = line, work
        self._begun = 0.0

    @property
    def before(self) -> int:
        """How many come first; 0 while it is this one's turn, and when it has left."""
        places = self.line.places
        return max(0, places.index(self) + 1 - self.line.at_once) if self in places else 0

    @property
    def is_shared(self) -> bool:
        """Whether the queue holds other work."""
        return any(other.work != self.work for other in self.line.places)

    def wait(self, stopped: Callable[[], bool]) -> bool:
        """Waits for its turn: whether that came before it was stopped."""
        with self.line.moved:
            while not stopped():
                if not self.before:
                    self._begun = time.monotonic()
                    return True
                self.line.moved.wait(0.1)
        return False

    @property
    def is_over(self) -> bool:
        """Whether its turn is over, because other work is waiting."""
        return self.is_shared and time.monotonic() - self._begun >= self.line.seconds

    def again(self) -> None:
        """Its turn is over, and it goes to the end of the line."""
        with self.line.moved:
            self.line.places = [*(place for place in self.line.places if place is not self), self]
            self.line.moved.notify_all()


class Line:
    """A line of works that take turns, in the order in which they came: few at a time, and none for long.

    Args:
        seconds: of a turn while others wait.
        most: different works in the line.
        at_once: that have their turn together.
    """

    def __init__(self, seconds: float, most: int, at_once: int = 1):
        self.seconds, self.most, self.at_once = seconds, most, at_once
        self.places: list[Place] = []  # replaced, never changed: it is read without the lock
        self.moved = threading.Condition()

    @contextmanager
    def place(self, work: Hashable) -> Iterator[Place]:
        """A `with` in which this work is in the line; the same work of several people counts once.

        Raises:
            Refused: if there are too many already.
        """
        place = Place(self, work)
        with self.moved:
            if len({work, *(other.work for other in self.places)}) > self.most:
                raise Refused(
                    "{most} searches, measurements or trainings are already running on this server; start yours when "
                    "one has finished.",
                    most=self.most,
                )
            self.places = [*self.places, place]
        try:
            yield place
        finally:
            with self.moved:
                self.places = [other for other in self.places if other is not place]
                self.moved.notify_all()


# Nothing takes turns here: a measurement that was interrupted would be worth nothing.
measurements = Line(seconds=math.inf, most=50)
trainings = Line(seconds=math.inf, most=50, at_once=cores())  # each computes on one core, and leaves its turn by itself


@contextmanager
def measuring(stopped: Callable[[], bool], waits: Callable[[Place], None]) -> Iterator[bool]:
    """A `with` in which nothing else is measured in this process; False where it was stopped before its turn came.

    Args:
        waits: told the place in the line.

    Raises:
        Refused: if too many wait already.
    """
    with measurements.place(object()) as place:
        waits(place)
        if not (place.wait(stopped) and _acquired(turn, stopped)):
            yield False
            return
        try:
            yield True
        finally:
            turn.release()


def _acquired(semaphore: threading.Semaphore, stopped: Callable[[], bool]) -> bool:
    while not semaphore.acquire(timeout=0.1):
        if stopped():
            return False
    return True


class Collector:
    """Keeps the garbage collector quick, which Streamlit runs after every rerun while everybody waits: what outlives
    a collection is taken out of its sight. Now and then everything is looked through again, which takes a server that
    holds much a fifth of a second.

    What became garbage in between is kept so long and no longer, if it is in a circle; all else goes at once as ever.

    Args:
        seconds: between two collections, at least.
        seldom: seconds between two collections of everything, unless memory has grown before.
        growth: bytes by which it has then.
        share: of all time that collections of everything may take: on a server that holds much they come less often.
        much: blocks of memory that have come since, fewer of which a collection hardly feels: two or three an object.
    """

    def __init__(
        self, seconds: float = 5, seldom: float = 60, growth: int = 256 << 20, share: float = 1 / 20, much: int = 5000
    ):
        self.seconds, self.seldom, self.growth, self.share, self.much = seconds, seldom, growth, share, much
        self._working = threading.Lock()
        self._waiting = threading.Lock()
        self._ended, self._ended_all, self._took, self._held = -math.inf, -math.inf, 0.0, 0
        self._blocks = 0

    def tidy(self, at_once: bool = False) -> bool:
        """Collects and freezes what is left, if that is due and nobody is at it; whether it did.

        Args:
            at_once: to collect everything is due, whatever was collected when.
        """
        if not self._working.acquire(blocking=False):
            return False
        try:
            if not (at_once or self._is_due()):
                return False
            everything = at_once or self._is_all_due()
            began = time.monotonic()
            if everything:
                gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._ended, self._blocks = time.monotonic(), sys.getallocatedblocks()
            if everything:
                self._ended_all, self._took, self._held = self._ended, self._ended - began, resident()
            return True
        finally:
            self._working.release()

    def tidy_after(self, run: threading.Thread) -> None:
        """As `tidy`, when a run has ended and, if that comes soon, nobody waits for another one."""
        if time.monotonic() - self._ended < self.seconds or not self._waiting.acquire(blocking=False):
            return

        def wait_and_tidy() -> None:
            try:
                until = time.monotonic() + PATIENT
                run.join(PATIENT)
                while any(_is_a_run(thread) for thread in threading.enumerate()) and time.monotonic() < until:
                    time.sleep(0.02)
                self.tidy()
            finally:
                self._waiting.release()

        try:
            threading.Thread(target=wait_and_tidy, name="collector", daemon=True).start()
        except RuntimeError:  # there are too many threads already
            self._waiting.release()

    def _is_due(self) -> bool:
        waited = time.monotonic() - self._ended
        if waited < self.seconds:
            return False
        # Not by `gc.get_objects`: a tuple that another thread is about to fill would be in the list, and break there.
        come = max(0, sys.getallocatedblocks() - self._blocks)
        return self._is_all_due() or waited >= self.seldom or come >= self.much

    def _is_all_due(self) -> bool:
        waited = time.monotonic() - self._ended_all
        if waited < self._took / self.share:
            return False
        return waited >= self.seldom or resident() - self._held >= self.growth


PATIENT = 2  # seconds in which a collection waits for a moment when nothing runs


def _is_a_run(thread: threading.Thread) -> bool:
    """Whether this is Streamlit's thread of a session that draws a page."""
    return thread.name == "ScriptRunner.scriptThread"


collector = Collector()
atexit.register(gc.unfreeze)


def warm() -> None:
    """At the end of a run: see `Collector` and `Memory`; at that of the first, what a killed process has left goes."""
    remembered_things.tidy()
    collector.tidy_after(threading.current_thread())
    _clear_what_is_left()


@cache
def _clear_what_is_left() -> None:
    clear_abandoned()
    for folder in (None, *kept().glob("*/")):
        clear_partials(folder)
