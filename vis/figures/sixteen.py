"""The sixteen networks of MobileNet's paper, four widths by four resolutions, and another one among them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from types import MappingProxyType

from vis.cost.mobilenet import SIDES, WIDTHS, MobileNet, accuracy, grid
from vis.figures.costs import HERE
from vis.figures.graph import NOT_COUNTED, Paint, paint, shaded
from vis.figures.numbers import Marks, marks, percent, short, significant
from vis.layout import LINE, Box, Drawing

MARGIN, GAP = 10, 5  # pixels
LEFT, TOP = 52, 28  # of the names of rows and columns
CELL = 74, 12 + 3 * LINE
RING = 16
OUTSIDE = 0.42  # of a cell beyond the last one's middle: where the ring of a network stands that is further out


def sixteen(network: MobileNet) -> tuple[Drawing, Mapping[str, Paint]]:
    """The paper's four widths by its four resolutions with their costs, and this network among them; the colours."""
    drawing, paints = sheet(network.separable, network.shallow)
    return replace(drawing, boxes=(*drawing.boxes, mark(network))), paints


def sheet(separable: bool, shallow: bool) -> tuple[Drawing, Mapping[str, Paint]]:
    """The sixteen alone, of networks with these convolutions and this depth.

    In a cell stand the MACs, which its colour says too, the parameters, and the accuracy where the paper prints one.
    """
    boxes, paints = _cells(separable, shallow, marks())
    return Drawing(boxes[-1].right + MARGIN, boxes[-1].bottom + MARGIN, boxes, ()), paints


def mark(network: MobileNet) -> Box:
    """Where a network stands on the sheet: the frame of its cell, or a ring between the cells or at the edge."""
    widths, sides = sorted(WIDTHS, reverse=True), sorted(SIDES)
    return _mark(_place(network.resolution, sides), _place(-network.width, [-width for width in widths]))


@cache
def _cells(separable: bool, shallow: bool, _marks: Marks) -> tuple[tuple[Box, ...], Mapping[str, Paint]]:
    """All that is the same whichever network stands among them: the last box is that in the corner below right."""
    widths, sides, cells = sorted(WIDTHS, reverse=True), sorted(SIDES), grid(separable, shallow)
    dearest = cells[widths[0], sides[-1]].macs
    boxes = [_box("corner", ("α  ╲  ρ",), 0, 0, LEFT, TOP)]
    boxes += [_box(f"ρ {side}", (str(side),), _left(i), 0, CELL[0], TOP) for i, side in enumerate(sides)]
    boxes += [_box(f"α {width:g}", (significant(width),), 0, _top(i), LEFT, CELL[1]) for i, width in enumerate(widths)]
    paints = dict.fromkeys((box.name for box in boxes), paint(NOT_COUNTED)) | {"here": Paint(None, ("", ""), HERE)}
    for row, width in enumerate(widths):
        for column, side in enumerate(sides):
            box = _box(f"{width:g} {side}", _said(cells[width, side]), _left(column), _top(row), *CELL)
            boxes.append(box)
            paints[box.name] = shaded(cells[width, side].macs / dearest)
    return tuple(boxes), MappingProxyType(paints)


def _box(name: str, texts: tuple[str, ...], left: float, top: float, width: float, height: float) -> Box:
    """A box whose texts stand in its middle."""
    return Box(name, texts, MARGIN + left, MARGIN + top, width, height, 0, None)


def _left(column: float) -> float:
    return LEFT + GAP + column * (CELL[0] + GAP)


def _top(row: float) -> float:
    return TOP + GAP + row * (CELL[1] + GAP)


def _said(network: MobileNet) -> tuple[str, ...]:
    """MACs, parameters, and the accuracy where the paper prints one."""
    found = accuracy(network)
    return short(network.macs, 4), short(network.params), *([percent(found.percent / 100)] if found else [])


def _place(value: float, known: Sequence[float]) -> float:
    """Where a value stands among these ascending ones, counted in them; at the edge if beyond all."""
    if value < known[0]:
        return -OUTSIDE
    if value > known[-1]:
        return len(known) - 1 + OUTSIDE
    for place, (low, high) in enumerate(pairwise(known)):
        if value < high:
            return place + (value - low) / (high - low)
    return float(len(known) - 1)


def _mark(column: float, row: float) -> Box:
    """The frame of a cell, or a ring around a place that is none."""
    if column % 1 == row % 1 == 0:
        return _box("here", (), _left(column) - 1, _top(row) - 1, CELL[0] + 2, CELL[1] + 2)
    x, y = _left(column) + CELL[0] / 2, _top(row) + CELL[1] / 2
    return _box("here", (), x - RING / 2, y - RING / 2, RING, RING)
