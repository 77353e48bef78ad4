"""How a signal goes down through every kind of operation: one small rule each, all in the table `RULES`.

The paper's own steps are in `vis.steps`; here is what later networks need, by transposition.
"""

import operator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from models.refusals import Refused
from vis.steps import (
    Down,
    Step,
    filter_transposed,
    is_list_of_maps,
    keep,
    rectify,
    transpose,
    transpose_across_maps,
    unpool,
)
from vis.trace import MAX_POOLS, operation
from vis.windows import Sliding, Windows


class NoRule(Refused):
    """An operation through which no signal can be sent back."""


@dataclass(frozen=True)
class Rule:
    """What is done to the signal, in one word; how; and, where the paper defines nothing, what was assumed."""

    step: str
    down: Down
    approximation: str | None = None
    gradient: Down | None = None  # what the gradient does instead; it is defined everywhere and assumes nothing


# What later networks need -----------------------------------------------------------------------------------------


def scale_by_norm(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Batch norm is a scale and an offset once trained: times γ / √(σ² + ε)."""
    norm = step.parameter(
        "running_mean running_var weight bias training momentum eps", weight=None, training=False, eps=1e-5
    )
    if norm["running_var"] is None or norm["training"]:  # the statistics are this picture's own
        if step.method == "gradient":
            return transpose(step, signal)
        raise _no_rule(step, step.node)
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
    ones = torch.ones_like(step.value(step.source)[:, :1])
    kh, kw = sliding.kernel
    pixels = F.conv2d(F.pad(ones, (kw, kw, kh, kh)), ones.new_ones(1, 1, kh, kw))  # under a kernel at any place
    rows, columns = (
        torch.arange(n, device=ones.device) * s - p + k
        for n, s, p, k in zip(
            step.value(step.node).shape[2:], sliding.stride, sliding.padding, sliding.kernel, strict=True
        )
    )
    return run(ones) / pixels[:, :, rows[:, None], columns]


def copy(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A sum passes its signal on to every term that comes from the picture."""
    _, inputs = step.differentiable()
    weighted = len(step.arguments) > 2  # by alpha
    if weighted or any(step.value(n).shape != step.value(step.node).shape for n in inputs):
        return transpose(step, signal)
    received: dict[fx.Node, Windows] = {}
    for n in (term for term in step.arguments if term in inputs):  # x + x gives the signal twice
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
    """A part of a map, or a piece of a split one, gives its signal back to where it was taken from."""
    if is_list_of_maps(step.value(step.source)) and operation(step.source, step.recording.model) not in SPLITS:
        raise _no_rule(step, step.source)
    return transpose_piece(step, signal)


def transpose_piece(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """The same, by autograd; or, where whole maps are taken, such as x[:, [0, 1, 3]], each back to its place."""
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


def hold_gate(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """In a product of two signals one is a gate, and a gate is held at its value."""
    _, inputs = step.differentiable()
    gate = next((n for n in inputs if _is_gate(step, n)), None)
    if gate is None or len(inputs) != 2:
        raise NoRule(
            "“{layer}” multiplies two signals, and neither is a gate; no rule says which one to follow.",
            layer=step.name,
        )
    (content,) = (n for n in inputs if n is not gate)
    held = step.value(gate)
    if held.dim() == 4 and held.shape[2:] != (1, 1):
        held = signal.cut_from(held)
    return {content: signal.with_values(signal.values * held)}


def scale_by_constant(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A product with a constant, or with trained weights, scales, and assumes nothing."""
    ((content,), shape) = _signals(step), step.value(step.node).shape
    if signal.values.dim() != 4 or step.value(content).shape != shape:
        return transpose(step, signal)
    (factor,) = (fx.node.map_arg(a, step.value) for a in step.arguments if a is not content)
    factor = torch.as_tensor(factor, dtype=signal.values.dtype, device=signal.values.device)
    return {content: signal.with_values(signal.values * signal.cut_from(factor.expand(shape)))}


def divide(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A division by a constant, such as the pictures' deviation, scales."""
    if _signals(step) != [step.argument(0, "input")] or "rounding_mode" in step.node.kwargs:
        raise _no_rule(step, step.node)
    return transpose(step, signal)


def _signals(step: Step) -> list[fx.Node]:
    """The arguments that are maps which the picture can change; of x * x these are two."""
    changeable = (a for a in step.arguments if isinstance(a, fx.Node) and a in step.recording.trace.from_picture)
    return [node for node in changeable if isinstance(step.value(node), Tensor)]


def _is_gate(step: Step, node: fx.Node) -> bool:
    """A gate is smaller than what it gates, or comes out of a sigmoid."""
    smaller = step.value(node).numel() < step.value(step.node).numel()
    return smaller or operation(node, step.recording.model) in SIGMOIDS


def scale_by_layer_norm(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Layer norm with the mean and the deviation that this picture gave: times γ / √(σ² + ε)."""
    norm = step.parameter("normalized_shape weight bias eps", weight=None, eps=1e-5)
    over = tuple(range(-len(norm["normalized_shape"]), 0))
    deviation = (step.value(step.source).var(over, correction=0, keepdim=True) + norm["eps"]).sqrt()
    weight = 1.0 if norm["weight"] is None else norm["weight"]
    whole = signal.on_whole(step.value(step.node).shape)
    return {step.source: whole.with_values(whole.values * weight / deviation)}


# The table -------------------------------------------------------------------------------------------------------

SPLITS = {torch.chunk, "chunk", torch.split, "split", torch.unbind, "unbind", torch.tensor_split, "tensor_split"}
SIGMOIDS = {nn.Sigmoid, nn.Hardsigmoid, torch.sigmoid, F.sigmoid, F.hardsigmoid, "sigmoid"}


def _table(rule: Rule, *operations: Any) -> dict[Any, Rule]:
    return dict.fromkeys(operations, rule)


def _like_relu(name: str, *operations: Any) -> dict[Any, Rule]:
    return _table(Rule("rectify", rectify, f"{name} treated as ReLU"), *operations)


RULES: dict[Any, Rule] = {
    **_table(Rule("unpool", unpool), *MAX_POOLS),
    **_table(Rule("rectify", rectify), nn.ReLU, F.relu, torch.relu, torch.relu_, "relu", "relu_"),
    **_table(Rule("filter", filter_transposed), nn.Conv2d, F.conv2d, torch.conv2d),
    **_table(Rule("scale", scale_by_norm), nn.BatchNorm1d, nn.BatchNorm2d, F.batch_norm),
    **_table(Rule("keep", keep), nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout),
    **_table(
        Rule("keep", keep), F.dropout, F.dropout2d, nn.Identity, "torchvision.ops.stochastic_depth.stochastic_depth"
    ),
    **_table(Rule("keep", keep), "contiguous", "clone", "detach"),
    # The paper leaves contrast normalisation, which is across maps, out on the way down.
    **_table(Rule("keep", keep, gradient=transpose_across_maps), nn.LocalResponseNorm, F.local_response_norm),
    **_table(Rule("spread", spread), nn.AvgPool2d, F.avg_pool2d),
    **_table(Rule("copy", copy), operator.add, operator.iadd, torch.add, "add", "add_"),
    **_table(Rule("split", split), torch.cat, torch.concat),
    **_table(Rule("filter", transpose_linear), nn.Linear, F.linear),
    **_table(Rule("reshape", reshape), nn.Flatten, torch.flatten, "flatten", "view", "reshape", torch.reshape),
    **_table(
        Rule("scale", hold_gate, "gates held at their value", gradient=transpose),
        operator.mul,
        operator.imul,
        torch.mul,
        "mul",
        "mul_",
    ),
    **_table(Rule("spread", transpose), nn.AdaptiveAvgPool2d, F.adaptive_avg_pool2d, "mean", torch.mean),
    **_table(
        Rule("transpose", transpose),
        nn.ConvTranspose2d,
        nn.Upsample,
        F.interpolate,
        nn.ZeroPad2d,
        F.pad,
        nn.ReflectionPad2d,
    ),
    **_table(Rule("transpose", piece, gradient=transpose_piece), operator.getitem),
    **_table(Rule("scale", divide, gradient=transpose), operator.truediv, operator.itruediv, torch.div, "div", "div_"),
    **_table(Rule("transpose", transpose), torch.unsqueeze, "unsqueeze", torch.squeeze, "squeeze"),
    **_table(Rule("transpose", permute), torch.permute, "permute"),
    **_table(Rule("transpose", transpose), torch.transpose, "transpose", nn.Unflatten),
    **_table(
        Rule("transpose", transpose), operator.sub, operator.isub, torch.sub, "sub", operator.neg, nn.PixelShuffle
    ),
    **_table(Rule("transpose", transpose), nn.ChannelShuffle, nn.AdaptiveAvgPool1d, nn.Conv1d, nn.Conv3d, nn.AvgPool1d),
    **_table(
        Rule("scale", scale_by_layer_norm, "layer norm with its statistics held", gradient=transpose),
        nn.LayerNorm,
        F.layer_norm,
    ),
    **_like_relu("ReLU6", nn.ReLU6, F.relu6),
    **_like_relu("SiLU", nn.SiLU, F.silu),
    **_like_relu("GELU", nn.GELU, F.gelu),
    **_like_relu("Hardswish", nn.Hardswish, F.hardswish),
    **_like_relu("leaky ReLU", nn.LeakyReLU, F.leaky_relu),
    **_like_relu("ELU", nn.ELU, F.elu),
    **_like_relu("tanh", nn.Tanh, torch.tanh, F.tanh, "tanh"),
}


def _full_name(operation: Any) -> str:
    """By which the table knows operations of libraries that it does not import."""
    return f"{getattr(operation, '__module__', '')}.{getattr(operation, '__qualname__', '')}"


def rule_of(step: Step) -> Rule:
    """The rule for this operation.

    Raises:
        NoRule: naming the operation, where the method has none.
    """
    rule = RULES.get(step.operation) or RULES.get(_full_name(step.operation))
    if rule and rule.down is hold_gate and len(_signals(step)) == 1:
        return Rule("scale", scale_by_constant)
    if step.method == "gradient":
        return (
            replace(rule, down=rule.gradient or rule.down, approximation=None) if rule else Rule("transpose", transpose)
        )
    if rule is None:
        raise _no_rule(step, step.node)
    return rule


def _no_rule(step: Step, node: fx.Node) -> NoRule:
    missing = operation(node, step.recording.model)
    return NoRule(
        "The {method} has no rule for “{operation}” at “{layer}”; choose a layer below it, or the gradient.",
        method=step.method,
        operation=getattr(missing, "__name__", missing),
        layer=step.recording.trace.names[node],
    )
