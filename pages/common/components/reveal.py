"""A place on the page that scrolls itself into view."""

from pages.common.components import component

_reveal = component("reveal")


def reveal(what: str, key: str) -> None:
    """Scrolls to here when `what` is shown here for the first time, and not again at every rerun."""
    _reveal(key=key, data={"what": what}, height=1)
