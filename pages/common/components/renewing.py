"""Greys out the results of an earlier choice while the new ones are computed."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager

import streamlit as st

from pages.common.components import component
from pages.common.session import keep, kept

_renewing = component("renewing", isolate_styles=False)


@contextmanager
def renewing(chosen: Hashable, key: str) -> Iterator[None]:
    """A `with` that draws what depends on a choice: while another one's is still on the screen, that is greyed out.

    Args:
        chosen: the choice.
        key: identifies this part on its page.
    """
    place = st.empty()
    if kept(f"drawn {key}", lambda: chosen) != chosen:
        with place:
            _renewing(key=f"renewing {key}", data={"of": key}, height=1)
    try:
        yield
        keep(f"drawn {key}", chosen)  # not where a run was broken off: what is there is still the other one's
    finally:
        place.empty()
