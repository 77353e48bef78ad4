"""A network as a graph of operations, and what one operation in it is."""

import difflib
import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.utils.parametrize import type_before_parametrizations

from vis.trace.refusals import TraceRefused


@dataclass(eq=False)
class Agreement:
    """What came of comparing a trace with its network's own answer, by the shape of the pictures."""

    is_needed: bool | None = None  # None: not known yet; a network that changes has another trace
    lock: threading.Lock = field(default_factory=threading.Lock)
    refusals: dict[tuple[int, ...], tuple[str, dict[str, object]] | None] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Trace:
    """The operations of a network in the order of their execution, by names such as `layer1.0.relu_1`.

    A trace keeps no reference to its network.
    """

    graph: fx.Graph
    names: dict[fx.Node, str]
    constants: dict[str, Tensor]  # tensors made inside the network's forward, by the targets of their nodes
    from_picture: frozenset[fx.Node]  # the operations whose result the picture can change
    shape: tuple[int, ...] | None = None  # of the only pictures that it is for; None where any will do
    agreement: Agreement = field(default_factory=Agreement, repr=False)

    @cached_property
    def _nodes(self) -> dict[str, fx.Node]:
        return {name: node for node, name in self.names.items()}

    def __getitem__(self, layer: str) -> fx.Node:
        if layer in self._nodes:
            return self._nodes[layer]
        close = difflib.get_close_matches(layer, self.names.values(), n=3, cutoff=0) or ["–"]
        raise TraceRefused(
            "There is no layer “{layer}” in this network; close names: {close}.", layer=layer, close=", ".join(close)
        )

    def changing(self, layer: str) -> fx.Node:
        """The operation of this name.

        Raises:
            TraceRefused: where there is none, or where it gives the same for every picture.
        """
        node = self[layer]
        if node not in self.from_picture:
            raise TraceRefused("The layer “{layer}” is the same for every picture; choose another one.", layer=layer)
        return node


def from_picture(graph: fx.Graph) -> frozenset[fx.Node]:
    """The operations of `graph` that read the picture, or something made of it."""
    found: set[fx.Node] = set()
    for node in graph.nodes:
        if node.op == "placeholder" or found.intersection(node.all_input_nodes):
            found.add(node)
    return frozenset(found)


def module_at(path: str, model: nn.Module) -> nn.Module:
    """As `model.get_submodule(path)`, without its questions, which take longer than a small operation."""
    for name in path.split("."):
        model = model._modules[name]
    return model


MAX_POOLS = {nn.MaxPool2d, F.max_pool2d, torch.max_pool2d}


def operation(node: fx.Node, model: nn.Module) -> Any:
    """What kind of operation this is: a module's class, a function, or a method's name."""
    if node.op != "call_module":
        return node.target
    if "operation" not in node.meta:  # it is asked for often; weight norm makes a class of its own
        node.meta["operation"] = type_before_parametrizations(module_at(node.target, model))
    return node.meta["operation"]


def argument(node: fx.Node, position: int, name: str) -> Any:
    """What the call was given at this position or by this name, as it stands in the graph; None for nothing."""
    return node.args[position] if position < len(node.args) else node.kwargs.get(name)


def source(node: fx.Node) -> fx.Node:
    """The operation on whose result this one is done: what its first argument comes from."""
    first = argument(node, 0, "input")
    return first if isinstance(first, fx.Node) else node.all_input_nodes[0]
