"""What this session explains that takes long: what it costs, how far it is, and what it gave."""

from collections.abc import Callable, Collection, Hashable
from typing import Any

import streamlit as st

from pages.common import cache
from pages.common.progress import watch
from pages.common.session import keep, kept
from pages.common.text import _, plain, said
from vis.figures.numbers import fixed, grouped, percent

AT_ONCE = 3  # seconds that may pass without being asked for
MOST_KEPT = 24  # jobs with their results

Passes = tuple[int, int]  # pictures forward and back


def found(
    key: Hashable,
    begin: Callable[[], cache.InTurns],
    passes: Passes,
    seconds: float,
    name: str,
    *,
    by_itself: bool = False,
    label: str | None = None,
    draw: Callable[[Any], None] = lambda step: None,
) -> tuple | None:
    """The steps that a job made; None while there are not all, and then the page says how far it is, or what it costs.

    Args:
        key: what it finds.
        begin: makes the job.
        passes, seconds: what it costs.
        name: identifies it on its page.
        by_itself: it begins without being asked for.
        label: of the button that begins it.
        draw: shows the last step while there are more to come.
    """
    job = _jobs().get(key)
    if job is None and by_itself:
        job = _begin(key, begin)
    if job and job.running:
        watch(
            lambda: _jobs().get(key),
            _how_far,
            f"stop {name}",
            lambda: None,
            lambda now: [draw(step) for step in now.known[-1:]],
        )
        if not job.running:  # any more, and the page shows what was known a moment ago
            st.rerun()
        return None
    if job and job.result:
        return job.result
    if job and job.refused:
        st.error(plain(said(job.refused)), icon=":material/error:")
    elif job and job.failed:
        st.error(_("It failed; start it again to retry."), icon=":material/error:")
    elif job:
        words = _("Stopped before it was finished: {part} of the work is done.", part=percent(job.part, 0))
        st.info(words, icon=":material/stop_circle:")
        for step in job.known[-1:]:
            draw(step)
    st.caption(cost_in_words(passes, seconds))
    if seconds > cache.AT_MOST:
        words = _("After {minutes} minutes of work it is ended; choose fewer steps.", minutes=cache.AT_MOST // 60)
        st.warning(words, icon=":material/timer_off:")
    if st.button(label or _("Start"), icon=":material/play_arrow:", key=f"start {name}"):
        _begin(key, begin)
        st.rerun()
    return None


def result(key: Hashable) -> tuple | None:
    """The steps that a job made; None where there is none, or not all of them yet."""
    job = _jobs().get(key)
    return job and job.result


def is_running(key: Hashable) -> bool:
    """Whether a job finds it at the moment, and draws how far it is."""
    job = _jobs().get(key)
    return bool(job and job.running)


def keep_only(keys: Collection[Hashable]) -> None:
    """Stops the jobs that find none of these, for nobody sees them any more; of other results the newest stay."""
    others = {key: job for key, job in _jobs().items() if key not in keys}
    for job in others.values():
        job.stop()
    known = {key: job for key, job in _jobs().items() if key in keys}
    room = max(0, MOST_KEPT - len(known))
    left = [(key, job) for key, job in others.items() if job.result]
    keep("explanations", {**dict(left[len(left) - min(room, len(left)) :]), **known})


def _jobs() -> dict[Hashable, cache.InTurns]:
    """Those of this session, by what they find."""
    return kept("explanations", dict)


def _begin(key: Hashable, begin: Callable[[], cache.InTurns]) -> cache.InTurns:
    keep("explanations", {**{known: job for known, job in _jobs().items() if known != key}, key: begin()})
    return _jobs()[key]


def _how_far(job: cache.InTurns) -> str:
    if job.place and (before := job.place.before) and not job.known:
        return _("number {number} in the queue …", number=before)
    return percent(job.part, 0)


def cost_in_words(passes: Passes, seconds: float) -> str:
    """What an attribution takes, before it is begun."""
    forward, back = passes
    words = _("{n} forward passes", n=grouped(forward))
    if back:
        words = _("{n} forward passes, {back} backward", n=grouped(forward), back=grouped(back))
    return _("about {seconds} s: {words}", seconds=fixed(max(1, seconds)), words=words)
