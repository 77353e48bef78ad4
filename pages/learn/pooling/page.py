"""Pooling: max with its switches, average, LeNet's subsampling; unpooling, and the deconvnet's three steps."""

from pathlib import Path

import streamlit as st

from pages.common.text import _
from pages.learn.lesson import close_lesson
from pages.learn.pooling.pools import pools
from pages.learn.pooling.steps import three_steps

TEXTS = Path(__file__).parent / "texts"
CODE = """\
import torch
from torch.nn import functional as F

x = torch.rand(1, 1, 9, 9, requires_grad=True)
y, switches = F.max_pool2d(x, 3, 2, return_indices=True)  # overlapping, as in AlexNet
(added,) = torch.autograd.grad(y, x, grad_outputs=y)  # unpooled: where windows share a maximum, their sum
overwritten = F.max_unpool2d(y, switches, 3, 2, output_size=(9, 9))  # there the last one only
mean = F.avg_pool2d(x, 2, 2)
lenet = 0.25 * F.avg_pool2d(x, 2, 2, divisor_override=1) + 0.0  # coefficient and bias are trained, one of each a map
print((added != overwritten).sum())
"""


def page() -> None:
    st.title(_("Pooling and switches"))
    pools()
    three_steps()
    close_lesson(CODE, TEXTS, "pooling")


page()
