"""The first visitor of a server that has just been started, who comes by a link."""

from collections.abc import Iterable

from pages.common.components import component

_arrival = component("arrival")


def arrival(pages: Iterable[str]) -> None:
    """Closes the message that a page was not found where it was.

    Until `st.navigation` has run once in the process, Streamlit knows of no pages but those directly in `pages/`, and
    tells the first visitor so, before it runs the very page that was asked for.

    Args:
        pages: the addresses of all pages, without a slash.
    """
    _arrival(key="arrival", data={"pages": list(pages)}, height=1)
