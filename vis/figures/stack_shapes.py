"""A stack as its shapes, one after the other: the higher the larger the maps, the wider the more of them."""

from collections.abc import Iterator, Mapping, Sequence
from math import log2
from typing import NamedTuple
from xml.sax.saxutils import escape

from vis.cost.layer import Shape
from vis.cost.stack import Stack
from vis.figures.costs import COLOURS, HERE
from vis.figures.graph import PAPER, STROKE, ink_on
from vis.figures.numbers import sizes
from vis.figures.stack import OTHERS, settings_of

TALLEST, WIDEST, LEAST = 64, 56, 3  # pixels: of a shape at most, and of a side at least
CELL, LINE, GAP = 92, 15, 10  # pixels: the width of a place, the height of a line of text, between rows of places
LONGEST = 14  # letters of a name
SMALL, FEW = 30, 24  # the width of a place without words, as they are where there are more places than this
WRONG = "#d62728"


class Place(NamedTuple):
    """One shape with its words, below one another."""

    shape: Shape | None  # None: it cannot be
    colour: str
    words: Sequence[str]


def stack_shapes(
    stack: Stack, picture: str, kinds: Mapping[str, str], selected: int | None, across: int, dark: bool
) -> str:
    """An SVG: the picture, what every row makes of it, and the row that cannot be, which has a cross.

    Heights are the maps' longer sides, to scale, TALLEST for the largest; widths grow with their number's logarithm.

    Args:
        picture: what the picture is called.
        kinds: what the kinds of layers are called.
        selected: the row, from 0, with a frame.
        across: pixels that it may be wide.
    """
    places = list(_places(stack, picture, kinds))
    has_words = len(places) <= FEW
    width = CELL if has_words else SMALL
    height = TALLEST + GAP + LINE * (len(places[0].words) if has_words else 1)
    in_row = min(len(places), max(1, across // width))
    rows = -(-len(places) // in_row)
    shapes = [place.shape for place in places if place.shape]
    side = max(max(shape[1:], default=1) for shape in shapes)
    most = max(log2(1 + shape[0]) for shape in shapes)
    ink = ink_on(PAPER[dark])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {in_row * width} {rows * height}" '
        f'width="{in_row * width}" height="{rows * height}" font-family="system-ui, sans-serif" font-size="12" '
        f'text-anchor="middle" fill="{ink}">'
    ]
    for number, place in enumerate(places):
        middle, top = (number % in_row + 0.5) * width, number // in_row * height
        parts.append(
            _drawn(place, middle, top, side, most, min(WIDEST, width - 6), STROKE[dark], number - 1 == selected)
        )
        for line, text in enumerate(place.words if has_words else place.words[:1]):
            weight = ' font-weight="600"' if line == 0 else ""
            y = top + TALLEST + LINE * (line + 1)
            parts.append(f'<text x="{middle:g}" y="{y:g}"{weight}>{escape(text)}</text>')
    return "".join([*parts, "</svg>"])


def _places(stack: Stack, picture: str, kinds: Mapping[str, str]) -> Iterator[Place]:
    yield Place(stack.picture, OTHERS, (picture, "", "", sizes(stack.picture)))
    for number, step in enumerate(stack.steps, 1):
        of = step.layer
        words = str(number), _cut(kinds[of.kind]), settings_of(of), sizes(of.shape)
        yield Place(of.shape, COLOURS.get(of.kind, OTHERS), words)
    if stack.refused:
        yield Place(None, WRONG, (str(len(stack.steps) + 1), "✗", "", ""))


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _drawn(
    place: Place, middle: float, top: float, side: int, most: float, widest: float, stroke: str, is_selected: bool
) -> str:
    if place.shape is None:
        a, b, y = middle - 12, middle + 12, top + TALLEST / 2
        path = f"M{a:g} {y - 12:g} {b:g} {y + 12:g}M{b:g} {y - 12:g} {a:g} {y + 12:g}"
        return f'<path d="{path}" stroke="{place.colour}" stroke-width="4"/>'
    maps, rows = place.shape[0], max(place.shape[1:], default=1)
    height, width = max(LEAST, TALLEST * rows / side), max(LEAST, widest * log2(1 + maps) / most)
    frame = f'"{HERE}" stroke-width="3"' if is_selected else f'"{stroke}"'
    x, y, width, height = (round(n, 2) for n in (middle - width / 2, top + TALLEST - height, width, height))
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{place.colour}" stroke={frame}/>'
