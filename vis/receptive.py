"""Receptive fields: which pixels of the picture the units of each operation can see.

Along one side of the picture the fields of a whole map are three numbers: the `size` of a unit's field, the `jump`
from one unit's field to the next one's, and the `start` of the first unit's field, all in pixels. The picture itself
has (1, 1, 0). A window that slides over a map looks at `kernel` units that lie `dilation` jumps apart, so

    size += dilation · (kernel − 1) · jump        start −= padding · jump        jump *= stride

in this order (Araujo, Norris and Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks"). Convolutions
and pools are such windows; zeros added at the border are a window of 1 with padding, every second row is a window of 1
with stride 2. Where paths meet, a unit sees what it sees along any of them: from the first start to the last end.

A field is a bound: nothing outside it can change the unit; with dilation there are pixels inside that cannot, either.
What mixes all positions (a global pool, a gate that comes from one, flattened maps, group norm) sees the whole picture.
So does, to be safe, what three numbers cannot describe: enlarged maps (their jump is a fraction), adaptive pools whose
bins differ in size, mirrored or circular padding, paths that meet with different jumps, an operation without a rule.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import torch
from torch import fx, nn

from vis.operations import KINDS, convolution, maps_of, named, plain_name, pooling
from vis.shapes import record_shapes
from vis.trace import Recording, parameter, source


@dataclass(frozen=True)
class Span:
    """The fields of all units of a map along one side of the picture, in pixels."""

    size: int
    jump: int
    start: int  # the first pixel of the first unit's field; negative in the padding
    first: float = field(default=-math.inf, compare=False, repr=False)  # pixels before this one, and from `last` on,
    last: float = field(default=math.inf, compare=False, repr=False)  # are seen by no unit of the map

    def of(self, index: int, length: int) -> tuple[int, int]:
        """The pixels [first, last) that this unit sees of a picture of `length`; equal where it sees only padding."""
        low, high = max(0, self.first), min(length, self.last)
        begin = self.start + index * self.jump
        return tuple(int(min(max(pixel, low), high)) for pixel in (begin, begin + self.size))

    def slid(self, units: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> "Span":
        """The fields of the so many units that a window makes of this map."""
        size = self.size + dilation * (kernel - 1) * self.jump
        start = self.start - padding * self.jump
        jump = self.jump * stride
        end = start + (units - 1) * jump + size
        return Span(size, jump, start, max(self.first, start), min(self.last, end))

    def joined(self, other: "Span") -> "Span | None":
        """What is seen along either of two paths."""
        if self.jump != other.jump:
            return None
        start = min(self.start, other.start)
        end = max(self.start + self.size, other.start + other.size)
        return Span(end - start, self.jump, start, min(self.first, other.first), max(self.last, other.last))


@dataclass(frozen=True)
class ReceptiveField:
    """What the units of an operation see; None stands for the whole picture."""

    rows: Span | None
    columns: Span | None

    @property
    def _larger(self) -> Span | None:
        return max(self.rows, self.columns, key=lambda span: span.size) if self.rows and self.columns else None

    @property
    def size(self) -> int | None:
        return self._larger and self._larger.size

    @property
    def jump(self) -> int | None:
        return self._larger and self._larger.jump

    @property
    def start(self) -> int | None:
        return self._larger and self._larger.start

    def box(self, row: int, column: int, shape: Sequence[int]) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) of what one unit sees of a picture of `shape` (…, H, W)."""
        height, width = shape[-2:]
        top, bottom = self.rows.of(row, height) if self.rows else (0, height)
        left, right = self.columns.of(column, width) if self.columns else (0, width)
        return top, left, bottom, right


def receptive_fields(model: nn.Module, input_shape: tuple[int, int, int, int]) -> dict[str, ReceptiveField]:
    """The receptive field of every operation on maps, by its name in the trace; nothing is computed.

    Raises:
        TraceRefused: see `vis.shapes.record_shapes`.
    """
    return fields_of(record_shapes(model, input_shape))


def fields_of(recording: Recording) -> dict[str, ReceptiveField]:
    """The receptive field of every recorded operation that the picture can change, by its name in the trace."""
    seen: dict[fx.Node, tuple[Axis | None, Axis | None]] = {}
    for node, value in recording.values.items():
        inputs = [n for n in node.all_input_nodes if n in seen]
        if value is recording.image:
            seen[node] = Axis(-2, Span(1, 1, 0)), Axis(-1, Span(1, 1, 0))
        elif inputs and maps_of(value):
            calls = [Call(node, n, recording) for n in inputs]
            rule = RULES.get(calls[0].name, whole)
            if rule not in JOINING and inputs != [source(node)]:  # such as filters that are made from the picture
                rule = whole
            seen[node] = tuple(
                reduce(_joined, [axis and rule(call, axis) for call, axis in zip(calls, axes, strict=True)])
                for axes in zip(*(seen[n] for n in inputs), strict=True)
            )
    names = recording.trace.names
    return {names[node]: ReceptiveField(*(axis and axis.span for axis in axes)) for node, axes in seen.items()}


# One operation ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Axis:
    """One side of the picture on its way through the network."""

    dim: int  # the dimension of the map that runs along it, counted from the last one, which is -1
    span: Span

    def on(self, order: Sequence[int | None]) -> "Axis | None":
        """The axis on a map that is made of these dimensions of this one."""
        return replace(self, dim=order.index(self.dim) - len(order)) if self.dim in order else None

    def joined(self, other: "Axis | None") -> "Axis | None":
        span = self.span.joined(other.span) if other and other.dim == self.dim else None
        return span and Axis(self.dim, span)


@dataclass(frozen=True, eq=False)
class Call:
    """One operation, as one of its inputs meets it."""

    node: fx.Node
    source: fx.Node
    recording: Recording

    @property
    def name(self) -> str:
        """One name for the module, the function and the method that do the same: "maxpool2d", "relu"."""
        return plain_name(self.node, self.recording.model)

    @property
    def shape(self) -> torch.Size:
        """Of the input."""
        return maps_of(self.recording.values[self.source])[0].shape

    @property
    def output_shape(self) -> torch.Size:
        return maps_of(self.recording.values[self.node])[0].shape

    def parameter(self, names: str, **defaults: Any) -> dict[str, Any]:
        return parameter(self.node, self.recording, names, **defaults)

    def dims(self, given: int | Sequence[int] | None = None) -> list[int]:
        """Dimensions of the input counted from the last one; by default all."""
        count = len(self.shape)
        given = range(count) if given is None else [given] if isinstance(given, int) else given
        return [dim if dim < 0 else dim - count for dim in given]


def _joined(one: Axis | None, other: Axis | None) -> Axis | None:
    return one and one.joined(other)


# The rules: what becomes of an axis; None is the whole picture -----------------------------------------------------

Rule = Callable[[Call, Axis], Axis | None]
Dims = int | Sequence[int]


def whole(call: Call, axis: Axis) -> None:
    """Every unit may see everything."""


def keep(call: Call, axis: Axis) -> Axis | None:
    """Each unit sees its own position, unless one position is spread over many, as a gate is."""
    return axis if call.shape[axis.dim] == call.output_shape[axis.dim] else None


def keep_if_trained(call: Call, axis: Axis) -> Axis | None:
    """Batch norm only scales, unless it takes the mean and the deviation of this very picture."""
    norm = call.parameter("running_mean running_var weight bias training", training=False)
    return None if norm["running_mean"] is None or norm["training"] else axis


def mixing(dims: Callable[[Call], Dims | None]) -> Rule:
    """The rule of what mixes the positions along these dimensions and leaves the others alone."""
    return lambda call, axis: None if axis.dim in call.dims(dims(call)) else axis


def slide(call: Call, axis: Axis, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Axis:
    """A window slides along the axis: the step at the top of this file."""
    return replace(axis, span=axis.span.slid(call.output_shape[axis.dim], kernel, stride, padding, dilation))


def slide_filter(call: Call, axis: Axis) -> Axis | None:
    """A convolution slides along rows and columns, and mixes the maps."""
    conv, i = convolution(call.node, call.recording), axis.dim
    is_mirrored = call.node.op == "call_module" and call.parameter("padding_mode")["padding_mode"] != "zeros"
    if is_mirrored or i < -len(conv.kernel):
        return None
    padding = {"same": conv.dilation[i] * (conv.kernel[i] - 1) // 2, "valid": 0}
    before = padding[conv.padding] if isinstance(conv.padding, str) else conv.padding[i]
    return slide(call, axis, conv.kernel[i], conv.stride[i], before, conv.dilation[i])


def slide_transposed_filter(call: Call, axis: Axis) -> Axis | None:
    """With stride 1 a transposed convolution is one with the rest of its kernel as padding; else it enlarges."""
    conv, i = convolution(call.node, call.recording), axis.dim
    if i < -len(conv.kernel) or conv.stride[i] != 1:
        return None
    padding = conv.dilation[i] * (conv.kernel[i] - 1) - conv.padding[i]
    return slide(call, axis, conv.kernel[i], padding=padding, dilation=conv.dilation[i])


def slide_pool(call: Call, axis: Axis) -> Axis:
    """A pool slides along as many dimensions as its name says, and leaves the maps apart."""
    pool, i = pooling(call.node, call.recording), axis.dim
    if i < -len(pool.kernel):
        return axis
    return slide(call, axis, pool.kernel[i], pool.stride[i], pool.padding[i], pool.dilation[i])


def slide_bin(call: Call, axis: Axis) -> Axis | None:
    """An adaptive pool is a pool where its bins are equal; one bin for all is the whole."""
    units, bins = call.shape[axis.dim], call.output_shape[axis.dim]
    if units == bins:
        return axis
    return slide(call, axis, units // bins, units // bins) if bins > 1 and units % bins == 0 else None


def pad(call: Call, axis: Axis) -> Axis | None:
    """Zeros before the first row move the start; maps full of zeros change nothing."""
    given = {"mode": "constant"} | call.parameter("padding" if call.node.op == "call_module" else "pad mode")
    sides = given.get("pad") or given.get("padding") or ()
    before, after = [*sides, *[0] * 10][-2 * axis.dim - 2 :][:2]  # two for each dimension, from the last one on
    is_zero = given["mode"] == "constant" or before == after == 0
    return slide(call, axis, 1, padding=before) if is_zero else None


def take(call: Call, axis: Axis) -> Axis | None:
    """A part of a map: of every second row the jump is twice as far, from the third row on the start is there."""
    if isinstance(call.recording.values[call.source], (tuple, list)):
        return axis  # one of the pieces of chunk
    index = call.parameter("index")["index"]
    index = list(index) if isinstance(index, tuple) else [index]
    lists = [i for i in index if isinstance(i, (list, tuple))]  # such as the maps that LeNet-5's C3 connects
    if len(lists) > 1 or not all(i is None or i is ... or isinstance(i, (int, slice, list, tuple)) for i in index):
        return None
    where = index.index(...) if ... in index else len(index)
    rest = len(call.shape) - sum(isinstance(i, (int, slice, list, tuple)) for i in index)
    index[where : where + 1] = [slice(None)] * rest
    dims, order = iter(call.dims()), []
    for i in index:
        dim = None if i is None else next(dims)
        if isinstance(i, slice) and dim == axis.dim:
            taken = range(call.shape[dim])[i]
            axis = replace(axis, span=axis.span.slid(len(taken), 1, taken.step, -taken.start))
        elif i in lists and dim == axis.dim:
            return None  # any rows in any order
        order += [] if isinstance(i, int) else [dim]
    return axis.on(order)


def swap(call: Call, axis: Axis) -> Axis | None:
    """Two dimensions change places."""
    order = call.dims()
    one, other = call.dims(list(call.parameter("dim0 dim1").values()))
    order[one], order[other] = order[other], order[one]
    return axis.on(order)


def permute(call: Call, axis: Axis) -> Axis | None:
    order = call.node.args[1:] or tuple(call.node.kwargs.values())
    return axis.on(call.dims(order if isinstance(order[0], int) else order[0]))


def reshape(call: Call, axis: Axis) -> Axis | None:
    """Values stay in their order, so the axis is where as many units lie as far apart."""
    units, apart = call.shape[axis.dim], math.prod(call.shape[axis.dim :][1:])
    shape = call.output_shape
    found = [d for d in range(-len(shape), 0) if (shape[d], math.prod(shape[d:][1:])) == (units, apart)]
    return replace(axis, dim=min(found, key=lambda d: abs(d - axis.dim))) if found else None


def average_away(call: Call, axis: Axis) -> Axis | None:
    """The mean over rows and columns is a global pool; the mean over maps is not."""
    gone = call.dims(_dim(call))
    kept = [dim for dim in call.dims() if dim not in gone or len(call.output_shape) == len(call.shape)]
    return None if axis.dim in gone else axis.on(kept)


def _dim(call: Call, names: str = "dim", default: int | None = None) -> Dims | None:
    return call.node.kwargs.get("axis", call.parameter(names, dim=default)["dim"])


concatenate = mixing(lambda call: _dim(call, default=0))
JOINING = {keep, concatenate}  # the rules of operations on several maps

# The table ---------------------------------------------------------------------------------------------------------


def _all(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


RULES: dict[str, Rule] = {
    **dict.fromkeys(named(*KINDS, reaches=("position",)), keep),
    **_all(slide_filter, "conv1d conv2d conv3d"),
    **_all(slide_transposed_filter, "convtranspose1d convtranspose2d convtranspose3d"),
    **_all(slide_pool, "maxpool1d maxpool2d maxpool3d avgpool1d avgpool2d avgpool3d"),
    **_all(slide_bin, "adaptiveavgpool1d adaptiveavgpool2d adaptivemaxpool1d adaptivemaxpool2d"),
    **_all(pad, "pad zeropad2d constantpad2d"),
    **_all(keep, "expand expandas broadcastto"),
    **_all(take, "getitem"),
    **_all(swap, "transpose"),
    **_all(permute, "permute"),
    **_all(reshape, "view reshape flatten unflatten squeeze unsqueeze"),
    **_all(mixing(lambda call: -1), "linear"),  # of every pixel's maps, where these come last
    **_all(mixing(lambda call: 1), "localresponsenorm channelshuffle"),
    **_all(
        mixing(lambda call: range(-len(call.parameter("normalized_shape")["normalized_shape"]), 0)),
        "layernorm rmsnorm",
    ),
    **_all(mixing(_dim), "softmax logsoftmax softmin"),
    **_all(mixing(lambda call: _dim(call, "pieces dim", 0)), "chunk split tensorsplit"),
    **_all(concatenate, "cat concat concatenate"),
    **_all(average_away, "mean sum amax amin"),
    **_all(keep_if_trained, "batchnorm batchnorm1d batchnorm2d batchnorm3d syncbatchnorm"),
}
