"""Measured times of every operation, for this session."""

from collections.abc import Collection

import streamlit as st

from pages.common import cache
from pages.common.cache import Built
from pages.common.jobs import Job
from pages.common.session import keep_measured, measured, selection
from pages.common.text import _, plain, said
from vis.cost.latency import Times

ROUNDS, AT_MOST = 7, 120  # of a measurement, and its seconds


def measure_all(shown: Collection[Built]) -> None:
    """Measures what this session has not measured before; meanwhile says how far it is, with a way to stop it.

    What is measured for this session and no longer shown is stopped; shown again, it is measured anew.
    """
    device, before = selection().device, measured("jobs") or {}
    jobs = {}
    for built in shown:
        if (key := (built, device)) in before:
            jobs[key] = before[key]
        elif not measured(key):
            jobs[key] = Job(lambda report, stopped, b=built: cache.measure(b, device, ROUNDS, report, stopped), AT_MOST)
    for key in before.keys() - jobs.keys():
        before[key].stop()
    keep_measured("jobs", jobs)
    for place, (key, job) in enumerate(jobs.items()):
        if job.running:
            _watched(job, f"stop {place}")
        elif job.refused:
            st.error(plain(said(job.refused)), icon=":material/error:")
        elif job.failed:
            st.error(_("The measurement failed; choose the colours again to repeat it."), icon=":material/error:")
        elif job.result:
            keep_measured(key, job.result)
        else:
            st.info(_("Stopped before anything was measured; choose the colours again to measure."))


@st.fragment(run_every=0.5)
def _watched(job: Job, key: str) -> None:
    if not job.running:
        st.rerun()
    job.watched()
    words, button = st.columns([5, 1], vertical_alignment="center")
    words.progress(job.part, _("Measuring every operation on this machine, one measurement at a time …"))
    if button.button(_("Stop"), icon=":material/stop:", key=key, width="stretch"):
        job.stop()


def times(built: Built) -> dict[str, Times]:
    """What was measured, by the names of operations; empty before that."""
    return measured((built, selection().device)) or {}


def milliseconds(built: Built) -> dict[str, float]:
    """The medians of what was measured."""
    return {name: found.median_ms for name, found in times(built).items()}
