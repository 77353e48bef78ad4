"""The roof over what a machine can do, measured, and where under it every layer of a network stands.

S. Williams, A. Waterman, D. Patterson: Roofline: An Insightful Visual Performance Model for Multicore Architectures,
Communications of the ACM 52(4), 2009. Here in multiply-adds (MACs) where they count floating-point operations.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, fx
from torch.nn import functional

from vis.cost.count import activation_bytes_of, kind_of, layers, macs_of
from vis.cost.latency import Stop, Times, timed, times_of
from vis.operations import convolution, maps_of
from vis.trace import Recording

# The layers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """What one operation has to compute and to move for a batch of pictures."""

    name: str  # in the trace
    kind: str  # as of `vis.cost.count.LayerCost`; a convolution of 1×1 without groups is "pointwise"
    macs: int | None  # None = not counted, which is not 0
    read_bytes: int  # of the maps that come in
    weight_bytes: int  # of parameters and buffers
    written_bytes: int  # of the maps that come out

    @property
    def moved_bytes(self) -> int:
        return self.read_bytes + self.weight_bytes + self.written_bytes

    @property
    def intensity(self) -> float | None:
        """Arithmetic intensity: MACs for each byte moved; None where no MACs are counted.

        Every map that comes in is read once, every weight is read once for the whole batch, every map that comes out is
        written once, four bytes per number in float32. It is the most that the layer allows: a cache that is too small
        makes it read more than once, and one that still holds the last layer's maps spares it from reading at all.
        """
        return self.macs / self.moved_bytes if self.macs else None


def works_of(recording: Recording, batch: int = 1) -> list[Work]:
    """The work of every operation on maps, in the order of execution.

    Args:
        recording: of one picture; shapes will do.
        batch: pictures that go through the network together; each has its maps, and all share the weights.
    """
    return [_work_of(node, recording, batch) for node in layers(recording)]


def _work_of(node: fx.Node, recording: Recording, batch: int) -> Work:
    kind, macs = kind_of(node, recording), macs_of(node, recording)
    if kind == "conv" and _is_pointwise(node, recording):
        kind = "pointwise"
    name = recording.trace.names[node]
    if kind == "reshape" and not activation_bytes_of(node, recording):
        return Work(name, kind, macs, 0, 0, 0)  # another view of what is there: nothing is moved
    weights = [recording.values[n] for n in node.all_input_nodes if n.op == "get_attr"]
    if node.op == "call_module":
        module = recording.module(node)
        weights += [*module.parameters(), *module.buffers()]
    given = [m for n in node.all_input_nodes if n.op != "get_attr" for m in maps_of(recording.values[n])]
    made = maps_of(recording.values[node])
    return Work(
        name, kind, macs and macs * batch, batch * _bytes(given), _bytes(filter(_is_map, weights)), batch * _bytes(made)
    )


def _is_pointwise(node: fx.Node, recording: Recording) -> bool:
    conv = convolution(node, recording)
    return set(conv.kernel) == {1} and conv.groups == 1


def _is_map(value: object) -> bool:
    return isinstance(value, Tensor)


def _bytes(tensors) -> int:
    return sum(t.nbytes for t in tensors)


@dataclass(frozen=True)
class Standing:
    """Where a layer stands: its work, and how long that took."""

    work: Work
    times: Times

    @property
    def rate(self) -> float | None:
        """MACs per second, at the median; None where none are counted."""
        return 1e3 * self.work.macs / self.times.median_ms if self.work.macs else None


def standings(works: list[Work], times: Mapping[str, Times]) -> list[Standing]:
    """Those layers that were measured, in the order of execution."""
    return [Standing(work, times[work.name]) for work in works if work.name in times]


# The machine -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ceiling:
    """The most that was reached, in the fastest of many tries."""

    rate: float  # MACs or bytes per second
    of: str  # what reached it
    times: Times  # of all its tries

    @property
    def spread(self) -> float:
        """How far apart the middle half of the tries lies, as a part of their median."""
        return self.times.spread_ms / self.times.median_ms


@dataclass(frozen=True)
class Roof:
    """What a machine can compute and what it can move, both measured."""

    peak: Ceiling  # MACs per second of products of large matrices, or of a convolution
    bandwidth: Ceiling  # bytes per second of copies that no cache can hold

    @property
    def ridge(self) -> float:
        """The arithmetic intensity from which on the memory no longer holds a layer back."""
        return self.peak.rate / self.bandwidth.rate

    def attainable(self, intensity: float) -> float:
        """The most MACs per second that a layer of this arithmetic intensity can reach (Williams et al., section 3)."""
        return min(self.peak.rate, intensity * self.bandwidth.rate)

    def reached(self, standing: Standing) -> float | None:
        """Which part of what is attainable to it a layer reaches; None where no MACs are counted."""
        return standing.rate / self.attainable(standing.work.intensity) if standing.rate else None

    def outrun_by(self, layers: Iterable[Standing]) -> Standing | None:
        """The fastest layer, if it is above the peak by more than half of the peak's spread; None where the roof holds.

        Such a roof was measured while the machine was busier than it was with the layers, and says nothing. Above the
        slope a layer may well stand, for a cache is faster than memory.
        """
        fastest = max((each for each in layers if each.rate), key=lambda each: each.rate, default=None)
        return fastest if fastest and fastest.rate > self.peak.rate * (1 + self.peak.spread / 2) else None


PRODUCTS = {"cpu": (512, 1024, 2048)}  # sides of square matrices
LARGE_PRODUCTS = (2048, 4096, 8192)  # for a GPU, which smaller ones do not fill
CONVOLUTIONS = {"cpu": (1, 256, 56)}  # pictures, maps and side
LARGE_CONVOLUTION = (16, 512, 56)
NUMBERS = 2**25  # of an array that is copied, 128 MiB: more than caches hold
LONG_ENOUGH, MOST_TRIES = 20.0, 10  # milliseconds of a trial in a round, and how often it is then repeated at most

Trial = tuple[str, int, Callable[[], object]]  # what is done, its MACs or bytes, and the doing


class Trials:
    """Rounds of trials of what a device can do in float32; in between there is time for what is compared with it.

    Peak: C = A·B of square matrices of several sizes, n³ MACs each, and a convolution of 3×3, which may use another
    algorithm or, on a GPU, another precision than products do. Bandwidth: a copy, which reads one array and writes one,
    and the triad a = b + s·c, which reads two and writes one; that a processor may first fetch what it is about to
    overwrite is not counted, and of each the fastest try counts, both as in STREAM (McCalpin 1995). The first round
    warms up. Threads, precision and random numbers are left as they are.
    """

    def __init__(self, device: torch.device):
        self._device = device
        sides = PRODUCTS.get(device.type, LARGE_PRODUCTS)
        self._peak: list[Trial] = [*_products(device, sides), _convolution(device)]
        self._bandwidth: list[Trial] = [*_copies(device)]
        self._taken: dict[str, list[float]] = {}  # milliseconds of every try
        self._is_warm = False

    def round(self, stop: Stop = lambda: False) -> None:
        """Tries everything once more; what takes no time several times. The trial that is stopped is the last."""
        for name, _, work in (*self._peak, *self._bandwidth):
            spent, tries = 0.0, 0
            while spent < LONG_ENOUGH and tries < MOST_TRIES:
                if stop():
                    return
                taken = timed(work, self._device)
                spent, tries = spent + taken, tries + 1
                if self._is_warm:
                    self._taken.setdefault(name, []).append(taken)
        self._is_warm = True

    @property
    def roof(self) -> Roof | None:
        """What was reached so far; None before everything was tried once after warming up."""
        trials = (*self._peak, *self._bandwidth)
        if len(self._taken) < len(trials):
            return None
        return Roof(*(max(map(self._ceiling, kind), key=lambda c: c.rate) for kind in (self._peak, self._bandwidth)))

    def _ceiling(self, trial: Trial) -> Ceiling:
        name, amount, _ = trial
        return Ceiling(1e3 * amount / min(self._taken[name]), name, times_of(self._taken[name]))


def _products(device: torch.device, sides: tuple[int, ...]) -> Iterator[Trial]:
    for n in sides:
        a, b = _numbers(device, n, n), _numbers(device, n, n)
        c = torch.empty_like(a)
        yield f"{n}×{n}×{n}", n**3, lambda a=a, b=b, c=c: torch.mm(a, b, out=c)


def _convolution(device: torch.device) -> Trial:
    pictures, maps, side = CONVOLUTIONS.get(device.type, LARGE_CONVOLUTION)
    images, weights = _numbers(device, pictures, maps, side, side), _numbers(device, maps, maps, 3, 3)
    macs = pictures * side**2 * maps * maps * 3**2
    return f"3×3 convolution, {maps} maps", macs, lambda: functional.conv2d(images, weights, padding=1)


def _copies(device: torch.device) -> Iterator[Trial]:
    a, b = _numbers(device, NUMBERS), _numbers(device, NUMBERS)
    yield "copy", a.nbytes + b.nbytes, lambda: a.copy_(b)
    c = _numbers(device, NUMBERS)
    yield "triad", a.nbytes + b.nbytes + c.nbytes, lambda: torch.add(b, c, alpha=3.0, out=a)


def _numbers(device: torch.device, *sizes: int) -> Tensor:
    """Random numbers of their own, so that those of the process go on as before."""
    return torch.rand(sizes, generator=torch.Generator().manual_seed(0)).to(device)
