"""One block's boxes and lines where they stand: in one column, or in several that are read like those of a newspaper.

A column ends only where a single signal goes on. Its line runs below the column, up beside it and into the top of the
next one; every other line runs downwards.
"""

from itertools import pairwise
from math import inf

from vis.layered import HEADER, MARGIN, STRAIGHT, TRACK, Line, Name, Point, Ranks, Size, is_port

GUTTER = 32  # between two columns, for the line from one to the next
HALVINGS = 12  # in search of the lowest columns


class Level:
    """The children of one block, placed.

    Args:
        limit: the height that a column should not exceed; what cannot be cut may.
    """

    def __init__(self, ranks: Ranks, limit: float = inf):
        self._of = ranks
        tops = [0.0]
        for i, height in enumerate(ranks.heights):
            tops.append(tops[-1] + height + ranks.below_rank(i))
        self._columns = _lowest(_cuts(ranks), tops, ranks.heights, limit)
        self._column_of = [i for i, (first, last) in enumerate(self._columns) for _ in range(first, last + 1)]
        wrapped = len(self._columns) > 1
        places = [[name for rank in ranks.ranks[first : last + 1] for name in rank] for first, last in self._columns]
        self._shift: list[Point] = []  # of every column from where it would stand alone
        self._gutter: list[float] = []  # x of the line that leaves it for the next one
        x, bottom = 0.0, 0.0
        for (first, last), names in zip(self._columns, places, strict=True):
            left, right = min(map(ranks.left, names)), max(map(ranks.right, names))
            begins = first == 0 and any(map(is_port, ranks.ranks[0]))  # with a rank of no height that takes its room
            self._shift.append((x - left, (0.0 if begins or not wrapped else ranks.gap) - tops[first]))
            x += right - left
            self._gutter.append(x + GUTTER / 2)
            x += GUTTER
            under = ranks.gap if last < len(ranks.ranks) - 1 else 0
            bottom = max(bottom, self._shift[-1][1] + tops[last] + ranks.heights[last] + under)
        self._tops = [top + self._shift[i][1] for top, i in zip(tops, self._column_of, strict=False)]
        self._width, self._height = x - GUTTER, bottom

    def size(self, block: str) -> Size:
        """Of everything together, and where lines come in and go out."""
        ports = [(block, way) for way in ("in", "out")]
        into, out = (self._entry(port) if port in self._of.entry else None for port in ports)
        entry = self._width / 2 if into is None else into
        return Size(self._width, self._height, entry, entry if out is None else out)

    def corner(self, name: Name) -> Point:
        """The upper left corner of a child; children of a rank stand with their middles on one line."""
        rank, size = self._of.rank_of[name], self._of.sizes[name]
        return self._entry(name) - size.entry, self._tops[rank] + (self._of.heights[rank] - size.height) / 2

    def lines(self, block: str) -> list[Line]:
        """The connections; where one begins or ends outside the block, its end is the block's own name."""
        drawn = [(route[0], route[-1], self._points(route), False) for route in self._of.routes]
        drawn += [(source, target, self._past_everything(source, target), True) for source, target in self._of.implied]
        return [
            Line(*(block if isinstance(end, tuple) else end for end in ends), points, implied)
            for *ends, points, implied in drawn
        ]

    def _entry(self, name: Name) -> float:
        """x where lines reach it."""
        return self._of.entry[name] + self._shift[self._column(name)][0]

    def _exit(self, name: Name) -> float:
        return self._of.exit(name) + self._shift[self._column(name)][0]

    def _column(self, name: Name) -> int:
        return self._column_of[self._of.rank_of[name]]

    def _points(self, route: tuple[Name, ...]) -> tuple[Point, ...]:
        """Down from the source's lower edge, sideways between ranks only, to the target's upper edge."""
        points = [self._foot(route[0])]
        for above, below in pairwise(route):
            x, to, rank = self._exit(above), self._entry(below), self._of.rank_of[above]
            under = self._tops[rank] + self._of.heights[rank] + self._of.gap / 2
            if self._column(above) != self._column(below):
                beside, over = self._gutter[self._column(above)], self._tops[rank + 1] - self._of.gap / 2
                points += [(x, under), (beside, under), (beside, over), (to, over)]
            elif above in self._of.tracks[rank] and abs(x - to) > STRAIGHT:
                y = under + TRACK * self._of.tracks[rank][above]
                points += [(x, y), (to, y)]
        return (*points, self._head(route[-1]))

    def _past_everything(self, source: Name, target: Name) -> tuple[Point, ...]:
        """On the right of what lies between; into another column beside its own and above the others."""
        (x0, y0), (x1, y1) = self._foot(source), self._head(target)
        leaving, arriving = y0 + self._of.gap / 4, y1 - self._of.gap / 4
        first, last = self._column(source), self._column(target)
        if first == last:
            between = range(self._of.rank_of[source], self._of.rank_of[target] + 1)
            rights = (self._of.right(name) for i in between for name in self._of.ranks[i])
            beside = max(rights) + self._shift[first][0] + MARGIN / 2
            return (x0, y0), (x0, leaving), (beside, leaving), (beside, arriving), (x1, arriving), (x1, y1)
        right, left, over = self._gutter[first] - GUTTER / 4, self._gutter[last - 1] + GUTTER / 4, self._of.gap / 4
        way = [(right, leaving), (right, over), (left, over), (left, arriving)]
        return (x0, y0), (x0, leaving), *way, (x1, arriving), (x1, y1)

    def _foot(self, name: Name) -> Point:
        """Where lines leave; from the outside they come through the block's upper edge."""
        if is_port(name):
            return self._exit(name), -HEADER
        return self._exit(name), self.corner(name)[1] + self._of.sizes[name].height

    def _head(self, name: Name) -> Point:
        """Where lines arrive; to the outside they go through the block's lower edge."""
        return self._entry(name), self._height + MARGIN if is_port(name) else self.corner(name)[1]


def _cuts(of: Ranks) -> list[int]:
    """The ranks after which a column may end: one signal at most goes on, from a box or past one, and to such."""
    found = []
    for i, (rank, following) in enumerate(pairwise(of.ranks)):
        leaving = [name for name in rank if of.below[name]]
        if len(leaving) <= 1 and not any(map(is_port, (*rank, *following))):
            found.append(i)
    return found


Columns = list[tuple[int, int]]  # the first and the last rank of each


def _lowest(cuts: list[int], tops: list[float], heights: list[float], limit: float) -> Columns:
    """As few columns as keep to the limit, and with as many the lowest ones."""
    ends = [*cuts, len(heights) - 1]
    best = _packed(ends, tops, heights, limit)
    if len(best) == 1:
        return best
    low, high = tops[-1] / len(best) / 2, limit
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        columns = _packed(ends, tops, heights, middle)
        if len(columns) > len(best):
            low = middle
        else:
            best, high = columns, middle
    return best


def _packed(ends: list[int], tops: list[float], heights: list[float], limit: float) -> Columns:
    """Columns filled one after the other, each until what follows would make it higher than the limit."""
    columns, first, last = [], 0, None
    for end in ends:
        if last is not None and tops[end] + heights[end] - tops[first] > limit:
            columns.append((first, last))
            first = last + 1
        last = end
    return [*columns, (first, ends[-1])]
