"""What this session explains that takes long: what was asked for, what runs, and what it gave."""

from collections.abc import Callable, Collection, Hashable
from typing import Any

from pages.common.jobs import Job
from pages.common.session import keep, kept

MOST_KEPT = 12  # jobs with their results


def jobs() -> dict[Hashable, Job]:
    """Those of this session, by what they find."""
    return kept("explanations", dict)


def begin(key: Hashable, make: Callable[[], Job]) -> None:
    """Starts a job, unless it runs already."""
    known = jobs().get(key)
    if known is None or not known.running:
        keep("explanations", {**{k: v for k, v in jobs().items() if k != key}, key: make()})


def result(key: Hashable) -> Any:
    """What a job gave; None where there is none, or nothing yet."""
    job = jobs().get(key)
    return job and job.result


def keep_only(keys: Collection[Hashable]) -> None:
    """Stops the jobs that find none of these, for nobody sees them any more; of results the newest stay."""
    for key, job in jobs().items():
        if job.running and key not in keys:
            job.stop()
    keep("explanations", dict(list(jobs().items())[-MOST_KEPT:]))
