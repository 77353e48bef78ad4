"""Our own Streamlit components: plain JavaScript beside the Python that mounts it."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent


def component(name: str, *parts: str, **settings: bool):
    """What mounts the component of this name.

    Args:
        parts: names of others whose files stand before its own; Streamlit takes one text of each kind.
        settings: as of `st.components.v2.component`.
    """
    texts = {"html": "<span></span>"} | sources(*parts, name)
    return st.components.v2.component(f"convscope.{name}", **texts | settings)


def sources(*names: str) -> dict[str, str]:
    """Their `name.html`, `name.css` and `name.js`, where there are such; parts, such as `name.….js`, come first."""
    files = {
        kind: [file for name in names for file in (*sorted(HERE.glob(f"{name}.*.{kind}")), HERE / f"{name}.{kind}")]
        for kind in ("html", "css", "js")
    }
    there = {kind: [file for file in several if file.is_file()] for kind, several in files.items()}
    return {kind: "\n".join(file.read_text("utf-8") for file in several) for kind, several in there.items() if several}
