"""Where everything stands in the drawing of a layer graph: plain data, the same every time.

Block by block: an open block is laid out inside its own box, a closed one is a box like an operation's. How the boxes
of one block are ordered is in `vis.layered`, and how they stand in columns in `vis.columns`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from math import inf

from vis.columns import Level
from vis.graph import ROOT, Graph
from vis.layered import GAP, HEADER, MARGIN, Line, Ranks, Size

LINE = 16  # height of a line of text
EDGE = 11.0  # between a text and the left and right edges of its box
LEAST_COLUMN = 100  # pixels, as low as columns are tried
TRIES = 9  # heights of columns
MANY = 120  # boxes, from which on those of operations have one line of text
LEAST_SMALL, WIDEST_SMALL = 104.0, 150.0  # pixels, without a second text and with one
ONE_LINE, CLOSE = 34, 12  # the height of these, and the gap between two ranks of them
PICTURE, SMALL_PICTURE = 44.0, 26.0  # the sides of the square for a picture at the left of a box, and of a small box
AROUND = 4.0  # from this square to the edges of its box at least
BESIDE_IT = 8.0  # from it to the text


@dataclass(frozen=True)
class Box:
    """A block or an operation in the drawing, in pixels at its natural size."""

    name: str
    texts: tuple[str, ...]  # one per line, the first is its title
    left: float
    top: float
    width: float
    height: float
    depth: int  # of how many open blocks it stands in
    opened: bool | None  # None for an operation, which has nothing to open
    picture: float = 0.0  # the side of the square for a picture, as far from the left as from above and below; 0: none

    @property
    def text_left(self) -> float:
        """Where the room for its texts begins: at its left edge, or behind the picture."""
        return self.left + _taken(self.picture, self.height)

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height


@dataclass(frozen=True)
class Drawing:
    """All boxes, each before what stands inside it, and all lines."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All that stands on its boxes, for those who do not see it."""
        return "; ".join(", ".join(box.texts) for box in self.boxes if box.texts)


def drawing(
    graph: Graph,
    opened: Collection[str],
    texts: Callable[[Graph, str], tuple[str, ...]],
    block: str = ROOT,
    aspect: float | None = None,
    pictured: Collection[str] = (),
) -> Drawing:
    """The drawing of a block, by default of the whole network, with these of the blocks in it open.

    Args:
        texts: the lines of text on the box of an operation or a block, the first of which is its title.
        aspect: width by height of the canvas that it is to fill, in as many columns as make it largest there, and with
            small boxes if these are many. By default everything stands in one column.
        pictured: operations and blocks whose boxes, unless they are open, have room for a picture.
    """
    layouts = _Layouts(graph, frozenset(opened), texts, aspect is not None, frozenset(pictured))
    above = MARGIN if block == ROOT else HEADER  # which the lines from outside come through
    inside = layouts.filling(block, aspect, above) if aspect else layouts.of(block)
    boxes, lines = [], []
    _place(inside, MARGIN, above, 0, boxes, lines)
    return Drawing(inside.size.width + 2 * MARGIN, inside.size.height + above + MARGIN, tuple(boxes), tuple(lines))


@dataclass(frozen=True)
class _Layout:
    """A block's children, from (0, 0) on."""

    block: str
    level: Level
    size: Size
    words: Mapping[str, tuple[str, ...]]  # on every child
    sizes: Mapping[str, Size]
    inner: Mapping[str, "_Layout"]  # of open children
    closed: Collection[str]  # blocks among the children
    pictures: Mapping[str, float]  # the sides of the children's; 0 for none


class _Layouts:
    """The layouts of blocks, for any height of their columns; what does not depend on it is computed once."""

    def __init__(
        self,
        graph: Graph,
        opened: frozenset[str],
        texts: Callable[[Graph, str], tuple[str, ...]],
        may_be_small: bool,
        pictured: frozenset[str],
    ):
        self._graph, self._opened, self._texts, self._pictured = graph, opened, texts, pictured
        self._small = may_be_small and len(list(self._shown(ROOT))) > MANY
        self._words: dict[str, tuple[str, ...]] = {}
        self._ranks: dict[tuple, Ranks] = {}
        self._known: dict[tuple[str, float], _Layout] = {}

    def _shown(self, block: str) -> Iterator[str]:
        """The names of all that is drawn in a block."""
        for child in self._graph.blocks[block].children:
            yield child
            if child in self._opened and child in self._graph.blocks:
                yield from self._shown(child)

    def filling(self, block: str, aspect: float, above: float) -> _Layout:
        """The layout that is largest on a canvas, found by halving the height of its columns."""
        best = self.of(block)
        low, high = LEAST_COLUMN, best.size.height

        def sides(layout: _Layout) -> tuple[float, float]:
            return layout.size.width + 2 * MARGIN, layout.size.height + above + MARGIN

        def zoom(layout: _Layout) -> float:
            width, height = sides(layout)
            return min(aspect / width, 1 / height)

        for _ in range(TRIES):
            width, height = sides(found := self.of(block, (low * high) ** 0.5))
            if zoom(found) > zoom(best):
                best = found
            if width > aspect * height:
                low = (low * high) ** 0.5
            else:
                high = (low * high) ** 0.5
        return best

    def of(self, block: str, limit: float = inf) -> _Layout:
        """The layout of a block whose columns keep to a height."""
        if limit < inf and (whole := self.of(block)).size.height <= limit:
            return whole
        if (block, limit) not in self._known:
            self._known[block, limit] = self._laid_out(block, limit)
        return self._known[block, limit]

    def _laid_out(self, block: str, limit: float) -> _Layout:
        children, blocks = self._graph.blocks[block].children, self._graph.blocks
        words = {child: self._text(child) for child in children}
        inner = {
            child: self.of(child, limit - HEADER - MARGIN)
            for child in children
            if child in self._opened and child in blocks
        }
        pictures = {child: 0.0 if child in inner else self._picture(child) for child in children}
        sizes = {child: self._size(child, words[child], inner.get(child), pictures[child]) for child in children}
        key = (block, *sizes.values())
        if key not in self._ranks:
            self._ranks[key] = Ranks(self._graph.level(block), sizes, CLOSE if self._small else GAP)
        level = Level(self._ranks[key], limit)
        closed = {child for child in children if child in blocks} - inner.keys()
        return _Layout(block, level, level.size(block), words, sizes, inner, closed, pictures)

    def _size(self, child: str, words: tuple[str, ...], inner: _Layout | None, picture: float) -> Size:
        if inner:
            return _framed(inner.size, words[0])
        return _small(words, picture) if self._is_small(child) else _closed(words, child in self._graph.blocks, picture)

    def _picture(self, child: str) -> float:
        if child not in self._pictured:
            return 0.0
        return SMALL_PICTURE if self._is_small(child) else PICTURE

    def _is_small(self, child: str) -> bool:
        return self._small and child not in self._graph.blocks

    def _text(self, name: str) -> tuple[str, ...]:
        if name not in self._words:
            self._words[name] = self._texts(self._graph, name)
        return self._words[name]


def _place(layout: _Layout, left: float, top: float, depth: int, boxes: list[Box], lines: list[Line]) -> None:
    """Adds the boxes of a layout whose corner is at (left, top), and its lines."""
    for line in layout.level.lines(layout.block):
        points = tuple((x + left, y + top) for x, y in line.points)
        lines.append(Line(line.source, line.target, points, line.implied))
    for child, size in layout.sizes.items():
        x, y = layout.level.corner(child)
        inner = layout.inner.get(child)
        state = True if inner else False if child in layout.closed else None
        place = (x + left, y + top, size.width, size.height)
        boxes.append(Box(child, layout.words[child], *place, depth, state, layout.pictures[child]))
        if inner:
            _place(inner, left + x + size.entry - inner.size.entry, top + y + HEADER, depth + 1, boxes, lines)


def _closed(texts: tuple[str, ...], is_block: bool, picture: float) -> Size:
    """The size of a closed box, from the length of its texts; blocks have a button to open them."""
    title, *rest = (len(text) for text in texts)
    height = max(12.0 + LINE * len(texts), picture + 2 * AROUND if picture else 0.0)
    width = max([title * 7.4 + 28 * is_block, *(length * 6.2 for length in rest)]) + 2 * EDGE
    width = max(84.0, width + _taken(picture, height))
    return Size(width, height, width / 2, width / 2)


def _small(texts: tuple[str, ...], picture: float) -> Size:
    """The size of a box with its title, and beside it what it is if that is short."""
    title, *rest = (len(text) for text in texts)
    width = max(LEAST_SMALL, title * 7.4 + 2 * EDGE)
    beside = title * 7.4 + rest[0] * 6.2 + 2 * EDGE + 10 if rest else 0.0
    width = (beside if width < beside <= WIDEST_SMALL else width) + _taken(picture, ONE_LINE)
    return Size(width, ONE_LINE, width / 2, width / 2)


def _taken(picture: float, height: float) -> float:
    """The width that a picture takes from the texts."""
    return (height + picture) / 2 + BESIDE_IT - EDGE if picture else 0.0


def _framed(content: Size, title: str) -> Size:
    """The size of an open block around its content, which stands in the middle unless a line would cross its name."""
    name = len(title) * 7.4 + 22
    width = max(content.width + 2 * MARGIN, name + 28)
    left = max((width - content.width) / 2, name - content.entry)
    width = max(width, left + content.width + MARGIN)
    return Size(width, content.height + HEADER + MARGIN, left + content.entry, left + content.exit)
