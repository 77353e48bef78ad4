"""How a signal goes down through every kind of operation: one small rule each, all in the table `RULES`.

A rule gets the signal that arrives at the output of an operation and returns, for each input, what goes on from
there. Sliding operations work on windows, the others on whole maps.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.modules.utils import _pair as pair

from models.refusals import Refused
from vis.trace import MAX_POOLS, Recording, apply, max_pool_parameters, operation, parameter
from vis.windows import Windows


class NoRule(Refused):
    """An operation through which no signal can be sent back."""


@dataclass(frozen=True, eq=False)
class Step:
    """One operation on the way down, and how it went on the way up."""

    recording: Recording
    node: fx.Node
    method: str  # "deconvnet", "guided" or "gradient"
    unpooling: str  # "add" or "overwrite"

    @property
    def operation(self) -> Any:
        return operation(self.node, self.recording.model)

    @property
    def name(self) -> str:
        return self.recording.trace.names[self.node]

    @property
    def source(self) -> fx.Node:
        """The first input."""
        return self.node.all_input_nodes[0]

    def value(self, node: fx.Node) -> Tensor:
        return self.recording.values[node]

    @property
    def input_shape(self) -> torch.Size:
        return self.value(self.source).shape

    def parameter(self, names: str, **defaults: Any) -> dict[str, Any]:
        return parameter(self.node, self.recording, names, **defaults)

    def differentiable(self) -> tuple[Callable[..., Tensor], list[fx.Node]]:
        """The operation as a function of its inputs that are maps, and these inputs.

        An input that is a list of maps (the pieces of `chunk`) is looked through to the maps it was made from.
        """
        model, values = self.recording.model, self.recording.values
        listed = [n for n in self.node.all_input_nodes if _is_list_of_maps(values[n])]
        inputs: list[fx.Node] = []
        for n in self.node.all_input_nodes:
            inputs += [m for m in (n.all_input_nodes if n in listed else [n]) if m not in inputs]
        inputs = [n for n in inputs if isinstance(values[n], Tensor) and n in self.recording.trace.from_picture]

        def run(*maps: Tensor) -> Tensor:
            given = {**values, **dict(zip(inputs, maps, strict=True))}
            for n in (*listed, self.node):
                args, kwargs = fx.node.map_arg((n.args, n.kwargs), given.__getitem__)
                given[n] = apply(n, model, args, kwargs)
            return given[self.node]

        return run, inputs

    def slope(self, signal: Windows) -> Tensor:
        """The derivative of an elementwise operation at the values recorded on the way up, in the signal's windows."""
        run, (source,) = self.differentiable()
        x = self.value(source).detach().requires_grad_()
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(run(x).sum(), x)
        return signal.cut_from(slope) if slope.dim() == 4 else slope


def _is_list_of_maps(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and any(isinstance(v, Tensor) for v in value)


Down = Callable[[Step, Windows], dict[fx.Node, Windows]]


@dataclass(frozen=True)
class Rule:
    """What is done to the signal, in one word; how; and, where the paper defines nothing, what was assumed."""

    step: str
    down: Down
    approximation: str | None = None


# The three steps of the paper -------------------------------------------------------------------------------------


def unpool(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Each signal goes back to where its maximum was: the switches recorded on the way up."""
    pool = max_pool_parameters(step.node, step.recording)
    kernel, stride, padding, dilation = (pair(pool[k]) for k in ("kernel_size", "stride", "padding", "dilation"))
    switches = step.recording.switches[step.node]
    values = signal.values
    if step.unpooling == "overwrite":
        values = values * signal.cut_from(last_writers(switches, step.input_shape))

    height, width = (
        (n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(signal.size, stride, dilation, kernel, strict=True)
    )
    places = signal.cut_from(switches)  # row · W + column, from here on row · width + column inside the window
    places = places - places.div(step.input_shape[3], rounding_mode="floor") * (step.input_shape[3] - width)
    corner = (signal.top * stride[0] - padding[0]) * width + signal.left * stride[1] - padding[1]
    places = places - corner.to(values.device).view(-1, 1, 1, 1)
    # Windows that reach over the border carry no signal there, so wherever these zeros are put does not matter.
    places = places.clamp_(0, height * width - 1).expand(values.shape)
    below = values.new_zeros(*values.shape[:2], height * width)
    below.scatter_add_(2, places.flatten(2), values.flatten(2))
    below = below.view(*values.shape[:2], height, width)
    return {step.source: signal.below(below, kernel, stride, padding, dilation, step.input_shape)}


def last_writers(switches: Tensor, shape: torch.Size) -> Tensor:
    """1 for the windows that, in reading order, are the last to have their maximum where it is; 0 for the others.

    Args:
        switches: (1, C, h, w), positions in maps of `shape` (1, C, H, W).
    """
    order = torch.arange(switches[0, 0].numel(), device=switches.device).expand_as(switches.flatten(2))
    last = order.new_full((*switches.shape[:2], shape[2] * shape[3]), -1)
    last.scatter_reduce_(2, switches.flatten(2), order, "amax")
    return (last.gather(2, switches.flatten(2)) == order).view_as(switches)


def rectify(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """The only difference between the three methods: keep what is positive coming down, going up, or both."""
    values = signal.values
    if step.method in ("deconvnet", "guided"):
        values = values.clamp(min=0)  # Zeiler & Fergus 2013, section 2.1
    if step.method in ("gradient", "guided"):
        values = values * step.slope(signal)  # Springenberg et al. 2015, figure 1
    return {step.source: signal.with_values(values)}


MOSTLY_FILLED = 0.8


def filter_transposed(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """The layer's own filters, transposed; biases are dropped."""
    conv = step.parameter(
        "weight bias stride padding dilation groups", bias=None, stride=1, padding=0, dilation=1, groups=1
    )
    module = step.recording.model.get_submodule(step.node.target) if step.node.op == "call_module" else None
    if isinstance(conv["padding"], str) or getattr(module, "padding_mode", "zeros") != "zeros":
        return transpose(step, signal)
    stride, padding, dilation = (pair(conv[k]) for k in ("stride", "padding", "dilation"))
    kernel = tuple(conv["weight"].shape[2:])

    def filtered(values: Tensor) -> Tensor:
        return transposed_convolution(values, conv["weight"], stride, dilation, conv["groups"])

    if signal.filled() > MOSTLY_FILLED:
        values = filtered(signal.values)
    else:  # units at the border see little of their window: filter that little
        size = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(signal.size, stride, dilation, kernel, strict=True)]
        values = signal.values.new_zeros(len(signal.values), step.input_shape[1], *size)
        for i in range(len(values)):
            (top, left, _, _), part = signal.of_unit(i)
            if not part.numel():
                continue
            part = filtered(part[None])[0]
            y, x = (top - int(signal.top[i])) * stride[0], (left - int(signal.left[i])) * stride[1]
            values[i, :, y : y + part.shape[1], x : x + part.shape[2]] = part
    return {step.source: signal.below(values, kernel, stride, padding, dilation, step.input_shape)}


def transposed_convolution(
    values: Tensor, weight: Tensor, stride: tuple[int, int], dilation: tuple[int, int], groups: int
) -> Tensor:
    """Transposed convolution of `values` (U, K, h, w) with `weight` (K, C / groups, kh, kw), without padding.

    Libraries are slow at large strides into few maps, such as AlexNet's 11×11 stride 4 into three colours. There it is
    done as a convolution with stride 1 that makes all stride² pixels of a cell at once (Shi et al. 2016, section 3.2).
    """
    size, maps = stride[0], weight.shape[1]
    if size == 1 or stride != (size, size) or dilation != (1, 1) or groups > 1 or maps > 8:
        return F.conv_transpose2d(values, weight, None, stride, 0, 0, groups, dilation)
    (h, w), (kh, kw) = values.shape[2:], weight.shape[2:]
    cells = -(-kh // size), -(-kw // size)  # that one filter reaches over
    cut = F.pad(weight, (0, cells[1] * size - kw, 0, cells[0] * size - kh))
    cut = cut.unflatten(2, (cells[0], size)).unflatten(4, (cells[1], size))  # (K, C, cell, in it, cell, in it)
    filters = cut.permute(1, 3, 5, 0, 2, 4).flatten(0, 2).flip(2, 3)  # (C·size², K, cells, cells)
    dense = F.pixel_shuffle(F.conv2d(values, filters, padding=(cells[0] - 1, cells[1] - 1)), size)
    return dense[:, :, : (h - 1) * size + kh, : (w - 1) * size + kw]


# What later networks need, by transposition ----------------------------------------------------------------------


def keep(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Dropout does nothing at test time."""
    return {step.source: signal}


def leave_out(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """The paper leaves contrast normalisation, which is across maps, out on the way down; the gradient does not."""
    if step.method != "gradient":
        return {step.source: signal}
    run, _ = step.differentiable()
    maps = signal.cut_from(step.value(step.source)).expand(signal.values.shape).detach().requires_grad_()
    with torch.enable_grad():
        (values,) = torch.autograd.grad(run(maps), maps, signal.values)
    return {step.source: signal.with_values(values)}


def scale_by_norm(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Batch norm is a scale and an offset once trained: times γ / √(σ² + ε)."""
    norm = step.parameter("running_mean running_var weight bias training momentum eps", weight=None, eps=1e-5)
    if norm["running_var"] is None:  # the statistics are this picture's own
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
    kernel, padding = pair(pool["kernel_size"]), pair(pool["padding"])
    stride = pair(pool["stride"]) if pool["stride"] else kernel
    run, _ = step.differentiable()
    ones = torch.ones_like(step.value(step.source)[:, :1])
    covered = F.conv2d(F.pad(ones, (kernel[1],) * 2 + (kernel[0],) * 2), ones.new_ones(1, 1, *kernel))
    rows = torch.arange(step.value(step.node).shape[2], device=ones.device) * stride[0] - padding[0] + kernel[0]
    columns = torch.arange(step.value(step.node).shape[3], device=ones.device) * stride[1] - padding[1] + kernel[1]
    share = run(ones) / covered[:, :, rows[:, None], columns]  # of each pixel; smaller where the border is averaged in
    values = signal.values * signal.cut_from(share)
    filters = values.new_ones(values.shape[1], 1, *kernel)
    values = F.conv_transpose2d(values, filters, stride=stride, groups=values.shape[1])
    return {step.source: signal.below(values, kernel, stride, padding, (1, 1), step.input_shape)}


def copy(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A sum passes its signal on to every term that comes from the picture."""
    _, inputs = step.differentiable()
    if step.node.kwargs or any(step.value(n).shape != step.value(step.node).shape for n in inputs):
        return transpose(step, signal)
    repeats = [n for n in step.node.args if n in inputs]  # x + x gives the signal twice
    received: dict[fx.Node, Windows] = {}
    for n in repeats:
        received[n] = received[n] + signal if n in received else signal
    return received


def split(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A concatenation of maps gives each of its parts the signal of its maps."""
    parts = step.node.args[0]
    dim = step.parameter("dim", dim=0)["dim"]
    if signal.values.dim() != 4 or dim not in (1, -3):
        return transpose(step, signal)
    pieces = signal.values.split([step.value(part).shape[1] for part in parts], 1)
    received: dict[fx.Node, Windows] = {}
    for part, piece in zip(parts, map(signal.with_values, pieces), strict=True):
        received[part] = received[part] + piece if part in received else piece
    return received


def transpose(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Any linear operation by its transpose, taken from autograd on the whole maps."""
    run, inputs = step.differentiable()
    maps = [step.value(n).detach().requires_grad_() for n in inputs]
    with torch.enable_grad():
        result = run(*maps)
    whole = signal.on_whole(result.shape)
    rows = [torch.autograd.grad(result, maps, value[None], retain_graph=True) for value in whole.values]
    return {n: Windows.whole(torch.cat(gradients)) for n, *gradients in zip(inputs, *rows, strict=True)}


def transpose_linear(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A fully connected layer by its transposed matrix."""
    weight = step.parameter("weight bias")["weight"]
    if signal.values.dim() != 2:
        return transpose(step, signal)
    return {step.source: Windows.whole(signal.values @ weight)}


def piece(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A part of a map, or a piece of a split one, gives its signal back to where it was taken from."""
    if _is_list_of_maps(step.value(step.source)) and operation(step.source, step.recording.model) not in SPLITS:
        raise _no_rule(step, step.source)
    return transpose(step, signal)


def reshape(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Flattened maps become maps again."""
    whole = signal.on_whole(step.value(step.node).shape)
    return {step.source: Windows.whole(whole.values.reshape(-1, *step.input_shape[1:]))}


def scale(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A product with a constant scales; of two signals one is a gate, and a gate is held at its value."""
    _, inputs = step.differentiable()
    if _is_constant_factor(step):
        return transpose(step, signal)
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


def divide(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A division by a constant, such as the pictures' deviation, scales."""
    if _is_signal(step, step.node.args[1]):
        raise _no_rule(step, step.node)
    return transpose(step, signal)


def _is_constant_factor(step: Step) -> bool:
    """Only one of the two factors comes from the picture; x * x has two."""
    return sum(_is_signal(step, factor) for factor in step.node.args[:2]) < 2


def _is_signal(step: Step, argument: Any) -> bool:
    """Whether this is a map that the picture can change."""
    return argument in step.recording.trace.from_picture and isinstance(step.value(argument), Tensor)


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
    **_table(Rule("keep", leave_out), nn.LocalResponseNorm, F.local_response_norm),
    **_table(Rule("spread", spread), nn.AvgPool2d, F.avg_pool2d),
    **_table(Rule("copy", copy), operator.add, operator.iadd, torch.add, "add", "add_"),
    **_table(Rule("split", split), torch.cat, torch.concat),
    **_table(Rule("filter", transpose_linear), nn.Linear, F.linear),
    **_table(Rule("reshape", reshape), nn.Flatten, torch.flatten, "flatten", "view", "reshape", torch.reshape),
    **_table(Rule("scale", scale, "gates held at their value"), operator.mul, operator.imul, torch.mul, "mul", "mul_"),
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
    **_table(Rule("transpose", piece), operator.getitem),
    **_table(Rule("scale", divide), operator.truediv, operator.itruediv, torch.div, "div", "div_"),
    **_table(Rule("transpose", transpose), torch.unsqueeze, "unsqueeze", torch.squeeze, "squeeze"),
    **_table(Rule("transpose", transpose), torch.permute, "permute", torch.transpose, "transpose", nn.Unflatten),
    **_table(
        Rule("transpose", transpose), operator.sub, operator.isub, torch.sub, "sub", operator.neg, nn.PixelShuffle
    ),
    **_table(Rule("transpose", transpose), nn.ChannelShuffle, nn.AdaptiveAvgPool1d, nn.Conv1d, nn.Conv3d, nn.AvgPool1d),
    **_table(Rule("scale", scale_by_layer_norm, "layer norm with its statistics held"), nn.LayerNorm, F.layer_norm),
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
    if step.method == "gradient" and (rule is None or rule.approximation or rule.down in (piece, divide)):
        # The gradient is defined everywhere; only elementwise operations keep their windows.
        return Rule("rectify", rectify) if rule and rule.down is rectify else Rule("transpose", transpose)
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


def approximation_of(step: Step, rule: Rule) -> str | None:
    """What was assumed at this step; a product with a constant assumes nothing."""
    if rule.down is scale and _is_constant_factor(step):
        return None
    return rule.approximation
