"""Attributions from gradients: how the score changes with every pixel."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.options import Phrase
from vis.attribution.question import Question

AT_ONCE = 10  # pictures in one pass
SEED = 0  # of all that is drawn at random, so that every run gives the same
DRAWS = Phrase("random draws")


@dataclass(frozen=True, eq=False)
class Found:
    """What a method gives."""

    score: float  # that was explained
    map: Tensor  # (H, W), on the picture's grid
    per_channel: Tensor | None = None  # (C, H, W)
    fidelity: str = "exact"  # or "approximated: <what>", "undefined: <why>"
    residual: float | None = None  # by how much the method's own axiom is missed, in units of the score
    part: float = 1.0  # of the work that is done: what takes long is known from coarse to fine
    layer: str | None = None  # whose maps were weighed, of the CAM family
    made: tuple[int, int] | None = None  # pictures that went forward and backward, where that is known only afterwards


def saliency(asked: Question) -> Found:
    """|∂s/∂x|, of the three channels the largest (Simonyan, Vedaldi & Zisserman 2013, section 3.1).

    Raises:
        Refused: see `Question.recorded`.
    """
    gradients, score = asked.gradients()
    per_channel = gradients[0].abs()
    return Found(score.item(), per_channel.amax(0), per_channel)


def input_x_gradient(asked: Question) -> Found:
    """x · ∂s/∂x, summed over the channels (Shrikumar, Greenside & Kundaje 2017).

    Raises:
        Refused: see `Question.recorded`.
    """
    gradients, score = asked.gradients()
    per_channel = gradients[0] * asked.image[0]
    return Found(score.item(), per_channel.sum(0), per_channel)


def integrated_gradients(asked: Question, steps: int, baseline: str) -> Iterator[Found]:
    """(x − x₀) times the mean gradient on the straight way from x₀ to x (Sundararajan, Taly & Yan 2017, equation 1).

    Its axiom is completeness: all parts together are s(x) − s(x₀). The mean is an integral by Gauss and Legendre.

    Raises:
        Refused: see `Question.recorded`.
    """
    start = BASELINES[baseline](asked.image)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    parts = asked.image.new_tensor((nodes + 1) / 2).split(AT_ONCE), asked.image.new_tensor(weights / 2).split(AT_ONCE)
    end, begin = asked.scores(torch.cat([asked.image, start])).tolist()
    mean, done = torch.zeros_like(asked.image[0]), 0
    for part, weight in zip(*parts, strict=True):
        gradients, _ = asked.gradients(start + part[:, None, None, None] * (asked.image - start))
        mean, done = mean + torch.einsum("n,nchw->chw", weight, gradients), done + len(part)
        per_channel = (asked.image - start)[0] * mean
        residual = per_channel.sum().item() - (end - begin)
        yield Found(end, per_channel.sum(0), per_channel, residual=residual, part=done / steps)


def smoothgrad(asked: Question, samples: int, noise: float) -> Iterator[Found]:
    """The mean of |∂s/∂x| over noisy copies of the picture (Smilkov et al. 2017, equation 1), each with its own noise.

    Args:
        noise: the noise's deviation, as a part of the picture's range.

    Raises:
        Refused: see `Question.recorded`.
    """
    sigma = noise * (asked.image.max() - asked.image.min())
    score = asked.scores(asked.image).item()
    total, done = torch.zeros_like(asked.image[0]), 0
    for draws in _noise(asked.image, samples):
        gradients, _ = asked.gradients(asked.image + sigma * draws)
        total, done = total + gradients.abs().sum(0), done + len(draws)
        per_channel = total / done
        yield Found(score, per_channel.amax(0), per_channel, part=done / samples)


def gradient_shap(asked: Question, samples: int, noise: float) -> Iterator[Found]:
    """The mean of (x − x₀) · ∂s/∂x at random places on the way from random baselines (Erion et al. 2021, equation 4).

    Its axiom is that all parts together are s(x) less the mean s(x₀), which random draws reach about.

    Args:
        noise: added to the picture, as of `smoothgrad`.

    Raises:
        Refused: see `Question.recorded`.
    """
    starts = torch.cat([baseline(asked.image) for baseline in BASELINES.values()])
    generator = torch.Generator().manual_seed(SEED)
    sigma = noise * (asked.image.max() - asked.image.min())
    score = asked.scores(asked.image).item()
    total, begun, done = torch.zeros_like(asked.image[0]), 0.0, 0
    for draws in _noise(asked.image, samples):
        start = starts[torch.randint(len(starts), (len(draws),), generator=generator)]
        part = torch.rand(len(draws), generator=generator, dtype=torch.float64).to(
            asked.image.device, asked.image.dtype
        )
        way = asked.image + sigma * draws - start
        gradients, _ = asked.gradients(start + part[:, None, None, None] * way)
        total, done = total + (gradients * way).sum(0), done + len(draws)
        begun += asked.scores(start).sum().item()
        per_channel = total / done
        residual = per_channel.sum().item() - (score - begun / done)
        yield Found(score, per_channel.sum(0), per_channel, f"approximated: {DRAWS}", residual, done / samples)


def _noise(image: Tensor, samples: int) -> Iterator[Tensor]:
    """Standard normal noise (N, C, H, W), the same in every run and on every device."""
    generator = torch.Generator().manual_seed(SEED)
    for begin in range(0, samples, AT_ONCE):
        shape = (min(AT_ONCE, samples - begin), *image.shape[1:])
        yield torch.randn(shape, generator=generator, dtype=torch.float64).to(image.device, image.dtype)


def mean_colour(image: Tensor) -> Tensor:
    """The picture that is 0 everywhere after normalisation: the mean colour of what the network was trained on."""
    return torch.zeros_like(image)


def blurred(image: Tensor) -> Tensor:
    """The picture through a Gaussian as wide as a tenth of its shorter side."""
    sigma = min(image.shape[2:]) / 10
    reach = round(3 * sigma)
    places = torch.arange(-reach, reach + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-(places**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(image.shape[1], 1, 1, -1)
    for turned, sides in ((kernel, (reach, reach, 0, 0)), (kernel.transpose(2, 3), (0, 0, reach, reach))):
        padded = torch.nn.functional.pad(image, sides, mode="replicate")
        image = torch.nn.functional.conv2d(padded, turned, groups=image.shape[1])
    return image


BASELINES = {"mean": mean_colour, "blurred": blurred}
