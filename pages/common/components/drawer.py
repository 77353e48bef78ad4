"""A part of a page that stands over its right, so that what was clicked stays in sight; on a phone over its foot."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages.common.components import component

_drawer = component("drawer", "escape", isolate_styles=False)


@contextmanager
def drawer(title: str) -> Iterator[None]:
    """A `with` that draws it; a page has one at most. Escape presses the first button in it.

    Args:
        title: what it shows, for those who do not see it; with another one it begins at its top again.
    """
    with st.container(key="drawer"):
        _drawer(key="drawer of the page", data={"title": title}, height=1)
        yield
