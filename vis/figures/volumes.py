"""Convolutions as volumes: the maps that go in, the kernels, and the maps that come out, as boxes to scale."""

from collections.abc import Iterator
from typing import NamedTuple

from vis.cost.blocks import Block
from vis.cost.layer import Layer
from vis.figures.blocks import title

MAPS = "maps"


class Volume(NamedTuple):
    """Boxes of channels × rows × columns, and what is written below them."""

    kind: str  # MAPS, or the kind of the layer
    channels: int  # of kernels: as many as each of them reads
    rows: int  # of kernels: from the first row that they read to the last, so that gaps of a dilation count
    columns: int
    count: int = 1  # kernels, or groups of them
    title: str = ""  # what the layer is; empty for maps
    macs: int | None = None  # of the layer; None where none are counted


def volumes(block: Block) -> tuple[Volume, ...]:
    """The maps and the kernels of a block from first to last; its shortcut, where it has one, is none of them.

    Raises:
        ValueError: for a block with several paths that have layers.
    """
    (layers,) = (path for path in block.paths if path)
    return (Volume(MAPS, *block.given), *(part for layer in layers for part in _made_by(layer)))


def _made_by(layer: Layer) -> Iterator[Volume]:
    if layer.is_convolution:
        reads = layer.given[0] // layer.groups
        yield Volume(layer.kind, reads, *layer.reach, layer.channels, title(layer), layer.macs)
    else:
        yield Volume(layer.kind, 0, 0, 0, 0, title(layer))
    yield Volume(MAPS, *layer.shape)
