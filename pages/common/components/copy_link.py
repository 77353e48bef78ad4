"""A button that copies the address of what is on the screen, and says what the address leaves out."""

from collections.abc import Mapping

from pages.common.components import component

_copy_link = component("copy_link", "side_button")


def copy_link(words: Mapping[str, str], left_out: str) -> None:
    """Draws the button.

    Args:
        words: "copy", what is on the button, "copied" and "failed", what is said after it was pressed.
        left_out: what a link cannot say, said after "copied".
    """
    _copy_link(key="copy link", data={**words, "left_out": left_out})
