"""Stacks of layers as they start and as they learn: the same for everybody who asks for the same."""

from itertools import islice

from pages.common.cache.remembering import copied
from pages.common.cache.turns import turn
from vis.concepts.depth import Moment, Stack, train


@copied()
def started(of: Stack, seed: int) -> Moment:
    """The stack before its first step."""
    return next(train(of, seed, rate=0))


@copied()
def learnt(of: Stack, seed: int, rate: float, steps: int) -> tuple[Moment, ...]:
    """The stack before its first step, and after each; fewer where it diverged."""
    moments, training = [], train(of, seed, rate)
    for _step in range(steps + 1):
        with turn:  # others have theirs between two steps
            moments += islice(training, 1)
    return tuple(moments)
