"""Our own Streamlit components: plain JavaScript beside the Python that mounts it."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent


def component(name: str, isolate_styles: bool = True):
    """What mounts the component of this name: `name.js`, with `name.html` and `name.css` where it has them.

    Args:
        isolate_styles: whether its CSS is for itself alone, and not for the page around it.
    """
    files = {kind: HERE / f"{name}.{kind}" for kind in ("html", "css", "js")}
    texts = {kind: file.read_text("utf-8") for kind, file in files.items() if file.is_file()}
    texts = {"html": "<span></span>"} | texts
    return st.components.v2.component(f"convscope.{name}", isolate_styles=isolate_styles, **texts)
