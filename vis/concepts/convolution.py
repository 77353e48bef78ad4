"""Convolution, forward and backward, and what one number of a stack of them depends on.

Maps are (N, C, H, W), kernels (C_out, C_in / groups, K, K). As everywhere in deep learning the kernel is not turned
over: it is a cross-correlation (Goodfellow, Bengio & Courville 2016, equation 9.6).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from models.refusals import Refused


@dataclass(frozen=True)
class Sliding:
    """How a kernel moves over a map."""

    stride: int = 1  # rows, and columns, from a window to the next
    padding: int = 0  # zeros around the map, on each side
    dilation: int = 1  # from a row, or column, of a window to the next


def side_after(side: int, kernel: int, of: Sliding) -> int:
    """How many windows fit along a side.

    Raises:
        Refused: where none does.
    """
    padded, reach = side + 2 * of.padding, of.dilation * (kernel - 1) + 1
    if reach > padded:
        raise Refused(
            "The kernel spans {rows}×{columns}, but the padded maps are only {height}×{width}; choose a smaller "
            "kernel or dilation, or more padding.",
            rows=reach,
            columns=reach,
            height=padded,
            width=padded,
        )
    return (padded - reach) // of.stride + 1


def looked_at(row: int, kernel: int, of: Sliding) -> list[int]:
    """The rows of the padded map that the windows of this row of the output read; of columns the same."""
    return [row * of.stride + i * of.dilation for i in range(kernel)]


def taps(x: Tensor, kernel: int, of: Sliding) -> Iterator[tuple[tuple[int, int], tuple[slice, slice]]]:
    """For each weight of a kernel, the numbers of the padded map that it is multiplied with, one for each window."""
    height, width = (side_after(side, kernel, of) for side in x.shape[2:])
    for i, j in product(range(kernel), repeat=2):
        top, left = i * of.dilation, j * of.dilation
        rows = slice(top, top + of.stride * (height - 1) + 1, of.stride)
        yield (i, j), (rows, slice(left, left + of.stride * (width - 1) + 1, of.stride))


def convolve(x: Tensor, weights: Tensor, of: Sliding, groups: int = 1) -> Tensor:
    """Every window's numbers times the kernel's, added up: (N, C_out, h, w)."""
    padded = F.pad(x, [of.padding] * 4).unflatten(1, (groups, -1))  # (N, G, C_in / G, H + 2p, W + 2p)
    kernels = weights.unflatten(0, (groups, -1))  # (G, C_out / G, C_in / G, K, K)
    y = 0
    for (i, j), (rows, columns) in taps(x, weights.shape[-1], of):
        y = y + torch.einsum("ngchw,goc->ngohw", padded[..., rows, columns], kernels[..., i, j])
    return y.flatten(1, 2)


def convolve_backward(
    x: Tensor, weights: Tensor, gradient: Tensor, of: Sliding, groups: int = 1
) -> tuple[Tensor, Tensor]:
    """The gradients of x and of the kernels.

    Where a weight met a number on the way up, the number gets the weight, and the weight the number, each times the
    gradient of that window; both add up over all windows.
    """
    padded = F.pad(x, [of.padding] * 4).unflatten(1, (groups, -1))
    kernels, gradient = weights.unflatten(0, (groups, -1)), gradient.unflatten(1, (groups, -1))
    of_padded, of_kernels = torch.zeros_like(padded), torch.zeros_like(kernels)
    for (i, j), (rows, columns) in taps(x, weights.shape[-1], of):
        of_padded[..., rows, columns] += torch.einsum("ngohw,goc->ngchw", gradient, kernels[..., i, j])
        of_kernels[..., i, j] = torch.einsum("ngohw,ngchw->goc", gradient, padded[..., rows, columns])
    height, width = x.shape[2:]
    inside = of_padded[..., of.padding : of.padding + height, of.padding : of.padding + width]
    return inside.flatten(1, 2), of_kernels.flatten(0, 1)


# A stack of layers -----------------------------------------------------------------------------------------------

Layers = Sequence[tuple[int, Sliding]]  # the kernel's side and how it moves


def sides(side: int, layers: Layers) -> list[int]:
    """The side of the picture, and of the map after each layer."""
    found = [side]
    for kernel, of in layers:
        found.append(side_after(found[-1], kernel, of))
    return found


def depends_on(side: int, layers: Layers, place: tuple[int, int]) -> list[Tensor]:
    """What one number after the last layer depends on: of the picture and after each layer, (h, w) of bool."""
    *before, last = sides(side, layers)
    reached = torch.zeros((1, 1, last, last), dtype=torch.float64)
    reached[0, 0][place] = 1
    found = [reached[0, 0] > 0]
    for side, (kernel, of) in zip(reversed(before), reversed(layers), strict=True):
        given, ones = reached.new_zeros((1, 1, side, side)), reached.new_ones((1, 1, kernel, kernel))
        reached = (convolve_backward(given, ones, reached, of)[0] > 0).double()
        found.append(reached[0, 0] > 0)
    return found[::-1]


def field_of(layers: Layers) -> int:
    """The side of the field in which it lies, where no border cuts it off; gaps of a dilation count."""
    side, jump = 1, 1
    for kernel, of in layers:
        side, jump = side + jump * of.dilation * (kernel - 1), jump * of.stride
    return side
