"""Methods that Captum has, on a network whose operations it can see."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from models.refusals import Refused
from vis.attribution.gradients import AT_ONCE, BASELINES, Found
from vis.attribution.linearity import without_rule
from vis.attribution.question import Question
from vis.attribution.unrolled import Elementwise, MaxPool, WithActivations, WithLayers
from vis.deconvnet import Unit


def deep_lift(asked: Question, baseline: str) -> Found:
    """What every pixel adds to the difference from a baseline, rule by rule (Shrikumar et al. 2017, rescale rule).

    Its axiom is summation to delta: all parts together are s(x) − s(x₀). Products of two signals miss it, and so does
    whatever else is neither linear nor has a rule; then the result is said to be approximated.

    Raises:
        Refused: see `WithActivations` and `Question.recorded`.
    """
    from captum.attr import DeepLift
    from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR, nonlinear

    SUPPORTED_NON_LINEAR.setdefault(Elementwise, nonlinear)
    SUPPORTED_NON_LINEAR.setdefault(MaxPool, MaxPool.back)
    start = BASELINES[baseline](asked.image)
    (per_channel,) = DeepLift(WithActivations(asked)).attribute(asked.image.clone().requires_grad_(), start).detach()
    end, begin = asked.scores(torch.cat([asked.image, start])).tolist()
    missing = without_rule(asked)
    fidelity = f"approximated: {missing}" if missing else "exact"
    return Found(end, per_channel.sum(0), per_channel, fidelity, per_channel.sum().item() - (end - begin))


def lrp(asked: Question) -> Found:
    """The score handed down layer by layer, to each input its part of a sum (Bach et al. 2015, equation 58: ε-rule).

    Its axiom is conservation: all parts together are the score; what biases add to it stays with them. What is handed
    down is a logit: of a difference each of the two, of −score its opposite.

    Raises:
        Refused: for a probability; and see `WithLayers`.
    """
    if asked.is_probability:
        raise Refused("Layer-wise relevance starts at logits; ask for the logit instead of the probability.")
    first, *minus = asked.target if isinstance(asked.target, tuple) else (asked.target,)
    per_channel = _relevance(asked, first)
    for target in minus:
        per_channel = per_channel - _relevance(asked, target)
    per_channel = -per_channel if asked.is_negative else per_channel
    score = asked.scores(asked.image).item()
    return Found(score, per_channel.sum(0), per_channel, residual=per_channel.sum().item() - score)


def _relevance(asked: Question, target: int | Unit) -> Tensor:
    """What of the score of one class or unit falls to every number of the picture, (C, H, W)."""
    from captum.attr import LRP

    network = WithLayers(replace(asked, target=target, is_negative=False))
    return LRP(network).attribute(asked.image.clone().requires_grad_()).detach()[0]


def feature_ablation(asked: Question, parts: int) -> Found:
    """How much the score falls when a superpixel is covered with the mean colour.

    Raises:
        Refused: see `Question.scores`.
    """
    from captum.attr import FeatureAblation

    mask = superpixels(asked.image, parts)
    ablation = FeatureAblation(asked.scores)
    with torch.no_grad():
        (falls,) = ablation.attribute(asked.image, feature_mask=mask[None, None], perturbations_per_eval=AT_ONCE)
    return Found(asked.scores(asked.image).item(), falls[0].to(asked.image.dtype))


def superpixels(image: Tensor, parts: int) -> Tensor:
    """The number of every pixel's superpixel, (H, W): about `parts` of them (SLIC, Achanta et al. 2012)."""
    from skimage.segmentation import slic

    pixels = image[0].permute(1, 2, 0).double().cpu().numpy()
    low, high = pixels.min(), pixels.max()
    pixels = (pixels - low) / max(high - low, np.finfo(float).tiny)
    compactness = 10 if pixels.shape[2] == 3 else 0.1  # colours become Lab, a hundred times larger
    found = slic(pixels, n_segments=parts, compactness=compactness, start_label=0, channel_axis=-1)
    return torch.from_numpy(np.ascontiguousarray(found)).to(image.device)
