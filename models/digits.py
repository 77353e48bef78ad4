"""Digits that are drawn: strokes of a pen made into the pictures that MNIST's networks know, white on black."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

Stroke = Sequence[tuple[float, float]]  # points (x, y) of a pen that is not lifted, y downwards; in any unit
Strokes = Sequence[Stroke]  # a drawing

# LeCun et al. 1998, section III.A: what is drawn fits a box of 20×20 and its centre of mass stands in the middle of
# 28×28; the network's 32×32 have two pixels more on every side. Here every such pixel has four by four.
SIDE, BOX = 128, 80
PEN = 11  # width of the line, about that of MNIST's
FINER = 4  # drawn with as many times the pixels, for smooth edges


def digit_picture(strokes: Strokes) -> Image.Image:
    """A picture (SIDE × SIDE, grey) of what was drawn, white on black, as large and where MNIST has its digits.

    How large it was drawn, and where, makes no difference; the line is equally wide in all of them. Without strokes the
    picture is black.
    """
    if not strokes:
        return Image.new("L", (SIDE, SIDE))
    points = np.concatenate([np.asarray(stroke, float) for stroke in strokes])  # (N, 2)
    low, high = points.min(0), points.max(0)
    scale = (BOX - PEN) / max((high - low).max(), 1e-6)
    placed = [(np.asarray(stroke, float) - (low + high) / 2) * scale + SIDE / 2 for stroke in strokes]
    return _centred(_inked(placed))


def _inked(strokes: Sequence[np.ndarray]) -> Image.Image:
    """The lines with round ends and bends."""
    fine = Image.new("L", (SIDE * FINER, SIDE * FINER))
    pen = ImageDraw.Draw(fine)
    for stroke in strokes:
        points = [(x, y) for x, y in (stroke * FINER).tolist()]
        pen.line(points, fill=255, width=PEN * FINER)
        for point in points:
            pen.circle(point, PEN * FINER / 2, fill=255)
    return fine.reduce(FINER)


def _centred(picture: Image.Image) -> Image.Image:
    """The picture moved so that its centre of mass stands in the middle; ink never leaves it."""
    ink = np.asarray(picture, float)  # (SIDE, SIDE)
    y, x = (float((np.arange(SIDE) * ink.sum(axis)).sum() / ink.sum()) for axis in (1, 0))
    left, top, right, bottom = picture.getbbox()
    across = min(max(round((SIDE - 1) / 2 - x), -left), SIDE - right)
    down = min(max(round((SIDE - 1) / 2 - y), -top), SIDE - bottom)
    moved = Image.new("L", picture.size)
    moved.paste(picture, (across, down))
    return moved


def smooth(points: Stroke, steps: int = 12) -> Stroke:
    """A curve through all the points (Catmull & Rom 1974), with so many steps from one to the next."""
    p = np.asarray([points[0], *points, points[-1]], float)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [
        ((-t + 2 * t**2 - t**3) * a + (2 - 5 * t**2 + 3 * t**3) * b + (t + 4 * t**2 - 3 * t**3) * c + (t**3 - t**2) * d)
        / 2
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return [*map(tuple, np.concatenate(pieces).tolist()), tuple(points[-1])]


# Drawn for this file, as one writes them; every stroke is a curve through its points.
_WRITTEN: Sequence[Strokes] = (
    [[(50, 2), (27, 12), (14, 44), (20, 80), (43, 98), (69, 86), (81, 50), (73, 16), (50, 2)]],
    [[(36, 20), (56, 2)], [(56, 2), (48, 98)]],
    [[(16, 26), (26, 8), (50, 2), (74, 12), (76, 32), (60, 56), (36, 78), (14, 95)], [(14, 95), (46, 92), (86, 96)]],
    [[(18, 14), (42, 2), (68, 11), (68, 32), (42, 46)], [(42, 46), (73, 56), (78, 79), (52, 98), (16, 88)]],
    [[(30, 2), (24, 30), (14, 56)], [(14, 56), (48, 55), (84, 52)], [(66, 8), (62, 52), (58, 98)]],
    [[(76, 4), (30, 6)], [(30, 6), (24, 44)], [(24, 44), (54, 39), (77, 58), (73, 84), (47, 98), (16, 90)]],
    [[(64, 2), (36, 24), (18, 58), (22, 86), (45, 98), (68, 86), (68, 64), (46, 54), (22, 70)]],
    [[(12, 8), (50, 6), (84, 4)], [(84, 4), (58, 46), (42, 98)]],
    [
        [(70, 14), (46, 2), (24, 15), (34, 38), (64, 58), (75, 80), (48, 98), (22, 82), (34, 58), (62, 38), (70, 14)],
    ],
    [[(74, 20), (50, 4), (26, 18), (28, 42), (52, 50), (74, 30)], [(75, 16), (72, 56), (60, 98)]],
)
DIGITS: Sequence[Strokes] = tuple([smooth(stroke) for stroke in strokes] for strokes in _WRITTEN)
