"""The pictures of this page as files: remembered, for most of what a run draws is on the screen already."""

from dataclasses import astuple, dataclass

import numpy as np

from models.images import jpeg, png
from pages.common import cache
from pages.common.cache.networks import remembered_once
from pages.common.session import Selection
from vis.figures.pictures import enlarged, heat_over, montage, signed, with_banner, with_box
from vis.responses import limit_of

SHOWN = 448  # pixels of the picture in a close-up, at least


@dataclass(frozen=True)
class Sheet:
    """A layer's pictures in rows, as PNG: what its units saw, and where they saw it."""

    saw: bytes
    part: bytes
    columns: int
    height: int  # rows of pixels that the tiles share


@remembered_once
def sheets(
    selection: Selection,
    layers: tuple[tuple[str, str], ...],
    k: int,
    channels: tuple[tuple[str, tuple[int, ...]], ...],
    own_range: bool,
    warning: str | None,
) -> dict[str, Sheet]:
    """The sheets of all layers.

    Args:
        layers, k, channels: as of `cache.layer_responses`.
        own_range: whether every picture has its own range, and not one with the others of its layer.
        warning: stands below what a network with random weights saw.
    """
    pixels = cache.seen(selection).pixels
    found = {}
    for layer, response in cache.layer_responses(selection, layers, k, channels)[0].items():
        ranges = zip(response.projections, response.limits(own_range), strict=True)
        columns = next(n for n in (1, 2, 3, 4) if n * n >= len(response.projections))
        saw = montage([signed(p.pixels.numpy(), limit) for p, limit in ranges], columns)
        parts = montage([p.box.part_of(pixels) for p in response.projections], columns)
        found[layer] = Sheet(_warned(saw, warning), png(parts), columns, len(saw))
    return found


@dataclass(frozen=True)
class CloseUp:
    """The pictures of one unit, as PNG; the photograph with its box as JPEG."""

    map: bytes  # of features, over the picture
    height: int  # of that, without a warning below it
    box: bytes
    part: bytes
    projections: dict[str, bytes]  # by method


@remembered_once
def close_up(
    selection: Selection, operation: str, channel: int, position: tuple[int, int] | None, warning: str | None
) -> CloseUp:
    """The pictures of one unit; arguments as of `cache.unit_response` and `sheets`."""
    pixels, found = cache.seen(selection).pixels, cache.unit_response(selection, operation, channel, position)
    values, box = found.activations.numpy(), found.projections["deconvnet"].box
    over = heat_over(values, enlarged(pixels, SHOWN), max(float(values.max()), 0.0))
    return CloseUp(
        _warned(over, warning),
        len(over),
        jpeg(with_box(pixels, astuple(box), SHOWN)),
        png(_squared(box.part_of(pixels))),
        {
            method: _warned(_squared(signed(p.pixels.numpy(), limit_of(p.pixels))), warning)
            for method, p in found.projections.items()
        },
    )


@remembered_once
def steps(
    selection: Selection, operation: str, channel: int, position: tuple[int, int] | None, warning: str | None
) -> tuple[bytes, ...]:
    """The pictures of one unit's way down, as PNG; arguments as of `close_up`."""
    drawn = []
    for step in cache.unit_steps(selection, operation, channel, position):
        limit = limit_of(step.maps)
        framed = (np.pad(m, 1) for m in step.maps.numpy())  # the zeros around the window
        drawn.append(_warned(montage([signed(m[None], limit) for m in framed], 4, side=48), warning))
    return tuple(drawn)


def _squared(pixels: np.ndarray) -> np.ndarray:
    """The pixels enlarged on a clear square, so that pictures of units at the border stand level with the others."""
    return montage([pixels], 1, side=336, gap=0)


def _warned(pixels: np.ndarray, warning: str | None) -> bytes:
    return png(with_banner(pixels, warning) if warning else pixels)
