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


class Level:
    """The children of one block, placed."""

    def __init__(self, level: nx.DiGraph, sizes: Mapping[str, Size]):
        shown = _without_implied(level)
        self._implied = [edge for edge in level.edges if not shown.has_edge(*edge)]
        self._sizes = defaultdict(lambda: PASSING, sizes)
        self._ranks, self._routes = _ranked(shown)
        self._rank_of = {name: i for i, rank in enumerate(self._ranks) for name in rank}
        self._above, self._below = _neighbours(self._routes)
        _order(self._ranks, self._above, self._below)
        self._entry = _entries(self._ranks, self._above, self._below, self._sizes)  # x where lines reach each place
        left = min(x - self._sizes[name].entry for name, x in self._entry.items())
        self._entry = {name: x - left for name, x in self._entry.items()}
        self._tracks = [self._sideways(rank) for rank in self._ranks]
        self._heights = [max(self._sizes[name].height for name in rank) for rank in self._ranks]
        self._tops = [0.0]
        for height, tracks in zip(self._heights, self._tracks, strict=True):
            self._tops.append(self._tops[-1] + height + GAP + TRACK * max(tracks.values(), default=0))

    def size(self, block: str) -> Size:
        """Of everything together, and where lines come in and go out."""
        width = max(x - self._sizes[name].entry + self._sizes[name].width for name, x in self._entry.items())
        entry = self._entry.get((block, "in"), width / 2)
        return Size(width, self._tops[-2] + self._heights[-1], entry, self._entry.get((block, "out"), entry))

    def corner(self, name: Name) -> Point:
        """The upper left corner of a child; children of a rank stand with their middles on one line."""
        rank, size = self._rank_of[name], self._sizes[name]
        return self._entry[name] - size.entry, self._tops[rank] + (self._heights[rank] - size.height) / 2

    def lines(self, block: str) -> list[Line]:
        """The connections; where one begins or ends outside the block, its end is the block's own name."""
        drawn = [(route[0], route[-1], self._points(route), False) for route in self._routes]
        drawn += [(source, target, self._past_everything(source, target), True) for source, target in self._implied]
        return [
            Line(*(block if isinstance(end, tuple) else end for end in ends), points, implied)
            for *ends, points, implied in drawn
        ]

    def _exit(self, name: Name) -> float:
        """x where lines leave."""
        return self._entry[name] - self._sizes[name].entry + self._sizes[name].exit

    def _sideways(self, rank: list[Name]) -> dict[Name, int]:
        """Which of the tracks below a rank the lines from each of its places take, if they do not run straight down.

        Lines that all go to one place share a track. Where one line leaves and another one arrives below, the first has
        to turn off above the second, or they would lie on each other.
        """
        moved = [n for n in rank if any(abs(self._exit(n) - self._entry[m]) > STRAIGHT for m in self._below[n])]
        goals = {n: self._below[n][0] if len(self._below[n]) == 1 else n for n in moved}
        arrive = [(self._entry[m], goals[n]) for n in moved for m in self._below[n]]
        turns = nx.DiGraph()
        turns.add_nodes_from(goals.values())
        turns.add_edges_from(
            (goals[n], goal) for n in moved for x, goal in arrive if abs(self._exit(n) - x) < TRACK / 2
        )
        knots = nx.condensation(turns)  # of lines that would all have to turn off above each other
        order = [goal for knot in nx.topological_sort(knots) for goal in turns if goal in knots.nodes[knot]["members"]]
        return {name: order.index(goal) for name, goal in goals.items()}

    def _points(self, route: tuple[Name, ...]) -> tuple[Point, ...]:
        """Down from the source's lower edge, sideways between ranks only, to the target's upper edge."""
        points = [self._foot(route[0])]
        for above, below in pairwise(route):
            x, to, rank = self._exit(above), self._entry[below], self._rank_of[above]
            if above in self._tracks[rank] and abs(x - to) > STRAIGHT:
                y = self._tops[rank] + self._heights[rank] + GAP / 2 + TRACK * self._tracks[rank][above]
                points += [(x, y), (to, y)]
        return (*points, self._head(route[-1]))

    def _past_everything(self, source: Name, target: Name) -> tuple[Point, ...]:
        """On the right of what lies between."""
        (x0, y0), (x1, y1) = self._foot(source), self._head(target)
        between = range(self._rank_of[source], self._rank_of[target] + 1)
        rights = (self.corner(name)[0] + self._sizes[name].width for i in between for name in self._ranks[i])
        beside = max(rights) + MARGIN / 2
        return (
            (x0, y0),
            (x0, y0 + GAP / 4),
            (beside, y0 + GAP / 4),
            (beside, y1 - GAP / 4),
            (x1, y1 - GAP / 4),
            (x1, y1),
        )

    def _foot(self, name: Name) -> Point:
        """Where lines leave; from the outside they come through the block's upper edge."""
        if _is_port(name):
            return self._exit(name), -HEADER
        return self._exit(name), self.corner(name)[1] + self._sizes[name].height

    def _head(self, name: Name) -> Point:
        """Where lines arrive; to the outside they go through the block's lower edge."""
        return self._entry[name], self.corner(name)[1] + (MARGIN if _is_port(name) else 0)


def _is_port(name: Name) -> bool:
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
    deepest = max((r for name, r in rank.items() if not _is_port(name)), default=0)
    rank |= {name: deepest + 1 for name in level if _is_port(name) and name[1] == "out"}
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
    """Where lines reach each of these places, one below the other, if they reach the first at 0."""
    x, places = 0.0, {}
    for name in names:
        places[name] = x
        x += sizes[name].exit - sizes[name].entry
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
    return isinstance(name, tuple) and not _is_port(name)


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
