"""What every layer of a stack has, as lines on a logarithmic axis: the data of curves beside live sliders."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, isfinite, log10
from typing import Any

from vis.figures.numbers import power

MOST_TICKS = 5


def decades(values: Iterable[float]) -> tuple[int, int]:
    """The powers of ten between which these lie, one apart at least; numbers that have no logarithm are left out."""
    known = [log10(value) for value in values if value > 0 and isfinite(value)]
    low, high = (floor(min(known)), ceil(max(known))) if known else (0, 0)
    return low, max(high, low + 1)


def profile(lines: Sequence[Sequence[float]], scale: tuple[int, int], last: int) -> dict[str, Any]:
    """A chart's lines, a point for each layer from the first to the last; where one has no logarithm there is a gap.

    Args:
        scale: the powers of ten at the foot and at the top.
        last: number of the last layer.
    """
    low, high = scale
    step = -(-(high - low) // MOST_TICKS)
    middle = (last + 1) // 2
    numbers = sorted({1, middle, last} if last > 4 else {1, last})
    return {
        "lines": [[round(log10(v), 2) if v > 0 and isfinite(v) else None for v in line] for line in lines],
        "range": [low, high],
        "ticks": [[exponent, power(exponent)] for exponent in _every(low, high, step)],
        "places": [[(number - 1) / (last - 1) if last > 1 else 0.5, str(number)] for number in numbers],
    }


def _every(low: int, high: int, step: int) -> list[int]:
    """The multiples of a step between two numbers, both among them."""
    return [number for number in range(low, high + 1) if number % step == 0]
