"""Normalisation: LRN, batch norm in both modes, who shares a mean with whom, and inputs that move while learning."""

from pathlib import Path

import streamlit as st

from pages.common import panels
from pages.common.text import _
from pages.learn.lesson import close_lesson
from pages.learn.normalisation.batch import batch_norms
from pages.learn.normalisation.lrn import local_response
from pages.learn.normalisation.norms import shared_means
from pages.learn.normalisation.shift import covariate_shift

TEXTS = Path(__file__).parent / "texts"
CODE = """\
import torch
from torch import nn

x = torch.randn(4, 8, 6, 6).relu()  # (N, C, H, W)
inhibited = nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2)(x)  # AlexNet's: torch divides its α by 5
norm = nn.BatchNorm2d(8, momentum=0.1)
trained = norm(x)  # by the batch's own mean and biased variance
kept = norm.running_var  # 0.9 · 1 + 0.1 · the unbiased variance
used = norm.eval()(x)  # by the moving averages
layer, groups, instance = nn.GroupNorm(1, 8)(x), nn.GroupNorm(2, 8)(x), nn.GroupNorm(8, 8)(x)  # who shares a mean
"""


def page() -> None:
    st.title(_("Normalisation"))
    local_response()
    batch_norms()
    shared_means()
    covariate_shift()
    _compared()
    close_lesson(CODE, TEXTS, "normalisation")


def _compared() -> None:
    """LRN and batch norm, row by row."""
    st.header(_("LRN and batch norm compared"), anchor="compared")
    rows = [
        [_("trainable?"), _("no"), _("yes: γ and β")],
        [_("parameters for C channels"), "0", _("2C trained, 2C moving averages")],
        [_("normalises over"), _("n neighbouring channels at one position"), _("one channel in the whole batch")],
        [_("subtracts a mean?"), _("no: it only divides"), _("yes")],
        [_("training and inference"), _("the same"), _("different: the batch's statistics, then the averages")],
        [
            _("what for?"),
            _("loud units silence their neighbours (lateral inhibition), after ReLU"),
            _("higher learning rates, deeper networks, less care with initialisation; mostly before ReLU"),
        ],
        [_("used in"), "AlexNet, ZFNet, GoogLeNet (2012–2014)", "Inception v2, ResNet, DenseNet, MobileNet (2015–)"],
    ]
    panels.wrapped(["", "LRN", _("batch norm")], rows, "lrn and batch norm")


page()
