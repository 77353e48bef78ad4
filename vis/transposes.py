"""What later networks need on the way down, exactly: pools, norms, sums, parts and moves by their transposes."""

import torch
from torch import Tensor, fx
from torch.nn import functional as F

from vis.steps import Step, last_writers, transpose
from vis.trace import max_pool_parameters
from vis.windows import Sliding, Windows


def scale_by_norm(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Batch norm is a scale and an offset once trained: times γ / √(σ² + ε)."""
    norm = step.parameter("running_mean running_var weight bias training momentum eps", weight=None, eps=1e-5)
    scale = (norm["running_var"] + norm["eps"]).rsqrt()
    if norm["weight"] is not None:
        scale = scale * norm["weight"]
    return {step.source: signal.with_values(signal.values * scale.view(-1, *[1] * (signal.values.dim() - 2)))}


def spread(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """An average passes its signal back evenly to what it averaged."""
    pool = step.parameter("kernel_size stride padding", stride=None, padding=0)
    sliding = Sliding.by(pool["kernel_size"], pool["stride"] or pool["kernel_size"], pool["padding"])
    values = signal.values * signal.cut_from(_share_of_each_pixel(step, sliding))
    filters = values.new_ones(values.shape[1], 1, *sliding.kernel)
    values = F.conv_transpose2d(values, filters, stride=sliding.stride, groups=values.shape[1])
    return {step.source: signal.below(values, sliding, step.input_shape)}


def _share_of_each_pixel(step: Step, sliding: Sliding) -> Tensor:
    """What a pixel counts in each of the averages, (1, 1, h, w); less where the border is averaged in."""
    run, _ = step.differentiable()
    given = step.value(step.source)
    ones = torch.ones_like(given[:, :1], device=step.recording.image.device)
    kh, kw = sliding.kernel
    pixels = F.conv2d(F.pad(ones, (kw, kw, kh, kh)), ones.new_ones(1, 1, kh, kw))  # under a kernel at any place
    rows, columns = (
        torch.arange(n, device=ones.device) * s - p + k
        for n, s, p, k in zip(
            step.value(step.node).shape[2:], sliding.stride, sliding.padding, sliding.kernel, strict=True
        )
    )
    return run(ones) / pixels[:, :, rows[:, None], columns]


def unpad(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """What was put around maps, or between them, is cut off again; what was cut off receives nothing."""
    given = {"mode": "constant"} | step.parameter("padding" if step.node.op == "call_module" else "pad mode")
    sides = [*map(int, given.get("pad", given.get("padding"))), *[0] * 8]
    (before, _), (above, _), (front, back), batch = zip(sides[:8:2], sides[1:8:2], strict=True)
    if given["mode"] != "constant" or signal.values.dim() != 4 or any(batch):
        return transpose(step, signal)
    maps = F.pad(signal.values, (0, 0, 0, 0, -front, -back)) if front or back else signal.values.clone()
    return {step.source: signal.below(maps, Sliding((1, 1), padding=(above, before)), step.input_shape)}


def unpool_whole(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """An adaptive max pool, or one along one or three directions: as `unpool`, on the whole maps."""
    adaptive = step.operation.startswith("adaptive")
    given = step.parameter("output_size") if adaptive else max_pool_parameters(step.node, step.recording)
    pool = getattr(F, f"{'adaptive_' if adaptive else ''}max_pool{step.operation[-2:]}")
    _, switches = pool(step.value(step.source), **given, return_indices=True)
    values = signal.on_whole(step.value(step.node).shape).values
    if step.unpooling == "overwrite":
        values = values * last_writers(switches, step.input_shape)
    below = values.new_zeros(len(values), *step.input_shape[1:]).flatten(2)
    below.scatter_add_(2, switches.flatten(2).expand(len(values), -1, -1), values.flatten(2))
    return {step.source: Windows.whole(below.view(-1, *step.input_shape[1:]))}


def unpool_maximum(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A maximum along dimensions gives its signal to the first value that was as large."""
    x, dims = step.value(step.source), step.parameter("dim keepdim", dim=())["dim"]
    dims = sorted(d % x.dim() for d in ([dims] if isinstance(dims, int) else dims or range(x.dim())))
    last = x.movedim(dims, tuple(range(-len(dims), 0)))
    first = last.flatten(-len(dims)).argmax(-1, keepdim=True)
    chosen = torch.zeros_like(last).flatten(-len(dims)).scatter_(-1, first, 1.0)
    chosen = chosen.view(last.shape).movedim(tuple(range(-len(dims), 0)), dims)
    values = signal.on_whole(step.value(step.node).shape).values
    kept = [1 if d in dims else n for d, n in enumerate(x.shape)]
    return {step.source: Windows.whole(values.reshape(-1, *kept[1:]) * chosen)}


def copy(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A sum passes its signal on to every term that comes from the picture."""
    weighted = len(step.arguments) > 2  # by alpha
    if weighted or any(step.value(n).shape != step.value(step.node).shape for n in step.signals):
        return transpose(step, signal)
    received: dict[fx.Node, Windows] = {}
    for n in (term for term in step.arguments if term in step.signals):  # x + x gives the signal twice
        received[n] = received[n] + signal if n in received else signal
    return received


def split(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A concatenation of maps gives each of its parts the signal of its maps."""
    parts = step.argument(0, "tensors")
    dim = step.parameter("dim", dim=0)["dim"]
    if isinstance(parts, fx.Node) or signal.values.dim() != 4 or dim not in (1, -3):
        return transpose(step, signal)
    pieces = signal.values.split([step.value(part).shape[1] for part in parts], 1)
    received: dict[fx.Node, Windows] = {}
    for part, piece in zip(parts, map(signal.with_values, pieces), strict=True):
        received[part] = received[part] + piece if part in received else piece
    return received


def transpose_linear(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A fully connected layer by its transposed matrix, on what comes last."""
    weight = step.parameter("weight bias")["weight"]
    if signal.values.dim() not in (2, 4):
        return transpose(step, signal)
    return {step.source: Windows.whole(signal.on_whole(step.value(step.node).shape).values @ weight)}


def permute(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Dimensions in another order go back to where they were."""
    dims = step.argument(1, "dims")
    order = list(step.node.args[1:] if isinstance(dims, int) else dims)
    if order[0] != 0:  # the pictures of a batch, of which units come in the place
        return transpose(step, signal)
    back = sorted(range(len(order)), key=lambda place: order[place] % len(order))
    return {step.source: Windows.whole(signal.on_whole(step.value(step.node).shape).values.permute(back))}


def piece(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A part of a map, or a piece of a split one, gives its signal back to where it was taken from.

    Where whole maps are taken, such as x[:, [0, 1, 3]], each goes back to its place; else by autograd.
    """
    match fx.node.map_arg(step.argument(1, "index"), step.value):
        case (slice(start=None, stop=None, step=None), maps) if signal.values.dim() == len(step.input_shape) == 4:
            below = signal.values.new_zeros(len(signal.values), step.input_shape[1], *signal.size)
            taken = torch.arange(below.shape[1], device=below.device)[maps]  # some perhaps twice
            return {step.source: signal.with_values(below.index_add(1, taken, signal.values))}
    return transpose(step, signal)


def reshape(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Flattened maps become maps again."""
    whole = signal.on_whole(step.value(step.node).shape)
    return {step.source: Windows.whole(whole.values.reshape(-1, *step.input_shape[1:]))}
