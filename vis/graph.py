"""The layer graph: a network's operations with their numbers, nested in the blocks that its module tree names.

Blocks are what a module has as submodules. Three things are done to the module tree to make it readable: a block of one
operation is that operation; blocks that the data enters twice, so that no drawing from top to bottom could hold them in
one box, are opened for good; equal blocks that follow one another are folded into one, "×N".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import networkx as nx
from torch import fx, nn

from vis.cost.count import Counting, LayerCost, costs_of, left_out, unused_parameters
from vis.operations import SLIDING_POOLS, convolution, plain_name, pooling
from vis.receptive import ReceptiveField, Span, fields_of
from vis.shapes import record_shapes
from vis.trace import Recording, operation, parameter

COUNTED = Counting()  # multiply-adds of convolutions and linear layers, nothing else
ROOT = ""  # the name of the block that is the whole network
FOLD = "…"  # in the name of a fold, between its first and its last block
NOTHING = ReceptiveField(Span(0, 1, 0), Span(0, 1, 0))  # the field of what the picture cannot change


@dataclass(frozen=True)
class Node:
    """One operation, or the picture that enters the network (kind "input")."""

    name: str
    kind: str  # "input" or one of vis.operations.KINDS
    operation: str  # the module's class, or the function's name
    parent: str  # the block it stands in
    inputs: tuple[str, ...]  # names of the operations whose results it reads
    settings: Mapping[
        str, tuple[int, int] | int | bool
    ]  # kernel, stride, padding, dilation, groups, … as far as it has them
    cost: LayerCost
    receptive_field: ReceptiveField

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.cost.output_shape

    @property
    def params(self) -> int:
        return self.cost.params

    @property
    def macs(self) -> int | None:
        return self.cost.macs

    @property
    def activation_bytes(self) -> int:
        return self.cost.activation_bytes


@dataclass(frozen=True)
class Block:
    """A module with what it holds, or a fold of equal blocks that follow one another."""

    name: str
    operation: str  # the module's class; of a fold, that of each of its blocks
    parent: str
    children: tuple[str, ...]  # blocks and operations in the order of execution
    folded: bool = False

    @property
    def count(self) -> int:
        """Of how many equal blocks it is made; 1 for a block that is not a fold."""
        return len(self.children) if self.folded else 1


@dataclass(frozen=True)
class Edge:
    """The result of `source` is read by `target`."""

    source: str
    target: str


@dataclass(frozen=True, eq=False)
class Graph:
    """Every operation and every block of a network, by name, in the order of execution; `blocks[""]` is the network."""

    nodes: Mapping[str, Node]
    blocks: Mapping[str, Block]
    input_shape: tuple[int, ...]
    unused: Mapping[str, int] = field(default_factory=dict)  # parameters of modules that answer only in training

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        return tuple(Edge(source, node.name) for node in self.nodes.values() for source in node.inputs)

    def parent(self, name: str) -> str:
        """The block in which an operation or a block stands."""
        return self.blocks[name].parent if name in self.blocks else self.nodes[name].parent

    def ancestors(self, name: str) -> Iterator[str]:
        """The blocks around an operation or a block, the innermost first, without the network itself."""
        while name and (name := self.parent(name)):
            yield name

    def operations(self, name: str = ROOT) -> Iterator[Node]:
        """The operations in a block, in the order of execution; an operation has itself."""
        yield from sorted(self._inside(name), key=lambda node: self._place[node.name])

    def _inside(self, name: str) -> Iterator[Node]:
        if name in self.nodes:
            yield self.nodes[name]
            return
        for child in self.blocks[name].children:
            yield from self._inside(child)

    @cached_property
    def _place(self) -> Mapping[str, int]:
        """Of every operation in the order of execution; the data may enter a block between two of another's."""
        return {name: i for i, name in enumerate(self.nodes)}

    def costs(self, name: str = ROOT) -> list[LayerCost]:
        """The costs of all operations in a block."""
        return [node.cost for node in self.operations(name) if node.kind != "input"]

    def params(self, name: str = ROOT) -> int:
        """The parameters of an operation, or of all in a block."""
        return sum(cost.params for cost in self.costs(name))

    def counted(self, name: str = ROOT, counting: Counting = COUNTED) -> int | None:
        """What an operation costs, or all in a block, in MACs or FLOPs; None where nothing of it is counted."""
        counted = [n for n in map(counting.of, self.costs(name)) if n is not None]
        return sum(counted) if counted else None

    def left_out(self, name: str = ROOT) -> tuple[str, ...]:
        """The operations whose products are not counted, of a block; with any of them `counted` is a lower bound."""
        return left_out(self.costs(name))

    def activation_bytes(self, name: str = ROOT) -> int:
        """The memory of an operation's result, or of all results in a block."""
        return sum(cost.activation_bytes for cost in self.costs(name))

    def last(self, name: str) -> Node:
        """The operation with whose result a block ends."""
        *_, node = self.operations(name)
        return node

    def level(self, block: str) -> nx.DiGraph:
        """The children of a block and who reads whose results.

        What comes from outside the block comes from `(block, "in")`, what goes there goes to `(block, "out")`.
        """
        return self._levels[block]

    @cached_property
    def _levels(self) -> Mapping[str, nx.DiGraph]:
        levels = {name: nx.DiGraph() for name in self.blocks}
        for name, block in self.blocks.items():
            levels[name].add_nodes_from(block.children)
        for edge in self.edges:
            above, below = ([name, *self.ancestors(name), ROOT] for name in (edge.source, edge.target))
            shared = next(block for block in above if block in below)
            outwards, inwards = above[: above.index(shared)], below[: below.index(shared)]
            for child, block in pairwise(outwards):
                levels[block].add_edge(child, (block, "out"))
            for child, block in pairwise(inwards):
                levels[block].add_edge((block, "in"), child)
            levels[shared].add_edge(outwards[-1], inwards[-1])
        return levels


def layer_graph(model: nn.Module, input_shape: tuple[int, int, int, int]) -> Graph:
    """The layer graph of `model` for pictures of `input_shape` (1, C, H, W); the model is neither run nor changed.

    Raises:
        TraceRefused: for a network that cannot be traced, or a picture that is too small for it.
    """
    return graph_of(record_shapes(model, input_shape))


def graph_of(recording: Recording) -> Graph:
    """The layer graph of a network whose shapes are recorded."""
    nodes = _nodes(recording)
    children = _module_tree(nodes)
    _lift_only_children(children)
    _open_for_good(children, nodes)
    children, folds = _folded(children, nodes, recording)
    blocks = {
        name: Block(name, _class_of(recording, folds.get(name, name)), ROOT, tuple(names), name in folds)
        for name, names in children.items()
    }
    for name, block in blocks.items():
        for child in block.children:
            here = blocks if child in blocks else nodes
            here[child] = replace(here[child], parent=name)
    return Graph(nodes, blocks, tuple(recording.image.shape), unused_parameters(recording))


# Operations -------------------------------------------------------------------------------------------------------


def _nodes(recording: Recording) -> dict[str, Node]:
    names, fields = recording.trace.names, fields_of(recording)
    costs = {cost.name: cost for cost in costs_of(recording)}
    nodes: dict[str, Node] = {}
    for node in recording.trace.graph.nodes:
        if node.op == "placeholder" and not nodes:
            cost = LayerCost(names[node], "input", tuple(recording.image.shape), 0, None, 0, 0, 0, 0)
            nodes[names[node]] = Node(names[node], "input", "", ROOT, (), {}, cost, fields[names[node]])
        elif (cost := costs.get(names.get(node))) is not None:
            done = operation(node, recording.model)
            nodes[cost.name] = Node(
                cost.name,
                cost.kind,
                getattr(done, "__name__", str(done)),
                ROOT,
                tuple(names[n] for n in node.all_input_nodes if names.get(n) in nodes),  # no sizes and no weights
                _settings(node, cost.kind, recording),
                cost,
                fields.get(cost.name, NOTHING),
            )
    return nodes


_SHOWN = ("kernel_size", "stride", "padding", "dilation", "groups", "ceil_mode", "output_size", "p")


def _settings(node: fx.Node, kind: str, recording: Recording) -> dict:
    """Kernel, stride, padding and the like of one operation, as (rows, columns) where it has two.

    The same for a module and for the function that does the same.
    """
    name = plain_name(node, recording.model)
    if kind in ("conv", "depthwise"):
        conv = convolution(node, recording)
        found = {"kernel_size": conv.kernel, "stride": conv.stride, "padding": conv.padding}
        return {**found, "dilation": conv.dilation, "groups": conv.groups}
    if name in SLIDING_POOLS:
        pool = pooling(node, recording)
        found = {"kernel_size": pool.kernel, "stride": pool.stride, "padding": pool.padding}
        return {**found, **({"dilation": pool.dilation} if name[:3] == "max" else {}), "ceil_mode": pool.is_rounded_up}
    if name.startswith("adaptive"):
        found = parameter(node, recording, "output_size")
    elif node.op == "call_module":
        module = recording.module(node)
        found = {n: getattr(module, n) for n in _SHOWN if hasattr(module, n)}
    else:
        found = {}
    pairs = ("kernel_size", "stride", "padding", "dilation", "output_size")
    return {n: (v, v) if n in pairs and isinstance(v, int) else v for n, v in found.items()}


# Blocks -----------------------------------------------------------------------------------------------------------

Children = dict[str, list[str]]  # of each block, in the order of execution


def _module_tree(nodes: Mapping[str, Node]) -> Children:
    children: Children = {ROOT: []}
    for name in nodes:
        while name:
            parent = name.rpartition(".")[0]
            while parent in nodes:  # a function may be called like a block
                parent = parent.rpartition(".")[0]
            known = parent in children
            siblings = children.setdefault(parent, [])
            if name not in siblings:
                siblings.append(name)
            if known:
                break
            name = parent
    return children


def _lift_only_children(children: Children) -> None:
    """A block that holds one thing is that thing."""
    for name in sorted(children, key=len, reverse=True):  # the innermost first
        if name != ROOT and len(children[name]) == 1:
            _replace_in_parent(children, name)


def _replace_in_parent(children: Children, block: str) -> None:
    """`block` is gone; what it held stands in its place."""
    siblings = next(names for names in children.values() if block in names)
    at = siblings.index(block)
    siblings[at : at + 1] = children.pop(block)


def _open_for_good(children: Children, nodes: Mapping[str, Node]) -> None:
    """Blocks from which data goes out and comes back in are replaced by what they hold."""
    place, waiting = {name: i for i, name in enumerate(nodes)}, [ROOT]
    while waiting:
        block = waiting.pop()
        level = _level(block, children, nodes)
        entangled = {name for part in nx.strongly_connected_components(level) if len(part) > 1 for name in part}
        for name in [n for n in children[block] if n in entangled and n in children]:
            _replace_in_parent(children, name)
        children[block].sort(key=lambda name: min(place[n] for n in _inside(name, children)))
        waiting += [block] if entangled else [name for name in children[block] if name in children]


def _level(block: str, children: Children, nodes: Mapping[str, Node]) -> nx.DiGraph:
    """The children of a block and who reads whose results inside it."""
    home = {name: child for child in children[block] for name in _inside(child, children)}
    level = nx.DiGraph()
    level.add_nodes_from(children[block])
    for name, child in home.items():
        sources = (home[source] for source in nodes[name].inputs if source in home)
        level.add_edges_from((source, child) for source in sources if source != child)
    return level


def _inside(name: str, children: Children) -> Iterator[str]:
    """The operations in a block."""
    if name not in children:
        yield name
    for child in children.get(name, ()):
        yield from _inside(child, children)


def _folded(children: Children, nodes: Mapping[str, Node], recording: Recording) -> tuple[Children, dict[str, str]]:
    """The tree with folds, and of each fold its first block."""
    readers: dict[str, set[str]] = {name: set() for name in nodes}
    for node in nodes.values():
        for source in node.inputs:
            readers[source].add(node.name)
    tree, folds = {}, {}
    for block, names in children.items():
        level = _level(block, children, nodes)
        tree[block] = []
        runs: list[list[str]] = []
        for name in names:
            before = runs[-1][-1] if runs else None
            follows = before is not None and list(level.pred[name]) == [before] and list(level.succ[before]) == [name]
            if (
                follows
                and name in children
                and before in children
                and _entered_by(name, before, children, nodes, readers)
                and _class_of(recording, name) == _class_of(recording, before)
                and _signature(name, children, nodes) == _signature(before, children, nodes)
            ):
                runs[-1].append(name)
            else:
                runs.append([name])
        if block and len(runs) == 1:  # it holds nothing but equal blocks, so it is their fold
            folds[block], tree[block] = names[0], names
            continue
        for run in runs:
            if len(run) == 1:
                tree[block].append(run[0])
                continue
            last = run[-1].removeprefix(f"{block}.") if block else run[-1]
            fold = run[0] + FOLD + last
            while fold in children or fold in nodes:  # a module may have any name
                fold += FOLD
            folds[fold], tree[fold] = run[0], run
            tree[block].append(fold)
    return tree, folds


def _entered_by(
    block: str, before: str, children: Children, nodes: Mapping[str, Node], readers: Mapping[str, set[str]]
) -> bool:
    """Whether `block` reads only results of `before`, and is their only reader."""
    inside, previous = set(_inside(block, children)), set(_inside(before, children))
    sources = {source for name in inside for source in nodes[name].inputs} - inside
    left = {reader for name in previous for reader in readers[name]} - previous
    return sources <= previous and left <= inside


def _signature(block: str, children: Children, nodes: Mapping[str, Node]) -> tuple:
    """What two blocks have in common that differ in nothing but their names and their weights' values."""
    names = list(_inside(block, children))
    place = {name: i for i, name in enumerate(names)}
    outside = dict.fromkeys(source for name in names for source in nodes[name].inputs if source not in place)
    place |= {source: -1 - i for i, source in enumerate(outside)}
    return tuple(
        (
            node.operation,
            tuple(node.settings.items()),
            node.output_shape,
            node.params,
            tuple(place[source] for source in node.inputs),
        )
        for node in map(nodes.__getitem__, names)
    )


def _class_of(recording: Recording, block: str) -> str:
    return type(recording.model.get_submodule(block)).__name__ if block else type(recording.model).__name__
