"""What is counted over a range of one number: a drag of that number changes none of it."""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from pages.common.cache.remembering import copied
from vis.cost import relatives


@copied()
def costs_along(
    relative: str, name: str, values: list[int], others: Mapping[str, int], quantity: str
) -> list[list[int | None]]:
    """As `vis.cost.relatives.costs_along`, of one of its relatives."""
    return relatives.costs_along(relatives.RELATIVES[relative], name, values, others, quantity)


@copied()
def packed(about: str, _make: Callable[[], list[Any]]) -> str:
    """What a slider can be dragged to, as of `deflated`.

    Args:
        about: all that it depends on; for the same the same is given.
        _make: counts it.
    """
    return deflated(_make())


def deflated(frames: list[Any]) -> str:
    """What a slider can be dragged to, for a browser: JSON, deflated, in base64."""
    text = json.dumps(frames, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 1)).decode("ascii")
