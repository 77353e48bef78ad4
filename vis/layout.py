"""Where everything stands in the drawing of a layer graph: plain data, the same every time.

Block by block: an open block is laid out inside its own box, a closed one is a box like an operation's. How the boxes
of one block are placed is in `vis.layered`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from vis.graph import ROOT, Graph
from vis.layered import HEADER, MARGIN, Level, Line, Size

LINE = 16  # height of a line of text


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
    graph: Graph, opened: Collection[str], texts: Callable[[Graph, str], tuple[str, ...]], block: str = ROOT
) -> Drawing:
    """The drawing of a block, by default of the whole network, with these of the blocks in it open.

    Args:
        texts: the lines of text on the box of an operation or a block, the first of which is its title.
    """
    inside = _laid_out(graph, block, frozenset(opened), texts, 0)
    above = MARGIN if block == ROOT else HEADER  # which the lines from outside come through
    boxes, lines = inside.moved(MARGIN, above)
    return Drawing(inside.size.width + 2 * MARGIN, inside.size.height + above + MARGIN, tuple(boxes), tuple(lines))


@dataclass(frozen=True)
class _Layout:
    """A block's children, from (0, 0) on."""

    size: Size
    boxes: list[Box]
    lines: list[Line]

    def moved(self, right: float, down: float) -> tuple[list[Box], list[Line]]:
        boxes = [replace(box, left=box.left + right, top=box.top + down) for box in self.boxes]
        lines = [replace(line, points=tuple((x + right, y + down) for x, y in line.points)) for line in self.lines]
        return boxes, lines


def _laid_out(graph: Graph, block: str, opened: frozenset[str], texts: Callable, depth: int) -> _Layout:
    children = graph.blocks[block].children
    words = {child: texts(graph, child) for child in children}
    sizes = {child: _closed(words[child], child in graph.blocks) for child in children}
    inner = {
        child: _laid_out(graph, child, opened, texts, depth + 1)
        for child in children
        if child in opened and child in graph.blocks
    }
    sizes |= {child: _framed(layout.size, words[child][0]) for child, layout in inner.items()}

    level = Level(graph.level(block), sizes)
    boxes, lines = [], level.lines(block)
    for child in children:
        (x, y), size = level.corner(child), sizes[child]
        state = child in inner if child in graph.blocks else None
        boxes.append(Box(child, words[child], x, y, size.width, size.height, depth, state))
        if child in inner:
            more_boxes, more_lines = inner[child].moved(x + size.entry - inner[child].size.entry, y + HEADER)
            boxes += more_boxes
            lines += more_lines
    return _Layout(level.size(block), boxes, lines)


def _closed(texts: tuple[str, ...], is_block: bool) -> Size:
    """The size of a closed box, from the length of its texts; blocks have a button to open them."""
    title, *rest = (len(text) for text in texts)
    width = max(84.0, max([title * 7.4 + 28 * is_block, *(length * 6.2 for length in rest)]) + 22)
    return Size(width, 12 + LINE * len(texts), width / 2, width / 2)


def _framed(content: Size, title: str) -> Size:
    """The size of an open block around its content, which stands in the middle unless a line would cross its name."""
    name = len(title) * 7.4 + 22
    width = max(content.width + 2 * MARGIN, name + 28)
    left = max((width - content.width) / 2, name - content.entry)
    width = max(width, left + content.width + MARGIN)
    return Size(width, content.height + HEADER + MARGIN, left + content.entry, left + content.exit)
