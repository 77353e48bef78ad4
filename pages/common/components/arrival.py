"""What the frame of every page needs from the browser: room for the page, and a welcome for the first visitor."""

from collections.abc import Iterable

from pages.common.components import component

_arrival = component("arrival", isolate_styles=False)


def arrival(pages: Iterable[str]) -> None:
    """Lets the page begin higher than Streamlit does, and closes the message that a page was not found where it was.

    Until `st.navigation` has run once in the process, Streamlit knows of no pages but those directly in `pages/`, and
    tells the first visitor so, before it runs the very page that was asked for.

    Args:
        pages: the addresses of all pages, without a slash.
    """
    _arrival(key="arrival", data={"pages": list(pages)}, height=1)
