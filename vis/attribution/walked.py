"""Attributions by a walk back through the network with a rule of its own at the ReLUs: deconvnet and guided.

A signal of 1 starts at the score. The walk is that of `vis.deconvnet`.
"""

import torch

from models.refusals import Refused
from vis.attribution.gradients import Found
from vis.attribution.question import Question, end_of
from vis.deconvnet import Unit, project, unit_at
from vis.trace import record


def deconvnet(asked: Question) -> Found:
    """Only what is positive coming down passes a ReLU (Zeiler & Fergus 2013).

    Raises:
        Refused: for anything but the logit of one class or a unit; for an operation without a rule (`NoRule`).
    """
    return _walked(asked, "deconvnet")


def guided(asked: Question) -> Found:
    """Only what is positive coming down, where the ReLU was on (Springenberg et al. 2015).

    Raises:
        Refused: for anything but the logit of one class or a unit; for an operation without a rule (`NoRule`).
    """
    return _walked(asked, "guided")


@torch.no_grad()
def _walked(asked: Question, method: str) -> Found:
    recording = record(asked.model, asked.image)
    unit = asked.target
    if isinstance(unit, tuple) or asked.is_probability or asked.is_negative:
        raise Refused("This method starts at one unit; ask for the logit of a single class.")
    if not isinstance(unit, Unit):
        asked.scores_in(recording)  # refuses what is no class
        unit = unit_at(asked.model, recording, recording.trace.names[end_of(recording.trace)], unit, 0, 0)
    (found,) = project(asked.model, recording, [unit], method)
    canvas = found.on_canvas()
    per_channel = canvas / found.unit.activation if found.unit.activation > 0 else canvas
    return Found(found.unit.activation, per_channel.sum(0), per_channel, found.fidelity)
