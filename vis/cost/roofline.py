"""The roof over what a machine can do, measured, and where under it every layer of a network stands.

S. Williams, A. Waterman, D. Patterson: Roofline: An Insightful Visual Performance Model for Multicore Architectures,
Communications of the ACM 52(4), 2009. Here in multiply-adds (MACs) where they count floating-point operations.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from vis.cost.count import activation_bytes_of, kind_of, layers, macs_of
from vis.cost.latency import Progress, Stop, Times, timed, times_of
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
        written once, four bytes a number in float32. It is the most that the layer allows: a cache that is too small
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
        """MACs a second, at the median; None where none are counted."""
        return 1e3 * self.work.macs / self.times.median_ms if self.work.macs else None


def standings(works: list[Work], times: Mapping[str, Times]) -> list[Standing]:
    """Those layers that were measured, in the order of execution."""
    return [Standing(work, times[work.name]) for work in works if work.name in times]


# The machine -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ceiling:
    """The most that was reached, by the median of several rounds."""

    rate: float  # MACs or bytes a second
    of: str  # what reached it
    times: Times

    @property
    def spread(self) -> float:
        """How far apart the middle half of the rounds lies, as a part of their median."""
        return self.times.spread_ms / self.times.median_ms


@dataclass(frozen=True)
class Roof:
    """What a machine can compute and what it can move, both measured."""

    peak: Ceiling  # MACs a second of products of large matrices
    bandwidth: Ceiling  # bytes a second of copies that no cache can hold

    @property
    def ridge(self) -> float:
        """The arithmetic intensity from which on the memory no longer holds a layer back."""
        return self.peak.rate / self.bandwidth.rate

    def attainable(self, intensity: float) -> float:
        """The most MACs a second that a layer of this arithmetic intensity can reach (Williams et al., section 3)."""
        return min(self.peak.rate, intensity * self.bandwidth.rate)

    def reached(self, standing: Standing) -> float | None:
        """Which part of what is attainable to it a layer reaches; None where no MACs are counted."""
        return standing.rate / self.attainable(standing.work.intensity) if standing.rate else None


PRODUCTS = {"cpu": (512, 1024, 2048)}  # sides of square matrices
LARGE_PRODUCTS = (2048, 4096, 8192)  # for a GPU, which smaller ones do not fill
NUMBERS = 2**25  # of an array that is copied, 128 MiB: more than caches hold

Trial = tuple[str, int, Callable[[], object]]  # what is done, its MACs or bytes, and the doing


def measured_roof(
    device: torch.device, rounds: int = 7, stop: Stop | None = None, progress: Progress | None = None
) -> Roof | None:
    """The roof of a device in float32; None where it was stopped before every trial was measured once.

    Peak: C = A·B of square matrices of several sizes, n³ MACs each. Bandwidth: a copy, which reads one array and writes
    one, and the triad a = b + s·c, which reads two and writes one; that a processor may first fetch what it is about to
    overwrite is not counted, as in STREAM (McCalpin 1995). Of each the fastest counts, by its median; one round warms
    up. Threads, precision and random numbers are left as they are.
    """
    stop = stop or (lambda: False)
    found: list[list[tuple[str, int, Times]]] = [[], []]
    sides = PRODUCTS.get(device.type, LARGE_PRODUCTS)
    trials, all_trials = (_products(device, sides), _copies(device)), len(sides) + 2
    for results, kind in zip(found, trials, strict=True):
        for name, amount, work in kind:
            milliseconds: list[float] = []
            for i in range(rounds + 1):
                if stop():
                    break
                taken = timed(work, device)
                milliseconds += [taken] if i else []
                if progress is not None:
                    progress((len(found[0]) + len(found[1]) + (i + 1) / (rounds + 1)) / all_trials)
            if not milliseconds:
                return None
            results.append((name, amount, times_of(milliseconds)))
    return Roof(*(max((_ceiling(*each) for each in results), key=lambda c: c.rate) for results in found))


def _ceiling(name: str, amount: int, times: Times) -> Ceiling:
    return Ceiling(1e3 * amount / times.median_ms, name, times)


def _products(device: torch.device, sides: tuple[int, ...]) -> Iterator[Trial]:
    for n in sides:
        a, b = _numbers(device, n, n), _numbers(device, n, n)
        c = torch.empty_like(a)
        yield f"{n}×{n}×{n}", n**3, lambda a=a, b=b, c=c: torch.mm(a, b, out=c)


def _copies(device: torch.device) -> Iterator[Trial]:
    a, b = _numbers(device, NUMBERS), _numbers(device, NUMBERS)
    yield "copy", a.nbytes + b.nbytes, lambda: a.copy_(b)
    c = _numbers(device, NUMBERS)
    yield "triad", a.nbytes + b.nbytes + c.nbytes, lambda: torch.add(b, c, alpha=3.0, out=a)


def _numbers(device: torch.device, *sizes: int) -> Tensor:
    """Random numbers of their own, so that those of the process go on as before."""
    return torch.rand(sizes, generator=torch.Generator().manual_seed(0)).to(device)
