"""The layer graph as a file: SVG, and PNG without a browser."""

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from math import ceil, hypot
from pathlib import Path
from types import MappingProxyType
from xml.sax.saxutils import escape

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from models.images import data_uri
from vis.figures.graph import PAPER, STROKE, Paint, ink_on
from vis.layered import HEADER, Point
from vis.layout import LINE, Box, Drawing

NONE: Mapping[str, bytes] = MappingProxyType({})
CAPTION = 26  # height of a line of the caption
FRAME = 3  # width of a thick frame's line


def svg(
    drawn: Drawing,
    paints: Mapping[str, Paint],
    caption: Sequence[str] = (),
    dark: bool = False,
    pictures: Mapping[str, bytes] = NONE,
) -> str:
    """The drawing as an SVG file.

    Args:
        caption: lines below the drawing: which network this is, and what its colours mean.
        pictures: PNG files by the names of boxes that have room for them.
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
    parts += [_svg_box(box, paints[box.name], dark, pictures.get(box.name)) for box in drawn.boxes]
    for line in drawn.lines:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line.points)
        dashes = ' stroke-dasharray="4 3" opacity="0.6"' if line.implied else ""
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{STROKE[dark]}"{dashes} marker-end="url(#tip)"/>'
        )
    for i, text in enumerate(caption):
        y = drawn.height + CAPTION * i + 12
        parts.append(f'<text x="16" y="{y:.0f}" fill="{ink_on(PAPER[dark])}">{escape(text)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _colours(box: Box, paint: Paint, dark: bool) -> tuple[str | None, str]:
    """What a box is filled with, and what is written on it with; the page shows through one that is open."""
    if box.opened or paint.fill is None:
        return None, ink_on(PAPER[dark])
    return paint.fill[dark], paint.ink[dark]


def _svg_box(box: Box, paint: Paint, dark: bool, picture: bytes | None) -> str:
    fill, ink = _colours(box, paint, dark)
    stroke = f'"{paint.frame}" stroke-width="{FRAME}"' if paint.frame else f'"{STROKE[dark]}"'
    anchor = "start" if box.opened else "middle"
    lines = [
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{ink}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(text)}</text>'
        for (x, y, text), weight in zip(_written(box), (600, *[400] * len(box.texts)), strict=False)
    ]
    image = ""
    if picture and box.picture:
        left, top = _corner_of_picture(box)
        image = (
            f'<image x="{left:.1f}" y="{top:.1f}" width="{box.picture:.1f}" height="{box.picture:.1f}" '
            f'style="image-rendering: pixelated" href="{data_uri(picture)}"/>'
        )
    return (
        f'<g><rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6" '
        f'fill="{fill or "none"}" stroke={stroke}/>{image}{"".join(lines)}</g>'
    )


def _corner_of_picture(box: Box) -> Point:
    around = (box.height - box.picture) / 2
    return box.left + around, box.top + around


def _written(box: Box) -> Iterator[tuple[float, float, str]]:
    """Every line of text on a box with the place of its baseline: in the middle, or in the frame's header."""
    if box.opened:
        yield box.left + 10, box.top + HEADER * 0.62, box.texts[0]
        return
    texts = box.texts[: max(1, int(box.height // LINE))]  # a small box has its title alone
    above = (box.height - LINE * len(texts)) / 2
    for i, text in enumerate(texts):
        yield (box.text_left + box.right) / 2, box.top + above + LINE * (i + 0.75), text


MOST_PIXELS = 40_000_000  # of a PNG file; a larger drawing is made smaller


def png(
    drawn: Drawing,
    paints: Mapping[str, Paint],
    caption: Sequence[str] = (),
    dark: bool = False,
    pictures: Mapping[str, bytes] = NONE,
) -> bytes:
    """The drawing as a PNG file, two pixels a unit where it is not too large for that; arguments as of `svg`."""
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
        if box.picture and box.name in pictures:
            _paste(sheet, pictures[box.name], *scaled(*_corner_of_picture(box), box.picture))
        for i, (x, y, text) in enumerate(_written(box)):
            pen.text(scaled(x, y), text, ink, plain if i else bold, anchor="ls" if box.opened else "ms")
    for line in drawn.lines:
        for stretch in _dashes(line.points) if line.implied else (line.points,):
            pen.line([tuple(scaled(*point)) for point in stretch], STROKE[dark], max(1, round(scale)))
        x, y = line.points[-1]
        pen.polygon([tuple(scaled(x + dx, y + dy)) for dx, dy in ((-3, -6), (3, -6), (0, 0))], STROKE[dark])
    for i, text in enumerate(caption):
        pen.text(scaled(16, drawn.height + CAPTION * i + 12), text, ink_on(PAPER[dark]), plain, anchor="ls")
    file = BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _paste(sheet: Image.Image, file: bytes, left: float, top: float, side: float) -> None:
    """Puts a picture into the middle of a square, as large as it fits there, its pixels as sharp squares."""
    with Image.open(BytesIO(file), formats=["PNG"]) as opened:
        picture = opened.convert("RGB")
    times = side / max(picture.size)
    width, height = (max(1, round(length * times)) for length in picture.size)
    corner = round(left + (side - width) / 2), round(top + (side - height) / 2)
    sheet.paste(picture.resize((width, height), Image.Resampling.NEAREST), corner)


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
