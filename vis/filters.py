"""A layer's filters: as pictures, and what their numbers say of them; and its strongest maps of a picture."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models.weights import dead_filters
from vis.maps import gives_maps, layer_maps
from vis.operations import before_padding, gathered
from vis.trace import check_finite, nothing, record, traced


@dataclass(frozen=True, eq=False)
class Filters:
    """Filters of a convolution that can be shown as pictures."""

    tiles: np.ndarray  # (N, C, kh, kw) with C 1 or 3
    maps: tuple[int, ...]  # whose filters these are
    slices: tuple[int, ...] | None  # of more than three input maps, the one that is shown of each filter


def filters_of(layer: nn.Module, most: int = 64) -> Filters | None:
    """The first `most` filters of a convolution; None for a layer that has none.

    Filters over one or three maps are shown whole, as grey or colour tiles; of deeper ones the slice with the largest
    norm, over the input map that the filter listens to most.
    """
    weight = getattr(layer, "weight", None)
    if not isinstance(layer, nn.Conv2d) or not isinstance(weight, Tensor):
        return None
    weight = weight.detach().cpu().float()[:most]  # (N, C, kh, kw)
    maps = tuple(range(len(weight)))
    if weight.shape[1] in (1, 3):
        return Filters(weight.numpy(), maps, None)
    strongest = weight.flatten(2).norm(dim=2).argmax(1)  # (N,)
    slices = weight[list(maps), strongest][:, None]  # (N, 1, kh, kw)
    return Filters(slices.numpy(), maps, tuple(strongest.tolist()))


@dataclass(frozen=True, eq=False)
class LayerView:
    """What a layer is and what it does with a picture; what it has none of is None."""

    filters: Filters | None
    maps: np.ndarray | None  # (k, h, w), the strongest first
    channels: tuple[int, ...]  # whose maps these are
    shape: tuple[int, ...]  # of all maps, (K, h, w)
    limit: float  # the largest value of all maps


@torch.no_grad()
def view_of(model: nn.Module, image: Tensor, layer: str, most: int) -> LayerView:
    """The filters of the operation `layer`, and the `most` of its maps whose maxima are largest.

    Args:
        image: (1, C, H, W).

    Raises:
        TraceRefused: see `vis.trace.record`; or for values that are not finite.
    """
    recording = record(model, image, [layer], nothing)
    node = recording.trace[layer]
    value = recording.values[node]
    filters = filters_of(model.get_submodule(node.target)) if node.op == "call_module" else None
    if not gives_maps(value) or value.dim() == 2:
        return LayerView(filters, None, (), (), 0.0)
    check_finite(value, layer)
    maps = layer_maps(recording, layer).float().cpu()  # (K, h, w)
    strongest = maps.flatten(1).amax(1).topk(min(most, len(maps))).indices
    return LayerView(
        filters, maps[strongest].numpy(), tuple(strongest.tolist()), tuple(maps.shape), max(maps.max().item(), 0.0)
    )


# Convolutions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Convolution:
    """What a convolution of a network looks like from outside."""

    name: str  # in the trace
    outputs: int
    inputs: int
    kernel: tuple[int, int]  # rows, columns
    stride: tuple[int, int]
    groups: int
    reads_picture: bool
    gathered: tuple[int, ...] | None = None  # which maps its inputs are, where they were picked out of others

    @property
    def kind(self) -> str:
        """How its filters can be shown.

        "depthwise": a filter reads a single map, and is one tile. "whole": a filter reads the picture, and is one tile
        in grey or colour. "matrix": 1×1, a number for each pair of maps. "slices": a filter is a tile for each map.
        """
        if self.inputs == self.groups > 1:
            return "depthwise"
        if self.reads_picture and self.inputs // self.groups in (1, 3):
            return "whole"
        return "matrix" if self.kernel == (1, 1) else "slices"

    def inputs_of(self, output: int) -> Sequence[int]:
        """The input maps that a filter reads, numbered as the layer below has them: of grouped ones its group's."""
        size = self.inputs // self.groups
        first = output // (self.outputs // self.groups) * size
        return (self.gathered or range(self.inputs))[first : first + size]


def convolutions(model: nn.Module) -> dict[str, Convolution]:
    """All two-dimensional convolutions of a network by their names in the trace, in the order of their execution."""
    trace, modules = traced(model), dict(model.named_modules(remove_duplicate=False))
    return {
        trace.names[node]: Convolution(
            trace.names[node],
            layer.out_channels,
            layer.in_channels,
            tuple(layer.kernel_size),
            tuple(layer.stride),
            layer.groups,
            before_padding(node.args[0], model).op == "placeholder",
            gathered(node.args[0]),
        )
        for node in trace.graph.nodes
        if node.op == "call_module" and isinstance(layer := modules[node.target], nn.Conv2d)
    }


def layer_ending_with(model: nn.Module, layers: Mapping[str, str], convolution: str) -> str | None:
    """The name of the layer that ends with the maps of this convolution; None for no such.

    Args:
        layers: operations by the names of layers, such as {"1": "features.relu1"}.
    """
    trace, known = traced(model), convolutions(model)
    for name, operation in layers.items():
        node = trace[operation]
        while trace.names[node] not in known and len(node.all_input_nodes) == 1:
            (node,) = node.all_input_nodes
        if trace.names[node] == convolution:
            return name
    return None


def kernels_of(model: nn.Module, name: str, std: tuple[float, ...] | None = None) -> np.ndarray:
    """The kernels (K, C / groups, kh, kw) of the convolution of that name, in float64.

    Args:
        std: what the picture's channels were divided by. With it, the kernels as they act on the picture itself, whose
            values are from 0 to 1: w ∗ (x − mean) / std = (w / std) ∗ x − a constant, but for the padding.
    """
    layer = model.get_submodule(traced(model)[name].target)
    kernels = layer.weight.detach().cpu().double().numpy()
    return kernels if std is None else kernels / np.reshape(std, (1, -1, 1, 1))


def matrix_of(kernels: np.ndarray, groups: int = 1) -> np.ndarray:
    """The matrix (K, C) of 1×1 kernels (K, C / groups, 1, 1); 0 between maps of different groups."""
    parts = np.split(kernels[..., 0, 0], groups)
    matrix = np.zeros((len(kernels), kernels.shape[1] * groups))
    for number, part in enumerate(parts):
        rows, columns = part.shape
        matrix[number * rows : (number + 1) * rows, number * columns : (number + 1) * columns] = part
    return matrix


# What the numbers say ---------------------------------------------------------------------------------------------

SIDE = 128  # of the spectrum: kernels are padded with zeros, so that it has a step of 1/128 cycle a pixel
ALIKE = 0.8  # absolute cosine from which on two filters count as repeated
ORDERS = ("index", "norm", "frequency", "orientation")


def norms(kernels: np.ndarray) -> np.ndarray:
    """The L2 norm of each kernel (N, C, kh, kw) over all its weights: (N,)."""
    return np.sqrt(np.square(kernels).sum((1, 2, 3)))


def root_mean_squares(kernels: np.ndarray) -> np.ndarray:
    """The root mean square of each kernel's weights, (N,): its norm over the square root of their number."""
    return np.sqrt(np.square(kernels).mean((1, 2, 3)))


def dominant_waves(kernels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spatial frequency and orientation of the strongest wave in each kernel (N, C, kh, kw): (N,) and (N,).

    That wave is where the Fourier transform has most power, summed over the channels, after each channel's mean is
    taken away. It cannot be told well where the kernel is smaller than one of its periods.

    Frequencies are in cycles per pixel, at most √½. A kernel has frequency 0 when its means hold more than half of its
    energy: it weighs the colour or the brightness of an area rather than its structure.

    Orientations are in degrees from 0 to 180, counter-clockwise as seen on the screen: those of the wave's stripes, 0
    for horizontal ones. NaN for kernels of frequency 0, and for those in which the same wave turned by 90° has more
    than half of the power, as it has in dots and checks.
    """
    frequency, orientation = np.zeros(len(kernels)), np.full(len(kernels), np.nan)
    centred = kernels - kernels.mean((2, 3), keepdims=True)
    wavy = np.flatnonzero(2 * np.square(centred).sum((1, 2, 3)) > np.square(kernels).sum((1, 2, 3)))
    for some in np.array_split(wavy, -(-len(wavy) // 32) or 1):  # a few at a time: spectra are large
        power = np.square(np.abs(np.fft.rfft2(centred[some], (SIDE, SIDE)))).sum(1)  # (n, SIDE, SIDE / 2 + 1)
        row, column = np.divmod(power.reshape(len(some), -1).argmax(1) if len(some) else some, power.shape[2])
        row = np.where(row < SIDE // 2, row, row - SIDE)  # the second half of the rows are negative frequencies
        frequency[some] = np.hypot(row, column) / SIDE
        each = np.arange(len(some))
        turned = power[each, np.where(row < 0, column, -column), np.abs(row)]  # P(−f) = P(f)
        has_one = turned <= power[each, row, column] / 2
        orientation[some] = np.where(has_one, np.degrees(np.arctan2(column, row)) % 180, np.nan)
    return frequency, orientation


def aliased_share(kernels: np.ndarray, stride: tuple[int, int]) -> np.ndarray:
    """The share, (N,), of each kernel's energy in waves that are too fine for its stride, between 0 and 1.

    Maps made with stride s have a value every s pixels. A wave with more than 1 / (2s) cycles per pixel down or
    across looks to them like a coarser one: it is aliased (Shannon's sampling theorem).
    """
    rows, columns = np.abs(np.fft.fftfreq(SIDE)), np.abs(np.fft.rfftfreq(SIDE))
    twice = np.where((columns == 0) | (columns == 0.5), 1, 2)  # the other half of the spectrum mirrors this one
    too_fine = (rows[:, None] > 0.5 / stride[0]) | (columns > 0.5 / stride[1])
    share = np.zeros(len(kernels))
    for i, kernel in enumerate(kernels):
        power = np.square(np.abs(np.fft.rfft2(kernel, (SIDE, SIDE)))).sum(0) * twice
        share[i] = power[too_fine].sum() / power.sum() if power.any() else 0
    return share


def nearest(kernels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each kernel (N, C, kh, kw), which other is most like it, up to its sign and its size; and how like it is.

    Nothing is taken away first, for a kernel's mean is part of what it does. −1 and 0 where there is no other.

    Returns:
        Numbers (N,), and absolute cosines (N,) between 0 and 1; a kernel of zeros is like none.
    """
    flat, lengths = kernels.reshape(len(kernels), -1), norms(kernels)[:, None]
    units = np.divide(flat, lengths, out=np.zeros_like(flat), where=lengths > 0)
    which, cosine = np.full(len(units), -1), np.zeros(len(units))
    for i, row in enumerate(units if len(units) > 1 else ()):
        likeness = np.abs(units @ row)
        likeness[i] = -1
        which[i] = likeness.argmax()
        cosine[i] = likeness[which[i]]
    return which, cosine


@dataclass(frozen=True, eq=False)
class Measures:
    """N kernels, and what their numbers say of each."""

    kernels: np.ndarray  # (N, C, kh, kw)
    norm: np.ndarray  # (N,), L2
    rms: np.ndarray  # (N,)
    frequency: np.ndarray  # (N,), cycles per pixel
    orientation: np.ndarray  # (N,), degrees; NaN for none
    nearest: np.ndarray  # (N,), the number of the kernel that is most like it; −1 for none
    likeness: np.ndarray  # (N,), the absolute cosine with that one
    dead: tuple[int, ...]  # see `models.weights.dead_filters`

    @property
    def repeated(self) -> tuple[int, ...]:
        """The numbers of the kernels that have another with an absolute cosine of at least ALIKE."""
        return tuple(np.flatnonzero(self.likeness >= ALIKE).tolist())

    @property
    def half_of_energy(self) -> int:
        """How few of the kernels, the strongest, hold half of the energy of all, their squared norms; 0 for zeros."""
        energy = np.cumsum(np.sort(np.square(self.norm))[::-1])
        return int((energy < energy[-1] / 2).sum()) + 1 if energy[-1] > 0 else 0

    def order(self, by: str) -> np.ndarray:
        """The numbers of the kernels in one of ORDERS: as they are numbered; the largest norm first; the lowest
        frequency first; by orientation from 0° on, those that have none last.
        """
        if by == "index":
            return np.arange(len(self.kernels))
        return np.argsort(-self.norm if by == "norm" else getattr(self, by), kind="stable")


def measured(kernels: np.ndarray) -> Measures:
    """All measures of kernels (N, C, kh, kw)."""
    dead = tuple(dead_filters(torch.from_numpy(kernels)))
    return Measures(
        kernels, norms(kernels), root_mean_squares(kernels), *dominant_waves(kernels), *nearest(kernels), dead
    )


RADIUS = 0.1  # Zeiler & Fergus 2013, section 3


def clipped(kernels: np.ndarray, radius: float = RADIUS) -> np.ndarray:
    """A copy in which every kernel whose root mean square exceeds `radius` is rescaled to that radius.

    Zeiler & Fergus (2013, section 3) did so while they trained, so that no filter of the first layer dominates.
    """
    return kernels * np.minimum(1, radius / np.maximum(root_mean_squares(kernels), radius))[:, None, None, None]


def rows(measures: Measures) -> Iterator[dict[str, object]]:
    """The table of the kernels, one row each; None for what a kernel has not."""
    for i in range(len(measures.kernels)):
        yield {
            "norm": measures.norm[i],
            "rms": measures.rms[i],
            "cycles_per_pixel": measures.frequency[i],
            "orientation_degrees": None if np.isnan(measures.orientation[i]) else measures.orientation[i],
            "dead": i in measures.dead,
            "most_like": None if measures.nearest[i] < 0 else int(measures.nearest[i]),
            "absolute_cosine": measures.likeness[i],
        }
