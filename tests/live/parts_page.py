"""A part of a page with another part inside it, which begins anew before the browser has been told; for test_parts.py.

With `?framed=no` in a container of its own alone.
"""

import time
from collections.abc import Callable

import streamlit as st
from streamlit.runtime import Runtime

from pages.common.framing import framed

HELD = 0.5  # seconds for which the server sends nothing


def contained(draw: Callable[[], None]) -> Callable[[], None]:
    def drawn() -> None:
        with st.container():
            draw()

    return drawn


frame = contained if st.query_params.get("framed") == "no" else framed


@frame
@st.fragment
def inner() -> None:
    st.write("inner part")


@frame
@st.fragment
def outer() -> None:
    state = st.session_state
    if st.button("Open"):
        state.times = 2
    if state.get("times", 0) == 2:
        Runtime.instance()._get_async_objs().eventloop.call_soon_threadsafe(time.sleep, HELD)
    if "times" in state:
        st.write("above it")
        inner()
        st.write(f"below it, {state.times} to go")
        if state.times:
            state.times -= 1
            st.rerun(scope="fragment")


st.title("Parts")
outer()
