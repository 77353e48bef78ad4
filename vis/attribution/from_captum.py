"""Methods that Captum has, on a network whose operations it can see."""

from dataclasses import replace

import torch
from torch import Tensor

from vis.attribution.gradients import BASELINES, Found
from vis.attribution.linearity import without_rule
from vis.attribution.question import Inside, Question
from vis.attribution.unrolled import Elementwise, MaxPool, WithActivations, WithLayers, check_relevance
from vis.attribution.walked import check_logits


def deep_lift(asked: Question, baseline: str) -> Found:
    """What every pixel adds to the difference from a baseline, rule by rule (Shrikumar et al. 2017, rescale rule).

    Its axiom is summation to delta: all parts together are s(x) − s(x₀). Products of two signals miss it, and so does
    whatever else is neither linear nor has a rule; then the result is said to be approximated.

    Raises:
        TraceRefused, Refused: see `Question.recorded`.
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


def check_lrp(asked: Question) -> None:
    """Raises Refused for a probability, and for an operation without a rule: see `check_relevance`."""
    check_logits(asked)
    check_relevance(asked)


def lrp(asked: Question) -> Found:
    """The score handed down layer by layer, to each input its part of a sum (Bach et al. 2015, equation 58: ε-rule).

    Its axiom is conservation: all parts together are the score; what biases add to it stays with them. What is handed
    down is a logit: of a difference each of the two, of −score its opposite.

    Raises:
        TraceRefused, Refused: see `Question.recorded`.
    """
    first, *minus = asked.target if isinstance(asked.target, tuple) else (asked.target,)
    per_channel = _relevance(asked, first)
    for target in minus:
        per_channel = per_channel - _relevance(asked, target)
    per_channel = -per_channel if asked.is_negative else per_channel
    score = asked.scores(asked.image).item()
    return Found(score, per_channel.sum(0), per_channel, residual=per_channel.sum().item() - score)


def _relevance(asked: Question, target: int | Inside) -> Tensor:
    """What of the score of one class or unit falls to every number of the picture, (C, H, W)."""
    from captum.attr import LRP
    from captum.attr._core.lrp import SUPPORTED_NON_LINEAR_LAYERS

    if Elementwise not in SUPPORTED_NON_LINEAR_LAYERS:
        SUPPORTED_NON_LINEAR_LAYERS.append(Elementwise)
    network = WithLayers(replace(asked, target=target, is_negative=False))
    return LRP(network).attribute(asked.image.clone().requires_grad_()).detach()[0]
