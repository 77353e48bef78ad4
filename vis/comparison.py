"""Two networks beside each other: which of their layers correspond, and in what they differ."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

from vis.graph import Graph, Node

COMPARED = (
    "conv",
    "depthwise",
    "linear",
    "norm",
    "pool",
    "add",
    "concat",
    "multiply",
)  # kinds; the rest follows from these
WEIGHTS = ("conv", "depthwise", "linear")
ENOUGH = 0.3  # of the layers of two blocks, from which on these are each other's like
NEAR = 6  # rows between two layers that could be the same one in another order
SETTINGS = ("kernel_size", "stride", "padding", "dilation", "groups", "ceil_mode")


@dataclass(frozen=True)
class Pair:
    """A layer of each network in the same place, or None where one of them has nothing there."""

    left: Node | None
    right: Node | None
    differs: tuple[str, ...]  # of SETTINGS, "operation", "channels", "size", "macs", "order"; empty for equal layers

    @property
    def is_alone(self) -> bool:
        return self.left is None or self.right is None


def pairs(left: Graph, right: Graph) -> list[Pair]:
    """The layers of both networks: those of equal blocks with the same name beside each other, and what is between them
    aligned by the longest sequences that both have in common.

    What stands in the same place but is not equal is a pair as well, if it is of the same kind. What has nothing beside
    it differs in its "order" if the other network has a layer of its kind close by, which has nothing beside it either.
    """
    ours, theirs = ([node for node in graph.nodes.values() if node.kind in COMPARED] for graph in (left, right))
    equal = _equal_blocks(left, right)
    keys = (
        [node.name if equal & {*graph.ancestors(node.name)} else (side, node.name) for node in nodes]
        for side, (graph, nodes) in enumerate(((left, ours), (right, theirs)))
    )
    found: list[Pair] = []
    for tag, i, j, k, m in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [Pair(a, b, ()) for a, b in zip(ours[i:j], theirs[k:m], strict=True)]
        else:
            found += _pairs_between(ours[i:j], theirs[k:m])
    return _in_another_order(found)


def _pairs_between(ours: list[Node], theirs: list[Node]) -> Iterator[Pair]:
    """The pairs of a stretch without equal blocks."""
    matched = SequenceMatcher(None, [_identity(n) for n in ours], [_identity(n) for n in theirs], autojunk=False)
    for _, i, j, k, m in matched.get_opcodes():
        yield from (Pair(a, b, differences(a, b) if a and b else ()) for a, b in _aligned(ours[i:j], theirs[k:m]))


def _equal_blocks(left: Graph, right: Graph) -> set[str]:
    """Blocks that have the same name in both networks, and the same operations in them."""

    def content(graph: Graph, block: str) -> list[tuple]:
        return [(n.name, n.kind, n.operation, n.output_shape, n.macs, n.settings) for n in graph.operations(block)]

    both = (name for name in left.blocks if name and name in right.blocks)
    return {name for name in both if content(left, name) == content(right, name)}


# Boxes ------------------------------------------------------------------------------------------------------------

Status = Literal["same", "differs", "alone"]


@dataclass(frozen=True)
class Compared:
    """Two networks, layer by layer and box by box."""

    pairs: tuple[Pair, ...]
    twins: Mapping[str, str]  # of operations and blocks of the left network, their like in the right one
    statuses: tuple[Mapping[str, Status], Mapping[str, Status]]  # of all operations and blocks, left and right
    differs: Mapping[str, tuple[str, ...]]  # of operations of the left network, as of `Pair`; none for equal ones


def compared(left: Graph, right: Graph) -> Compared:
    """What corresponds in two networks, and what has no like in the other or differs from it.

    A block is the same if all operations in it are, and all in its like.
    """
    found = pairs(left, right)
    others = list(_others(left, right, found))
    twins = _twins(left, right, [*found, *others])
    ours, theirs = (
        _statuses(graph, {node.name: _status(pair) for pair in (*found, *others) if (node := getattr(pair, side))})
        for side, graph in (("left", left), ("right", right))
    )
    for name, twin in twins.items():
        if ours[name] != theirs[twin]:
            ours[name] = theirs[twin] = "differs"
    differs = {pair.left.name: pair.differs for pair in (*found, *others) if pair.differs and not pair.is_alone}
    return Compared(tuple(found), twins, (ours, theirs), differs)


def _status(pair: Pair) -> Status:
    return "differs" if pair.differs else "alone" if pair.is_alone else "same"


def _statuses(graph: Graph, known: Mapping[str, Status]) -> dict[str, Status]:
    found: dict[str, Status] = {name: known.get(name, "alone") for name in graph.nodes}
    for block in graph.blocks:
        inside = {found[node.name] for node in graph.operations(block)} or {"same"}
        found[block] = inside.pop() if len(inside) == 1 else "differs"
    return found


def _others(left: Graph, right: Graph, found: Iterable[Pair]) -> Iterator[Pair]:
    """Operations of no kind in COMPARED beside their like: of the same kind, behind the same pair of layers.

    Whether such a one is written as a module or as a function, ReLU or relu, is no difference.
    """
    behind: list[dict[int, list[Node]]] = []
    for side, graph in (("left", left), ("right", right)):
        numbers = {getattr(pair, side).name: i for i, pair in enumerate(found) if not pair.is_alone}
        last, lists = -1, {}
        for node in graph.nodes.values():
            last = numbers.get(node.name, last)
            if node.kind not in COMPARED:
                lists.setdefault(last, []).append(node)
        behind.append(lists)
    for last in sorted(behind[0].keys() & behind[1].keys()):
        ours, theirs = (lists[last] for lists in behind)
        matched = SequenceMatcher(None, *([node.kind for node in nodes] for nodes in (ours, theirs)), autojunk=False)
        for i, k, size in matched.get_matching_blocks():
            for one, other in zip(ours[i : i + size], theirs[k : k + size], strict=True):
                names = {node.operation.lower().strip("_") for node in (one, other)}
                ignored = "operation" if len(names) == 1 else ""
                yield Pair(one, other, tuple(name for name in differences(one, other) if name != ignored))


def _twins(left: Graph, right: Graph, found: Iterable[Pair]) -> dict[str, str]:
    """Operations by their pairs; blocks by their name, or else by what they have in common."""
    twins = {pair.left.name: pair.right.name for pair in found if not pair.is_alone}
    sizes = {block: len(list(right.operations(block))) for block in right.blocks}
    shares = []
    for block in left.blocks:
        inside = [node.name for node in left.operations(block)]
        common = Counter(around for name in inside if name in twins for around in right.ancestors(twins[name]))
        for other, count in common.items():
            share = count / (len(inside) + sizes[other] - count)
            shares.append((-share - (block == other), block, other))
    taken = set()
    for share, block, other in sorted(shares):
        if share <= -ENOUGH and block not in twins and other not in taken:
            twins[block] = other
            taken.add(other)
    return twins


# Layers -----------------------------------------------------------------------------------------------------------


def _in_another_order(found: list[Pair]) -> list[Pair]:
    """The same, with the order as the first difference of two layers of a kind that stand alone close to each other."""
    found, waiting = found[:], []
    for i, pair in enumerate(found):
        if not pair.is_alone:
            continue
        twin = next((j for j in waiting if i - j <= NEAR and _could_be_one(found[j], pair)), None)
        if twin is None:
            waiting.append(i)
        else:
            waiting.remove(twin)
            left, right = found[twin].left or pair.left, found[twin].right or pair.right
            differs = ("order", *differences(left, right))
            found[twin], found[i] = replace(found[twin], differs=differs), replace(pair, differs=differs)
    return found


def _could_be_one(one: Pair, other: Pair) -> bool:
    """Whether one is of the left network alone and the other of the right, and both of the same kind."""
    kinds = {(pair.left or pair.right).kind for pair in (one, other)}
    return (one.left is None) != (other.left is None) and len(kinds) == 1


def _identity(node: Node) -> tuple:
    """By what a layer is found in another network: what it does, but not on which size."""
    settings = tuple(node.settings.get(name) for name in SETTINGS)
    return node.kind, node.output_shape[1:2], settings


def _aligned(
    ours: list[Node], theirs: list[Node], by_weights: bool = True
) -> Iterator[tuple[Node | None, Node | None]]:
    """Layers of a stretch side by side, kind by kind in their order; what is left over alone.

    First those of WEIGHTS alone, so that none of them loses its partner to a pool that comes before it elsewhere.
    """
    keys = (
        [n.kind if not by_weights or n.kind in WEIGHTS else (side, i) for i, n in enumerate(nodes)]
        for side, nodes in enumerate((ours, theirs))
    )
    matched = SequenceMatcher(None, *keys, autojunk=False)
    for tag, i, j, k, m in matched.get_opcodes():
        if tag == "equal":
            yield from zip(ours[i:j], theirs[k:m], strict=True)
        elif by_weights:
            yield from _aligned(ours[i:j], theirs[k:m], by_weights=False)
        else:
            yield from ((node, None) for node in ours[i:j])
            yield from ((None, node) for node in theirs[k:m])


def differences(left: Node, right: Node) -> tuple[str, ...]:
    """In what two layers of the same kind differ."""
    unlike = [name for name in SETTINGS if left.settings.get(name) != right.settings.get(name)]
    sizes = {
        "operation": (left.operation, right.operation),
        "channels": (left.output_shape[1:2], right.output_shape[1:2]),
        "size": (left.output_shape[2:], right.output_shape[2:]),
        "macs": (left.macs, right.macs),
    }
    return (*unlike, *(name for name, (one, other) in sizes.items() if one != other))
