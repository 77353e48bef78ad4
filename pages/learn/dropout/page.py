"""Dropout: masks forward and backward, both ways of scaling, the expectation, and what it does to a trained network."""

from pathlib import Path

import streamlit as st

from pages.common.text import _
from pages.learn.dropout.masks import masks
from pages.learn.dropout.network import in_a_network
from pages.learn.lesson import close_lesson

TEXTS = Path(__file__).parent / "texts"
CODE = """\
import torch
from torch import nn

p, x = 0.5, torch.rand(4, 6) + 1
dropout = nn.Dropout(p)  # inverted: it scales while training
trained = dropout(x)  # 0, or divided by 1 − p
used = dropout.eval()(x)  # at inference nothing happens
kept = trained != 0
trained_2012 = kept * x  # as in AlexNet's paper: not scaled while training,
used_2012 = (1 - p) * x  # but at inference
mean = torch.stack([nn.functional.dropout(x, p) for _ in range(4096)]).mean(0)  # comes to the expectation, x
"""


def page() -> None:
    st.title(_("Dropout"))
    masks()
    in_a_network()
    close_lesson(CODE, TEXTS, "dropout")


page()
