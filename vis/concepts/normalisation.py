"""Normalisation, forward and backward: LRN, batch norm with its moving averages, layer, group and instance norm.

Inputs are (N, C, H, W) throughout. A backward function is given the gradient of the output and gives those of what went
in; nothing here asks autograd, which is what the tests compare it with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from models.refusals import Refused

# Local response normalisation ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Convention:
    """How a library reads n and α."""

    is_radius: bool  # n entries to either side of the middle one, or n in all
    is_divided: bool  # α by the number of entries of a window


CONVENTIONS = {
    "paper": Convention(is_radius=False, is_divided=False),
    "torch": Convention(is_radius=False, is_divided=True),
    "tensorflow": Convention(is_radius=True, is_divided=False),
    "both": Convention(is_radius=True, is_divided=True),
}


@dataclass(frozen=True)
class LRN:
    """Settings of local response normalisation: Krizhevsky, Sutskever & Hinton 2012, section 3.3."""

    n: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0
    convention: Convention = CONVENTIONS["paper"]
    is_within: bool = False  # the window lies in one channel, a square, instead of across the channels

    @property
    def reach(self) -> tuple[int, int]:
        """How far a window goes before and after its middle entry; an even one goes one further before."""
        return (self.n, self.n) if self.convention.is_radius else (self.n // 2, (self.n - 1) // 2)

    @property
    def entries(self) -> int:
        """How many entries a whole window has; at the border some are missing, and are still counted."""
        return (sum(self.reach) + 1) ** (2 if self.is_within else 1)

    @property
    def share(self) -> float:
        """What the sum of squares is multiplied by: α, or α over the number of entries."""
        return self.alpha / self.entries if self.convention.is_divided else self.alpha


def lrn(x: Tensor, of: LRN) -> Tensor:
    """Each entry, divided by a power of k plus the weighted sum of squares in its window."""
    return x * (of.k + of.share * window_sums(x.square(), of)) ** -of.beta


def lrn_backward(x: Tensor, gradient: Tensor, of: LRN) -> Tensor:
    """The gradient of x: by the entry itself, and by every window that it stands in."""
    scale = of.k + of.share * window_sums(x.square(), of)
    by_windows = window_sums(gradient * x * scale ** (-of.beta - 1), of, is_mirrored=True)
    return gradient * scale**-of.beta - 2 * of.beta * of.share * x * by_windows


def window_sums(x: Tensor, of: LRN, is_mirrored: bool = False) -> Tensor:
    """The sum over each entry's window; or, mirrored, over the entries in whose windows it stands."""
    before, after = of.reach[::-1] if is_mirrored else of.reach
    for dimension in (2, 3) if of.is_within else (1,):
        around = [0, 0] * (3 - dimension) + [before, after]
        x = F.pad(x, around).unfold(dimension, before + after + 1, 1).sum(-1)
    return x


def window_of(place: Sequence[int], shape: Sequence[int], of: LRN) -> tuple[slice, slice, slice]:
    """Channels, rows and columns of the window of the entry at (channel, row, column), cut off at the border."""
    before, after = of.reach
    is_open = (not of.is_within, of.is_within, of.is_within)
    return tuple(
        slice(max(0, at - before), min(size, at + after + 1)) if spreads else slice(at, at + 1)
        for at, size, spreads in zip(place, shape, is_open, strict=True)
    )


# Entries that share a mean ---------------------------------------------------------------------------------------


def sets_of(kind: str, shape: Sequence[int], groups: int = 1) -> Tensor:
    """Which entries share a mean: the number of its set for every entry, (N, C, H, W).

    Args:
        kind: "batch", "layer", "group" or "instance".
        groups: of the channels, for "group".

    Raises:
        Refused: where the channels cannot be split into that many groups.
    """
    pictures, channels = shape[:2]
    parts = {"batch": channels, "layer": 1, "group": groups, "instance": channels}[kind]
    if channels % parts:
        raise Refused(
            "{channels} channels cannot be split into {groups} equal groups; choose a divisor.",
            channels=channels,
            groups=parts,
        )
    part = torch.arange(channels) // (channels // parts)  # (C,)
    picture = torch.arange(pictures) * (0 if kind == "batch" else parts)  # (N,)
    return (picture[:, None] + part)[:, :, None, None].expand(*shape)


def means(x: Tensor, sets: Tensor) -> Tensor:
    """For every entry the mean of its set, (N, C, H, W)."""
    totals = x.new_zeros(int(sets.max()) + 1).index_add(0, sets.flatten(), x.flatten())
    return (totals / sets.flatten().bincount())[sets]


def standardised(x: Tensor, sets: Tensor, eps: float = 1e-5) -> Tensor:
    """Each entry minus the mean of its set, over the root of the set's biased variance plus ε."""
    centred = x - means(x, sets)
    return centred / (means(centred.square(), sets) + eps).sqrt()


def standardised_backward(x: Tensor, gradient: Tensor, sets: Tensor, eps: float = 1e-5) -> Tensor:
    """The gradient of x, which reaches each entry also by the mean and by the variance of its set."""
    y, centred = standardised(x, sets, eps), x - means(x, sets)
    deviation = (means(centred.square(), sets) + eps).sqrt()
    return (gradient - means(gradient, sets) - y * means(gradient * y, sets)) / deviation


# Batch norm ------------------------------------------------------------------------------------------------------


def batch_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """While training: standardised by the batch's own mean and variance in each channel, then γ times it plus β.

    Raises:
        Refused: where a channel has a single value.
    """
    refuse_single(x)
    return standardised(x, sets_of("batch", x.shape), eps) * _by_channel(weight) + _by_channel(bias)


def batch_norm_backward(
    x: Tensor, weight: Tensor, gradient: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x, γ and β."""
    sets = sets_of("batch", x.shape)
    of_x = standardised_backward(x, gradient * _by_channel(weight), sets, eps)
    return of_x, (gradient * standardised(x, sets, eps)).sum((0, 2, 3)), gradient.sum((0, 2, 3))


@dataclass(frozen=True, eq=False)
class Moving:
    """Moving averages of the mean and the variance of each channel, (C,)."""

    mean: Tensor
    variance: Tensor


def begun(channels: int) -> Moving:
    """Where both libraries begin: a mean of 0 and a variance of 1."""
    return Moving(torch.zeros(channels, dtype=torch.float64), torch.ones(channels, dtype=torch.float64))


def moved_as_torch(moving: Moving, x: Tensor, momentum: float = 0.1) -> Moving:
    """The averages after one more batch: momentum is the share of the *new* value, and the variance is unbiased."""
    refuse_single(x)
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=1)
    return Moving(*(momentum * new + (1 - momentum) * old for old, new in _pairs(moving, mean, variance)))


def moved_as_keras(moving: Moving, x: Tensor, momentum: float = 0.99) -> Moving:
    """The averages after one more batch: momentum is the share of the *old* value, and the variance is biased."""
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
    return Moving(*(momentum * old + (1 - momentum) * new for old, new in _pairs(moving, mean, variance)))


def inference(x: Tensor, moving: Moving, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """At inference: nothing of x but the entry itself; it is a fixed line in each channel."""
    scale = weight / (moving.variance + eps).sqrt()  # (C,)
    return (x - _by_channel(moving.mean)) * _by_channel(scale) + _by_channel(bias)


def inference_backward(gradient: Tensor, moving: Moving, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """The gradient of x: the slope of that line."""
    return gradient * _by_channel(weight / (moving.variance + eps).sqrt())


def refuse_single(x: Tensor) -> None:
    """Refuses a batch in which every channel has a single value.

    Raises:
        Refused: for it would be its own mean, and its variance 0, or unbiased 0/0.
    """
    if x[:, 0].numel() == 1:
        raise Refused(
            "Batch norm cannot train on one value per channel: the value is its own mean, so the output would always "
            "be β. Take two pictures or more, or larger maps."
        )


def _by_channel(values: Tensor) -> Tensor:
    return values[:, None, None]


def _pairs(moving: Moving, mean: Tensor, variance: Tensor) -> tuple[tuple[Tensor, Tensor], ...]:
    return (moving.mean, mean), (moving.variance, variance)
