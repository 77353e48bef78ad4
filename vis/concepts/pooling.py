"""Pooling, forward and backward, the switches of max pooling, and the three steps of the deconvnet on one small map.

Maps are (N, C, H, W). A window reads kernel × kernel numbers and moves on by the stride; what does not fill a whole
window at the right and lower border is left out, as in torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


def windows(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Every window's numbers, row by row, (N, C, h, w, kernel²)."""
    return x.unfold(2, kernel, stride).unfold(3, kernel, stride).flatten(4)


# Max -------------------------------------------------------------------------------------------------------------


def max_pool(x: Tensor, kernel: int, stride: int) -> tuple[Tensor, Tensor]:
    """Each window's maximum, and its switch: where on the map it was, row · W + column, the first of equal ones."""
    looked = windows(x, kernel, stride)
    place = looked.argmax(-1)  # (N, C, h, w), in the window
    top = torch.arange(place.shape[2])[:, None] * stride + place // kernel
    left = torch.arange(place.shape[3]) * stride + place % kernel
    return looked.amax(-1), top * x.shape[3] + left


def unpool_add(y: Tensor, switches: Tensor, size: Sequence[int]) -> Tensor:
    """Every number at its switch on a map of this size, (N, C, *size); where windows share one, their sum.

    It is the backward pass of max pooling, and the first step of the deconvnet.
    """
    flat = y.new_zeros(*y.shape[:2], size[0] * size[1])
    return flat.scatter_add(2, switches.flatten(2), y.flatten(2)).unflatten(2, tuple(size))


def unpool_overwrite(y: Tensor, switches: Tensor, size: Sequence[int]) -> Tensor:
    """The same, but where windows share a switch the last of them wins, as in `nn.MaxUnpool2d` on a CPU."""
    flat = y.new_zeros(*y.shape[:2], size[0] * size[1])
    for place, number in zip(switches.flatten(2).split(1, dim=2), y.flatten(2).split(1, dim=2), strict=True):
        flat = flat.scatter(2, place, number)
    return flat.unflatten(2, tuple(size))


def shared(switches: Tensor, size: Sequence[int]) -> Tensor:
    """How many windows have their maximum at each place, (N, C, *size)."""
    return unpool_add(torch.ones_like(switches), switches, size)


# Average, and LeNet's subsampling --------------------------------------------------------------------------------


def average_pool(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Each window's mean."""
    return windows(x, kernel, stride).mean(-1)


def average_pool_backward(gradient: Tensor, kernel: int, stride: int, size: Sequence[int]) -> Tensor:
    """The gradient of x: an equal part of that of every window that a number stands in."""
    spread = gradient.new_zeros(*gradient.shape[:2], *size)
    rows, columns = gradient.shape[2:]
    for i in range(kernel):
        for j in range(kernel):
            spread[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride] += gradient / kernel**2
    return spread


def subsample(x: Tensor, coefficient: Tensor, bias: Tensor) -> Tensor:
    """LeNet-5's: the sum of every 2×2 window, times the coefficient of its map, plus its bias; trained, (C,) each."""
    return 4 * average_pool(x, 2, 2) * coefficient[:, None, None] + bias[:, None, None]


def subsample_backward(x: Tensor, gradient: Tensor, coefficient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, the coefficients and the biases."""
    of_x = average_pool_backward(4 * gradient * coefficient[:, None, None], 2, 2, x.shape[2:])
    return of_x, (gradient * 4 * average_pool(x, 2, 2)).sum((0, 2, 3)), gradient.sum((0, 2, 3))


# The deconvnet ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Up:
    """A picture (1, 1, H, W) on its way up: filtered, rectified, pooled with its switches."""

    filtered: Tensor
    rectified: Tensor
    pooled: Tensor
    switches: Tensor


@dataclass(frozen=True, eq=False)
class Down:
    """One unit on its way back: alone, unpooled, rectified, filtered with the transposed filter."""

    alone: Tensor
    unpooled: Tensor
    rectified: Tensor
    filtered: Tensor


def up(x: Tensor, filter: Tensor, kernel: int, stride: int) -> Up:
    """A convolution that keeps the size, (k, k) with k odd, a ReLU and a max pool."""
    filtered = F.conv2d(x, filter[None, None], padding=len(filter) // 2)
    pooled, switches = max_pool(filtered.relu(), kernel, stride)
    return Up(filtered, filtered.relu(), pooled, switches)


def down(seen: Up, filter: Tensor, unit: tuple[int, int]) -> Down:
    """Zeiler & Fergus 2013, section 2.1, for one unit of the pooled map: all others are set to zero."""
    alone = torch.zeros_like(seen.pooled)
    alone[0, 0][unit] = seen.pooled[0, 0][unit]
    unpooled = unpool_add(alone, seen.switches, seen.filtered.shape[2:])
    rectified = unpooled.relu()
    return Down(alone, unpooled, rectified, F.conv_transpose2d(rectified, filter[None, None], padding=len(filter) // 2))
