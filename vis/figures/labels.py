"""Names beside the points of a picture, each where it meets no other name and no other point."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from types import MappingProxyType

APART, APART_AT_CORNERS = 2, 6  # pixels at least from the points of others, to which a name must not seem to belong
LETTER = 6.5, 14  # pixels, width and height
SIDES = {  # of a point where its name may stand, the best first: to the right or left, above or below
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "top center": (0, 1),
    "bottom center": (0, -1),
    "top right": (1, 1),
    "top left": (-1, 1),
    "bottom right": (1, -1),
    "bottom left": (-1, -1),
}

Circle = tuple[float, float, float]  # the middle and the radius, in pixels from the lower left corner


def sides(
    circles: Mapping[str, Circle],
    titles: Mapping[str, str],
    named: Sequence[str],
    room: tuple[float, float],
    first: Mapping[str, Sequence[str]] = MappingProxyType({}),
    lines: "Sequence[Rectangle]" = (),
) -> Iterator[tuple[str, str]]:
    """Points that can be named, each with the side where its name meets no point, no line and no other name.

    Args:
        circles: all points, by their names.
        titles: what each is called.
        named: those to be named, the most important first.
        room: width and height in pixels.
        first: the sides that are better than others for some.
        lines: what no name may lie on, each as wide as it is drawn.
    """
    written = list(lines)
    for name in filter(titles.get, named):
        for side in dict.fromkeys([*first.get(name, ()), *SIDES]):
            right, up = SIDES[side]
            box = beside(*circles[name], right, up, LETTER[0] * len(titles[name]))
            others = [circle for other, circle in circles.items() if other != name]
            apart = APART_AT_CORNERS if right and up else APART
            taken = any(map(box.meets, written)) or any(box.meets_circle(a, b, r + apart) for a, b, r in others)
            if box.is_within(*room) and not taken:
                written.append(box)
                yield name, side
                break


@dataclass(frozen=True)
class Rectangle:
    left: float
    bottom: float
    right: float
    top: float

    def is_within(self, width: float, height: float) -> bool:
        return min(self.left, self.bottom) >= 0 and self.right <= width and self.top <= height

    def meets(self, other: "Rectangle") -> bool:
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.top <= other.bottom or other.top <= self.bottom)

    def meets_circle(self, across: float, up: float, radius: float) -> bool:
        """Whether the point of it that is closest to the middle of the circle is inside the circle."""
        nearest = min(max(across, self.left), self.right), min(max(up, self.bottom), self.top)
        return hypot(nearest[0] - across, nearest[1] - up) < radius


def beside(across: float, up: float, radius: float, right: int, above: int, width: float) -> Rectangle:
    """Where a text of this width stands on that side of a point, as Plotly sets it."""
    away = radius + 2
    left = across + away if right > 0 else across - away - width if right < 0 else across - width / 2
    bottom = up + away if above > 0 else up - away - LETTER[1] if above < 0 else up - LETTER[1] / 2
    return Rectangle(left, bottom, left + width, bottom + LETTER[1])
