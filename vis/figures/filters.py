"""Kernels as a sheet of tiles."""

from collections.abc import Collection

import numpy as np

from vis.figures.pictures import montage, signed

MARK = (220, 50, 47, 255)  # around a tile


def columns_for(count: int, shape: tuple[int, int] = (1, 1)) -> int:
    """How many tiles (rows, columns) of a kernel stand in a row: the sheet is about as high as wide, its rows full."""
    rows, columns = shape
    ideal = max(1.0, (1.2 * count * rows / columns) ** 0.5)
    near = range(max(1, round(0.75 * ideal)), round(1.35 * ideal) + 1)
    return min(count, min(near, key=lambda n: (-count % n / n, max(n / ideal, ideal / n))))


def side_for(count: int) -> int:
    """Pixels of a tile on a sheet of `count` tiles, so that a frame of two pixels is thin beside it."""
    return 132 if count <= 8 else 44 if count <= 128 else 22


def limits_of(kernels: np.ndarray, own: bool) -> np.ndarray:
    """The range of each of the kernels (N, C, kh, kw), (N,): its own largest absolute value, or the largest of all."""
    each = np.abs(kernels).max((1, 2, 3))
    return each if own else np.full(len(each), each.max(initial=0.0))


def sheet(
    kernels: np.ndarray, limits: np.ndarray, columns: int, side: int = 44, marked: Collection[int] = ()
) -> np.ndarray:
    """Kernels (N, C, kh, kw), C 1 or 3, as tiles in rows of `columns`: pixels (H, W, 4), uint8.

    Args:
        limits: (N,), what is white in each tile; its negative is black, 0 is grey.
        marked: the numbers of the tiles that get a red frame.
    """
    tiles = [signed(kernel, float(limit)) for kernel, limit in zip(kernels, limits, strict=True)]
    pixels = montage(tiles, columns, side, gap=0.1)
    pitch = pixels.shape[1] // columns
    for i in marked:
        row, column = (n * pitch for n in divmod(i, columns))
        cell = pixels[row : row + pitch, column : column + pitch]
        cell[:2], cell[-2:], cell[:, :2], cell[:, -2:] = MARK, MARK, MARK, MARK
    return pixels


def planes(kernel: np.ndarray, limit: float) -> np.ndarray:
    """The channels of a kernel (C, kh, kw) side by side, a clear column between them: (kh, C·kw + C − 1, 4), uint8."""
    clear = np.zeros((kernel.shape[1], 1, 4), np.uint8)
    grey = [signed(plane[None], limit) for plane in kernel]
    opaque = [np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], 2) for pixels in grey]
    return np.concatenate([part for pixels in opaque for part in (clear, pixels)][1:], 1)
