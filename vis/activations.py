"""What a layer makes of one picture: all its maps, what is counted of each, and the same map before and after."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from vis.deconvnet import check_unit
from vis.maps import gives_maps, layer_maps, order_of
from vis.operations import ADAPTIVE_POOLS, SLIDING_POOLS, named, plain_name
from vis.trace import Recording, check_finite, nothing, record, source, traced

BINS = 64  # of a histogram; even, so that 0 is an edge where values have both signs
ORDERS = ("index", "maximum", "mean", "silent")  # of maps; all but the first with the largest first


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many values lie in each of BINS equal bins; in a bin is its left edge, in the last one also its right."""

    counts: np.ndarray  # (BINS,)
    edges: np.ndarray  # (BINS + 1,), from 0 or −limit to +limit


@dataclass(frozen=True, eq=False)
class Activations:
    """All maps of a layer for one picture, and what is counted of each of them."""

    layer: str
    shape: tuple[int, int, int]  # (K, h, w); a vector of K values is K maps of 1×1
    maximum: np.ndarray  # (K,)
    minimum: np.ndarray
    mean: np.ndarray
    silent: np.ndarray  # the share of positions where the map is 0 or less; after a ReLU, where it is 0
    histogram: Histogram  # of all values of the layer
    maps: np.ndarray = field(repr=False)  # (K, h', w') float32, means over `reduced` × `reduced` positions
    reduced: int

    @property
    def limit(self) -> float:
        """The largest absolute value of the layer."""
        return float(max(self.maximum.max(), -self.minimum.min()))

    @property
    def has_sign(self) -> bool:
        return bool(self.minimum.min() < 0)

    @property
    def dead(self) -> np.ndarray:
        """Which maps are 0 or less everywhere on this picture, (K,): nothing of them passes a ReLU."""
        return self.maximum <= 0

    @property
    def limits(self) -> np.ndarray:
        """The largest absolute value of each map, (K,)."""
        return np.maximum(self.maximum, -self.minimum)

    def order(self, by: str) -> np.ndarray:
        """The maps' numbers, by one of ORDERS; equal ones by their number."""
        if by == "index":
            return np.arange(len(self.maximum))
        return np.argsort(-getattr(self, by), kind="stable")


def activations(model: nn.Module, image: Tensor, layer: str, most: int = 1_000_000) -> Activations:
    """Everything that the operation `layer` makes of a picture.

    Args:
        image: (1, C, H, W).
        most: values that are kept of all maps together; larger maps are made smaller by a whole factor.

    Raises:
        TraceRefused: see `vis.trace.record`; for an operation that gives no maps, or values that are not finite.
    """
    maps = maps_in(record(model, image, [layer], nothing), layer)
    flat = maps.reshape(len(maps), -1)
    smaller, factor = _reduced(maps, most)
    return Activations(
        layer,
        maps.shape,
        flat.max(1),
        flat.min(1),
        flat.mean(1, dtype=np.float64),
        (flat <= 0).mean(1),
        histogram(maps),
        smaller,
        factor,
    )


def histogram(values: np.ndarray) -> Histogram:
    """The histogram of all values: from 0 to the largest, or where some are negative from −limit to +limit."""
    limit = float(np.abs(values).max()) or 1.0
    counts, edges = np.histogram(values, BINS, (-limit if values.min() < 0 else 0.0, limit))
    return Histogram(counts, edges)


def _reduced(maps: np.ndarray, most: int) -> tuple[np.ndarray, int]:
    """The maps as float32, averaged over squares so that no more than about `most` values are left; and the side."""
    factor = 1
    while maps.size > most * factor**2:
        factor += 1
    return averaged(maps, factor), factor


def averaged(maps: np.ndarray, side: int) -> np.ndarray:
    """Maps (K, h, w) as float32, made smaller: means over squares of so many positions a side, fewer at the edges."""
    if side == 1:
        return maps.astype(np.float32)
    return F.avg_pool2d(torch.from_numpy(maps)[None].float(), side, ceil_mode=True)[0].numpy()


def rows(found: Activations) -> Iterator[dict[str, object]]:
    """The table of a layer's maps, one row each."""
    for channel in range(found.shape[0]):
        yield {
            "channel": channel,
            "maximum": float(found.maximum[channel]),
            "minimum": float(found.minimum[channel]),
            "mean": float(found.mean[channel]),
            "share_not_positive": float(found.silent[channel]),
            "dead": bool(found.dead[channel]),
        }


# Maps -------------------------------------------------------------------------------------------------------------


def maps_in(recording: Recording, layer: str) -> np.ndarray:
    """The maps (K, h, w) that an operation gave; a vector's values are maps of 1×1.

    Raises:
        TraceRefused: for an operation that gives none, or values that are not finite.
    """
    maps = layer_maps(recording, layer)
    check_finite(maps, layer)
    return _numbers(maps)


def _numbers(maps: Tensor) -> np.ndarray:
    maps = maps.cpu()
    return (maps if maps.dtype == torch.float64 else maps.float()).numpy()


def dead_shares(model: nn.Module, image: Tensor, layers: Sequence[str]) -> dict[str, tuple[int, int, float]]:
    """Of each layer, after one pass: how many of its maps are 0 or less everywhere, how many it has, and the share of
    all its values that are 0 or less.
    """
    recording = record(model, image, layers, nothing)
    found = {}
    for layer in layers:
        maps = maps_in(recording, layer)
        found[layer] = int((maps.max((1, 2)) <= 0).sum()), len(maps), float((maps <= 0).mean())
    return found


# Before and after -------------------------------------------------------------------------------------------------

# What gives every channel back as the channel that it was; some norms look at the neighbouring channels, too.
ONE_WINDOW = SLIDING_POOLS | ADAPTIVE_POOLS
ONE_POSITION = named("norm", "activation", "dropout", reaches=("position", "channels"))


def before_and_after(model: nn.Module, layer: str, shape: tuple[int, ...] | None = None) -> tuple[str, ...]:
    """The operations around `layer` that have the same channels one to one, such as conv, BN, ReLU, pool.

    The first one makes these channels; each of the others has the one before it as its only input. Where a map goes
    to several such operations at once, none of them is followed.

    Args:
        shape: of the picture, for a network whose way depends on it.

    Raises:
        TraceRefused: for a layer that the network does not have.
    """
    trace = traced(model, shape)
    chain = [trace[layer]]
    while _keeps_channels(chain[0], model) and source(chain[0]).op != "placeholder":
        chain.insert(0, source(chain[0]))
    while len(after := [user for user in chain[-1].users if _keeps_channels(user, model)]) == 1:
        chain += after
    return tuple(trace.names[node] for node in chain)


def _keeps_channels(node: fx.Node, model: nn.Module) -> bool:
    return plain_name(node, model) in ONE_POSITION | ONE_WINDOW and len(node.all_input_nodes) >= 1


@dataclass(frozen=True, eq=False)
class Stage:
    """One map on its way through a chain of operations."""

    layer: str
    map: np.ndarray  # (h, w)


@dataclass(frozen=True)
class Step:
    """One position of that way."""

    layer: str
    row: int
    column: int
    value: float


@dataclass(frozen=True, eq=False)
class ChannelView:
    """One map of a layer: itself, and what it was before and becomes after."""

    layer: str
    channel: int
    map: np.ndarray  # (h, w)
    stages: tuple[Stage, ...]  # in the order of their execution, the layer's own among them


def channel_view(model: nn.Module, image: Tensor, layer: str, channel: int) -> ChannelView:
    """One map of a layer with its stages before and after.

    Raises:
        TraceRefused: as `activations`; or for a channel that the layer does not have.
    """
    chain = before_and_after(model, layer, tuple(image.shape))
    recording = record(model, image, chain, nothing)
    own = maps_in(recording, layer)
    check_unit(own, layer, channel)
    order, stages = order_of(recording, layer), []
    for name in chain:
        value = recording.values[recording.trace[name]]
        if gives_maps(value) and value.isfinite().all():
            stages.append(Stage(name, _numbers(order.maps(value)[0, channel])))
    return ChannelView(layer, channel, own[channel], tuple(stages))


def way_to(recording: Recording, layer: str, channel: int, row: int, column: int) -> tuple[Step, ...]:
    """How one value came about since its channel was made: the positions and values before it, itself the last.

    Activations, norms and dropout keep the position; a max pool takes its value from its largest input, the place of
    which was recorded. What averages positions is where the way begins.
    """
    trace, names = recording.trace, recording.trace.names
    check_unit(maps_in(recording, layer), layer, channel, row, column)
    order = order_of(recording, layer)
    node, steps = trace[layer], []
    while True:
        maps = order.maps(recording.values[node])[0]
        steps.insert(0, Step(names[node], row, column, float(maps[channel, row, column])))
        name = plain_name(node, recording.model)
        if not (name in ONE_POSITION or node in recording.switches) or source(node).op == "placeholder":
            return tuple(steps)
        if node in recording.switches:
            place = int(order.maps(recording.switches[node])[0, channel, row, column])
            row, column = divmod(place, recording.values[source(node)].shape[-1])
        node = source(node)
