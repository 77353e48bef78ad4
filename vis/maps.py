"""A layer's value as feature maps (K, h, w), and a map's unit in the value: the one place that knows the order.

Most layers give (N, K, h, w) and linear ones (N, K); inside blocks such as ConvNeXt's the maps come last, (N, h, w, K).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from vis.operations import plain_name
from vis.shapes import shapes_so_far
from vis.trace import Recording, Trace, TraceRefused, source, stream, traced

T = TypeVar("T", int, Tensor)

_MOVES = {"permute", "movedim", "moveaxis", "transpose", "swapaxes", "swapdims", "einsum"}
_VIEWS = {"view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "getitem"}
MOST_SHAPES = 8  # of pictures, of which is remembered how a network's maps stand


@dataclass(frozen=True)
class Order:
    """How a layer's value (N, …) stands: it has so many dimensions, and this one of them counts the maps."""

    dimensions: int  # 2 or 4
    channel: int

    def maps(self, value: Tensor) -> Tensor:
        """The value as maps (N, K, h, w), sharing its memory; each number of a vector is a map of 1×1."""
        return value[:, :, None, None] if self.dimensions == 2 else value.movedim(self.channel, 1)

    def place(self, channel: T, row: T, column: T) -> tuple[T, T, T]:
        """Where in the value that unit is: along its dimensions 1, 2 and 3, of which a vector has the first alone."""
        place = [row, column]
        place.insert(self.channel - 1, channel)
        return tuple(place)


def gives_maps(value: object, pictures: int = 1) -> bool:
    """Whether an operation's result is the maps of so many pictures in one of these orders."""
    return isinstance(value, Tensor) and value.dim() in (2, 4) and len(value) == pictures and value.numel() > 0


def stream_maps(model: nn.Module, images: Tensor, layers: Iterable[str]) -> Iterator[tuple[str, Tensor]]:
    """The feature maps (N, K, h, w) of `layers` for a batch of pictures; see `vis.trace.stream`.

    Raises:
        TraceRefused: as `stream`; or for a layer without feature maps.
    """
    trace, shape = None, tuple(images.shape)
    for layer, value in stream(model, images, layers):
        trace = trace or traced(model, shape)  # once for all layers: it looks whether the network is as it was
        yield layer, _order(model, trace, shape, layer, value).maps(value)


def order_of(recording: Recording, layer: str) -> Order:
    """How the recorded value of `layer` stands.

    Raises:
        TraceRefused: for a layer that does not exist, was not recorded or has no feature maps.
    """
    shape, value = tuple(recording.image.shape), recording.shaped_as(layer)
    return _order(recording.model, recording.trace, shape, layer, value)


def _order(model: nn.Module, trace: Trace, input_shape: tuple[int, ...], layer: str, value: object) -> Order:
    if not gives_maps(value, input_shape[0]):
        raise TraceRefused("The layer “{layer}” has no feature maps; choose another one.", layer=layer)
    if value.dim() == 2:
        return Order(2, 1)
    return Order(4, _channel_dimensions(model, trace, (1, *input_shape[1:])).get(layer, 1))


def layer_maps(recording: Recording, layer: str) -> Tensor:
    """The feature maps of a layer, (K, h, w), sharing the memory of its value.

    Raises:
        TraceRefused: as `order_of`.
    """
    return order_of(recording, layer).maps(recording.of(layer))[0]


def maps_of_all(recording: Recording, layer: str) -> Tensor:
    """The feature maps (N, K, h, w) of a layer, for a recording of several pictures.

    Raises:
        TraceRefused: as `order_of`.
    """
    return order_of(recording, layer).maps(recording.of(layer))


def gradient_of_maps(recording: Recording, layer: str, score: Tensor) -> Tensor:
    """The gradient (N, K, h, w) of a score by the maps of a layer; 0 where it does not depend on them.

    Args:
        recording: made by `vis.trace.record_differentiable`.

    Raises:
        TraceRefused: as `order_of`.
    """
    (gradient,) = torch.autograd.grad(score, recording.of(layer), materialize_grads=True)
    return order_of(recording, layer).maps(gradient)


def channel_dimensions(model: nn.Module, input_shape: tuple[int, ...]) -> Mapping[str, int]:
    """By layer, the dimension that counts the maps, for every layer where that is not the usual 1.

    Rows and columns grow with the picture, the number of maps does not. Nothing is computed. The shapes of a whole
    network take as long as a small network's forward pass, so they are remembered as long as the model lives.
    """
    return _channel_dimensions(model, traced(model, input_shape), input_shape)


def _channel_dimensions(model: nn.Module, trace: Trace, input_shape: tuple[int, ...]) -> Mapping[str, int]:
    known = _known.setdefault(trace, {})
    found = known.get(input_shape)
    if found is None:
        moves = any(plain_name(node, model) in _MOVES for node in trace.graph.nodes)
        found = _compared(model, input_shape) if moves else {}
        if len(known) >= MOST_SHAPES:
            known.clear()
        known[input_shape] = found
    return found


_known: WeakKeyDictionary[Trace, dict[tuple[int, ...], dict[str, int]]] = WeakKeyDictionary()


def _compared(model: nn.Module, input_shape: tuple[int, ...]) -> dict[str, int]:
    """By what two sizes of the picture have in common; where that does not tell, as for 1×1, as the input stands."""
    one, channels, height, width = input_shape
    small, large = (shapes_so_far(model, (one, channels, n * height, n * width)) for n in (1, 2))
    found: dict[str, int] = {}
    names = traced(model, input_shape).names
    for node, name in names.items():
        if len(small.get(name, ())) != 4:
            continue
        same = [i for i, (a, b) in enumerate(zip(small[name], large.get(name, ()), strict=False)) if a == b]
        if len(same) == 2 and same[0] == 0:
            found[name] = same[1]
        elif plain_name(node, model) not in _MOVES | _VIEWS and node.all_input_nodes:
            found[name] = found.get(names[source(node)], 1)
    return {name: dimension for name, dimension in found.items() if dimension != 1}
