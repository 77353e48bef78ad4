"""The strongest feature map of many layers for one picture, found in one pass, each as a small picture."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from torch import Tensor, nn

from models.images import png
from vis.activations import averaged
from vis.deconvnet import Unit, ranked_by, strongest_of
from vis.figures.pictures import heat, signed
from vis.maps import layer_maps, stream_maps
from vis.trace import Recording, TraceRefused, traced

if TYPE_CHECKING:
    from vis.graph import Graph

SIDE = 56  # pixels of the longer side at most: of 224, 112, 56 … positions whole squares of them make a pixel


@dataclass(frozen=True)
class Thumbnail:
    """The feature map of a layer that holds its highest activation."""

    unit: Unit  # which holds it
    lowest: float  # value of this map
    has_sign: bool  # whether any value of the layer is negative
    reduced: int  # each pixel is the mean of so many positions from left to right and from top to bottom
    png: bytes = field(repr=False)

    @property
    def limit(self) -> float:
        """The largest absolute value of the map, which is white, black or bright."""
        return max(self.unit.activation, -self.lowest)


def thumbnails(model: nn.Module, image: Tensor, layers: Iterable[str], side: int = SIDE) -> dict[str, Thumbnail]:
    """The thumbnails of operations by their names, after one pass that keeps no more than what is still to be read.

    Args:
        image: (1, C, H, W).

    Raises:
        TraceRefused: see `vis.maps.stream_maps`.
    """
    layers, trace = list(layers), traced(model, tuple(image.shape))
    ranks = {layer: ranked_by(trace, model, layer) for layer in layers}
    read_later = {by for layer, by in ranks.items() if by != layer}
    found, ranked = {}, {}
    for layer, maps in stream_maps(model, image, dict.fromkeys((*layers, *read_later))):
        if layer in read_later:
            ranked[layer] = maps[0]
        if layer in ranks:
            by = maps[0] if ranks[layer] == layer else ranked.pop(ranks[layer])
            found[layer] = _thumbnail(layer, maps[0], side, by)
    return found


def _thumbnail(layer: str, maps: Tensor, side: int, ranked: Tensor) -> Thumbnail:
    (unit,) = strongest_of(maps, layer, 1, ranked=ranked)
    own, has_sign = maps[unit.channel].detach().float().cpu().numpy(), bool(maps.min() < 0)
    lowest, reduced = float(own.min()), -(-max(own.shape) // side)
    small = averaged(own[None], reduced)
    limit = max(unit.activation, -lowest)
    pixels = signed(small, limit) if has_sign else heat(small[0], limit)
    return Thumbnail(unit, lowest, has_sign, reduced, palette_png(pixels))


def palette_png(pixels: np.ndarray) -> bytes:
    """A PNG of pixels (h, w, 3) with at most 256 colours: with a table of them, or grey; half as large as usual."""
    if (pixels == pixels[..., :1]).all():
        return png(pixels[..., 0])
    packed = pixels.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)  # (h, w)
    colours, indices = np.unique(packed, return_inverse=True)
    picture = Image.fromarray(indices.reshape(packed.shape).astype(np.uint8))
    picture.putpalette(np.stack([colours >> 16, colours >> 8 & 255, colours & 255], 1).astype(np.uint8).tobytes())
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def pictured(graph: "Graph", shapes: Recording) -> dict[str, str]:
    """By operation and block, the operation whose maps its box shows: a block's is the one that it ends with.

    A box whose value is no maps, or maps of a single position, shows none. The picture that enters the network has its
    own name.

    Args:
        shapes: what the graph was made of.
    """

    def has_maps(name: str) -> bool:
        try:
            return layer_maps(shapes, name)[0].numel() > 1
        except TraceRefused:
            return False

    shown = {name for name in graph.nodes if has_maps(name)}
    ends = {name: name if name in graph.nodes else graph.last(name).name for name in (*graph.nodes, *graph.blocks)}
    return {name: end for name, end in ends.items() if name and end in shown}
