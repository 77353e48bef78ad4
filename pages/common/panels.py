"""Shapes that pages have in common: the head of a close-up, a long text, what stands below a picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from pages.common.export import download
from pages.common.text import _, plain, prose
from vis.figures.pictures import captioned


def reading(title: str, texts: Path, name: str) -> None:
    """A long text, folded up under its title."""
    with st.expander(title, icon=":material/menu_book:"):
        st.markdown(prose(texts, name))


def closeable(title: str, key: str) -> bool:
    """The head of a close-up; whether its Close was pressed."""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(f"#### {title}", width="stretch")
    return row.button(_("Close"), icon=":material/close:", key=key)


def legend(
    lines: Sequence[str],
    pixels: np.ndarray,
    file: str,
    key: str,
    *,
    label: str = "PNG",
    further: Sequence[str] = (),
    width: int = 480,
    banner: str | None = None,
) -> None:
    """What a picture shows, and a button for the picture with these lines under it.

    Args:
        further: lines that only the file has, before the others.
        width, banner: as of `captioned`.
    """
    st.caption("  \n".join(map(plain, lines)))
    download(st, label, lambda: captioned(pixels, [*further, *lines], width, banner), file, key)
