"""The layer graph in colour, with its texts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from vis.cost.count import Counting
from vis.figures.numbers import shape, short
from vis.graph import COUNTED, Graph, Node

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
    return Paint(fill, tuple(ink_on(colour) for colour in fill))


EDGES: Mapping[str, str] = {"differs": "#d55e00", "alone": "#0a84d8"}  # on light and on dark pages
FADED = 0.75  # of the paper in what two networks have in common


def compared(paint_of_box: Paint, status: str) -> Paint:
    """The colours of a box in a comparison: with an edge if it is unlike the other network's, else faded."""
    if status in EDGES or paint_of_box.fill is None:
        return replace(paint_of_box, frame=EDGES.get(status))
    faded = (_on_scale(FADED, (fill, paper)) for fill, paper in zip(paint_of_box.fill, PAPER, strict=True))
    return paint(tuple(faded))


def ink_on(fill: str) -> str:
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
