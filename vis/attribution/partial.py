"""Passes of one picture that is covered in one place after another: only what a cover can change is computed anew.

The picture as it is has been recorded. A cover changes a rectangle of each map, which grows from layer to layer as
receptive fields do; around it the map is as recorded. So the early layers are run on windows, all of one size so that
they make one batch. Where a window is nearly the whole map, where everything depends on everything (flattened maps, a
gate), or where no rule says what changes, whole maps go on.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx
from torch.nn import functional as F

from vis.attribution.patches import Patches, Side, cut
from vis.deconvnet import Box
from vis.operations import KINDS, PADS, convolution, named, plain_name, pooling
from vis.trace import Recording, apply, check_finite, last_uses, parameter, saying_where, source, stream

MOST = 0.7  # of a map; larger windows cost more than the whole of it
BUDGET, AT_MOST = 64 * 2**20, 64  # bytes of the largest map of all passes at once; pictures


def pictures_at_once(recording: Recording) -> int:
    """How many covered pictures one batch may hold: large batches are faster, and take memory."""
    sizes = [value.nbytes for value in recording.values.values() if isinstance(value, Tensor)]
    return max(1, min(AT_MOST, BUDGET // max(sizes)))


def covered(image: Tensor, boxes: Sequence[Box], grey: float | Tensor = 0.0) -> Tensor:
    """The picture (1, C, H, W) once for each box, grey inside it, (N, C, H, W)."""
    return _cover(image, boxes, grey).on(image)


def _cover(image: Tensor, boxes: Sequence[Box], grey: float | Tensor) -> Patches:
    height, width = image.shape[2:]
    tops, lefts, bottoms, rights = np.array([(box.top, box.left, box.bottom, box.right) for box in boxes]).T
    rows, columns = (
        Side(np.clip(first, 0, units - 1), np.clip(last, first.clip(0, units - 1) + 1, units), units)
        for first, last, units in ((tops, bottoms, height), (lefts, rights, width))
    )
    values = cut(image, rows.start, rows.length, columns.start, columns.length)
    colour = torch.as_tensor(grey, dtype=image.dtype, device=image.device).view(-1, 1, 1)
    for i, (value, box) in enumerate(zip(values, boxes, strict=True)):
        top, left = rows.start[i], columns.start[i]
        value[
            :, max(box.top - top, 0) : max(box.bottom - top, 0), max(box.left - left, 0) : max(box.right - left, 0)
        ] = colour
    return Patches(values, rows, columns)


@torch.no_grad()
def covered_passes(
    recording: Recording, boxes: Sequence[Box], wanted: Collection[fx.Node], grey: float | Tensor = 0.0
) -> Recording:
    """What these operations give for the recorded picture with each of the boxes covered, in a recording of N pictures.

    Args:
        recording: of the picture as it is, (1, C, H, W), up to the last of `wanted`.
        boxes: of pixels; what lies outside the picture covers nothing.
        grey: what stands there instead, one number or one for each channel, (C,).

    Raises:
        TraceRefused: as `vis.trace.stream`.
    """
    trace, found = recording.trace, {}
    pictures = recording.image.expand(len(boxes), -1, -1, -1)
    if trace.shape is not None:  # it is followed for each size and number of pictures anew
        names = {trace.names[node]: node for node in wanted}
        for layer, value in stream(recording.model, covered(recording.image, boxes, grey), names):
            found[names[layer]] = value
        return Recording(recording.model, trace, pictures, found, {})
    steps = [node for node in trace.graph.nodes if node in trace.from_picture and node <= max(wanted)]
    no_longer_read = last_uses(steps)
    for node in steps:
        with saying_where(node, recording):
            is_picture = node.op == "placeholder"
            found[node] = _cover(recording.image, boxes, grey) if is_picture else _passed(node, found, recording)
        for read in no_longer_read[node]:
            if read not in wanted:
                found.pop(read, None)
    for node in wanted:
        found[node] = _whole(node, found, recording) if node in found else recording.values[node]
        check_finite(found[node], trace.names[node])
    return Recording(recording.model, trace, pictures, found, {})


def _passed(node: fx.Node, found: dict[fx.Node, Any], recording: Recording) -> Any:
    """What an operation gives: patches where a rule gives them and they are worth it, else whole values."""
    inputs = [n for n in node.all_input_nodes if n in recording.trace.from_picture]
    patches = [found[n] for n in inputs]
    if all(isinstance(patch, Patches) and patch.part <= MOST for patch in patches):
        rule = RULES.get(plain_name(node, recording.model))
        made = rule and rule(node, dict(zip(inputs, patches, strict=True)), recording)
        if made is not None:
            return made
    for n in inputs:
        found[n] = _whole(n, found, recording)
    args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda n: found.get(n, recording.values.get(n)))
    return apply(node, recording.model, args, kwargs)


def _whole(node: fx.Node, found: dict[fx.Node, Any], recording: Recording) -> Any:
    value = found[node]
    return value.on(recording.values[node]) if isinstance(value, Patches) else value


# Rules: what an operation makes of windows; None where it has to see the whole ---------------------------------------

Rule = Callable[[fx.Node, dict[fx.Node, Patches], Recording], Patches | None]


def slide_filter(node: fx.Node, given: dict[fx.Node, Patches], recording: Recording) -> Patches | None:
    """A convolution looks at a window around each of its units; beyond the border are zeros."""
    conv = convolution(node, recording)
    has_zeros = node.op != "call_module" or recording.module(node).padding_mode == "zeros"
    if len(given) > 1 or source(node) not in given or isinstance(conv.padding, str) or not has_zeros:
        return None
    weights = parameter(node, recording, "weight bias", bias=None)

    def run(windows: Tensor) -> Tensor:
        return F.conv2d(windows, weights["weight"], weights["bias"], conv.stride, 0, conv.dilation, conv.groups)

    return _slid(node, given, recording, (conv.kernel, conv.stride, conv.padding, conv.dilation), run)


def slide_maximum(node: fx.Node, given: dict[fx.Node, Patches], recording: Recording) -> Patches | None:
    """A maximum over a window; beyond the border is nothing that could be one."""
    pool, value = pooling(node, recording), recording.values[node]
    if not isinstance(value, Tensor):  # with its places
        return None

    def run(windows: Tensor) -> Tensor:
        return F.max_pool2d(windows, pool.kernel, pool.stride, 0, pool.dilation)

    return _slid(node, given, recording, (pool.kernel, pool.stride, pool.padding, pool.dilation), run, -torch.inf)


def slide_mean(node: fx.Node, given: dict[fx.Node, Patches], recording: Recording) -> Patches | None:
    """A mean over a window, where it is divided by the same number everywhere."""
    pool = pooling(node, recording)
    names = "kernel_size stride padding ceil_mode count_include_pad divisor_override"
    settings = parameter(node, recording, names, count_include_pad=True, divisor_override=None)
    is_even = not any(pool.padding) or settings["count_include_pad"]
    if not is_even or pool.is_rounded_up or settings["divisor_override"]:
        return None

    def run(windows: Tensor) -> Tensor:
        return F.avg_pool2d(windows, pool.kernel, pool.stride)

    return _slid(node, given, recording, (pool.kernel, pool.stride, pool.padding, pool.dilation), run)


def _slid(
    node: fx.Node,
    given: dict[fx.Node, Patches],
    recording: Recording,
    window: tuple[Sequence[int], ...],  # kernel, stride, padding and dilation, each of rows and columns
    run: Callable[[Tensor], Tensor],
    beyond: float = 0.0,
) -> Patches | None:
    ((below, patch),) = given.items()
    sides, places = [], []
    for side, units, sliding in zip(
        (patch.rows, patch.columns), recording.values[node].shape[2:], zip(*window, strict=True), strict=True
    ):
        kernel, stride, padding, dilation = sliding
        out = side.slid(kernel, stride, padding, dilation, units)
        sides.append(out)
        places += [out.start * stride - padding, (out.length - 1) * stride + dilation * (kernel - 1) + 1]
    return Patches(run(patch.within(recording.values[below], *places, beyond)), *sides)


def keep(node: fx.Node, given: dict[fx.Node, Patches], recording: Recording) -> Patches | None:
    """Each value is made of those at the same position, of one map or of several of the same size."""
    size = recording.values[node].shape[2:] if isinstance(recording.values[node], Tensor) else None
    if any(recording.values[n].shape[2:] != size for n in given):
        return None
    others = (recording.values[n] for n in node.all_input_nodes if n not in given)
    if any(isinstance(other, Tensor) and other.numel() > 1 and other.shape[-2:] != (1, 1) for other in others):
        return None
    return _joined(node, given, recording)


def keep_if_trained(node: fx.Node, given: dict[fx.Node, Patches], recording: Recording) -> Patches | None:
    """Batch norm only scales, unless it takes the statistics of this very picture."""
    norm = parameter(node, recording, "running_mean running_var weight bias training", training=False)
    is_trained = norm["running_mean"] is not None and not norm["training"]
    return _joined(node, given, recording) if is_trained and len(given) == 1 else None


def keep_maps(node: fx.Node, given: dict[fx.Node, Patches], recording: Recording) -> Patches | None:
    """One map after the other, all of the same size."""
    parts = node.args[0] if node.args else node.kwargs.get("tensors")
    dim = node.kwargs.get("dim", node.kwargs.get("axis", node.args[1] if len(node.args) > 1 else 0))
    return _joined(node, given, recording) if dim in (1, -3) and {*parts} == given.keys() else None


def _joined(node: fx.Node, given: dict[fx.Node, Patches], recording: Recording) -> Patches:
    first, *more = given.values()
    rows, columns = first.rows, first.columns
    for other in more:
        rows, columns = rows.joined(other.rows), columns.joined(other.columns)
    values = {n: patch.at(rows, columns, recording.values[n]) for n, patch in given.items()}
    args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda n: values.get(n, recording.values.get(n)))
    return Patches(apply(node, recording.model, args, kwargs), rows, columns)


def move(node: fx.Node, given: dict[fx.Node, Patches], recording: Recording) -> Patches | None:
    """Numbers that are put around a map move what changes."""
    settings = {"mode": "constant", "value": None} | parameter(
        node, recording, "padding value" if plain_name(node, recording.model) != "pad" else "pad mode value"
    )
    around = settings.get("padding", settings.get("pad"))
    if len(given) > 1 or len(around) != 4 or min(around) < 0 or settings["mode"] != "constant":
        return None
    ((below, patch),), (left, _, top, _) = given.items(), around
    height, width = recording.values[node].shape[2:]
    rows, columns = patch.rows.moved(top, height), patch.columns.moved(left, width)
    places = rows.start - top, rows.length, columns.start - left, columns.length
    return Patches(patch.within(recording.values[below], *places, settings["value"] or 0.0), rows, columns)


RULES: dict[str, Rule] = {
    **dict.fromkeys(named(*KINDS, reaches=("position",)), keep),
    **dict.fromkeys(("batchnorm2d", "batchnorm", "syncbatchnorm"), keep_if_trained),
    **dict.fromkeys(("cat", "concat", "concatenate"), keep_maps),
    **dict.fromkeys(PADS & {"pad", "zeropad2d", "constantpad2d"}, move),
    "localresponsenorm": keep,
    "conv2d": slide_filter,
    "maxpool2d": slide_maximum,
    "avgpool2d": slide_mean,
}
