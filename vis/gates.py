"""Products and norms on the way down: one factor is held at the value that it had on the way up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx
from torch.nn import functional as F

from vis.operations import plain_name
from vis.steps import NoRule, Step, transpose
from vis.trace import Recording, source
from vis.windows import Windows

SIGMOIDS = {"sigmoid", "hardsigmoid"}
SAME_VALUES = {"expand", "expandas", "view", "viewas", "reshape", "reshapeas", "flatten", "unflatten", "unsqueeze"} | {
    *("squeeze", "permute", "transpose", "contiguous", "clone", "to", "typeas", "repeat", "tile", "broadcastto"),
}
RESIZED = {"interpolate", "upsample", "upsamplingnearest2d", "upsamplingbilinear2d"}
ARITHMETIC = {"add", "iadd", "sub", "isub", "rsub", "mul", "imul", "div", "idiv", "truediv", "itruediv"}


# Products ---------------------------------------------------------------------------------------------------------


def factors(step: Step) -> list[fx.Node]:
    """The arguments that are maps which the picture can change; of x * x these are two."""
    return [n for n in step.arguments if isinstance(n, fx.Node) and n in step.signals]


def scale_by_constant(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """A product with a constant, or with trained weights, scales, and assumes nothing."""
    ((content,), shape) = factors(step), step.value(step.node).shape
    if signal.values.dim() != 4 or step.value(content).shape != shape:
        return transpose(step, signal)
    (factor,) = (fx.node.map_arg(a, step.value) for a in step.arguments if a is not content)
    factor = torch.as_tensor(factor, dtype=signal.values.dtype, device=signal.values.device)
    return {content: signal.with_values(signal.values * signal.cut_from(factor.expand(shape)))}


def hold_gate(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """In a product of two signals one is a gate, and a gate is held at its value."""
    both, found = factors(step), gate_in(step)
    if not found:
        raise NoRule(
            "“{layer}” multiplies two signals, and neither is a gate; no rule says which one to follow.",
            layer=step.name,
        )
    (gate,) = found
    (content,) = (n for n in both if n is not gate)
    held, shape = step.value(gate), step.value(step.node).shape
    if signal.values.dim() != 4 or held.dim() > 4 or step.value(content).shape != shape:
        return transpose(step, signal, [content])
    held = held.view(*[1] * (4 - held.dim()), *held.shape)
    if held.shape[2:] != (1, 1):
        held = signal.cut_from(held.expand(*held.shape[:2], *shape[2:]))
    return {content: signal.with_values(signal.values * held)}


def gate_in(step: Step) -> list[fx.Node]:
    """The one of two factors that is a gate; none where neither is."""
    both = factors(step)
    gate = gate_of(both, step.node, step.recording) if len(set(both)) == 2 else None
    return [] if gate is None else [gate]


def gate_of(both: Sequence[fx.Node], product: fx.Node, recording: Recording) -> fx.Node | None:
    """Which of two factors is a gate, rather one that comes out of a sigmoid than a smaller one; None for neither.

    A gate has fewer values than the product, or comes out of a sigmoid. It stays one where it is copied to more places,
    and so does a product of gates, or one plus a gate.
    """
    gates = [n for n in both if _is_gate(n, recording.values[product].numel(), recording)]
    order = {n: (not _is_gate(n, 0, recording), recording.values[n].numel()) for n in gates}
    return min(gates, key=order.__getitem__, default=None)


def _is_gate(node: fx.Node, size: int, recording: Recording) -> bool:
    if node not in recording.trace.from_picture:
        return False
    name, value = plain_name(node, recording.model), recording.values[node]
    if name in SIGMOIDS or (isinstance(value, Tensor) and value.numel() < size):
        return True
    if name in SAME_VALUES | RESIZED:
        return _is_gate(source(node), size if name in SAME_VALUES else 0, recording)
    read = [n for n in node.all_input_nodes if n in recording.trace.from_picture]
    return name in ARITHMETIC and bool(read) and all(_is_gate(n, size, recording) for n in read)


# Activation functions that are written out --------------------------------------------------------------------------

WRITTEN_OUT: dict[str, Callable[[Tensor], Tensor]] = {
    "SiLU": F.silu,
    "Hardswish": F.hardswish,
    "Mish": F.mish,
    "GELU": lambda x: x * torch.sigmoid(1.702 * x),  # Hendrycks & Gimpel 2016, section 2
}
ELEMENTWISE = {*SIGMOIDS, *ARITHMETIC, "relu6", "hardtanh", "clamp", "clip", "tanh", "softplus", "to", "contiguous"}
MOST_STEPS = 6  # from a value to its gate, such as +3, relu6, ÷6


@dataclass(frozen=True)
class SelfGate:
    """A value times a function of itself, such as x · sigmoid(x): one of WRITTEN_OUT, so many times."""

    name: str
    content: fx.Node
    gate: Sequence[fx.Node]  # the operations between the content and the product
    factor: float

    def rectify(self, step: Step, signal: Windows) -> dict[fx.Node, Windows]:
        """As its module is: what is positive is kept, and in guided backpropagation multiplied by the slope."""
        slope = step.slope(signal, self.gate) if step.method == "guided" else self.factor
        return {self.content: signal.with_values(signal.values.clamp(min=0) * slope)}


def self_gate(step: Step) -> SelfGate | None:
    """The activation function that a product writes out, known by its values; None for any other product."""
    both = factors(step)
    for content, end in zip(both, reversed(both), strict=True):
        way, node = [], end
        while node is not content and len(way) < MOST_STEPS and _is_elementwise(step, node):
            way.insert(0, node)
            node = source(node) if isinstance(node.args[0], fx.Node) else node.all_input_nodes[0]
        if node is not content or not way:
            continue
        x = torch.linspace(-8, 8, 33, dtype=torch.float64).to(step.value(content).dtype)  # values may be shapes alone
        run, inputs = step.differentiable(replayed=way)
        if inputs != [content]:
            continue
        given = run(x)
        for name, function in WRITTEN_OUT.items():
            expected = function(x)
            factor = float(given[-1] / expected[-1])
            if factor > 0 and (given - factor * expected).abs().max() < 1e-2 * factor:
                return SelfGate(name, content, tuple(way), factor)
    return None


def _is_elementwise(step: Step, node: fx.Node) -> bool:
    """Whether it makes every value of one value of its only input, and numbers that are written there."""
    return plain_name(node, step.recording.model) in ELEMENTWISE and len(node.all_input_nodes) == 1


# Norms ------------------------------------------------------------------------------------------------------------


def scale_by_layer_norm(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Layer norm with the mean and the deviation that this picture gave: times γ / √(σ² + ε)."""
    norm = step.parameter("normalized_shape weight bias eps", weight=None, eps=1e-5)
    over = tuple(range(-len(norm["normalized_shape"]), 0))
    square = step.value(step.source).var(over, correction=0, keepdim=True) + norm["eps"]
    return _scaled(step, signal.on_whole(step.value(step.node).shape), square, norm["weight"])


def scale_by_rms_norm(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """RMS norm with the root mean square that this picture gave."""
    norm = step.parameter("normalized_shape weight eps", weight=None, eps=None)
    x = step.value(step.source)
    square = x.square().mean(tuple(range(-len(norm["normalized_shape"]), 0)), keepdim=True)
    square = square + (torch.finfo(x.dtype).eps if norm["eps"] is None else norm["eps"])
    return _scaled(step, signal.on_whole(step.value(step.node).shape), square, norm["weight"])


def scale_by_group_norm(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Group norm with the deviations that this picture gave; in instance norm every map is a group."""
    x = step.value(step.source)
    if step.operation == "groupnorm":
        norm = step.parameter("num_groups weight bias eps", weight=None, eps=1e-5)
    else:
        names = "weight bias eps" if step.node.op == "call_module" else INSTANCE_NORM
        norm = {"num_groups": x.shape[1]} | step.parameter(names, weight=None, eps=1e-5)
    variance = x.reshape(norm["num_groups"], -1).var(1, correction=0)
    per_map = variance.repeat_interleave(x.shape[1] // norm["num_groups"]).view(1, -1, *[1] * (x.dim() - 2))
    weight = None if norm["weight"] is None else norm["weight"].view(per_map.shape)
    return _scaled(step, signal, per_map + norm["eps"], weight)


INSTANCE_NORM = "running_mean running_var weight bias use_input_stats momentum eps"


def _scaled(step: Step, signal: Windows, square: Tensor, weight: Tensor | None) -> dict[fx.Node, Windows]:
    """The signal times the weight over the root of `square`, each along the dimensions that it has."""
    return {step.source: signal.with_values(signal.values * (1.0 if weight is None else weight) / square.sqrt())}
