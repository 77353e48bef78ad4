"""Numbers as pixels: one normalisation for everything that has a sign, one palette for everything that has none."""

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.images import png

GREY = 128  # where a signed value is zero
RED = (178, 34, 34)  # of a warning
LETTERS = 12  # pixels on the screen that these need to be read
WIDTH = 1200  # of a picture to take away, which a page of print or a projector shows large
LINE, EDGE = 42, 18  # pixels of such a picture: from one line of words to the next, and around the words


def signed(values: np.ndarray, limit: float) -> np.ndarray:
    """Pixels (h, w, 3), uint8, of values (C, h, w) with C 1 or 3: -limit black, 0 grey, +limit white, linear between.

    The same scale in all channels, so that a colour means the same balance of channels everywhere.
    """
    scaled = GREY + values * (127.0 / limit if limit > 0 else 0.0)
    pixels = np.clip(np.round(scaled), 0, 255).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def heat(values: np.ndarray, limit: float) -> np.ndarray:
    """Pixels (h, w, 3), uint8, of values (h, w): 0 and below dark, `limit` bright (Matplotlib's inferno)."""
    scaled = np.clip(values / limit if limit > 0 else np.zeros_like(values), 0, 1)
    return np.round(matplotlib.colormaps["inferno"](scaled)[..., :3] * 255).astype(np.uint8)


def heat_over(values: np.ndarray, picture: np.ndarray, limit: float, opacity: float = 0.62) -> np.ndarray:
    """The values (h, w) as heat over a picture (H, W, 3); every value covers its share of the picture, without blending
    into its neighbours, so that a position can be told and clicked.
    """
    height, width = picture.shape[:2]
    rows = np.arange(height) * values.shape[0] // height
    columns = np.arange(width) * values.shape[1] // width
    layer = heat(values, limit)[rows[:, None], columns]
    grey = picture.mean(2, keepdims=True)
    return np.round(opacity * layer + (1 - opacity) * grey).astype(np.uint8)


def enlarged(pixels: np.ndarray, side: int) -> np.ndarray:
    """The same pixels, each repeated a whole number of times, as close to `side` as fits under it."""
    times = max(1, side // max(1, *pixels.shape[:2]))
    return pixels.repeat(times, 0).repeat(times, 1)


def montage(tiles: Sequence[np.ndarray], columns: int, side: int = 112, gap: float = 0.06) -> np.ndarray:
    """Tiles (h, w, 3) in rows of `columns`, (H, W, 4) with clear gaps: each enlarged by the same factor and centred.

    Args:
        side: pixels that the largest tile has at least; it is a whole multiple of its own pixels.
        gap: around each tile, as a share of the tile.
    """
    largest = max(1, *(side for tile in tiles for side in tile.shape[:2]))
    times = -(-side // largest) if largest < side else 1
    pitch = round(times * largest * (1 + gap))
    canvas = np.zeros((-(-len(tiles) // columns) * pitch, columns * pitch, 4), np.uint8)
    for i, tile in enumerate(tiles):
        big = tile.repeat(times, 0).repeat(times, 1)
        top = i // columns * pitch + (pitch - big.shape[0]) // 2
        left = i % columns * pitch + (pitch - big.shape[1]) // 2
        canvas[top : top + big.shape[0], left : left + big.shape[1], :3] = big
        canvas[top : top + big.shape[0], left : left + big.shape[1], 3] = 255
    return canvas


def with_box(
    picture: np.ndarray, box: tuple[int, int, int, int], side: int = 0, colour: tuple[int, int, int] = (255, 224, 64)
) -> np.ndarray:
    """The picture (H, W, 3) with a frame around the pixels top:bottom, left:right; without one where there are none.

    Args:
        side: the picture is first enlarged to about this many pixels, so that the frame stays thin beside them.
    """
    big = enlarged(picture, side)
    top, left, bottom, right = (n * (len(big) // max(1, len(picture))) for n in box)
    if top >= bottom or left >= right:
        return big
    image = Image.fromarray(big)
    draw = ImageDraw.Draw(image)
    draw.rectangle((left - 2, top - 2, right + 1, bottom + 1), outline=(0, 0, 0), width=4)
    draw.rectangle((left - 1, top - 1, right, bottom), outline=colour, width=2)
    return np.asarray(image)


def lit(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """The picture (H, W, 3), dark outside of the box (left, top, right, bottom)."""
    left, top, right, bottom = box
    pixels = picture // 3
    pixels[top:bottom, left:right] = picture[top:bottom, left:right]
    return pixels


def with_banner(pixels: np.ndarray, text: str, shown: int | None = None) -> np.ndarray:
    """The pixels (H, W, 3 or 4), and below them a warning in a strip of its own, (H + h, W, 4): no download can lose
    it, and it hides nothing.

    Args:
        shown: the width at which a screen shows the picture, in pixels, where that is small: its letters are then as
            high as can be read, LETTERS, in as many lines as that takes.
    """
    picture = Image.fromarray(pixels).convert("RGBA")
    width, size, pieces = picture.width * 0.92, max(9, picture.width // 22), [text]
    if shown:
        size, pieces = max(size, -(-LETTERS * picture.width // shown)), text.split()
    while size > 7 and max(map(_font(size).getlength, pieces)) > width:
        size -= 1
    font = _font(size)
    lines = _wrapped(text, font, width) if shown else [text]
    strip = Image.new("RGBA", (picture.width, round(size * (0.5 + 1.2 * len(lines)))), RED)
    draw = ImageDraw.Draw(strip)
    for i, line in enumerate(lines):
        middle = strip.height / 2 + (i - (len(lines) - 1) / 2) * 1.2 * size
        draw.text((strip.width / 2, middle), line, fill="white", font=font, anchor="mm")
    return np.vstack([np.asarray(picture), np.asarray(strip)])


def captioned(pixels: np.ndarray, lines: Sequence[str], banner: str | None = None) -> bytes:
    """A PNG to take away, WIDTH pixels wide at least: the pixels enlarged to about that, and under them what they show.

    Args:
        banner: a warning between the two, see `with_banner`.
    """
    shown = enlarged(pixels, WIDTH)
    if banner and shown.size:
        shown = with_banner(shown, banner)
    picture = Image.fromarray(shown).convert("RGBA") if shown.size else Image.new("RGBA", (WIDTH, 0))
    width = max(picture.width, WIDTH)
    font = _font(LINE * 2 // 3)
    wrapped = [piece for line in lines for piece in _wrapped(line, font, width - 2 * EDGE)]
    sheet = Image.new("RGB", (width, picture.height + LINE * len(wrapped) + 2 * EDGE), "white")
    sheet.paste(picture, ((width - picture.width) // 2, 0), picture)
    draw = ImageDraw.Draw(sheet)
    for i, line in enumerate(wrapped):
        draw.text((EDGE, picture.height + EDGE + LINE * i), line, fill="black", font=font)
    return png(np.asarray(sheet))


def _wrapped(line: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """The words in lines of at most `width` pixels; a word that is longer than that is broken."""
    lines = [""]
    for word in (piece for whole in line.split() for piece in _broken(whole, font, width)):
        candidate = f"{lines[-1]} {word}".strip()
        if font.getlength(candidate) <= width or not lines[-1]:
            lines[-1] = candidate
        else:
            lines.append(word)
    return lines


def _broken(word: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and font.getlength(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu, which Matplotlib carries and which has every Vietnamese letter."""
    return ImageFont.truetype(io.BytesIO(_font_file()), size)


@lru_cache(maxsize=32)
def _font_file() -> bytes:
    return (Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf").read_bytes()
