"""Dropout, forward and backward, in both ways of keeping the expectation; p is the probability of being dropped.

As it was introduced (Hinton et al. 2012), what is kept stays as it is, and at inference everything is multiplied by
1 − p. Inverted, as in torch, what is kept is divided by 1 − p while training, and at inference nothing happens.
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn


def mask(shape: Sequence[int], p: float, seed: int) -> Tensor:
    """Which numbers are kept, each by its own draw: True with probability 1 − p; of one seed always the same."""
    return torch.rand(tuple(shape), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) >= p


def training_factor(p: float, is_inverted: bool) -> float:
    """What is kept is multiplied by this while training; at p = 1 nothing is kept, and it is 0 as in torch."""
    if not is_inverted:
        return 1.0
    return 1 / (1 - p) if p < 1 else 0.0


def inference_factor(p: float, is_inverted: bool) -> float:
    """Everything is multiplied by this at inference."""
    return 1.0 if is_inverted else 1 - p


def training(x: Tensor, kept: Tensor, p: float, is_inverted: bool = True) -> Tensor:
    """What is kept, times its factor; the rest is 0."""
    return torch.where(kept, x * training_factor(p, is_inverted), 0)


def training_backward(gradient: Tensor, kept: Tensor, p: float, is_inverted: bool = True) -> Tensor:
    """The gradient of x: it passes by the same mask and the same factor as x did."""
    return torch.where(kept, gradient * training_factor(p, is_inverted), 0)


def inference(x: Tensor, p: float, is_inverted: bool = True) -> Tensor:
    """Every number times the factor of inference: the expectation of what comes out while training."""
    return x * inference_factor(p, is_inverted)


def inference_backward(gradient: Tensor, p: float, is_inverted: bool = True) -> Tensor:
    """The gradient of x."""
    return gradient * inference_factor(p, is_inverted)


# Many passes -----------------------------------------------------------------------------------------------------


def running_means(passes: Iterable[Tensor]) -> Iterator[Tensor]:
    """The mean of the first pass, of the first two, and so on."""
    total = 0
    for count, y in enumerate(passes, 1):
        total = total + y
        yield total / count


def expected_error(x: Tensor, p: float, passes: Tensor, is_inverted: bool = True) -> Tensor:
    """How far the mean of each of these numbers of passes is expected to be from the expectation, (n,).

    It is the root of the mean square over x. A number is kept or not, which has the variance p (1 − p), and the passes
    are independent of each other.
    """
    variance = p * (1 - p) * (x * training_factor(p, is_inverted)).square()
    return (variance.mean() / passes).sqrt()


def answers(classifier: Iterable[nn.Module], given: Tensor, kept: Tensor, p: float) -> Tensor:
    """What the last layers of a network say of one picture under each mask, (masks, classes).

    Args:
        classifier: layers one after the other, with one dropout.
        given: what goes into the first of them, (1, …).
        kept: a mask for each pass of what goes into the dropout, (masks, units).
    """
    for part in classifier:
        given = training(given, kept.to(given.device), p) if isinstance(part, nn.Dropout) else part(given)
    return given
