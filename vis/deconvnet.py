"""The deconvnet of Zeiler & Fergus (2013, arXiv 1311.2901): what in the picture excited a unit.

A unit's activation is sent back down the recorded forward pass. At every operation on the way one small rule of
`vis.rules` says how: max pools put the signal where their maxima were (unpool), ReLUs keep what is positive
(rectify), convolutions apply their transposed filters (filter). With another rule at the ReLUs, the same walk
gives guided backpropagation and the plain gradient.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, fx, nn

from models.refusals import Refused
from vis.maps import gives_maps, layer_maps, order_of
from vis.operations import before_end, maps_of
from vis.receptive import ReceptiveField, remembered_field
from vis.rules import Rule, numbers_read, rule_of
from vis.steps import Step
from vis.trace import RAISED, Recording, Trace, TraceRefused, first_line, record
from vis.windows import Windows

METHODS = ("deconvnet", "guided", "gradient")
UNPOOLINGS = ("add", "overwrite")


@dataclass(frozen=True)
class Unit:
    """One neuron: a position of one feature map, and what it answered to the picture."""

    layer: str
    channel: int
    row: int
    column: int
    activation: float


@dataclass(frozen=True)
class Box:
    """Pixels `top:bottom, left:right` of the picture."""

    top: int
    left: int
    bottom: int
    right: int

    def part_of(self, picture: np.ndarray) -> np.ndarray:
        """Its pixels (h, w, …) of a picture (H, W, …)."""
        return picture[self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True, eq=False)
class Projection:
    """What a unit saw, in the space of the normalised picture."""

    unit: Unit
    pixels: Tensor  # (C, h, w), inside the box
    box: Box  # the unit's receptive field, clipped to the picture; while gates are held, where the method holds them
    picture_shape: tuple[int, int, int]  # (C, H, W)
    method: str
    fidelity: str  # "exact", "approximated: <what>" or "undefined: <why>"

    @cached_property
    def is_empty(self) -> bool:
        """Whether nothing of an active unit reaches the pixels that it sees: all was rectified away on the way down."""
        is_sent = not self.fidelity.startswith("undefined")
        return is_sent and self.pixels.numel() > 0 and not bool(self.pixels.any())

    def on_canvas(self) -> Tensor:
        """The projection in its place on the whole picture, (C, H, W), zero outside the box."""
        canvas = self.pixels.new_zeros(self.picture_shape)
        canvas[:, self.box.top : self.box.bottom, self.box.left : self.box.right] = self.pixels
        return canvas


@dataclass(frozen=True, eq=False)
class Stage:
    """The maps of one unit's projection after one step of its way down."""

    layer: str  # the operation that was undone
    step: str  # "seed", "unpool", "rectify", "filter", …
    maps: Tensor  # (C, h, w): the part of `layer`'s input that the unit can see
    box: Box  # where in the whole maps that part lies
    shape: tuple[int, ...]  # of the whole maps


def strongest_units(
    model: nn.Module,
    image: Tensor | Recording,
    layer: str,
    k: int = 9,
    channels: Sequence[int] | None = None,
) -> list[Unit]:
    """The strongest unit of each of the `k` feature maps that respond most, strongest first.

    Where activations have an upper end, which many units reach, the strongest are those that go furthest beyond it.

    Args:
        image: (1, C, H, W), or a recording of it, which saves the forward pass.
        channels: the unit of each of these maps instead, in this order.

    Raises:
        TraceRefused: for a layer or a channel that does not exist.
    """
    recording = recorded(model, image, [layer])
    ranked = layer_maps(recording, ranked_by(recording.trace, model, layer))
    return strongest_of(layer_maps(recording, layer), layer, k, channels, ranked)


def ranked_by(trace: Trace, model: nn.Module, layer: str) -> str:
    """The operation whose values say which units of a layer are the strongest: see `strongest_units`."""
    return trace.names[before_end(trace[layer], model)]


def strongest_of(
    maps: Tensor, layer: str, k: int, channels: Sequence[int] | None = None, ranked: Tensor | None = None
) -> list[Unit]:
    """As `strongest_units`, of these maps (K, h, w) of a layer.

    Args:
        ranked: maps of the same shape whose order is that of the units; by default these themselves.
    """
    strengths, positions = (maps if ranked is None else ranked).flatten(1).max(1)
    if channels is None:
        channels = strengths.sort(descending=True, stable=True).indices[:k].tolist()
    for channel in channels:
        check_unit(maps, layer, channel)
    width = maps.shape[2]
    activations = maps.flatten(1).gather(1, positions[:, None])[:, 0].tolist()
    positions = positions.tolist()
    return [Unit(layer, c, positions[c] // width, positions[c] % width, activations[c]) for c in channels]


def unit_at(model: nn.Module, image: Tensor | Recording, layer: str, channel: int, row: int, column: int) -> Unit:
    """The unit of this map at this position, with its activation."""
    maps = layer_maps(recorded(model, image, [layer]), layer)
    check_unit(maps, layer, channel, row, column)
    return Unit(layer, channel, row, column, maps[channel, row, column].item())


def project(
    model: nn.Module,
    image: Tensor | Recording,
    units: Sequence[Unit],
    method: str = "deconvnet",
    unpooling: str = "add",
) -> list[Projection]:
    """What each of `units` saw, in their order; as many units of a layer go down together as fit into `AT_ONCE`.

    What goes down is the recorded activation, whatever a unit made by hand says; the projections have units that
    say it. The deconvnet and guided backpropagation send down only what is active: of a negative unit, such as one
    before its ReLU, nothing. The gradient sends negative activations, too.

    Args:
        image: (1, C, H, W), or a recording of it up to the highest of the layers, by `record_for` for this method.
        method: what ReLUs do with the signal: "deconvnet" keeps what is positive coming down, "gradient" what was
            positive going up, "guided" (Springenberg et al. 2015) both.
        unpooling: where overlapping windows share a maximum, their signals "add", or the last one "overwrite"s.

    Raises:
        TraceRefused: for layers or units that do not exist, and for a recording of another network.
        NoRule: for an operation that cannot be walked back through.
    """
    recording = recorded(model, image, {unit.layer for unit in units}, method)
    groups, units = _by_layer(units), _as_recorded(recording, units)
    projections: dict[int, Projection] = {}
    for layer, numbers in groups.items():
        field = remembered_field(recording, layer)
        field = field.held if field.held and method != "gradient" else field  # the gradient goes through gates, too
        most = _at_once(recording, layer, [units[i] for i in numbers], field)
        for some in (numbers[i : i + most] for i in range(0, len(numbers), most)):
            seed = _seed(recording, layer, [units[i] for i in some], method)
            signal, assumed = _arrival(recording, layer, seed, method, unpooling)
            for i, number in enumerate(some):
                projections[number] = _within(field, _projection(recording, units[number], signal, i, method, assumed))
    return [projections[i] for i in range(len(units))]


AT_ONCE = 128 << 20  # bytes of one map's signals


def _at_once(recording: Recording, layer: str, units: Sequence[Unit], field: ReceptiveField) -> int:
    """How many units of a layer go down together: the largest maps on their way may be as large as they are seen."""
    below = (n for n in recording.trace.from_picture if n <= recording.trace[layer])
    largest = max(value.nbytes for n in below for value in maps_of(recording.values[n]))
    height, width = recording.image.shape[2:]
    boxes = (field.box(unit.row, unit.column, tuple(recording.image.shape[1:])) for unit in units)
    seen = max((bottom - top) * (right - left) for top, left, bottom, right in boxes) / (height * width)
    return max(1, int(AT_ONCE / max(largest * seen, 1)))


def project_map(
    model: nn.Module,
    image: Tensor | Recording,
    layer: str,
    channel: int,
    method: str = "deconvnet",
    unpooling: str = "add",
) -> Projection:
    """What a whole feature map saw: all its units sent down at once as by `project`, every other map set to zero."""
    recording = recorded(model, image, [layer], method)
    (unit,) = strongest_units(model, recording, layer, channels=[channel])
    seed = torch.zeros_like(recording.values[recording.trace[layer]])
    order_of(recording, layer).maps(seed)[0, channel] = _sent(layer_maps(recording, layer)[channel], method)
    signal, assumed = _arrival(recording, layer, Windows.whole(seed), method, unpooling)
    return _projection(recording, unit, signal, 0, method, assumed)


def arrival(
    recording: Recording, layer: str, signal: Tensor, method: str = "deconvnet", unpooling: str = "add"
) -> tuple[Tensor, str]:
    """What a signal at a layer becomes on its way to the picture, (C, H, W), and how faithful the way is.

    Where `project` sends down the activation of a unit, this sends any signal, whatever its sign.

    Args:
        signal: of the shape of the layer's value.

    Raises:
        TraceRefused, NoRule: as `project`.
    """
    arrived, assumed = _arrival(recording, layer, Windows.whole(signal), method, unpooling)
    return arrived.on_whole(recording.image.shape).values[0], _fidelity(assumed)


def check_way(known: Recording, layer: str, method: str = "deconvnet") -> None:
    """Raises NoRule where no signal of a layer can be walked back; of what was recorded, only shapes are looked at."""
    reached = {known.trace[layer]}
    for node in reversed(known.trace.graph.nodes):
        if node in reached and node.op != "placeholder":
            step = Step(known, node, method, "add")
            rule, received = rule_of(step), step.signals
            if rule.joins:  # which of its signals it goes on to, such as not to a gate, it knows alone
                received = _received(step, rule, Windows.whole(torch.zeros_like(known.values[node])))
            reached.update(received)


def stages(
    model: nn.Module,
    image: Tensor | Recording,
    unit: Unit,
    method: str = "deconvnet",
    unpooling: str = "add",
) -> Iterator[Stage]:
    """Every step of one unit's projection, from the unit itself down to the picture.

    Args:
        image: (1, C, H, W), or a recording of it, such as by `record_for` for the unit's layer and this method.

    Raises:
        TraceRefused: see `project`.
    """
    recording = recorded(model, image, [unit.layer], method)
    seed = _seed(recording, unit.layer, _as_recorded(recording, [unit]), method)
    yield _stage(recording, recording.trace[unit.layer], "seed", recording.trace[unit.layer], seed)
    for step, rule, source, signal in _walk(recording, unit.layer, seed, method, unpooling):
        yield _stage(recording, step.node, rule.step, source, signal)


def record_for(
    model: nn.Module, image: Tensor, layers: Iterable[str], methods: Collection[str] = ("deconvnet",)
) -> Recording:
    """A recording to send units of `layers` down by these methods: of all that they do not read, the shapes alone.

    For the deconvnet this is a small part of what a large network computes: its layers' own maps, switches and gates.

    Args:
        image: (1, C, H, W).

    Raises:
        TraceRefused: see `vis.trace.record`.
    """
    layers = set(layers)

    def reads(recording: Recording, node: fx.Node) -> Iterator[fx.Node]:
        if node not in recording.trace.from_picture or node.op == "placeholder":
            return
        if recording.trace.names[node] in layers:
            yield before_end(node, model)  # by which its units are ranked
        for method in methods:
            yield from numbers_read(Step(recording, node, method, "add"))

    return record(model, image, layers, reads)


def recorded(model: nn.Module, image: Tensor | Recording, layers: Iterable[str], *methods: str) -> Recording:
    """The recording, or one of the picture for these layers and methods.

    Raises:
        TraceRefused: for a recording of another network, or of shapes alone.
    """
    if not isinstance(image, Recording):
        image = record_for(model, image, layers, methods)
    if image.model is not model:
        raise TraceRefused("This recording is of another network; record the picture with the network to be projected.")
    if image.image.is_meta:
        raise TraceRefused("This recording has only shapes; record the picture with a network that has weights.")
    return image


def check_unit(maps: Tensor | np.ndarray, layer: str, channel: int, row: int = 0, column: int = 0) -> None:
    """Raises TraceRefused where these maps (K, h, w) of a layer have no such unit."""
    k, h, w = maps.shape
    if not 0 <= channel < k:
        raise TraceRefused(
            "The layer “{layer}” has feature maps 0 to {last}, no {channel}.", layer=layer, last=k - 1, channel=channel
        )
    if not (0 <= row < h and 0 <= column < w):
        raise TraceRefused(
            "The layer “{layer}” has {k} feature maps of {h}×{w}; there is no unit {unit}.",
            layer=layer,
            k=k,
            h=h,
            w=w,
            unit=(channel, row, column),
        )


def _as_recorded(recording: Recording, units: Sequence[Unit]) -> list[Unit]:
    """The same units with their recorded activations.

    Raises:
        TraceRefused: for a unit that does not exist.
    """
    found = list(units)
    for layer, numbers in _by_layer(units).items():
        maps = layer_maps(recording, layer)
        for i in numbers:
            check_unit(maps, layer, units[i].channel, units[i].row, units[i].column)
        activations = maps[_places(units[i] for i in numbers)].tolist()
        for i, activation in zip(numbers, activations, strict=True):
            found[i] = replace(units[i], activation=activation)
    return found


def _places(units: Iterable[Unit]) -> tuple[Tensor, Tensor, Tensor]:
    """Channels, rows and columns, each (U,)."""
    return torch.tensor([(unit.channel, unit.row, unit.column) for unit in units]).unbind(1)


def _by_layer(units: Sequence[Unit]) -> dict[str, list[int]]:
    """The positions in `units` of each layer's units."""
    groups = defaultdict(list)
    for i, unit in enumerate(units):
        groups[unit.layer].append(i)
    return groups


def _sent(activations: Tensor, method: str) -> Tensor:
    """What of these activations is sent down; only the gradient knows units that are not active."""
    return activations if method == "gradient" else activations.clamp(min=0)


def _seed(recording: Recording, layer: str, units: Sequence[Unit], method: str) -> Windows:
    """Each unit's activation alone, every other activation of the layer set to zero."""
    order, value = order_of(recording, layer), recording.values[recording.trace[layer]]
    first, top, left = order.place(*_places(units))
    values = value.new_zeros(len(units), len(value[0]), 1, 1)
    activations = torch.tensor([unit.activation for unit in units], dtype=value.dtype, device=value.device)
    values[torch.arange(len(units)), first, 0, 0] = _sent(activations, method)
    if value.dim() == 2:
        return Windows.whole(values.flatten(1))
    return Windows(values, top, left, torch.stack([top, left, top + 1, left + 1], 1))


def _walk(
    recording: Recording, layer: str, seed: Windows, method: str, unpooling: str
) -> Iterator[tuple[Step, Rule, fx.Node, Windows]]:
    """Every step of the way down: through which operation, by which rule, and what reached which input."""
    if method not in METHODS or unpooling not in UNPOOLINGS:
        raise ValueError(
            f"method is one of {METHODS} and unpooling one of {UNPOOLINGS}, not {method!r} and {unpooling!r}"
        )
    trace = recording.trace
    pending = {trace.changing(layer): seed}
    for node in reversed(trace.graph.nodes):
        if node not in pending or node.op == "placeholder":
            continue
        step = Step(recording, node, method, unpooling)
        rule = rule_of(step)
        for source, part in _received(step, rule, pending.pop(node)).items():
            if source in trace.from_picture:
                yield step, rule, source, part
                pending[source] = pending[source] + part if source in pending else part


@torch.no_grad()
def _received(step: Step, rule: Rule, signal: Windows) -> dict[fx.Node, Windows]:
    """What each input of an operation receives, in the precision that it was recorded in."""
    try:
        received = rule.down(step, signal)
    except RAISED as error:
        if isinstance(error, Refused):
            raise
        raise TraceRefused(
            "No signal can be sent back through “{operation}” at “{layer}”: {reason}. Choose a layer below it.",
            operation=getattr(step.operation, "__name__", step.operation),
            layer=step.name,
            reason=first_line(error).rstrip("."),
        ) from error
    for source, part in received.items():
        recorded = step.value(source)
        if isinstance(recorded, Tensor) and recorded.dtype != part.values.dtype:
            received[source] = part.with_values(part.values.to(recorded.dtype))
    return received


def _arrival(recording: Recording, layer: str, seed: Windows, method: str, unpooling: str) -> tuple[Windows, list[str]]:
    """What reached the picture, and what had to be assumed on the way."""
    picture = next(n for n in recording.trace.graph.nodes if n.op == "placeholder")
    arrived = seed if recording.trace[layer] is picture else None
    assumed: list[str] = []
    for _, rule, source, part in _walk(recording, layer, seed, method, unpooling):
        if rule.approximation and rule.approximation not in assumed:
            assumed.append(rule.approximation)
        if source is picture:
            arrived = part if arrived is None else arrived + part
    return arrived or _nothing(recording.image, len(seed.values)), assumed


def _nothing(image: Tensor, units: int) -> Windows:
    """What arrives from units that have no more than the shape of the picture; they see no pixel."""
    nothing = Windows.whole(torch.zeros_like(image).expand(units, -1, -1, -1))
    return Windows(nothing.values, nothing.top, nothing.left, torch.zeros_like(nothing.box))


def _projection(
    recording: Recording, unit: Unit, signal: Windows, i: int, method: str, assumed: list[str]
) -> Projection:
    box, pixels = signal.of_unit(i)
    fidelity = _fidelity(assumed)
    if method != "gradient" and unit.activation <= 0:
        fidelity = "undefined: the unit is not active, so there is nothing to send down"
    return Projection(unit, pixels, Box(*box), tuple(recording.image.shape[1:]), method, fidelity)


def _fidelity(assumed: list[str]) -> str:
    fidelity = "approximated: " + "; ".join(assumed) if assumed else "exact"
    return fidelity


def _within(field: ReceptiveField, found: Projection) -> Projection:
    """The projection inside its unit's field: an operation that is undone on whole maps leaves a box of zeros around.

    What a rule sent further than that, if any did, is never cut away.
    """
    box = found.box
    top, left, bottom, right = field.box(found.unit.row, found.unit.column, found.picture_shape)
    top, left, bottom, right = max(top, box.top), max(left, box.left), min(bottom, box.bottom), min(right, box.right)
    less = Box(top, left, bottom, right) if top < bottom and left < right else Box(box.top, box.left, box.top, box.left)
    if less == box:
        return found
    pixels = found.pixels[:, less.top - box.top : less.bottom - box.top, less.left - box.left : less.right - box.left]
    if pixels.count_nonzero() < found.pixels.count_nonzero():
        return found
    return replace(found, box=less, pixels=pixels.clone())


def _stage(recording: Recording, undone: fx.Node, step: str, at: fx.Node, signal: Windows) -> Stage:
    names, value = recording.trace.names, recording.values[at]
    order = order_of(recording, names[at]) if gives_maps(value) else None
    if order and (order.dimensions, order.channel) == (4, 1):
        box, maps = signal.of_unit(0)
        return Stage(names[undone], step, maps, Box(*box), tuple(value[0].shape))
    maps = signal.on_whole(value.shape).values[:1]
    maps = order.maps(maps)[0] if order else maps.reshape(-1, *(1, *maps.shape)[-2:])  # such as (1, groups, C, h, w)
    shape = tuple(maps.shape) if order and order.dimensions == 4 else tuple(value.shape[value.shape[:1] == (1,) :])
    return Stage(names[undone], step, maps, Box(0, 0, *maps.shape[1:]), shape)
