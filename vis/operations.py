"""What an operation is and what it was given, however it is written: as a module, as a function or as a method."""

import operator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx, nn

from vis.trace import Recording, operation, parameter


def maps_of(value: Any) -> list[Tensor]:
    """The tensors in what an operation gave: itself, or the pieces of a split one."""
    pieces = value if isinstance(value, (tuple, list)) else [value]
    return [piece for piece in pieces if isinstance(piece, Tensor)]


def plain_name(node: fx.Node, model: nn.Module) -> str:
    """One name for all ways to write an operation: "maxpool2d" for nn.MaxPool2d, F.max_pool2d and torch.max_pool2d."""
    if "plain name" not in node.meta:  # it is asked for often
        done = operation(node, model)
        node.meta["plain name"] = getattr(done, "__name__", str(done)).lower().replace("_", "")
    return node.meta["plain name"]


CONVOLUTIONS = {f"conv{way}{n}d" for way in ("", "transpose") for n in (1, 2, 3)}
SLIDING_POOLS = {f"{of}pool{n}d" for of in ("max", "avg") for n in (1, 2, 3)}
ADAPTIVE_POOLS = {f"adaptive{pool}" for pool in SLIDING_POOLS}


def each_way(setting: Any, directions: int) -> tuple[int, ...]:
    """A number for each direction; a single one stands for all."""
    numbers = (setting,) if isinstance(setting, int) else tuple(setting)
    return numbers * directions if len(numbers) == 1 else numbers


@dataclass(frozen=True)
class Convolution:
    """The settings of a convolution, written as a module or as a function; one number for each direction."""

    kernel: tuple[int, ...]
    in_channels: int
    out_channels: int
    groups: int
    stride: tuple[int, ...]
    padding: tuple[int, ...] | str
    dilation: tuple[int, ...]
    is_transposed: bool
    has_bias: bool


def convolution(node: fx.Node, recording: Recording) -> Convolution:
    """What a convolution was given, transposed or not."""
    is_transposed = "transpose" in plain_name(node, recording.model)
    names = "weight bias stride padding dilation groups"
    if is_transposed:
        names = "weight bias stride padding output_padding groups dilation"
    found = parameter(node, recording, names, bias=None, stride=1, padding=0, groups=1, dilation=1)
    first, second, *kernel = found["weight"].shape  # (N, M / g, …), or (M, N / g, …) if transposed
    second *= found["groups"]
    padding = found["padding"]
    return Convolution(
        kernel=tuple(kernel),
        in_channels=first if is_transposed else second,
        out_channels=second if is_transposed else first,
        groups=found["groups"],
        stride=each_way(found["stride"], len(kernel)),
        padding=padding if isinstance(padding, str) else each_way(padding, len(kernel)),
        dilation=each_way(found["dilation"], len(kernel)),
        is_transposed=is_transposed,
        has_bias=found["bias"] is not None,
    )


@dataclass(frozen=True)
class Pooling:
    """The settings of a pool that slides; one number for each direction."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    is_rounded_up: bool  # so that the last window may reach over the edge


def pooling(node: fx.Node, recording: Recording) -> Pooling:
    """What a sliding pool was given; one without a stride moves by its kernel."""
    name = plain_name(node, recording.model)
    names = f"kernel_size stride padding {'dilation' if name.startswith('max') else ''} ceil_mode"
    found = {"dilation": 1, **parameter(node, recording, names, stride=None, padding=0, ceil_mode=False)}
    found["stride"] = found["stride"] or found["kernel_size"]
    numbers = (each_way(found[of], int(name[-2])) for of in ("kernel_size", "stride", "padding", "dilation"))
    return Pooling(*numbers, is_rounded_up=found["ceil_mode"])


def gathered(node: fx.Node) -> tuple[int, ...] | None:
    """Which maps are picked by x[:, [0, 2, …]], as for LeNet-5's C3; None for any other operation."""
    index = node.args[1] if node.target is operator.getitem else None
    is_list = isinstance(index, tuple) and len(index) == 2 and index[0] == slice(None)
    return tuple(index[1]) if is_list and isinstance(index[1], (list, tuple)) else None


def adaptive_windows(n_in: int, n_out: int) -> list[tuple[int, int]]:
    """[first, last) input of every output of an adaptive pool, along one direction: ⌊i·H/h⌋ and ⌈(i+1)·H/h⌉."""
    return [(i * n_in // n_out, -(-(i + 1) * n_in // n_out)) for i in range(n_out)]
