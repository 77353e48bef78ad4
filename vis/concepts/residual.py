"""A residual block on small maps, forward and backward: identity and convolutional, as of 2015 and as of 2016.

Maps are (N, C, H, W). There is neither norm nor bias, so that every number can be followed by hand.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vis.concepts.activation import relu, relu_slope
from vis.concepts.convolution import Sliding, convolve, convolve_backward

INNER = Sliding(padding=1)


@dataclass(frozen=True)
class Form:
    """What a block is like."""

    shortcut: str = "identity"  # or, where the maps shrink: "zeros" or "projection", He et al. 2015's options A and B
    is_preactivated: bool = False  # He et al. 2016, figure 4e

    @property
    def stride(self) -> int:
        return 1 if self.shortcut == "identity" else 2

    @property
    def is_projected_late(self) -> bool:
        """Whether the shortcut begins behind the ReLU, as a projection does in the code of 2016."""
        return self.is_preactivated and self.shortcut == "projection"


@dataclass(frozen=True, eq=False)
class Kernels:
    """The weights of a block: two convolutions of 3×3, and 1×1 of a projection."""

    first: Tensor
    second: Tensor
    projection: Tensor


def subsampled(x: Tensor, stride: int, channels: int) -> Tensor:
    """Every second pixel, and maps of zeros behind, up to so many channels: a shortcut without weights."""
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, channels - x.shape[1]))


def subsampled_backward(x: Tensor, gradient: Tensor, stride: int) -> Tensor:
    """The gradient of x: that of the pixels that were taken; the others, and the maps of zeros, have none."""
    spread = torch.zeros_like(x)
    spread[:, :, ::stride, ::stride] = gradient[:, : x.shape[1]]
    return spread


def shortcut(x: Tensor, kernels: Kernels, of: Form) -> Tensor:
    """What of x is added to the residual."""
    if of.shortcut == "identity":
        return x
    if of.shortcut == "zeros":
        return subsampled(x, of.stride, len(kernels.second))
    return convolve(x, kernels.projection, Sliding(of.stride))


def shortcut_backward(x: Tensor, kernels: Kernels, gradient: Tensor, of: Form) -> Tensor:
    """The gradient of x; by the identity it comes as it is."""
    if of.shortcut == "identity":
        return gradient
    if of.shortcut == "zeros":
        return subsampled_backward(x, gradient, of.stride)
    return convolve_backward(x, kernels.projection, gradient, Sliding(of.stride))[0]


@dataclass(frozen=True, eq=False)
class Made:
    """What is computed inside a block."""

    x: Tensor
    given: Tensor  # to the first convolution: x, or its ReLU
    u: Tensor  # by the first convolution
    h: Tensor  # its ReLU
    residual: Tensor  # by the second convolution
    shortcut: Tensor
    sum: Tensor
    y: Tensor  # its ReLU, or the sum itself


def block(x: Tensor, kernels: Kernels, of: Form) -> Made:
    """Two convolutions, and what went in added to what they make."""
    given = relu(x) if of.is_preactivated else x
    u = convolve(given, kernels.first, Sliding(of.stride, 1))
    h = relu(u)
    residual = convolve(h, kernels.second, INNER)
    kept = shortcut(given if of.is_projected_late else x, kernels, of)
    total = residual + kept
    return Made(x, given, u, h, residual, kept, total, total if of.is_preactivated else relu(total))


@dataclass(frozen=True, eq=False)
class Back:
    """The gradients inside a block, and both parts of that of x."""

    sum: Tensor
    h: Tensor
    by_layers: Tensor
    by_shortcut: Tensor

    @property
    def x(self) -> Tensor:
        return self.by_layers + self.by_shortcut


def block_backward(made: Made, kernels: Kernels, gradient: Tensor, of: Form) -> Back:
    """From the gradient of y; the sum hands it to the residual and to the shortcut alike."""
    of_sum = gradient if of.is_preactivated else gradient * relu_slope(made.sum)
    of_h, _of_second = convolve_backward(made.h, kernels.second, of_sum, INNER)
    of_u = of_h * relu_slope(made.u)
    by_layers, _of_first = convolve_backward(made.given, kernels.first, of_u, Sliding(of.stride, 1))
    kept = made.given if of.is_projected_late else made.x
    by_shortcut = shortcut_backward(kept, kernels, of_sum, of)
    if of.is_preactivated:
        by_layers = by_layers * relu_slope(made.x)
    if of.is_projected_late:
        by_shortcut = by_shortcut * relu_slope(made.x)
    return Back(of_sum, of_h, by_layers, by_shortcut)
