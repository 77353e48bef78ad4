"""Classes of functions, one larger than the other, and how close the best function of each comes to a given one.

A class has all functions that are constant between its cuts; its best one has in each piece the mean.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import torch
from torch import Tensor

MOST = 10  # pieces of the largest class
POINTS = 5040  # from 0 to 1: every cut of every class lies between two of them


def target() -> Tensor:
    """What is to be learnt, (POINTS,): it jumps in the middle, and rises a little."""
    t = (torch.arange(POINTS, dtype=torch.float64) + 0.5) / POINTS
    return (t > 0.5).double() + 0.3 * t


def equal(pieces: int) -> list[Fraction]:
    """The cuts of the class with so many equal pieces: it contains that with fewer only where these divide it."""
    return [Fraction(i, pieces) for i in range(1, pieces)]


def nested(pieces: int) -> list[Fraction]:
    """The cuts of a class that keeps all of the one before and has one more: ½, ¼, ¾, ⅛, ⅜ …"""
    halved = (Fraction(odd, 2**level) for level in range(1, 5) for odd in range(1, 2**level, 2))
    return sorted(cut for cut, _number in zip(halved, range(pieces - 1), strict=False))


def best(f: Tensor, cuts: Sequence[Fraction]) -> Tensor:
    """The function of the class that is closest to f: in each piece the mean of f."""
    ends = [0, *(round(cut * len(f)) for cut in cuts), len(f)]
    return torch.cat([f[a:b].mean().expand(b - a) for a, b in pairwise(ends)])


def distance(f: Tensor, g: Tensor) -> float:
    """The root of the mean square of their difference."""
    return float((f - g).square().mean().sqrt())
