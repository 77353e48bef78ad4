"""Convolution: one window after another, back again, as volumes of several kinds, and what a stack of it sees."""

from pathlib import Path

import streamlit as st

from pages.common.text import _
from pages.learn.convolution.kinds import kinds
from pages.learn.convolution.stack import stacked
from pages.learn.convolution.windows import windows
from pages.learn.lesson import close_lesson

TEXTS = Path(__file__).parent / "texts"
CODE = """\
import torch
from torch.nn import functional as F

x, w = torch.rand(1, 3, 6, 6, requires_grad=True), torch.rand(5, 3, 3, 3, requires_grad=True)
y = F.conv2d(x, w, stride=1, padding=0, dilation=1)  # (1, 5, 4, 4)
by_hand = (x[0, :, 1:4, 2:5] * w[4]).sum()  # = y[0, 4, 1, 2]
of_x, of_w = torch.autograd.grad(y.sum(), (x, w))  # all windows add up
flat = F.conv2d(x, torch.rand(3, 1, 3, 3), groups=3)  # depthwise: (1, 3, 4, 4)
thin = F.conv2d(flat, torch.rand(5, 3, 1, 1))  # pointwise: (1, 5, 4, 4)
multiplications = y.numel() * 3 * 3 * 3, flat.numel() * 3 * 3 + thin.numel() * 3  # 2,160 and 432 + 240
"""


def page() -> None:
    st.title(_("Convolution and receptive field"))
    windows()
    kinds()
    stacked()
    close_lesson(CODE, TEXTS, "convolution")


page()
