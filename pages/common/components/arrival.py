"""What the frame of every page needs from the browser: a language, room for the page, a welcome for first visitors."""

from collections.abc import Iterable

from pages.common.components import component

_arrival = component("arrival", isolate_styles=False)  # its style is for the whole document


def arrival(pages: Iterable[str], language: str) -> None:
    """Says which language the document is in, lets the page begin higher than Streamlit does, and closes the message
    that a page was not found where it was.

    Until `st.navigation` has run once in the process, Streamlit knows of no pages but those directly in `pages/`, and
    tells the first visitor so, before it runs the very page that was asked for.

    Args:
        pages: the addresses of all pages, without a slash.
        language: as in `<html lang>`.
    """
    _arrival(key="arrival", data={"pages": list(pages), "language": language}, height=1)
