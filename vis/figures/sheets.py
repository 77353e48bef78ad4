"""Hundreds of maps as one picture: one byte per pixel, at the maps' own size; the page enlarges it."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from PIL import Image, ImageDraw

from vis.activations import Activations
from vis.figures.pictures import GREY, RED, _font

# The palette: what lies between the maps, the values, and a warning's two colours.
CLEAR, LEVELS, WARNING, WRITING = 0, 253, 254, 255
WHITE = (255, 255, 255)
LEAST = 4  # pixels of a map's longer side, so that the gaps between single numbers stay narrow


@dataclass(frozen=True, eq=False)
class Sheet:
    """Maps as one PNG, in rows of `columns` cells that are together `height` × `width` pixels."""

    png: bytes
    columns: int
    height: int
    width: int


def sheet_of(found: Activations, channels: Sequence[int], own: bool, banner: str | None = None) -> Sheet:
    """These maps of a layer, about twice as wide as high: grey where the layer has a sign, heat where it has none.

    Args:
        own: every map has its own range, and not that of the layer.
        banner: as of `heat_sheet`.
    """
    maps = found.maps[channels]
    times = -(-LEAST // max(maps.shape[1:]))
    maps = maps.repeat(times, 1).repeat(times, 2)
    count, height, width = maps.shape
    columns = min(count, max(1, round((2 * count * height / width) ** 0.5)))
    gap = max(1, width // 28)
    draw = signed_sheet if found.has_sign else heat_sheet
    png = draw(maps, found.limits[channels] if own else found.limit, columns, gap, banner)
    return Sheet(png, columns, -(-count // columns) * (height + gap), columns * (width + gap))


def heat_sheet(
    maps: np.ndarray, limit: float | np.ndarray, columns: int, gap: int = 1, banner: str | None = None
) -> bytes:
    """A palette PNG of maps (K, h, w) in rows of `columns`: 0 and below dark, `limit` bright (Matplotlib's inferno).

    Args:
        limit: one for all maps, or (K,), each map's own.
        gap: clear pixels between neighbours; cells have equal sizes, (h + gap, w + gap).
        banner: a warning in a strip of its own below the maps.
    """
    scaled = np.clip(maps * _per(limit, LEVELS - 1), 0, LEVELS - 1)
    colours = matplotlib.colormaps["inferno"](np.linspace(0, 1, LEVELS))[:, :3] * 255
    return _sheet(1 + np.round(scaled), colours, columns, gap, banner)


def signed_sheet(
    maps: np.ndarray, limit: float | np.ndarray, columns: int, gap: int = 1, banner: str | None = None
) -> bytes:
    """The same for values with a sign: -limit black, 0 grey, +limit white, linear between."""
    half = LEVELS // 2
    scaled = np.clip(maps * _per(limit, half), -half, half)
    greys = GREY + np.arange(-half, half + 1) * (GREY - 1) / half
    return _sheet(1 + half + np.round(scaled), greys[:, None].repeat(3, 1), columns, gap, banner)


def _per(limit: float | np.ndarray, levels: int) -> np.ndarray:
    """How many levels a unit is worth, (1 or K, 1, 1); none where the limit is 0, so that 0 stays where it is."""
    limit = np.asarray(limit, np.float64).reshape(-1, 1, 1)
    return np.divide(levels, limit, out=np.zeros_like(limit), where=limit > 0).astype(np.float32)


def _sheet(indices: np.ndarray, colours: np.ndarray, columns: int, gap: int, banner: str | None) -> bytes:
    """A palette PNG of indices (K, h, w) from 1 to LEVELS."""
    count, height, width = indices.shape
    rows, across, down, before = -(-count // columns), width + gap, height + gap, gap // 2
    cells = np.full((rows * columns, down, across), CLEAR, np.uint8)
    cells[:count, before : before + height, before : before + width] = indices
    lines = cells.reshape(-1, columns, down, across).swapaxes(1, 2).reshape(-1, columns * across)
    size = max(9, columns * across // 30)  # of the banner's letters: 12 on a telephone
    picture = Image.fromarray(np.pad(lines, ((0, 2 * size if banner else 0), (0, 0))))
    picture.putpalette(np.round(np.vstack([[WHITE], colours, [RED, WHITE]])).astype(np.uint8).tobytes())  # mode "P"
    if banner:
        _write(picture, rows * down, banner, size)
    file = io.BytesIO()
    picture.save(file, "PNG", transparency=CLEAR, compress_level=4)
    return file.getvalue()


def _write(picture: Image.Image, top: int, banner: str, size: int) -> None:
    draw = ImageDraw.Draw(picture)
    while size > 5 and _font(size).getlength(banner) > picture.width * 0.92:
        size -= 1
    draw.rectangle((0, top, picture.width, picture.height), WARNING)
    draw.text((picture.width / 2, (top + picture.height) / 2), banner, WRITING, _font(size), "mm")
