"""Attributions by a walk back through the network with a rule of its own at the ReLUs: deconvnet and guided.

The walk is that of `vis.deconvnet`. A signal of 1 starts at the score: of a difference, −1 at the second class; of
−score, everything has the other sign.
"""

from dataclasses import replace

import torch

from models.refusals import Refused
from vis.attribution.gradients import Found
from vis.attribution.question import Question
from vis.attribution.way import way_of
from vis.deconvnet import arrival
from vis.trace import record


def check_logits(asked: Question) -> None:
    """Raises Refused for a probability: what is handed down by rules starts at logits."""
    if asked.is_probability:
        raise Refused("This method starts at logits; ask for the logit instead of the probability.")


def check_deconvnet(asked: Question) -> None:
    """Raises Refused for a probability, and NoRule for an operation that the deconvnet has no rule for."""
    check_logits(asked)
    way_of(asked).check_walk("deconvnet")


def check_guided(asked: Question) -> None:
    """As `check_deconvnet`, for guided backpropagation."""
    check_logits(asked)
    way_of(asked).check_walk("guided")


def deconvnet(asked: Question) -> Found:
    """Only what is positive coming down passes a ReLU (Zeiler & Fergus 2013).

    Raises:
        TraceRefused, Refused: see `Question.recorded`.
    """
    return _walked(asked, "deconvnet")


def guided(asked: Question) -> Found:
    """Only what is positive coming down, where the ReLU was on (Springenberg et al. 2015).

    Raises:
        TraceRefused, Refused: see `Question.recorded`.
    """
    return _walked(asked, "guided")


def _walked(asked: Question, method: str) -> Found:
    recording = record(asked.model, asked.image)
    score = asked.scores_in(recording).item()
    end = asked.end(recording.trace)
    value = recording.values[end].detach().requires_grad_()
    with torch.enable_grad():
        again = asked.scores_in(replace(recording, values={end: value}))
    (start,) = torch.autograd.grad(again.sum(), value)
    per_channel, fidelity = arrival(recording, recording.trace.names[end], start, method)
    return Found(score, per_channel.sum(0), per_channel, fidelity)
