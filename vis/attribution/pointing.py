"""Whether a map points at its class: four pictures side by side, and how much of a class's map lies on its own one.

Böhle, Fritz & Schiele 2021, "Convolutional Dynamic Alignment Networks", section 4.2. It needs no labels of places; by
chance a map has a quarter of its positive values there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.refusals import Refused
from vis.attribution.methods import Attribution, attribute

Quadrant = tuple[slice, slice]  # rows and columns


@dataclass(frozen=True, eq=False)
class Pointed:
    """Where in a mosaic the map of one of its classes is positive."""

    target: int
    quadrant: int  # of the class's own picture, 0 to 3 in reading order
    share: float | None  # of all positive values, that lies in it; None where there is none
    is_inside: bool  # whether the largest value lies in it
    found: Attribution


def pointed(
    model: nn.Module, images: Sequence[Tensor], targets: Sequence[int], method: str, **asked: object
) -> Iterator[Pointed]:
    """For each class of a mosaic of four pictures what its map makes of it, one after the other.

    Args:
        images: four, each (1, C, H, W) as the network takes it.
        targets: the class of each.
        method, asked: as of `vis.attribution.attribute`.

    Raises:
        Refused: as `mosaic` and `attribute`; or where two pictures are of one class.
    """
    image = mosaic(images)
    if len(set(targets)) < len(images):
        raise Refused("The four pictures of a mosaic must be of four classes; two of these are of the same.")
    for i, target in enumerate(targets):
        found = attribute(model, image, method, target, **asked)
        inside = quadrants(tuple(image.shape[2:]))[i]
        yield Pointed(target, i, share_within(found.map, inside), is_largest_within(found.map, inside), found)


def mosaic(images: Sequence[Tensor]) -> Tensor:
    """Four pictures (1, C, H, W), each at half its size, as one (1, C, H, W) in reading order.

    Raises:
        Refused: for another number of pictures, or pictures of several sizes.
    """
    if len(images) != 4 or len({tuple(image.shape) for image in images}) > 1:
        raise Refused("A mosaic takes four pictures of the same size, not {count}.", count=len(images))
    whole = torch.empty_like(images[0])
    for image, (rows, columns) in zip(images, quadrants(tuple(whole.shape[2:])), strict=True):
        size = rows.stop - rows.start, columns.stop - columns.start
        whole[:, :, rows, columns] = F.interpolate(image, size, mode="bilinear", antialias=True)
    return whole


def quadrants(shape: tuple[int, int]) -> list[Quadrant]:
    """The four quarters of a picture (H, W) in reading order; the lower and the right ones take what is left over."""
    rows, columns = ((slice(0, side // 2), slice(side // 2, side)) for side in shape)
    return [(row, column) for row in rows for column in columns]


def share_within(found: Tensor, inside: Quadrant) -> float | None:
    """Of the positive values of a map (H, W), the part that lies there; None where nothing is positive."""
    positive = found.double().clamp(min=0)
    return (positive[inside].sum() / positive.sum()).item() if positive.any() else None


def is_largest_within(found: Tensor, inside: Quadrant) -> bool:
    """Whether the largest value of a map (H, W) lies there and is positive."""
    return bool(found.max() > 0) and bool(found[inside].max() == found.max())
