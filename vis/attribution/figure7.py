"""A grey square slid over a picture: Zeiler & Fergus 2013, section 4.2 and figure 7 (b) to (e)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vis.attribution.partial import covered_passes, pictures_at_once
from vis.attribution.perturbing import batches, positions
from vis.attribution.question import Question, end_of
from vis.deconvnet import Box, Projection, project_map, strongest_units
from vis.maps import layer_maps, maps_of_all
from vis.trace import check_shape, record


class AsItIs(NamedTuple):
    """What the network makes of the picture without a square."""

    activation: float  # the sum of the map that is followed
    probability: float  # of the class that is asked about
    best: int  # the number of the most probable class
    best_probability: float  # and how probable that one is


@dataclass(frozen=True, eq=False)
class Figure7:
    """What is known so far with the square at every position of a grid; where it is not known, NaN and −1."""

    layer: str
    channel: int  # the map of the layer with the strongest unit for the picture as it is
    activation: Tensor  # (b) the sum of that map, (rows, columns)
    projection: Projection  # (c) of that map, for the picture as it is
    probability: Tensor  # (d) of the class, (rows, columns)
    best: Tensor  # (e) the number of the most probable class, (rows, columns)
    before: AsItIs
    size: int
    stride: int
    shape: tuple[int, int]  # (H, W) of the picture

    @property
    def part(self) -> float:
        """Of the positions, that is known."""
        return (self.best >= 0).double().mean().item()

    def box(self, row: int, column: int) -> Box:
        """The pixels that the square covers at this position."""
        return square(row, column, self.size, self.stride, self.shape)


@torch.no_grad()
def figure7(
    model: nn.Module,
    image: Tensor,
    target: int,
    layer: str,
    size: int,
    stride: int,
    grey: float | Tensor = 0.0,
) -> Iterator[Figure7]:
    """The four pictures of figure 7, from coarse to fine: first the positions that lie far apart, then those between.

    Every pixel is covered: the last squares of a row and of a column are clipped. It takes as many passes as positions
    and one before; of the early layers only what a square can change is computed anew.

    Args:
        image: (1, C, H, W).
        target: the class.
        layer: whose strongest map is followed; the paper's is layer 5.
        size, stride: of the square and between two of them, in pixels.
        grey: of the square, as the network takes it, one number or (C,); 0 is the mean colour.

    Raises:
        Refused: for a class that there is not, a network without classes or a layer without maps.
        TraceRefused: as `vis.trace.record`; or for values that are not finite.
        NoRule: for an operation that the deconvnet cannot be walked back through.
    """
    check_shape(tuple(image.shape))
    recording = record(model, image)
    asked = Question(model, recording.image, target, is_probability=True)
    probability = asked.scores_in(recording).item()
    end, node = end_of(recording.trace), recording.trace[layer]
    (strongest,) = strongest_units(model, recording, layer, k=1)
    channel = strongest.channel
    projection = project_map(model, recording, layer, channel)
    total = layer_maps(recording, layer)[channel].sum().item()
    likeliest = recording.values[end].softmax(1).max(1)
    before = AsItIs(total, probability, likeliest.indices.item(), likeliest.values.item())

    shape = tuple(image.shape[2:])
    rows, columns = (positions(side, size, stride) for side in shape)
    activations, probabilities = (recording.image.new_full((rows, columns), torch.nan) for _ in range(2))
    best = torch.full((rows, columns), -1, device=recording.image.device)
    for places in batches(rows, columns, pictures_at_once(recording)):
        boxes = [square(row, column, size, stride, shape) for row, column in places.tolist()]
        passes, where = covered_passes(recording, boxes, [node, end], grey), tuple(places.T)
        activations[where] = maps_of_all(passes, layer)[:, channel].sum((1, 2))
        probabilities[where] = asked.scores_in(passes)
        best[where] = passes.values[end].argmax(1)
        found = activations.clone(), projection, probabilities.clone(), best.clone()
        yield Figure7(layer, channel, *found, before, size, stride, shape)


def square(row: int, column: int, size: int, stride: int, shape: tuple[int, int]) -> Box:
    """The pixels of a picture (H, W) under the square at this position of the grid."""
    top, left = min(row * stride, shape[0]), min(column * stride, shape[1])
    return Box(top, left, min(top + size, shape[0]), min(left + size, shape[1]))
