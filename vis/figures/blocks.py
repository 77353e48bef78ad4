"""Blocks of the cost lab as drawings: every layer a box with its shape and its price, paths side by side."""

from collections.abc import Mapping
from dataclasses import replace

from vis.cost.blocks import Block
from vis.cost.layer import POOLS, Layer
from vis.figures.graph import FILLS, Paint, paint
from vis.figures.numbers import short, sizes
from vis.layered import GAP, MARGIN, Line
from vis.layout import LINE, Box, Drawing

BESIDE = 18  # pixels between two paths
LETTER = 6.9  # width of one, on average
SHORTCUT = 26  # width of a path without layers
KINDS = {  # whose tint a layer has; in blocks without activations theirs is free for 1×1 convolutions
    "conv": "conv",
    "depthwise": "depthwise",
    "pointwise": "activation",
    "linear": "linear",
    "max pool": "pool",
    "average pool": "pool",
    "global pool": "pool",
    "shuffle": "reshape",
}
SIGNS = {"add": "+", "concat": "concat"}


def title(layer: Layer) -> str:
    """What a layer is, in short: 3×3 conv /2 g32 d2."""
    parts = ["conv" if layer.kind == "pointwise" else layer.kind]
    if layer.is_convolution or layer.kind in POOLS:
        parts.insert(0, sizes(layer.kernel))
    if max(layer.stride) > 1:
        parts.append(f"/{layer.stride[0]}")
    if layer.groups > 1 and layer.kind != "depthwise":
        parts.append(f"g{layer.groups}")
    if max(layer.dilation) > 1:
        parts.append(f"d{layer.dilation[0]}")
    return " ".join(parts)


def texts(layer: Layer, macs: str = "MACs") -> tuple[str, ...]:
    """What stands on its box: what it is, the shape that comes out, and its multiply-adds where any are counted."""
    lines = (title(layer), sizes(layer.shape))
    return lines if layer.macs is None else (*lines, f"{short(layer.macs)} {macs}")


def drawn(block: Block, given: str = "input", macs: str = "MACs") -> tuple[Drawing, Mapping[str, Paint]]:
    """The block from top to bottom, and the colours of its boxes: the maps that come in, every path, and the join.

    Args:
        given: what the maps that come in are called; macs: and multiply-adds.
    """
    words = [[texts(layer, macs) for layer in path] for path in block.paths]
    everything = [(given, sizes(block.given)), *(lines for path in words for lines in path)]
    width = max(84.0, 22 + LETTER * max(len(text) for lines in everything for text in lines))
    widths = [width if path else SHORTCUT for path in block.paths]
    whole = sum(widths) + BESIDE * (len(widths) - 1)

    boxes = [_box("input", everything[0], MARGIN + (whole - width) / 2, MARGIN, width)]
    paints = {"input": paint(FILLS["input"])}
    lines: list[Line] = []
    ends: list[tuple[str, float, float]] = []
    left = float(MARGIN)
    for i, path in enumerate(block.paths):
        above, bottom, middle = "input", boxes[0].bottom, left + widths[i] / 2
        start = boxes[0].left + boxes[0].width / 2
        for j, layer in enumerate(path):
            box = _box(f"{i}.{j}", words[i][j], left, bottom + GAP, width)
            lines.append(_line(above, box.name, (start, bottom), (middle, box.top)))
            boxes.append(box)
            paints[box.name] = paint(FILLS[KINDS[layer.kind]])
            above, bottom, start = box.name, box.bottom, middle
        ends.append((above, middle, bottom))
        left += widths[i] + BESIDE
    bottom = max(end for _, _, end in ends)
    if block.joined:
        join = _box(
            "join", (SIGNS[block.joined], sizes(block.shape)), MARGIN + (whole - width) / 2, bottom + GAP, width
        )
        boxes.append(join)
        paints["join"] = paint(FILLS[block.joined])
        lines += [_ending(boxes[0], end, join) for end in ends]
        bottom = join.bottom
    return Drawing(whole + 2 * MARGIN, bottom + MARGIN, tuple(boxes), tuple(lines)), paints


def _box(name: str, words: tuple[str, ...], left: float, top: float, width: float) -> Box:
    return Box(name, words, left, top, width, 12 + LINE * len(words), 0, None)


def _line(source: str, target: str, start: tuple[float, float], end: tuple[float, float]) -> Line:
    """Down, aside in the middle of the gap above `end`, and down."""
    bend = end[1] - GAP / 2
    return Line(source, target, (start, (start[0], bend), (end[0], bend), end), False)


def _ending(given: Box, end: tuple[str, float, float], join: Box) -> Line:
    """From the end of a path to where the paths meet; a path without layers begins at the maps that come in."""
    name, x, y = end
    middle = join.left + join.width / 2
    line = _line(name, "join", (x, y), (middle, join.top))
    if name != "input":
        return line
    start = given.left + given.width / 2
    return Line(name, "join", ((start, y), (start, y + GAP / 2), (x, y + GAP / 2), *line.points[1:]), False)


def beside(
    first: Block, second: Block, given: str = "input", macs: str = "MACs"
) -> tuple[Drawing, Mapping[str, Paint]]:
    """Two blocks in one drawing, with the words of `drawn`."""
    (left, paints), (right, others) = drawn(first, given, macs), drawn(second, given, macs)

    def renamed(name: str) -> str:
        return f"second {name}"

    boxes = [replace(box, name=renamed(box.name), left=box.left + left.width) for box in right.boxes]
    lines = [
        Line(renamed(line.source), renamed(line.target), tuple((x + left.width, y) for x, y in line.points), False)
        for line in right.lines
    ]
    size = left.width + right.width, max(left.height, right.height)
    both = Drawing(*size, (*left.boxes, *boxes), (*left.lines, *lines))
    return both, {**paints, **{renamed(name): of for name, of in others.items()}}
