"""What becomes of a side of the picture at every kind of operation: one small rule each, all in the table `RULES`.

A rule gives the side as it lies in the result; WHOLE where every unit sees all of it; None where that is not known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Size, fx
from torch.nn import functional as F

from vis.operations import KINDS, Convolution, convolution, each_way, maps_of, named, plain_name, pooling
from vis.spans import PADDING, Axis, between, bins, bordered, reduced, sliding, transposed
from vis.trace import Recording, parameter

WHOLE = "whole"


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
    def label(self) -> str:
        """Its name in the trace."""
        return self.recording.trace.names[self.node]

    @property
    def shape(self) -> Size:
        """Of the input; of the first one of several pieces."""
        return maps_of(self.recording.values[self.source])[0].shape

    @property
    def output_shape(self) -> Size:
        return maps_of(self.recording.values[self.node])[0].shape

    def parameter(self, names: str, **defaults: Any) -> dict[str, Any]:
        return parameter(self.node, self.recording, names, **defaults)

    def number(self, dim: int, shape: Size | None = None) -> int:
        """A dimension, counted from the last one."""
        return dim if dim < 0 else dim - len(self.shape if shape is None else shape)

    def dims(self, given: int | Sequence[int] | None = None) -> list[int]:
        """Dimensions of the input, counted from the last one; by default all."""
        given = range(len(self.shape)) if given is None else [given] if isinstance(given, int) else given
        return [self.number(dim) for dim in given]

    def listed(self, names: str, *known: str) -> list[int]:
        """Numbers that a method takes one by one or as one sequence, such as those of view and permute."""
        given = self.node.args[1:] or tuple(self.node.kwargs[name] for name in known if name in self.node.kwargs)
        given = fx.node.map_arg(given, self.recording.values.__getitem__)
        return list(given[0] if given and isinstance(given[0], (list, tuple)) else given)


Answer = Axis | str | None
Rule = Callable[[Call, Axis], Answer]
Dims = int | Sequence[int]


def unknown(call: Call, axis: Axis) -> None:
    """No rule says what the units see."""


def whole(call: Call, axis: Axis) -> Answer:
    """Every unit sees everything."""
    return WHOLE


def keep(call: Call, axis: Axis) -> Answer:
    """Each unit sees its own position; where one position is spread over many, all see it."""
    if axis.dim is None or axis.seen is None:
        return axis
    units = call.output_shape[axis.dim]
    return axis if axis.units == units else axis.repeated(units) if axis.units == 1 else None


def keep_if_trained(call: Call, axis: Axis) -> Answer:
    """Batch norm only scales, unless it takes the mean and the deviation of this very picture."""
    norm = call.parameter("running_mean running_var weight bias training", training=False)
    return WHOLE if norm["running_mean"] is None or norm["training"] else axis


def mixing(dims: Callable[[Call], Dims | None]) -> Rule:
    """The rule of what mixes the positions along these dimensions and leaves the others alone."""
    return lambda call, axis: WHOLE if axis.dim is not None and axis.dim in call.dims(dims(call)) else axis


def _dim(call: Call, names: str = "dim", default: int | None = None) -> Dims | None:
    return call.node.kwargs.get("axis", call.parameter(names, dim=default)["dim"])


# Windows ----------------------------------------------------------------------------------------------------------


def slide_filter(call: Call, axis: Axis) -> Answer:
    """A convolution slides along rows and columns, and mixes the maps."""
    conv, i = convolution(call.node, call.recording), axis.dim
    if i is None:
        return axis
    if i < -len(conv.kernel):
        return _across_maps(conv, axis)
    if axis.seen is None:
        return None
    mode = call.parameter("padding_mode")["padding_mode"] if call.node.op == "call_module" else "zeros"
    padding = {"same": conv.dilation[i] * (conv.kernel[i] - 1) // 2, "valid": 0}
    before = padding[conv.padding] if isinstance(conv.padding, str) else conv.padding[i]
    taps = sliding(conv.kernel[i], conv.stride[i], before, conv.dilation[i])
    around = bordered(taps, mode, axis.units)
    return axis.through(call.output_shape[i], around, 1, conv.stride[i], taps)


def _across_maps(conv: Convolution, axis: Axis) -> Answer:
    """What a convolution does with a side that runs along its maps, or its batch."""
    along_maps = axis.dim == -len(conv.kernel) - 1
    return axis if not along_maps else WHOLE if conv.groups == 1 else None


def slide_transposed_filter(call: Call, axis: Axis) -> Answer:
    """A transposed convolution gives what lies under several windows the sum of their values."""
    conv, i = convolution(call.node, call.recording), axis.dim
    if i is None:
        return axis
    if i < -len(conv.kernel):
        return _across_maps(conv, axis)
    if axis.seen is None:
        return None
    taps = transposed(conv.kernel[i], conv.stride[i], conv.padding[i], conv.dilation[i])
    return axis.through(call.output_shape[i], taps, conv.stride[i], 1)


def slide_pool(call: Call, axis: Axis) -> Answer:
    """A pool slides along as many dimensions as its name says, and leaves the maps apart."""
    pool, i = pooling(call.node, call.recording), axis.dim
    if i is None or i < -len(pool.kernel):
        return axis
    if axis.seen is None:
        return None
    taps = sliding(pool.kernel[i], pool.stride[i], pool.padding[i], pool.dilation[i])
    return axis.through(call.output_shape[i], taps, 1, pool.stride[i])


def slide_bin(call: Call, axis: Axis) -> Answer:
    """An adaptive pool has as many bins as units come out; one bin for all is the whole."""
    if axis.dim is None or axis.dim < -int(call.name[-2]):
        return axis
    units, made = call.shape[axis.dim], call.output_shape[axis.dim]
    if units == made:
        return axis
    if made == 1:
        return WHOLE
    if axis.seen is None:
        return None
    return axis.through(made, bins(units, made), *reversed(reduced(units, made)))


# Larger and smaller maps ------------------------------------------------------------------------------------------


def resize(call: Call, axis: Axis) -> Answer:
    """An interpolation looks at the units around the place that it makes a value for."""
    directions = len(call.shape) - 2
    if axis.dim is None or axis.dim < -directions:
        return axis
    if axis.seen is None:
        return None
    units, made = axis.units, call.output_shape[axis.dim]
    given = {"mode": "nearest", "align_corners": None} | call.parameter(
        "size scale_factor mode align_corners recompute_scale_factor"
    )
    by = None if given.get("recompute_scale_factor") else given.get("scale_factor")
    by = None if by is None else float(each_way(by, directions)[axis.dim] if isinstance(by, (int, tuple, list)) else by)
    scale = Fraction(units, made) if by is None else 1 / Fraction(by).limit_denominator(1000)
    endless = {
        "nearest": lambda unit: unit[:, None] * scale.numerator // scale.denominator,
        "nearest-exact": lambda unit: (2 * unit[:, None] + 1) * scale.numerator // (2 * scale.denominator),
        "bilinear": between(scale, 1),
        "linear": between(scale, 1),
        "bicubic": between(scale, 2),
    }.get(given["mode"])
    has_pattern = endless is not None and not given["align_corners"] and not given.get("antialias")
    step = (scale.denominator, scale.numerator) if has_pattern else (0, 1)
    return axis.through(made, lambda unit: _weighed(call, given, units, made, by), *step, endless)


def _weighed(call: Call, given: dict[str, Any], units: int, made: int, by: float | None) -> np.ndarray:
    """What an interpolation along one direction looks at, by its own account: what it makes of each unit alone."""
    dtype = torch.float64 if call.recording.image.dtype == torch.float64 else torch.float32
    alone = torch.eye(units, dtype=dtype)[:, None, :, None].expand(-1, 1, -1, 2)  # torch errs on a single column
    mode = {"linear": "bilinear", "trilinear": "bilinear"}.get(given["mode"], given["mode"])
    size = {"size": (made, 2)} if by is None else {"scale_factor": (by, 1.0)}
    antialias = call.node.kwargs.get("antialias", False)
    weights = F.interpolate(alone, **size, mode=mode, align_corners=given["align_corners"], antialias=antialias)
    return np.where(weights[:, 0, :, 0].T.numpy() != 0, np.arange(units), PADDING)


def spread_pixels(call: Call, axis: Axis) -> Answer:
    """Groups of maps become squares of pixels of one map."""
    if axis.dim is None or axis.dim < -2:
        return axis
    factor = call.output_shape[axis.dim] // call.shape[axis.dim]
    return (
        None if axis.seen is None else axis.through(axis.units * factor, lambda unit: unit[:, None] // factor, factor)
    )


def gather_pixels(call: Call, axis: Axis) -> Answer:
    """Squares of pixels become groups of maps."""
    if axis.dim is None or axis.dim < -2:
        return axis
    factor = call.shape[axis.dim] // call.output_shape[axis.dim]
    return None if axis.seen is None else axis.through(axis.units // factor, sliding(factor, factor), 1, factor)


def repeat_each(call: Call, axis: Axis) -> Answer:
    """Every unit as often as is said."""
    given = call.parameter("repeats dim", dim=None)
    if not isinstance(given["repeats"], int) or given["dim"] is None or axis.seen is None:
        return None
    if axis.dim is None or axis.dim != call.number(given["dim"]):
        return axis
    times = given["repeats"]
    return axis.through(axis.units * times, lambda unit: unit[:, None] // times, times)


def repeat(call: Call, axis: Axis) -> Answer:
    """The whole map several times one after the other."""
    if axis.dim is None or call.output_shape[axis.dim] == call.shape[axis.dim]:
        return axis
    if axis.seen is None:
        return None
    return axis.through(call.output_shape[axis.dim], lambda unit: unit[:, None] % axis.units, made=0)


def pad(call: Call, axis: Axis) -> Answer:
    """What is put before the first row moves the start; what is put around maps changes nothing."""
    mode = {"refl": "reflect", "repl": "replicate", "circ": "circular"}.get(call.name[:4], "constant")
    given = {"mode": mode} | call.parameter("padding" if call.node.op == "call_module" else "pad mode")
    sides = given.get("pad") or given.get("padding") or ()
    if axis.dim is None:
        return axis
    before, after = [*sides, *[0] * 2 * len(call.shape)][-2 * axis.dim - 2 :][:2]  # from the last dimension on
    if before == after == 0:
        return axis
    if axis.seen is None:
        return None
    shift = sliding(1, padding=before)
    around = bordered(shift, given["mode"], axis.units)
    return axis.through(call.output_shape[axis.dim], around, endless=shift)


# Parts ------------------------------------------------------------------------------------------------------------


def take(call: Call, axis: Axis) -> Answer:
    """A part of a map: of every second row the jump is twice as far, from the third row on the start is there."""
    value = call.recording.values[call.source]
    index = call.parameter("index")["index"]
    if isinstance(value, (tuple, list)):
        return _piece(call, axis, value, index)
    if axis.dim is None:
        return axis
    index = list(index) if isinstance(index, tuple) else [index]
    lists = [i for i in index if isinstance(i, (list, tuple))]  # such as the maps that LeNet-5's C3 connects
    if len(lists) > 1 or not all(i is None or i is ... or isinstance(i, (int, slice, list, tuple)) for i in index):
        return None
    where = index.index(...) if ... in index else len(index)
    rest = len(call.shape) - sum(isinstance(i, (int, slice, list, tuple)) for i in index)
    index[where : where + 1] = [slice(None)] * rest
    dims, order, found = iter(call.dims()), [], axis
    for i in index:
        dim = None if i is None else next(dims)
        if dim is not None and dim == axis.dim and i != slice(None):
            found = _taken(axis, i)
            if found is None:
                return None
        order += [] if isinstance(i, int) else [dim]
    return found.on(order)


def _taken(axis: Axis, index: int | slice | Sequence[int]) -> Axis | None:
    """These units of a side, in this order."""
    if axis.seen is None:
        return None
    if isinstance(index, int):
        place = index % axis.units
        return axis.through(1, sliding(1, padding=-place)).at(None)
    if isinstance(index, slice):
        chosen = range(axis.units)[index]
        return axis.through(len(chosen), sliding(1, chosen.step, -chosen.start), 1, chosen.step)
    chosen = np.arange(axis.units)[list(index)]
    return axis.through(len(chosen), lambda unit: chosen[:, None], made=0)


def _piece(call: Call, axis: Axis, pieces: Sequence[Any], index: Any) -> Answer:
    """One of the pieces of chunk, or one of what an operation gives, such as the values and the places of maxima."""
    if axis.dim is None or axis.seen is None or axis.units == maps_of(pieces)[0].shape[axis.dim]:
        return axis
    lengths = [piece.shape[axis.dim] for piece in pieces]
    if not isinstance(index, int) or sum(lengths) != axis.units:
        return None
    before = sum(lengths[: index % len(lengths)])
    return axis.through(lengths[index], sliding(1, padding=-before))


def narrow(call: Call, axis: Axis) -> Answer:
    """So many units from one on."""
    given = call.parameter("dim start length")
    if axis.dim is None or axis.dim != call.number(given["dim"]):
        return axis
    start = int(given["start"]) % call.shape[axis.dim]
    return _taken(axis, slice(start, start + given["length"]))


def select(call: Call, axis: Axis) -> Answer:
    """One unit alone."""
    given = call.parameter("dim index")
    gone = call.number(given["dim"])
    found = _taken(axis, given["index"]) if axis.dim == gone else axis
    return found and found.on([dim for dim in call.dims() if dim != gone])


def pick(call: Call, axis: Axis) -> Answer:
    """Units by their numbers, which have to be known."""
    given = call.parameter("dim index")
    if axis.dim is None or axis.dim != call.number(given["dim"]):
        return axis
    return None


def unbind(call: Call, axis: Axis) -> Answer:
    """A map for each unit along a dimension, which is gone."""
    gone = call.number(_dim(call, default=0))
    return None if axis.dim == gone else axis.on([dim for dim in call.dims() if dim != gone])


def flip(call: Call, axis: Axis) -> Answer:
    """The last unit first."""
    dims = {"fliplr": [1], "flipud": [0]}.get(call.name) or call.listed("dims", "dims")
    if axis.dim is None or axis.dim not in call.dims(dims):
        return axis
    if axis.seen is None:
        return None
    return axis.through(axis.units, lambda unit: axis.units - 1 - unit[:, None], made=0)


def roll(call: Call, axis: Axis) -> Answer:
    """Units that leave at one end come in at the other."""
    given = call.parameter("shifts dims", dims=None)
    shifts, dims = ([n] if isinstance(n, int) else n for n in (given["shifts"], given["dims"]))
    if dims is None or axis.seen is None:
        return None
    by = sum(shift for shift, dim in zip(shifts, call.dims(dims), strict=True) if dim == axis.dim)
    return axis.through(axis.units, lambda unit: (unit[:, None] - by) % axis.units, made=0) if by else axis


# Dimensions in another order --------------------------------------------------------------------------------------


def swap(call: Call, axis: Axis) -> Answer:
    """Two dimensions change places."""
    order = call.dims()
    given = (-2, -1) if call.name == "t" else call.parameter("dim0 dim1").values()
    one, other = call.dims(list(given))
    order[one], order[other] = order[other], order[one]
    return axis.on(order)


def permute(call: Call, axis: Axis) -> Answer:
    return axis.on(call.dims(call.listed("dims", "dims")))


def move(call: Call, axis: Axis) -> Answer:
    """Some dimensions to other places; the others stay in their order."""
    given = call.parameter("source destination")
    taken, put = (call.dims(given[name]) for name in ("source", "destination"))
    order: list[int | None] = [None] * len(call.shape)
    for dim, place in zip(taken, put, strict=True):
        order[place] = dim
    others = (dim for dim in call.dims() if dim not in taken)
    return axis.on([next(others) if dim is None else dim for dim in order])


def reshape(call: Call, axis: Axis) -> Answer:
    """Values stay in their order, so the side is where as many units lie as far apart, or folded into a dimension."""
    if axis.dim is None:
        return axis
    units, apart = call.shape[axis.dim], prod(call.shape[axis.dim :][1:])
    shape = call.output_shape
    places = {d: (shape[d], prod(shape[d:][1:])) for d in range(-len(shape), 0)}
    found = [d for d, place in places.items() if place == (units, apart)]
    if found:
        return axis.at(min(found, key=lambda d: abs(d - axis.dim)))
    if units == 1 and axis.seen is not None:
        return axis.at(None)
    around = [d for d, (n, far) in places.items() if far <= apart and units * apart <= n * far]
    return Axis(around[0], None, None, axis.because or call.label) if around else None


# Sums -------------------------------------------------------------------------------------------------------------


def average_away(call: Call, axis: Axis) -> Answer:
    """The mean over rows and columns is a global pool; the mean over maps is not."""
    over = _dim(call)
    if not isinstance(over, (int, tuple, list, type(None))):  # the larger of two maps
        return keep(call, axis)
    gone = call.dims(over)
    kept = [dim for dim in call.dims() if dim not in gone or len(call.output_shape) == len(call.shape)]
    return WHOLE if axis.dim in gone else axis.on(kept)


def multiply_matrices(call: Call, axis: Axis) -> Answer:
    """Of two factors the first one's rows and the second one's columns are left, and all else is summed over."""
    if axis.dim is None:
        return axis
    places = [
        place for place, factor in enumerate((*call.node.args, *call.node.kwargs.values())) if factor is call.source
    ]
    if len(places) != 1 or len(call.shape) < 2 or len(call.output_shape) < len(call.shape):
        return None
    return WHOLE if axis.dim == (-1, -2)[places[0]] else axis


def attend(call: Call, axis: Axis) -> Answer:
    """Every query sees all keys and values."""
    queries = call.node.args[0] if call.node.args else call.node.kwargs.get("query")
    is_query_alone = call.source is queries and call.source not in (*call.node.args[1:], *call.node.kwargs.values())
    if axis.dim in (-1, -2):
        return axis if is_query_alone and axis.dim == -2 else WHOLE
    return axis


def run_along(call: Call, axis: Axis) -> Answer:
    """Attention and recurrent layers go along a sequence, and do the same for each of a batch."""
    sequence = -2 if len(call.shape) == 2 or getattr(call.recording.module(call.node), "batch_first", False) else -3
    return WHOLE if axis.dim in (-1, sequence) else axis


# Several maps -----------------------------------------------------------------------------------------------------


def concatenate(call: Call, axis: Axis) -> Answer:
    """One map after the other; along the maps' dimension nothing changes, along rows they stand below each other."""
    dim, shape = call.number(_dim(call, default=0), call.output_shape), call.output_shape
    if axis.dim is None:
        return axis if call.shape == shape else None
    if call.name == "stack":
        return axis if axis.dim > dim else axis.at(axis.dim - 1)
    if axis.dim != dim or axis.units == shape[dim]:
        return axis
    parts = call.node.args[0] if call.node.args else call.node.kwargs.get("tensors")
    if axis.seen is None or not isinstance(parts, (list, tuple)):
        return None
    places = []  # of every part that this one is
    for part in parts:
        mine = np.arange(axis.units) if part is call.source else np.full(_length(call, part, dim), PADDING)
        places.append(mine)
    taps = np.concatenate(places)
    return axis.through(shape[dim], lambda unit: taps[:, None], made=0)


def _length(call: Call, part: fx.Node, dim: int) -> int:
    return call.recording.values[part].shape[dim]


JOINING = {keep, concatenate, multiply_matrices, attend, run_along}  # the rules of operations on several maps

# The table --------------------------------------------------------------------------------------------------------


def _all(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


RULES: dict[str, Rule] = {
    **dict.fromkeys(named(*KINDS, reaches=("position",)), keep),
    **_all(slide_filter, "conv1d conv2d conv3d"),
    **_all(slide_transposed_filter, "convtranspose1d convtranspose2d convtranspose3d"),
    **_all(slide_pool, "maxpool1d maxpool2d maxpool3d avgpool1d avgpool2d avgpool3d"),
    **_all(slide_bin, "adaptiveavgpool1d adaptiveavgpool2d adaptiveavgpool3d"),
    **_all(slide_bin, "adaptivemaxpool1d adaptivemaxpool2d adaptivemaxpool3d"),
    **_all(resize, "interpolate upsample upsamplingnearest2d upsamplingbilinear2d"),
    **_all(spread_pixels, "pixelshuffle"),
    **_all(gather_pixels, "pixelunshuffle"),
    **_all(repeat_each, "repeatinterleave"),
    **_all(repeat, "repeat tile"),
    **_all(pad, "pad zeropad1d zeropad2d zeropad3d constantpad1d constantpad2d constantpad3d"),
    **_all(pad, "reflectionpad1d reflectionpad2d reflectionpad3d replicationpad1d replicationpad2d replicationpad3d"),
    **_all(pad, "circularpad1d circularpad2d circularpad3d"),
    **_all(keep, "expand expandas broadcastto"),
    **_all(take, "getitem"),
    **_all(narrow, "narrow"),
    **_all(select, "select"),
    **_all(pick, "indexselect"),
    **_all(unbind, "unbind"),
    **_all(flip, "flip fliplr flipud"),
    **_all(roll, "roll"),
    **_all(swap, "transpose swapaxes swapdims t"),
    **_all(permute, "permute"),
    **_all(move, "movedim moveaxis"),
    **_all(reshape, "view viewas reshape reshapeas flatten unflatten squeeze unsqueeze"),
    **_all(lambda call, axis: axis, "chunk split tensorsplit"),  # whose pieces are taken apart afterwards
    **_all(mixing(lambda call: -1), "linear"),  # of every pixel's maps, where these come last
    **_all(mixing(lambda call: 1), "localresponsenorm channelshuffle"),
    **_all(mixing(lambda call: -3), "softmax2d"),
    **_all(
        mixing(lambda call: range(-len(call.parameter("normalized_shape")["normalized_shape"]), 0)),
        "layernorm rmsnorm",
    ),
    **_all(mixing(_dim), "softmax logsoftmax softmin cumsum cumprod"),
    **_all(mixing(lambda call: _dim(call, default=-1)), "sort argsort"),
    **_all(mixing(lambda call: _dim(call, "p dim", 1)), "normalize"),
    **_all(average_away, "mean sum amax amin max min prod logsumexp var std median argmax argmin"),
    **_all(keep_if_trained, "batchnorm batchnorm1d batchnorm2d batchnorm3d syncbatchnorm"),
    **_all(whole, "groupnorm instancenorm instancenorm1d instancenorm2d instancenorm3d"),
    **_all(multiply_matrices, "matmul imatmul mm bmm"),
    **_all(attend, "scaleddotproductattention"),
    **_all(run_along, "multiheadattention rnn lstm gru"),
    **_all(concatenate, "cat concat concatenate stack"),
}
