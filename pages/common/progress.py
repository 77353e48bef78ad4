"""How far long work is, looked at from half second to half second."""

from collections.abc import Callable

import streamlit as st

from pages.common.framing import framed
from pages.common.jobs import Job
from pages.common.text import _, speak


@framed
@st.fragment(run_every=0.5)
def watch(
    job: Callable[[], Job | None],
    words: Callable[[Job], str],
    key: str,
    stop: Callable[[], None] | None,
    draw: Callable[[Job], None] = lambda job: None,
    is_first: bool = False,
) -> None:
    """A bar with words, and a button that stops the work; the page is drawn anew when there is nothing to watch.

    Args:
        job: what is watched, which may change while this is on the screen.
        words: how far it is.
        stop: called before the job is stopped; None where it cannot be stopped.
        draw: shows what is known so far, above the bar.
        is_first: whether the bar is above it instead.
    """
    speak()
    now = job()
    if now is None or not now.running:
        st.rerun()
    now.watched()
    place = st.container() if is_first else None
    draw(now)
    place = place or st.container()
    bar, button = place.columns([5, 1], vertical_alignment="center") if stop else (place, None)
    bar.progress(min(now.part, 1.0), words(now))
    if stop and button.button(_("Stop"), icon=":material/stop:", key=key, width="stretch"):
        stop()
        now.stop()
