"""What this session explains that takes long: what it costs, what runs, and what it gave."""

from collections.abc import Callable, Collection, Hashable
from typing import Any

from pages.common.jobs import Job
from pages.common.session import keep, kept
from pages.common.text import _
from vis.figures.numbers import fixed, grouped

AT_ONCE = 3  # seconds that may pass without being asked for

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


def cost_in_words(passes: tuple[int, int], seconds: float) -> str:
    """What an attribution takes, before it is begun."""
    forward, back = passes
    words = _("{n} pictures through the network", n=grouped(forward))
    if back:
        words = _("{n} pictures through the network, {back} of them back", n=grouped(forward), back=grouped(back))
    return _("about {seconds} s: {words}", seconds=fixed(max(1, seconds)), words=words)
