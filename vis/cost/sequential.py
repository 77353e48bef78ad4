"""A stack as code: the text of an `nn.Sequential` to copy into a program."""

from collections.abc import Iterator
from typing import NamedTuple

from vis.cost.layer import Layer, Pair, Shape
from vis.cost.stack import Stack

USUAL = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


class Call(NamedTuple):
    """How a module is made: a class of `torch.nn`, and what it is told."""

    name: str
    values: tuple[object, ...] = ()
    named: dict[str, object] = {}  # noqa: RUF012  (never changed)

    def __str__(self) -> str:
        """nn.Conv2d(3, 64, 7, stride=2, padding=3)."""
        said = [*map(str, self.values), *(f"{key}={value}" for key, value in self.named.items())]
        return f"nn.{self.name}({', '.join(said)})"


def as_torch(stack: Stack) -> str:
    """Python that builds the rows that can be, with the shapes at the ends of its lines."""
    lines = ["from torch import nn", "", "stack = nn.Sequential("]
    lines += [f"    {module},  # {shapes}" if shapes else f"    {module}," for module, shapes in calls(stack)]
    return "\n".join([*lines, ")", ""])


def calls(stack: Stack) -> Iterator[tuple[Call, str]]:
    """Every module, and the shapes before and after it where they change or are to be known."""
    for step in stack.steps:
        of = step.layer
        given = of.given
        if of.kind == "linear" and len(given) == 3:
            flat = (given[0] * given[1] * given[2],)
            yield Call("Flatten"), f"{_shape(given)} -> {_shape(flat)}"
            given = flat
        yield _module(of, given), f"{_shape(given)} -> {_shape(of.shape)}"
        if of.norm:
            yield Call("BatchNorm2d", (of.channels,)), ""


def _module(of: Layer, given: Shape) -> Call:
    bias = {} if of.bias else {"bias": False}  # torch's own habit, and only said where there are none
    if of.kind == "linear":
        return Call("Linear", (given[0], of.channels), bias)
    if of.kind == "global pool":
        return Call("AdaptiveAvgPool2d", (1,))
    if of.kind == "relu":
        return Call("ReLU")
    if of.kind == "shuffle":
        return Call("ChannelShuffle", (of.groups,))
    if of.kind == "average pool":
        return Call("AvgPool2d", (_size(of.kernel),), {"stride": _size(of.stride)} | _unusual(of, "padding"))
    if of.kind == "max pool":
        settings = _unusual(of, "padding", "dilation")
        return Call("MaxPool2d", (_size(of.kernel),), {"stride": _size(of.stride)} | settings)
    settings = _unusual(of, "stride", "padding", "dilation", "groups")
    return Call("Conv2d", (given[0], of.channels, _size(of.kernel)), settings | bias)


def _unusual(of: Layer, *names: str) -> dict[str, object]:
    """Those of the settings that torch has to be told."""
    return {name: _size(getattr(of, name)) for name in names if getattr(of, name) != USUAL[name]}


def _size(size: Pair | int) -> Pair | int:
    return size[0] if isinstance(size, tuple) and size[0] == size[1] else size


def _shape(shape: Shape) -> str:
    return f"(N, {', '.join(map(str, shape))})"
