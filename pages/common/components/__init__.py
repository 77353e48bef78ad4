"""Our own Streamlit components: plain JavaScript beside the Python that mounts it."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent


def component(name: str, **settings: bool):
    """What mounts the component of this name: `name.js`, with `name.html` and `name.css` where it has them.

    Args:
        settings: as of `st.components.v2.component`.
    """
    files = {kind: HERE / f"{name}.{kind}" for kind in ("html", "css", "js")}
    texts = {kind: file.read_text("utf-8") for kind, file in files.items() if file.is_file()}
    return st.components.v2.component(f"convscope.{name}", **{"html": "<span></span>"} | texts | settings)
