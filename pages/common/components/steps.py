"""The arrow keys of a page that is presented."""

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from pages.common.components import component
from pages.common.session import keep, kept, value_of

Key = Literal["left", "right", "up", "down"]
KEYS = get_args(Key)
MOST = 100  # presses at once
HEARD = "steps heard"  # how often the session heard of presses

_steps = component("steps", isolate_styles=False)


def steps(words: str, on_press: Callable[[Sequence[Key]], None]) -> None:
    """Listens for the arrow keys while the page is presented, but not in a field, on a slider or in a picture's grid.

    A page has one of these; where a fragment draws it, the keys redraw no more than that.

    Args:
        words: what the keys do there.
        on_press: is called with the keys that were pressed, in their order, before the script runs again.
    """

    def act() -> None:
        said = getattr(value_of("steps"), "pressed", None)
        if isinstance(said, dict) and isinstance(number := said.get("number"), int):  # it comes from a browser
            keep(HEARD, number)
            keys = said.get("keys")
            on_press([key for key in keys[:MOST] if key in KEYS] if isinstance(keys, list) else [])

    _steps(key="steps", data={"words": words, "heard": kept(HEARD, int)}, height=1, on_pressed_change=act)
