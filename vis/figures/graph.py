"""The layer graph in colour, with its texts, as the app shows it; and as a file: SVG, and PNG without a browser."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import pairwise
from math import ceil, hypot, inf
from pathlib import Path
from xml.sax.saxutils import escape

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from vis.cost.count import Counting
from vis.figures.numbers import shape, short
from vis.graph import COUNTED, Graph, Node
from vis.layered import HEADER, Point
from vis.layout import LINE, Box, Drawing

# Tints of Okabe & Ito's colours, which the colour-blind can tell apart: for light and for dark pages.
FILLS: Mapping[str, tuple[str, str]] = {
    "input": ("#ffffff", "#3a3f47"),
    "block": ("#e9edf3", "#323a46"),
    "conv": ("#a9cdeb", "#0e4f82"),
    "depthwise": ("#c9e9fb", "#2b7ba6"),
    "linear": ("#d9c4e6", "#66447c"),
    "norm": ("#f6efbd", "#5c6420"),
    "activation": ("#fbd9a6", "#a65a0a"),
    "pool": ("#aee0d1", "#0d6350"),
    "add": ("#f6c3b0", "#8f3f1c"),
    "concat": ("#f3b3c9", "#86385a"),
    "multiply": ("#eec6e0", "#7d4369"),
    "dropout": ("#dfe1e4", "#4a4f57"),
    "reshape": ("#eceef0", "#41464e"),
    "other": ("#ffffff", "#3a3f47"),
}
SCALE = (("#f1f6fb", "#9ecae1", "#3182bd", "#08306b"), ("#222c38", "#27527d", "#4c9bd6", "#d8efff"))  # 0 … 1
NOT_COUNTED = ("#ffffff", "#2b2f36")
INK = ("#000000", "#ffffff")  # whatever the colour, one of them has a contrast of 4.58 with it; less black has not
PAPER = ("#ffffff", "#171614")  # as the pages are
STROKE = ("#8a939e", "#7b8490")


@dataclass(frozen=True)
class Paint:
    """The colours of one box on a light and on a dark page."""

    fill: tuple[str, str] | None  # None for a frame that one sees through
    ink: tuple[str, str]
    frame: str | None = None  # a thick one, on both pages; None for the usual line


@dataclass(frozen=True)
class Words:
    """What is written on boxes beside names and numbers."""

    input: str = "input"
    params: str = "params"
    macs: str = "MACs"
    flops: str = "FLOPs"


ENGLISH = Words()


def texts(graph: Graph, name: str, counting: Counting = COUNTED, words: Words = ENGLISH) -> tuple[str, ...]:
    """What stands on a box: its name in its block; what it is; its output; of a block also what it costs."""
    around = next((block for block in graph.ancestors(name) if name.startswith(f"{block}.")), "")
    title = name.removeprefix(f"{around}.") if around else name
    if name in graph.blocks:
        block = graph.blocks[name]
        kind = f"{block.count} × {block.operation}" if block.folded else block.operation
        output = shape(graph.last(name).output_shape)
        return title, f"{kind} → {output}", _costs_in_short(graph, name, counting, words)
    node = graph.nodes[name]
    if node.kind == "input":
        return words.input, shape(node.output_shape)
    kind = f"{node.operation} {settings_in_short(node)}".rstrip()
    unchanged = [graph.nodes[source].output_shape for source in node.inputs] == [node.output_shape]
    lines = (title,) if kind == title else (title, kind)  # "cat" and "flatten" are called what they are
    return lines if unchanged and not node.macs else (*lines, shape(node.output_shape))


def settings_in_short(node: Node) -> str:
    """The kernel and what else is not as usual: 3×3 /2, in 32 groups, dilated by 2: “3×3 /2 g32 d2”."""
    parts = []
    for name, sign in (("kernel_size", ""), ("stride", "/"), ("groups", "g"), ("dilation", "d")):
        value = node.settings.get(name, 1)
        sizes = value if isinstance(value, tuple) else (value,)
        if set(sizes) != {1} or (isinstance(value, tuple) and not sign):
            parts.append(sign + _pair(sizes, once=sign != ""))
    return " ".join(parts)


def _pair(value: tuple[int, ...], once: bool) -> str:
    return str(value[0]) if once and len(set(value)) == 1 else "×".join(map(str, value))


def _costs_in_short(graph: Graph, name: str, counting: Counting, words: Words) -> str:
    params, operations = graph.params(name), graph.counted(name, counting)
    parts = [f"{short(params)} {words.params}"] if params else []
    least = "≥ " if graph.left_out(name) else ""
    unit = words.flops if counting.flops else words.macs
    parts += [f"{least}{short(operations)} {unit}"] if operations else []
    return " · ".join(parts) or "–"


# Colour -----------------------------------------------------------------------------------------------------------


def kind_of(graph: Graph, name: str) -> str:
    """A node's kind, or "block"."""
    return "block" if name in graph.blocks else graph.nodes[name].kind


def painted_by_kind(graph: Graph, names: Collection[str]) -> dict[str, Paint]:
    """The colours of boxes by what they do."""
    return {name: paint(FILLS[kind_of(graph, name)]) for name in names}


QUANTITIES = ("params", "operations", "memory", "time", "field")


def quantity(
    graph: Graph, name: str, of: str, counting: Counting = COUNTED, times: Mapping[str, float] | None = None
) -> float | None:
    """One of QUANTITIES of an operation, or of a block: the sum, but of the receptive field the last operation's.

    None is not counted, not measured or not known; infinity is the receptive field of who sees the whole picture.

    Args:
        times: measured, by the names of operations.
    """
    if of == "params":
        return graph.params(name)
    if of == "operations":
        return graph.counted(name, counting)
    if of == "memory":
        return graph.activation_bytes(name)
    if of == "time":
        measured = [times[node.name] for node in graph.operations(name) if node.name in (times or {})]
        return sum(measured) if measured else None
    if of == "field":
        field = graph.last(name).receptive_field
        return None if not field.is_known else inf if field.size is None else float(field.size)
    raise ValueError(f"{of!r} is not one of {', '.join(QUANTITIES)}.")


def largest(quantities: Iterable[float | None]) -> float:
    """The upper end of the scale: the largest that is counted and finite."""
    return max((q for q in quantities if q is not None and q < inf), default=0.0)


def painted_by_quantity(quantities: Mapping[str, float | None], most: float) -> dict[str, Paint]:
    """The colours of boxes by a quantity between 0 and `most`; None is not counted and has a colour of its own."""
    return {
        name: paint(NOT_COUNTED) if value is None else shaded(value / (most or 1)) for name, value in quantities.items()
    }


def _on_scale(share: float, stops: Sequence[str]) -> str:
    place = min(max(share, 0.0), 1.0) * (len(stops) - 1)
    i = min(int(place), len(stops) - 2)
    mixed = (a + (b - a) * (place - i) for a, b in zip(_rgb(stops[i]), _rgb(stops[i + 1]), strict=True))
    return "#" + "".join(f"{round(c):02x}" for c in mixed)


def shaded(share: float) -> Paint:
    """The colours of what has so much of the most, 0 … 1."""
    return paint(tuple(_on_scale(share, stops) for stops in SCALE))


def paint(fill: tuple[str, str]) -> Paint:
    """This fill, with the ink that can be read on it."""
    return Paint(fill, tuple(_ink_on(colour) for colour in fill))


EDGES: Mapping[str, str] = {"differs": "#d55e00", "alone": "#0a84d8"}  # on light and on dark pages
FADED = 0.75  # of the paper in what two networks have in common


def compared(paint_of_box: Paint, status: str) -> Paint:
    """The colours of a box in a comparison: with an edge if it is unlike the other network's, else faded."""
    if status in EDGES or paint_of_box.fill is None:
        return replace(paint_of_box, frame=EDGES.get(status))
    faded = (_on_scale(FADED, (fill, paper)) for fill, paper in zip(paint_of_box.fill, PAPER, strict=True))
    return paint(tuple(faded))


def _ink_on(fill: str) -> str:
    """The ink that has more contrast (WCAG 2.2) with what it is written on."""
    light = _luminance(fill)
    return (
        INK[0]
        if (light + 0.05) / (_luminance(INK[0]) + 0.05) > (_luminance(INK[1]) + 0.05) / (light + 0.05)
        else INK[1]
    )


def _luminance(colour: str) -> float:
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _rgb(colour)))
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _rgb(colour: str) -> tuple[int, int, int]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


# Files ------------------------------------------------------------------------------------------------------------

CAPTION = 26  # height of a line of the caption
FRAME = 3  # width of a thick frame's line


def svg(drawn: Drawing, paints: Mapping[str, Paint], caption: Sequence[str] = (), dark: bool = False) -> str:
    """The drawing as an SVG file.

    Args:
        caption: lines below the drawing: which network this is, and what its colours mean.
    """
    height = drawn.height + CAPTION * len(caption)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {drawn.width:.0f} {height:.0f}" '
        f'width="{drawn.width:.0f}" height="{height:.0f}" font-family="system-ui, sans-serif" font-size="12">',
        f"<title>{escape(' · '.join(caption))}</title>",
        f'<rect width="100%" height="100%" fill="{PAPER[dark]}"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 8 4 0 8Z" fill="{STROKE[dark]}"/></marker></defs>',
    ]
    parts += [_svg_box(box, paints[box.name], dark) for box in drawn.boxes]
    for line in drawn.lines:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line.points)
        dashes = ' stroke-dasharray="4 3" opacity="0.6"' if line.implied else ""
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{STROKE[dark]}"{dashes} marker-end="url(#tip)"/>'
        )
    for i, text in enumerate(caption):
        y = drawn.height + CAPTION * i + 12
        parts.append(f'<text x="16" y="{y:.0f}" fill="{_ink_on(PAPER[dark])}">{escape(text)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _colours(box: Box, paint: Paint, dark: bool) -> tuple[str | None, str]:
    """What a box is filled with, and what is written on it with; the page shows through one that is open."""
    if box.opened or paint.fill is None:
        return None, _ink_on(PAPER[dark])
    return paint.fill[dark], paint.ink[dark]


def _svg_box(box: Box, paint: Paint, dark: bool) -> str:
    fill, ink = _colours(box, paint, dark)
    stroke = f'"{paint.frame}" stroke-width="{FRAME}"' if paint.frame else f'"{STROKE[dark]}"'
    anchor = "start" if box.opened else "middle"
    lines = [
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{ink}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(text)}</text>'
        for (x, y, text), weight in zip(_written(box), (600, *[400] * len(box.texts)), strict=False)
    ]
    return (
        f'<g><rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6" '
        f'fill="{fill or "none"}" stroke={stroke}/>{"".join(lines)}</g>'
    )


def _written(box: Box) -> Iterator[tuple[float, float, str]]:
    """Every line of text on a box with the place of its baseline: in the middle, or in the frame's header."""
    if box.opened:
        yield box.left + 10, box.top + HEADER * 0.62, box.texts[0]
        return
    texts = box.texts[: max(1, int(box.height // LINE))]  # a small box has its title alone
    above = (box.height - LINE * len(texts)) / 2
    for i, text in enumerate(texts):
        yield box.left + box.width / 2, box.top + above + LINE * (i + 0.75), text


MOST_PIXELS = 40_000_000  # of a PNG file; a larger drawing is made smaller


def png(drawn: Drawing, paints: Mapping[str, Paint], caption: Sequence[str] = (), dark: bool = False) -> bytes:
    """The drawing as a PNG file, two pixels a unit where it is not too large for that."""
    height = drawn.height + CAPTION * len(caption)
    scale = min(2.0, (MOST_PIXELS / (drawn.width * height)) ** 0.5)
    sheet = Image.new("RGB", (max(1, int(drawn.width * scale)), max(1, int(height * scale))), PAPER[dark])
    pen, plain, bold = ImageDraw.Draw(sheet), _font(11 * scale), _font(11 * scale, bold=True)

    def scaled(*numbers: float) -> list[float]:
        return [n * scale for n in numbers]

    for box in drawn.boxes:
        paint = paints[box.name]
        fill, ink = _colours(box, paint, dark)
        corners = scaled(box.left, box.top, box.right, box.bottom)
        line = max(1, round(scale * (FRAME if paint.frame else 1)))
        pen.rounded_rectangle(corners, 6 * scale, fill, paint.frame or STROKE[dark], line)
        for i, (x, y, text) in enumerate(_written(box)):
            pen.text(scaled(x, y), text, ink, plain if i else bold, anchor="ls" if box.opened else "ms")
    for line in drawn.lines:
        for stretch in _dashes(line.points) if line.implied else (line.points,):
            pen.line([tuple(scaled(*point)) for point in stretch], STROKE[dark], max(1, round(scale)))
        x, y = line.points[-1]
        pen.polygon([tuple(scaled(x + dx, y + dy)) for dx, dy in ((-3, -6), (3, -6), (0, 0))], STROKE[dark])
    for i, text in enumerate(caption):
        pen.text(scaled(16, drawn.height + CAPTION * i + 12), text, _ink_on(PAPER[dark]), plain, anchor="ls")
    file = BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _dashes(points: Sequence[Point], dash: float = 4, gap: float = 3) -> Iterator[tuple[Point, Point]]:
    """The stretches that are drawn of a dashed line; every straight part of it begins with one."""
    for (x0, y0), (x1, y1) in pairwise(points):
        length = hypot(x1 - x0, y1 - y0)
        for i in range(ceil(length / (dash + gap))):
            ends = (i * (dash + gap) / length, min(1.0, (i * (dash + gap) + dash) / length))
            first, last = ((x0 + (x1 - x0) * part, y0 + (y1 - y0) * part) for part in ends)
            yield first, last


def _font(size: float, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with Matplotlib and has Vietnamese letters."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, max(4.0, size))
