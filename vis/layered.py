"""One level of a drawing: boxes and what connects them, from top to bottom (Sugiyama, Tagawa & Toda 1981).

1. Every box gets the rank of the longest path that leads to it; a connection over several ranks gets a place in each of
   them, so that no line runs through a box.
2. The places of a rank are put into the order of what they are connected to, which leaves few lines to cross.
3. Every place is moved as close to the middle of what it is connected to as its neighbours allow.

Where everything is connected with everything, as in DenseNet's blocks, only the connections that no longer path implies
are drawn; the others are marked as implied.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean, median

import networkx as nx

Point = tuple[float, float]
Name = Hashable  # of a child; or a port, or a place of a long connection

GAP = 26  # between two ranks
BESIDE = 22  # between two boxes of a rank
TRACK = 7  # between two lines that run sideways between the same ranks
MARGIN = 16  # inside the frame of an open block
HEADER = 30  # of an open block, with its name
FAR = 160  # a line that moves more to the side bends, so that what follows stands below its block
STRAIGHT = 0.5  # a line that moves less to the side is straight
MOST_SHORTCUTS = 2  # of one child past others, up to which a block's shortcuts are all drawn


@dataclass(frozen=True)
class Line:
    """A connection inside one block, downwards, between two of its children or from its upper or to its lower edge."""

    source: str
    target: str
    points: tuple[Point, ...]
    implied: bool  # by a longer path; not drawn unless one of its ends is looked at


@dataclass(frozen=True)
class Size:
    """How large a child is, and where, counted from its left edge, lines reach it and leave it."""

    width: float
    height: float
    entry: float
    exit: float


PASSING = Size(14, 0, 7, 7)  # the place of a line that passes a rank, or of a port


class Ranks:
    """The children of one block in ranks, from top to bottom, each rank in its order; and where lines reach them."""

    def __init__(self, level: nx.DiGraph, sizes: Mapping[str, Size], gap: float = GAP):
        self.gap = gap  # between two ranks
        shown = _without_implied(level)
        self.implied = [edge for edge in level.edges if not shown.has_edge(*edge)]
        self.sizes = defaultdict(lambda: PASSING, sizes)
        self.ranks, self.routes = _ranked(shown)
        self.rank_of = {name: i for i, rank in enumerate(self.ranks) for name in rank}
        self.above, self.below = _neighbours(self.routes)
        _order(self.ranks, self.above, self.below)
        self.entry = _entries(self.ranks, self.above, self.below, self.sizes)  # x where lines reach each place
        self.tracks = [self._sideways(rank) for rank in self.ranks]
        self.heights = [max(self.sizes[name].height for name in rank) for rank in self.ranks]

    def left(self, name: Name) -> float:
        return self.entry[name] - self.sizes[name].entry

    def right(self, name: Name) -> float:
        return self.left(name) + self.sizes[name].width

    def exit(self, name: Name) -> float:
        """x where lines leave."""
        return self.left(name) + self.sizes[name].exit

    def below_rank(self, rank: int) -> float:
        """Between a rank and the next one: room for the lines that run sideways there."""
        return self.gap + TRACK * max(self.tracks[rank].values(), default=0)

    def _sideways(self, rank: list[Name]) -> dict[Name, int]:
        """Which of the tracks below a rank the lines from each of its places take, if they do not run straight down.

        Lines that all go to one place share a track. Where one line leaves and another one arrives below, the first has
        to turn off above the second, or they would lie on each other.
        """
        moved = [n for n in rank if any(abs(self.exit(n) - self.entry[m]) > STRAIGHT for m in self.below[n])]
        goals = {n: self.below[n][0] if len(self.below[n]) == 1 else n for n in moved}
        arrive = [(self.entry[m], goals[n]) for n in moved for m in self.below[n]]
        turns = nx.DiGraph()
        turns.add_nodes_from(goals.values())
        turns.add_edges_from((goals[n], goal) for n in moved for x, goal in arrive if abs(self.exit(n) - x) < TRACK / 2)
        knots = nx.condensation(turns)  # of lines that would all have to turn off above each other
        order = [goal for knot in nx.topological_sort(knots) for goal in turns if goal in knots.nodes[knot]["members"]]
        return {name: order.index(goal) for name, goal in goals.items()}


def is_port(name: Name) -> bool:
    return isinstance(name, tuple) and name[1] in ("in", "out")


def _without_implied(level: nx.DiGraph) -> nx.DiGraph:
    """The level's connections without those that a longer path implies, if there are too many of these to be drawn."""
    reduced = nx.transitive_reduction(level)
    shortcuts = Counter(source for source, target in level.edges if not reduced.has_edge(source, target))
    if max(shortcuts.values(), default=0) <= MOST_SHORTCUTS:
        return level
    shown = nx.DiGraph()
    shown.add_nodes_from(level)
    shown.add_edges_from(edge for edge in level.edges if reduced.has_edge(*edge))
    return shown


def _ranked(level: nx.DiGraph) -> tuple[list[list[Name]], list[tuple[Name, ...]]]:
    """The names of each rank; and each connection as the places it takes, one in every rank from source to target."""
    rank: dict[Name, int] = {}
    for name in nx.topological_sort(level):
        rank[name] = max((rank[source] + 1 for source in level.pred[name]), default=0)
    deepest = max((r for name, r in rank.items() if not is_port(name)), default=0)
    rank |= {name: deepest + 1 for name in level if is_port(name) and name[1] == "out"}
    ranks: list[list[Name]] = [[] for _ in range(max(rank.values()) + 1)]
    for name in level:
        ranks[rank[name]].append(name)
    routes = []
    for source, target in level.edges:
        passed = [(source, target, i) for i in range(rank[source] + 1, rank[target])]
        for place in passed:
            ranks[place[2]].append(place)
        routes.append((source, *passed, target))
    return ranks, routes


Neighbours = Mapping[Name, list[Name]]


def _neighbours(routes: list[tuple[Name, ...]]) -> tuple[Neighbours, Neighbours]:
    """What each place is connected to in the rank above it and in the rank below it."""
    above, below = defaultdict(list), defaultdict(list)
    for route in routes:
        for upper, lower in pairwise(route):
            above[lower].append(upper)
            below[upper].append(lower)
    return above, below


SWEEPS = 8
FIXED = 1e9  # the weight of what must not move


def _order(ranks: list[list[Name]], above: Neighbours, below: Neighbours) -> None:
    """Puts the places of every rank into the order of the middle of what they are connected to."""
    for sweep in range(SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        for rank in ranks if sweep % 2 == 0 else reversed(ranks):
            place = {name: i / max(1, len(r) - 1) for r in ranks for i, name in enumerate(r)} if len(rank) > 1 else {}
            middle = {n: _mean([place[m] for m in neighbours[n]], place[n]) for n in rank} if place else {}
            rank.sort(key=lambda n, middle=middle: middle.get(n, 0.0))


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _entries(
    ranks: list[list[Name]], above: Neighbours, below: Neighbours, sizes: Mapping[Name, Size]
) -> dict[Name, float]:
    """Where lines reach every place, from left to right.

    The spine, the longest way through, is straight; the rest stands to its sides. First every place alone moves towards
    what it is connected to, then whole chains move together, so that they become straight as well.
    """
    entry: dict[Name, float] = {}
    for rank in ranks:
        x = 0.0
        for name in rank:
            entry[name] = x + sizes[name].entry
            x += sizes[name].width + BESIDE

    spine = _chain(_spine(ranks, above), sizes)
    for sweep in range(SWEEPS):
        for rank in ranks if sweep % 2 == 0 else reversed(ranks):
            near = [(above, below)[sweep % 2][name] for name in rank]
            wanted = [
                spine.get(name, median([entry[n] for n in names] or [entry[name]]))
                for name, names in zip(rank, near, strict=True)
            ]
            weights = [FIXED if name in spine else 1.0 for name in rank]
            places = _apart(wanted, weights, [_apart_by(sizes, *both) for both in pairwise(rank)])
            entry.update(zip(rank, places, strict=True))
    beside = {b: a for rank in ranks for a, b in pairwise(rank)}, {a: b for rank in ranks for a, b in pairwise(rank)}
    chains = [_chain(names, sizes) for names in _chains(ranks, above, below) if names[0] not in spine]
    for _ in range(SWEEPS):
        for chain in sorted(chains, key=lambda names: abs(mean(entry[name] for name in names))):
            _move(chain, entry, above, below, beside, sizes)
    return entry


def _spine(ranks: list[list[Name]], above: Neighbours) -> list[Name]:
    """The way to the last rank that leads through most boxes; of equal ones the one in the middle."""
    boxes: dict[Name, int] = {}
    for name in (name for rank in ranks for name in rank):
        boxes[name] = max((boxes[n] for n in above[name]), default=0) + (not _passes(name))
    way = [max(ranks[-1], key=boxes.__getitem__)]
    while before := above[way[-1]]:
        most = [n for n in before if boxes[n] == max(boxes[m] for m in before)]
        way.append(most[len(most) // 2])
    return way[::-1]


def _chain(names: list[Name], sizes: Mapping[Name, Size]) -> dict[Name, float]:
    """Where lines reach each of these places, one below the other, if they reach the first at 0.

    What leaves a block of several columns far from where it came in goes back to there.
    """
    x, places = 0.0, {}
    for name in names:
        places[name] = x
        aside = sizes[name].exit - sizes[name].entry
        x += aside if abs(aside) < FAR else 0.0
    return places


def _chains(ranks: list[list[Name]], above: Neighbours, below: Neighbours) -> list[list[Name]]:
    """The places in chains, in each of which everyone is connected to the next one alone."""
    chains: dict[Name, list[Name]] = {}
    for name in (name for rank in ranks for name in rank):
        follows = len(above[name]) == 1 and len(below[above[name][0]]) == 1
        chain = chains[above[name][0]] if follows else []
        chain.append(name)
        chains[name] = chain
    return list({id(chain): chain for chain in chains.values()}.values())


def _move(
    chain: dict[Name, float],
    entry: dict[Name, float],
    above: Neighbours,
    below: Neighbours,
    beside: tuple[Mapping[Name, Name], Mapping[Name, Name]],
    sizes: Mapping[Name, Size],
) -> None:
    """Makes a chain straight, as near to what its ends are connected to as its neighbours leave room for."""
    first, *_, last = chain if len(chain) > 1 else [*chain, *chain]
    before, after = beside
    least = max(
        (entry[before[n]] + _apart_by(sizes, before[n], n) - x for n, x in chain.items() if n in before), default=None
    )
    most = min(
        (entry[after[n]] - _apart_by(sizes, n, after[n]) - x for n, x in chain.items() if n in after), default=None
    )
    wanted = median([entry[n] for n in (*above[first], *below[last])] or [entry[first]])
    if least is not None and most is not None and least > most:
        return
    wanted = wanted if least is None else max(wanted, least)
    wanted = wanted if most is None else min(wanted, most)
    entry.update({name: wanted + x for name, x in chain.items()})


def _apart_by(sizes: Mapping[Name, Size], left: Name, right: Name) -> float:
    """How far apart the lines into two neighbours must be."""
    return sizes[left].width - sizes[left].entry + BESIDE + sizes[right].entry


def _passes(name: Name) -> bool:
    """Whether it is a place of a line between two others."""
    return isinstance(name, tuple) and not is_port(name)


def _apart(wanted: list[float], weights: list[float], apart: list[float]) -> list[float]:
    """The places nearest to the `wanted` ones, by weighted squares, that are at least `apart` from each other.

    Isotonic regression by pooling adjacent violators: what would overlap moves together to the mean of its wishes.
    """
    offsets = [0.0]
    for gap in apart:
        offsets.append(offsets[-1] + gap)
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        pools.append((want - offset, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, wa, na), (b, wb, nb) = pools[-2:]
            pools[-2:] = [((a * wa + b * wb) / (wa + wb), wa + wb, na + nb)]
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
