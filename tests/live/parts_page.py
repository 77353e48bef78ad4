"""A part of a page with another part inside it, which begins anew before the browser has been told; for test_parts.py.

`?whole=no` leaves Streamlit as it is.
"""

import time

import streamlit as st
from streamlit.runtime import Runtime

from pages.common.framing import framed, keep_parts_whole

HELD = 0.5  # seconds for which the server sends nothing


@framed
@st.fragment
def inner() -> None:
    st.write("inner part")


@framed
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


if st.query_params.get("whole") != "no":
    keep_parts_whole()
st.title("Parts")
outer()
