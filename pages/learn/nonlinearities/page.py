"""Activation functions: their derivatives, what they do to a gradient, and units that no gradient reaches."""

from pathlib import Path

import streamlit as st

from pages.common.text import _
from pages.learn.lesson import close_lesson
from pages.learn.nonlinearities.curves import functions
from pages.learn.nonlinearities.rules import dead_units, rules

TEXTS = Path(__file__).parent / "texts"
CODE = """\
import torch
from torch import nn

x = torch.zeros(1, requires_grad=True)  # where a sigmoid is steepest
(slope,) = torch.autograd.grad(nn.Sigmoid()(x), x)
left = slope**10  # of a gradient of 1, after ten of them
signal = torch.tensor([1.0, -1.0, 1.0, -1.0])
up = torch.tensor([1.0, 1.0, -1.0, -1.0], requires_grad=True)
(gradient,) = torch.autograd.grad(up.relu(), up, signal)
deconvnet, guided = signal.relu(), gradient.relu()
"""


def page() -> None:
    st.title(_("Activation functions"))
    functions()
    rules()
    dead_units()
    close_lesson(CODE, TEXTS, "nonlinearities")


page()
