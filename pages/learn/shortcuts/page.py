"""Shortcuts: a residual block number by number, blocks of 2015 and 2016, a misprint to find, and nested classes."""

from pathlib import Path

import streamlit as st

from pages.common.text import _
from pages.learn.lesson import close_lesson
from pages.learn.shortcuts.blocks import blocks
from pages.learn.shortcuts.classes import classes
from pages.learn.shortcuts.orders import orders
from pages.learn.shortcuts.wiring import misprints

TEXTS = Path(__file__).parent / "texts"
CODE = """\
import torch
from torch import nn

x = torch.randn(1, 16, 8, 8, requires_grad=True)
first, second = (nn.Conv2d(16, 16, 3, padding=1, bias=False) for _ in range(2))
residual = second(first(x.relu()).relu())
y = x + residual  # 2016; in 2015 (x + second(first(x).relu())).relu()
(by_both,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
(by_layers,) = torch.autograd.grad(residual.sum(), x)
one = by_both - by_layers  # what the shortcut adds
option_a = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 16))  # half the side, twice the maps, no weights
option_b = nn.Conv2d(16, 32, 1, stride=2, bias=False)(x)  # 512 weights
"""


def page() -> None:
    st.title(_("Shortcuts"))
    blocks()
    orders()
    misprints()
    classes()
    close_lesson(CODE, TEXTS, "shortcuts")


page()
