"""What Streamlit's sliders can be dragged to, as reach.js reads it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pages.common import cache


def reach_of(frames: Mapping[str, Sequence[Any]]) -> list[dict[str, str]]:
    """For a browser, by the keys of sliders what is shown at each of their stops."""
    return [{"key": class_of(slider), "frames": cache.deflated(list(shown))} for slider, shown in frames.items()]


def class_of(key: str) -> str:
    """The class that Streamlit gives to the container of what has this key."""
    return f"st-key-{re.sub('[^a-zA-Z0-9_-]', '-', key)}"
