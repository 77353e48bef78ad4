"""A part of a page that is drawn anew by itself stands in a container of its own."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st


def framed(draw: Callable[..., None]) -> Callable[..., None]:
    """What draws, as `st.fragment` gives it, but in a container of its own.

    When a fragment begins anew, Streamlit drops of it what is drawn and not yet sent. What came after it in the same
    container would then have no place in the browser, and the whole page would turn white.
    """

    @wraps(draw)
    def drawn(*args: Any, **kwargs: Any) -> None:
        with st.container():
            draw(*args, **kwargs)

    return drawn
