"""A place on the page that scrolls itself into view."""

from pages.common.components import component

_reveal = component("reveal", "escape", "keeping")


def reveal(what: str, key: str, *, to: str = "center") -> None:
    """Scrolls to here when `what` is shown here for the first time, and not again at every rerun.

    It stays there while what stands above it still grows, until the visitor moves. In a close-up, Escape presses the
    first button.

    Args:
        to: where in the window this place comes to stand: "center", or "start" for its top.
    """
    _reveal(key=key, data={"what": what, "to": to}, height=1)
