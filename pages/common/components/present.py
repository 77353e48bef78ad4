"""A button for showing a page to a room: full screen, in large type, without what is beside the matter."""

from collections.abc import Mapping

from pages.common.components import component

_present = component("present", "side_button", isolate_styles=False)  # its style is for the whole document


def present(words: Mapping[str, str]) -> None:
    """Draws the button; Alt+P does the same. A browser that refuses the full screen changes its look all the same.

    Args:
        words: "present", what is on the button, "end", what another one in the corner does then, and "escape", which
            key does so, too; it is shown for some seconds, with the keys of `steps` before it.
    """
    _present(key="present", data=dict(words))
