"""A place on the page that scrolls itself into view."""

from pathlib import Path

import streamlit as st

_reveal = st.components.v2.component(
    "convscope.reveal", html="<span></span>", js=(Path(__file__).parent / "reveal.js").read_text("utf-8")
)


def reveal(what: str, key: str) -> None:
    """Scrolls to here when `what` is shown here for the first time, and not again at every rerun."""
    _reveal(key=key, data={"what": what}, height=1)
