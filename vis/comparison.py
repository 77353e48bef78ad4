"""Two networks beside each other: which of their layers correspond, and in what they differ."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

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
    """The layers of both networks, aligned by the longest sequences that they have in common.

    What stands in the same place but is not equal is a pair as well, if it is of the same kind. What has nothing beside
    it differs in its "order" if the other network has a layer of its kind close by, which has nothing beside it either.
    """
    ours, theirs = ([node for node in graph.nodes.values() if node.kind in COMPARED] for graph in (left, right))
    matched = SequenceMatcher(None, [_identity(n) for n in ours], [_identity(n) for n in theirs], autojunk=False)
    found = []
    for _, i, j, k, m in matched.get_opcodes():
        found += [Pair(a, b, differences(a, b) if a and b else ()) for a, b in _aligned(ours[i:j], theirs[k:m])]
    return _in_another_order(found)


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
