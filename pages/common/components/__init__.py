"""Our own Streamlit components: plain JavaScript beside the Python that mounts it."""

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent


def component(name: str, **settings: bool):
    """What mounts the component of this name.

    Args:
        settings: as of `st.components.v2.component`.
    """
    return st.components.v2.component(f"convscope.{name}", **{"html": "<span></span>"} | sources(name) | settings)


def sources(name: str) -> dict[str, str]:
    """`name.html` and `name.css` where it has them, and `name.js` after its parts, `name.….js`."""
    found = {kind: HERE / f"{name}.{kind}" for kind in ("html", "css")}
    texts = {kind: file.read_text("utf-8") for kind, file in found.items() if file.is_file()}
    scripts = [*sorted(HERE.glob(f"{name}.*.js")), HERE / f"{name}.js"]
    return texts | {"js": "\n".join(file.read_text("utf-8") for file in scripts)}
