"""How long every operation of a network takes on the device where its weights are: measured, not computed."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter

import torch
from torch import Tensor, nn

from models.device import synchronize
from vis.operations import maps_of
from vis.trace import Recording, execute, last_uses, record


@dataclass(frozen=True)
class Times:
    """What was measured of one operation."""

    median_ms: float
    spread_ms: float  # between the quartiles: half of all rounds lie this close together
    rounds: int  # that were measured; fewer than asked for where it was stopped


def layer_times(
    model: nn.Module,
    image: Tensor,
    rounds: int = 10,
    stop: Callable[[], bool] | None = None,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Times]:
    """The time of every operation on maps, by its name in the trace, in the order of execution.

    The network is run operation by operation, one round after the other, the first of them to warm up. After each
    operation the device is waited for, so that a GPU cannot do two of them at once: their sum is more than a forward
    pass takes. Nothing is done in place, so an operation that would be is timed with a copy.

    Args:
        image: (1, C, H, W).
        stop: asked before every operation; the round that is stopped does not count, and without any there is no time.
        progress: told the part of the rounds that is done, from 0 to 1.

    Raises:
        TraceRefused: see `vis.trace.record`.
    """
    recording = record(model, image, layers=())
    measured: dict[str, list[float]] = {}
    for done in range(rounds + 1):
        found = _one_round(recording, stop or (lambda: False))
        if found is None:
            break
        for name, seconds in found.items() if done else ():
            measured.setdefault(name, []).append(seconds * 1e3)
        if progress is not None:
            progress((done + 1) / (rounds + 1))
    return {name: times_of(of) for name, of in measured.items()}


@torch.no_grad()
def _one_round(recording: Recording, stop: Callable[[], bool]) -> dict[str, float] | None:
    """The seconds of every operation in one forward pass; None where it was stopped."""
    trace, device = recording.trace, recording.image.device
    steps = [node for node in trace.graph.nodes if node.op != "output"]
    no_longer_read = last_uses(steps)
    recording.values.clear()
    seconds: dict[str, float] = {}
    synchronize(device)
    for node in steps:
        if stop():
            return None
        start = perf_counter()
        execute(node, recording)
        synchronize(device)
        taken = perf_counter() - start
        if node.op.startswith("call_") and maps_of(recording.values[node]):
            seconds[trace.names[node]] = taken
        recording.switches.clear()
        for read in no_longer_read[node]:  # so that no more is kept than a forward pass needs
            del recording.values[read]
    return seconds


def times_of(milliseconds: list[float]) -> Times:
    """The median of several rounds, and how far apart the middle half of them lies."""
    quarters = quantiles(milliseconds, n=4, method="inclusive") if len(milliseconds) > 1 else [0.0, 0.0]
    return Times(median(milliseconds), quarters[-1] - quarters[0], len(milliseconds))
