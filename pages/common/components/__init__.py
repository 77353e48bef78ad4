"""Our own Streamlit components: plain JavaScript beside the Python that mounts it."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent


def component(name: str, *parts: str, **settings: bool):
    """What mounts the component of this name: `name.js`, with `name.html` and `name.css` where it has them.

    Args:
        parts: names of further files that stand before those; Streamlit takes one text of each kind.
        settings: as of `st.components.v2.component`.
    """
    files = {kind: [HERE / f"{part}.{kind}" for part in (*parts, name)] for kind in ("html", "css", "js")}
    texts = {
        kind: "\n".join(file.read_text("utf-8") for file in several if file.is_file())
        for kind, several in files.items()
        if any(file.is_file() for file in several)
    }
    return st.components.v2.component(f"convscope.{name}", **{"html": "<span></span>"} | texts | settings)
