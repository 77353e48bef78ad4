"""What a feature map was excited by, beside what of it the deconvnet finds to have done so."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models import Loaded
from models.picture_sets import PictureSet
from vis.deconvnet import Projection, Unit, project
from vis.top9.ranking import Entry


@dataclass(frozen=True, eq=False)
class Pair:
    """What a feature map was excited by, and what of it the deconvnet finds to have done so."""

    entry: Entry
    patch: np.ndarray  # (h, w, 3) uint8: the picture inside the projection's box
    projection: Projection
    pixels: np.ndarray  # (H, W, 3) uint8: the picture as the network sees it


def patches_and_projections(
    loaded: Loaded, pictures: PictureSet, entries: Sequence[Entry], layer: str, channel: int
) -> list[Pair]:
    """Each entry's patch beside its projection, in the order of the entries.

    The projections' units say what they answer to their picture alone: in the last digits of a float32 that may differ
    from the entry's value, for which several pictures go through the network at once.

    Raises:
        PictureRefused: for a picture that can no longer be read.
        TraceRefused, NoRule: see `vis.deconvnet.project`.
    """
    by_picture: dict[str, list[int]] = defaultdict(list)
    for i, entry in enumerate(entries):
        by_picture[entry.picture].append(i)
    pairs: dict[int, Pair] = {}
    for id, numbers in by_picture.items():
        wanted = [(channel, entries[i]) for i in numbers]
        pairs.update(zip(numbers, pairs_in(loaded, pictures, id, wanted, layer), strict=True))
    return [pairs[i] for i in range(len(entries))]


def pairs_in(
    loaded: Loaded, pictures: PictureSet, id: str, wanted: Sequence[tuple[int, Entry]], layer: str
) -> list[Pair]:
    """As `patches_and_projections`, of one picture that several feature maps are excited by: it is seen once for all.

    Args:
        wanted: feature maps, each with its entry for this picture.
    """
    image = loaded.preprocess(pictures.open(id))
    units = [Unit(layer, channel, entry.row, entry.column, 0.0) for channel, entry in wanted]
    projections, pixels = project(loaded.model, image, units), loaded.preprocess.for_the_eye(image)
    return [
        Pair(entry, projection.box.part_of(pixels), projection, pixels)
        for (_, entry), projection in zip(wanted, projections, strict=True)
    ]
