"""What every operation of a network costs, by closed formulas from its settings and the shapes of its maps."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

from torch import Tensor, fx, nn

from vis.cost.formulas import conv_macs, transposed_conv_macs
from vis.cost.products import FORMULAS
from vis.operations import (
    CONVOLUTIONS,
    OPERATIONS,
    SLIDING_POOLS,
    adaptive_windows,
    convolution,
    maps_of,
    named,
    plain_name,
    pooling,
)
from vis.shapes import record_shapes
from vis.trace import Recording, argument, parameter, source


@dataclass(frozen=True)
class LayerCost:
    """What one operation costs for one picture."""

    name: str  # in the trace
    kind: str  # one of vis.operations.KINDS
    output_shape: tuple[int, ...]  # with the batch of 1; of several pieces the first one's
    params: int  # weights and biases that belong to this operation: counted once, where they are first used
    macs: int | None  # multiply-adds of convolutions and matrix products; None = not counted, which is not 0
    activation_bytes: int  # of what comes out; 0 where nothing is copied, as in a view
    bias_adds: int  # additions of biases, one for each element that comes out
    norm_macs: int  # see `norm_macs_of`
    pool_operations: int  # kernel positions that are compared (maximum) or added up (average)
    is_left_out: bool = False  # it holds, or may hold, products that no formula counts: a sum is a lower bound


@dataclass(frozen=True)
class Counting:
    """What is counted beside the multiply-adds of convolutions and matrix products."""

    bias: bool = False
    norm: bool = False
    pooling: bool = False
    flops: bool = False  # a multiply-add is two operations; a lone addition or comparison stays one

    def of(self, cost: LayerCost) -> int | None:
        """Operations of this layer; None where nothing of it is counted."""
        counted = [] if cost.macs is None else [cost.macs * (1 + self.flops) + cost.bias_adds * self.bias]
        if self.norm and cost.kind == "norm":
            counted.append(cost.norm_macs * (1 + self.flops))
        if self.pooling and cost.kind == "pool":
            counted.append(cost.pool_operations)
        return sum(counted) if counted else None


def layer_costs(model: nn.Module, input_shape: tuple[int, int, int, int]) -> list[LayerCost]:
    """The cost of every operation on maps, in the order of execution, for a picture of `input_shape` (1, C, H, W).

    Raises:
        TraceRefused: see `vis.shapes.record_shapes`.
    """
    return costs_of(record_shapes(model, input_shape))


def costs_of(recording: Recording) -> list[LayerCost]:
    """The same for a network whose shapes are recorded."""
    owned = owned_parameters(recording)
    return [
        LayerCost(
            name=recording.trace.names[node],
            kind=kind_of(node, recording),
            output_shape=tuple(maps_of(recording.values[node])[0].shape),
            params=sum(p.numel() for p in owned[node]),
            macs=macs_of(node, recording),
            activation_bytes=activation_bytes_of(node, recording),
            bias_adds=recording.values[node].numel() if has_bias(node, recording) else 0,
            norm_macs=norm_macs_of(node, recording),
            pool_operations=pool_operations_of(node, recording),
            is_left_out=is_left_out(node, recording),
        )
        for node in layers(recording)
    ]


# Operations ------------------------------------------------------------------------------------------------------


def layers(recording: Recording) -> Iterator[fx.Node]:
    """The operations that give maps; what gives numbers, such as a size, is no layer, nor is a weight by itself."""
    for node in recording.trace.graph.nodes:
        if node.op.startswith("call_") and maps_of(recording.values[node]):
            yield node


PRODUCTS = named("linear") - {"linear"}
_NORMS = named("norm")


def kind_of(node: fx.Node, recording: Recording) -> str:
    """One of `vis.operations.KINDS`: a group for each map is "depthwise", a mean over positions a "pool"."""
    name = plain_name(node, recording.model)
    if name in CONVOLUTIONS:
        conv = convolution(node, recording)
        return "depthwise" if conv.groups == conv.in_channels > 1 else "conv"
    if name == "mean" and _is_over_positions(node, recording):
        return "pool"
    return OPERATIONS[name].kind if name in OPERATIONS else "other"


def _is_over_positions(node: fx.Node, recording: Recording) -> bool:
    over, given = argument(node, 1, "dim"), recording.values[source(node)]
    dims = {d % given.dim() for d in ((over,) if isinstance(over, int) else over or ())}
    return bool(dims) and min(dims) >= 2


# Convolutions and matrix products --------------------------------------------------------------------------------


def has_bias(node: fx.Node, recording: Recording) -> bool:
    """Whether a convolution or a linear layer adds a bias to what comes out."""
    name = plain_name(node, recording.model)
    if name in CONVOLUTIONS:
        return convolution(node, recording).has_bias
    return name == "linear" and parameter(node, recording, "weight bias", bias=None)["bias"] is not None


def macs_of(node: fx.Node, recording: Recording) -> int | None:
    """Multiply-adds of a convolution or a matrix product; None for all else, and where no formula covers it."""
    name, output = plain_name(node, recording.model), recording.values[node]
    if name in CONVOLUTIONS:
        conv = convolution(node, recording)
        positions = recording.values[source(node)] if conv.is_transposed else output
        size = tuple(positions.shape[-len(conv.kernel) :])
        formula = transposed_conv_macs if conv.is_transposed else conv_macs
        batch = output.shape[: -len(conv.kernel) - 1].numel()
        return batch * formula(conv.kernel, conv.in_channels, conv.out_channels, size, conv.groups)
    return FORMULAS[name](node, recording) if name in FORMULAS else None


def is_left_out(node: fx.Node, recording: Recording) -> bool:
    """Whether an operation holds, or may hold, products that no formula here counts, so that a sum is a lower bound."""
    name = plain_name(node, recording.model)
    if name in CONVOLUTIONS or name in FORMULAS:
        return macs_of(node, recording) is None
    return name not in OPERATIONS


def left_out(costs: Iterable[LayerCost]) -> tuple[str, ...]:
    """The names of the layers whose products are not counted: with any of them a sum says "at least"."""
    return tuple(cost.name for cost in costs if cost.is_left_out)


# What is counted only on request ---------------------------------------------------------------------------------


def norm_macs_of(node: fx.Node, recording: Recording) -> int:
    """Multiply-adds of a normalisation, by a stated convention; roots, divisions and powers are left out.

    * Batch norm: 1 for each element; the statistics are known beforehand, all is folded into one scale and offset.
    * Layer, group and instance norm, and batch norm with the statistics of the picture: 3 for each element (the sum,
      the sum of squares, the normalisation), and 1 more where a learned scale and offset follow.
    * RMS norm: 2 for each element (the sum of squares, the normalisation).
    * Local response norm over n maps: n + 2 for each element (n squares added up, k + α·Σ, and the product).
    """
    name = plain_name(node, recording.model)
    if name not in _NORMS:
        return 0
    elements = recording.values[node].numel()
    if name == "localresponsenorm":
        return elements * (parameter(node, recording, "size")["size"] + 2)
    if name == "rmsnorm":
        return elements * 2
    norm = parameter(node, recording, _NORM_SETTINGS[name.rstrip("123d")], weight=None, training=False)
    if norm.get("running_var") is not None and not norm.get("training"):
        return elements
    return elements * (3 + (norm["weight"] is not None))


_NORM_SETTINGS = {
    "batchnorm": "running_mean running_var weight bias training",
    "syncbatchnorm": "running_mean running_var weight bias training",
    "instancenorm": "running_mean running_var weight bias",
    "layernorm": "normalized_shape weight bias",
    "groupnorm": "num_groups weight bias",
}


def pool_operations_of(node: fx.Node, recording: Recording) -> int:
    """Kernel positions that a pool looks at, those in the padding included."""
    name, outputs = plain_name(node, recording.model), maps_of(recording.values[node])
    if kind_of(node, recording) != "pool":
        return 0
    given = recording.values[source(node)]
    if name == "mean":
        return given.numel()
    if name in SLIDING_POOLS:
        return outputs[0].numel() * prod(pooling(node, recording).kernel)
    directions = int(name[-2])
    windows = [
        sum(stop - start for start, stop in adaptive_windows(n_in, n_out))
        for n_in, n_out in zip(given.shape[-directions:], outputs[0].shape[-directions:], strict=True)
    ]
    return prod(given.shape[:-directions]) * prod(windows)


# Memory and parameters -------------------------------------------------------------------------------------------


def activation_bytes_of(node: fx.Node, recording: Recording) -> int:
    """Of the maps that an operation made, and not of those that it only shows in another way."""
    shown = {storage(m) for n in node.all_input_nodes for m in maps_of(recording.values[n])}
    return sum(m.nbytes for m in maps_of(recording.values[node]) if storage(m) not in shown)


def storage(tensor: Tensor) -> int:
    """Which block of memory a tensor lies in; also without numbers, where there is no address of data."""
    return tensor.untyped_storage()._cdata


def owned_parameters(recording: Recording) -> dict[fx.Node, list[nn.Parameter]]:
    """The parameters of every layer; each belongs to the first one that uses it."""
    free = {id(p) for p in recording.model.parameters()}
    owned: dict[fx.Node, list[nn.Parameter]] = {}
    for node in layers(recording):
        used = [recording.values[n] for n in node.all_input_nodes if n.op == "get_attr"]
        if node.op == "call_module":
            used += recording.module(node).parameters()
        owned[node] = []
        for found in used:
            if id(found) in free:
                free.remove(id(found))
                owned[node].append(found)
    return owned


def unused_parameters(recording: Recording) -> dict[str, int]:
    """Parameters of no layer, such as those of heads for training alone, by the topmost module without a used one.

    A parameter beside used ones in the same module stands under its own name.
    """
    used = {id(p) for owned in owned_parameters(recording).values() for p in owned}
    found: dict[str, int] = {}
    seen: set[int] = set()
    for name, p in recording.model.named_parameters():
        if id(p) not in used | seen:
            top = _topmost_unused(name, recording.model, used)
            found[top] = found.get(top, 0) + p.numel()
            seen.add(id(p))
    return found


def _topmost_unused(name: str, model: nn.Module, used: set[int]) -> str:
    parts = name.split(".")
    for i in range(1, len(parts)):
        module = model.get_submodule(".".join(parts[:i]))
        if used.isdisjoint(id(p) for p in module.parameters()):
            return ".".join(parts[:i])
    return name
