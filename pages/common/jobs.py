"""Long work beside the page: it has an owner, a limit, a progress bar and a way to stop it."""

import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from models.refusals import Refused

Result = TypeVar("Result")

# Seconds. A page that is there looks every half second, and a browser lets one that is hidden look once a minute.
PATIENCE = 90
THREAD = "job"  # what the threads are called


class Job(Generic[Result]):
    """Work in a thread of its own; the session that started it looks at it from run to run.

    Args:
        work: called with `report(part)`, to tell the part that is done, and `stopped()`, to be asked often.
        limit: seconds after which it is stopped; counted anew from its first report, for it may wait for its turn.
        may_wait: for its turn as long as it takes: its limit is counted from its first report alone.
        patience: seconds without a session that looks, after which it is stopped.
    """

    def __init__(
        self,
        work: Callable[[Callable[[float], None], Callable[[], bool]], Result],
        limit: float,
        may_wait: bool = False,
        patience: float | None = None,
    ):
        self.part = 0.0  # that is done
        self.result: Result | None = None  # None until it is finished
        self.refused: Refused | None = None
        self.left_alone = False  # no session waited for it any more, so it was stopped
        self._broke = True  # until it has come to its end
        self._stop = threading.Event()
        self._limit, self._reported, self._patience = limit, False, patience
        self._ends = math.inf if may_wait else time.monotonic() + limit
        self._seen = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(work,), name=THREAD, daemon=True)
        self._thread.start()

    def _run(self, work: Callable) -> None:
        try:
            self.result = work(self._report, self.stopped)
        except Refused as refused:
            self.refused = refused.alone()
        self._broke = False

    def _report(self, part: float) -> None:
        if not self._reported:
            self._reported, self._ends = True, time.monotonic() + self._limit
        self.part = part

    def stop(self) -> None:
        """Asks the work to stop; it ends when it next looks."""
        self._stop.set()

    def watched(self) -> None:
        """Says that a session still waits for it; a page that was closed or reloaded no longer does."""
        self._seen = time.monotonic()

    def stopped(self) -> bool:
        """Whether it was asked to stop, its time is over, or no session waits for it any more."""
        now = time.monotonic()
        self.left_alone |= now - self._seen > (self._patience or PATIENCE)  # for good, even if a session comes back
        return self._stop.is_set() or now > self._ends or self.left_alone

    @property
    def failed(self) -> bool:
        """Whether it broke: it came neither to its end nor to a refusal."""
        return not self.running and self._broke

    @property
    def running(self) -> bool:
        return self._thread.is_alive()
