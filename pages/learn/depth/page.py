"""Depth: gradients that vanish and explode, where depth hurts what is learnt, and what shortcuts change."""

from pathlib import Path

import streamlit as st

from pages.common.text import _
from pages.learn.depth.begin import at_the_start
from pages.learn.depth.learning import while_learning
from pages.learn.depth.measured import on_cifar
from pages.learn.lesson import close_lesson

TEXTS = Path(__file__).parent / "texts"
CODE = """\
import torch

generator = torch.Generator().manual_seed(1)
weights = [torch.randn(32, 32, generator=generator) / 32**0.5 for _ in range(50)]  # Xavier's start
first = weights[0].requires_grad_()
plain = residual = torch.randn(96, 32, generator=generator)
for one, two in zip(weights[::2], weights[1::2]):
    plain = ((plain @ one.T).relu() @ two.T).relu()
    residual = (residual + (residual @ one.T).relu() @ two.T).relu()  # the shortcut
(vanished,) = torch.autograd.grad(plain.mean(), first)
(kept,) = torch.autograd.grad(residual.mean(), first)
print(vanished.norm(), kept.norm())
"""


def page() -> None:
    st.title(_("Depth"))
    at_the_start()
    while_learning()
    on_cifar()
    close_lesson(CODE, TEXTS, "depth")


page()
