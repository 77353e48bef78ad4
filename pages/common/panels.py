"""Shapes that pages have in common: a long text."""

from pathlib import Path

import streamlit as st

from pages.common.text import prose


def reading(title: str, texts: Path, name: str) -> None:
    """A long text, folded up under its title."""
    with st.expander(title, icon=":material/menu_book:"):
        st.markdown(prose(texts, name))
