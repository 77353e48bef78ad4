"""How long a network takes on the device where its weights are, and each of its operations: measured, not computed."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from models.device import name_of, synchronize
from vis.operations import maps_of
from vis.trace import Recording, execute, last_uses, traced

Stop = Callable[[], bool]
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Times:
    """What was measured of one operation, or of a whole network."""

    median_ms: float
    spread_ms: float  # between the quartiles: half of all rounds lie this close together
    rounds: int  # that were measured; fewer than asked for where it was stopped


def times_of(milliseconds: list[float]) -> Times:
    """The median of several rounds, and how far apart the middle half of them lies."""
    quarters = quantiles(milliseconds, n=4, method="inclusive") if len(milliseconds) > 1 else [0.0, 0.0]
    return Times(median(milliseconds), quarters[-1] - quarters[0], len(milliseconds))


@dataclass(frozen=True)
class Conditions:
    """What a measured time depends on beside the network."""

    device: str  # "cpu", "cuda", "mps"
    name: str  # of the processor or the graphics card
    threads: int  # of the CPU that torch shares an operation out to
    torch: str  # its version


def conditions(device: torch.device) -> Conditions:
    """Those of this thread; asked for in the thread that measures."""
    return Conditions(device.type, name_of(device), torch.get_num_threads(), torch.__version__)


def timed(work: Callable[[], object], device: torch.device) -> float:
    """The milliseconds from the beginning of the work until the device has done all of it."""
    synchronize(device)
    start = perf_counter()
    work()
    synchronize(device)
    return 1e3 * (perf_counter() - start)


# Operation by operation ------------------------------------------------------------------------------------------


def layer_times(
    model: nn.Module,
    images: Tensor,
    rounds: int = 10,
    stop: Stop | None = None,
    progress: Progress | None = None,
    between: Callable[[], object] = lambda: None,
) -> dict[str, Times]:
    """The time of every operation on maps, by its name in the trace, in the order of execution.

    The network is run operation by operation, one round after the other, the first of them to warm up. After each
    operation the device is waited for, so that a GPU cannot do two of them at once: their sum is more than a forward
    pass takes. Nothing is done in place, so an operation that would be is timed with a copy.

    Args:
        images: (N, C, H, W).
        stop: asked before every operation; the round that is stopped does not count, and without any there is no time.
        progress: told the part of the rounds that is done, from 0 to 1.
        between: done before every round and after the last, so that what it measures saw the same machine.

    Raises:
        TraceRefused: see `vis.trace.record`.
    """
    recording = Recording(model, traced(model, tuple(images.shape)), on_its_device(model, images), {}, {})
    measured: dict[str, list[float]] = {}
    for done in range(rounds + 1):
        between()
        found = _one_round(recording, stop or (lambda: False))
        if found is None:
            break
        for name, milliseconds in found.items() if done else ():
            measured.setdefault(name, []).append(milliseconds)
        if progress is not None:
            progress((done + 1) / (rounds + 1))
    between()
    return {name: times_of(of) for name, of in measured.items()}


def on_its_device(model: nn.Module, images: Tensor) -> Tensor:
    """The pictures where the model's parameters are, in their precision."""
    parameter = next(model.parameters(), None)
    return images if parameter is None else images.to(parameter.device, parameter.dtype)


@torch.no_grad()
def _one_round(recording: Recording, stop: Stop) -> dict[str, float] | None:
    """The milliseconds of every operation in one forward pass; None where it was stopped."""
    trace, device = recording.trace, recording.image.device
    steps = [node for node in trace.graph.nodes if node.op != "output"]
    no_longer_read = last_uses(steps)
    recording.values.clear()
    found: dict[str, float] = {}
    for node in steps:
        if stop():
            return None
        taken = timed(lambda node=node: execute(node, recording, with_switches=False), device)
        if node.op.startswith("call_") and maps_of(recording.values[node]):
            found[trace.names[node]] = taken
        for read in no_longer_read[node]:  # so that no more is kept than a forward pass needs
            del recording.values[read]
    return found


# The whole network -----------------------------------------------------------------------------------------------

WARM_UP = 2  # passes that do not count
LEAST_ROUNDS = 3
LONG = 1e3  # milliseconds: a pass that takes longer is asked in between whether to stop, for it then costs nothing


@torch.no_grad()
def pass_times(
    model: nn.Module,
    images: Tensor,
    rounds: int = 30,
    seconds: float = 10,
    stop: Stop | None = None,
    progress: Progress | None = None,
) -> Times | None:
    """The time of a forward pass of these pictures together, as the network itself does it; None where it was stopped
    before there was one.

    Args:
        images: (N, C, H, W).
        seconds: after which no further pass begins, once there are `LEAST_ROUNDS`.
        stop: asked before every pass, and during one that is long; the pass that is stopped does not count.
        progress: told the part that is done, from 0 to 1.
    """
    images, stop = on_its_device(model, images), stop or (lambda: False)
    found: list[float] = []
    begun, longest = perf_counter(), LONG
    try:
        for done in range(WARM_UP + rounds):
            spent = perf_counter() - begun
            if stop() or (spent > seconds and len(found) >= LEAST_ROUNDS):
                break
            if progress is not None:
                progress(max(done / (WARM_UP + rounds), min(spent / seconds, 1.0)))
            if longest >= LONG:
                with _Asking(stop):
                    taken = timed(lambda: model(images), images.device)
            else:
                taken = timed(lambda: model(images), images.device)
            longest = taken if done == 0 else max(longest, taken)
            if done >= WARM_UP:
                found.append(taken)
    except _Stopped:
        pass
    if progress is not None:
        progress(1.0)
    return times_of(found) if found else None


class _Stopped(RuntimeError):
    """Ends a forward pass in the middle."""


class _Asking(TorchFunctionMode):
    """Asks before every function of torch in this thread whether to stop; nothing is left on the model."""

    def __init__(self, stop: Stop):
        super().__init__()
        self._stop = stop

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if self._stop():
            raise _Stopped
        return func(*args, **(kwargs or {}))
