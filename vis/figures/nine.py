"""The pictures that excite a feature map most: patches beside projections, as in Figure 2 of Zeiler & Fergus."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from models.images import Preprocess
from vis.deconvnet import Box
from vis.figures.pictures import montage, signed, with_box
from vis.responses import limit_of
from vis.top9 import Pair

SIDE = 112  # pixels of the longest side of a tile on the screen
COLUMNS = 3


@dataclass(frozen=True, eq=False)
class Tile:
    """One of the nine, small enough for many of them to be remembered."""

    patch: np.ndarray  # (h, w, 3) uint8
    projection: np.ndarray  # (C, h, w) float32
    limit: float  # of the projection in full
    fidelity: str


def tile(pair: Pair, side: int | None = SIDE) -> Tile:
    """The pair with its patch and its projection averaged down to `side` pixels; None leaves them as they are."""
    patch, projection = pair.patch, pair.projection.pixels.cpu().numpy().astype(np.float32)
    longest = max(patch.shape[:2], default=0)
    if side and longest > side:
        height, width = (max(1, round(n * side / longest)) for n in patch.shape[:2])
        patch = np.asarray(Image.fromarray(patch).resize((width, height), Image.Resampling.BOX))
        channels = [Image.fromarray(c).resize((width, height), Image.Resampling.BOX) for c in projection]
        projection = np.stack([np.asarray(c) for c in channels])
    return Tile(patch, projection, limit_of(pair.projection.pixels), pair.projection.fidelity)


def limits(tiles: Sequence[Tile], own: bool) -> list[float]:
    """The range of each projection: its own largest absolute value, or the largest of all of them."""
    each = [tile.limit for tile in tiles]
    return each if own else [max(each, default=0.0)] * len(each)


def montages(tiles: Sequence[Tile], own: bool, side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Patches, and projections in the same places: two montages (H, W, 4), the strongest at the top left."""
    projections = [signed(tile.projection, limit) for tile, limit in zip(tiles, limits(tiles, own), strict=True)]
    patches = [tile.patch for tile in tiles]
    return montage(patches, COLUMNS, side), montage(projections, COLUMNS, side)


def side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two montages of one height with a clear gap between them."""
    gap = np.zeros((len(left), max(4, left.shape[1] // 24), 4), np.uint8)
    return np.hstack([left, gap, right])


def whole(picture: Image.Image, preprocess: Preprocess, box: Box, side: int = 448) -> np.ndarray:
    """The picture as it was given, (H, W, 3), its longest side `side` pixels: dark where the network does not look,
    with a frame around what the unit can see.

    Args:
        box: in the pixels that the network sees.
    """
    scale = side / max(picture.size)
    width, height = (max(1, round(n * scale)) for n in picture.size)
    bright = np.asarray(picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR))
    pixels = bright // 3
    factor = preprocess.resize / min(picture.size) / scale  # pixels of the network in one of these
    left, top = ((n * factor - preprocess.crop) / 2 for n in (width, height))

    def here(across: float, down: float) -> tuple[int, int]:
        """A corner in the network's pixels, (row, column) in these."""
        row, column = round((down + top) / factor), round((across + left) / factor)
        return min(max(row, 0), height), min(max(column, 0), width)

    (first_row, first_column), (last_row, last_column) = here(0, 0), here(preprocess.crop, preprocess.crop)
    looked_at = np.s_[first_row:last_row, first_column:last_column]
    pixels[looked_at] = bright[looked_at]
    return with_box(pixels, (*here(box.left, box.top), *here(box.right, box.bottom)))
