"""Parts that stand side by side where there is room, and below one another where there is none."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.common.components import component

_row = component("row", isolate_styles=False)


def rows_that_wrap() -> None:
    """Gives the rows of a page their look; once for each page that has some."""
    _row(key="look of rows", data={"wraps": True}, height=1)


def row_that_wraps(key: str, count: int) -> list[DeltaGenerator]:
    """Containers of equal width, as many in a line as have 400 pixels each.

    Args:
        key: identifies the row on its page.
    """
    row = st.container(horizontal=True, gap="medium", key=f"row {key}")
    return [row.container(key=f"part {n} of row {key}") for n in range(count)]
