"""Residual blocks against torch's convolutions and autograd in float64, and against the blocks of the networks here."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from models.cifar import BasicA
from models.resnet import Subsampled
from vis.concepts.examples import residual_block
from vis.concepts.residual import Form, Kernels, block, block_backward, subsampled, subsampled_backward

EXACT = {"rtol": 1e-12, "atol": 1e-12}
FORMS = [Form(kind, is_before) for kind in ("identity", "zeros", "projection") for is_before in (False, True)]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def torchs(x: Tensor, kernels: Kernels, of: Form) -> Tensor:
    given = x.relu() if of.is_preactivated else x
    h = F.conv2d(given, kernels.first, stride=of.stride, padding=1).relu()
    f = F.conv2d(h, kernels.second, padding=1)
    if of.shortcut == "projection":
        kept = F.conv2d(given, kernels.projection, stride=2)
    else:
        kept = x if of.shortcut == "identity" else Subsampled(2, len(kernels.second) - x.shape[1])(x)
    return f + kept if of.is_preactivated else (f + kept).relu()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(FORMS), st.integers(1, 3), st.integers(1, 3), st.integers(2, 7), st.integers(0, 99))
def test_a_block_forward_and_backward_is_torchs(of, inputs, more, side, seed):
    outputs = inputs + (more if of.shortcut != "identity" else 0)
    x = drawn(2, inputs, side, side, seed=seed).requires_grad_()
    kernels = Kernels(
        drawn(outputs, inputs, 3, 3, seed=1), drawn(outputs, outputs, 3, 3, seed=2), drawn(outputs, inputs, 1, 1)
    )
    y = torchs(x, kernels, of)
    gradient = drawn(*y.shape, seed=seed + 1)
    made = block(x.detach(), kernels, of)
    torch.testing.assert_close(made.y, y.detach(), **EXACT)
    (theirs,) = torch.autograd.grad(y, x, gradient)
    torch.testing.assert_close(block_backward(made, kernels, gradient, of).x, theirs, rtol=1e-9, atol=1e-9)


def test_the_block_with_zeros_is_that_of_the_networks_for_cifar_without_norm():
    """But for the place of the zeros, which stand here behind and there on both sides."""
    net = BasicA(1, 3, 2).double().eval()
    with torch.no_grad():
        for norm in (net.bn1, net.bn2):
            norm.running_var.fill_(1 - norm.eps)
        x, kernels = drawn(1, 1, 6, 6), Kernels(net.conv1.weight, net.conv2.weight, drawn(3, 1, 1, 1))
        made, theirs = block(x, kernels, Form("zeros")), net(x)
        moved = (made.residual + made.shortcut.roll(1, 1)).relu()
        torch.testing.assert_close(moved, theirs, **EXACT)


def test_what_the_zeros_take_goes_back_where_it_came_from():
    x = drawn(1, 2, 5, 5)
    y = subsampled(x, 2, 5)
    assert y.shape == (1, 5, 3, 3)
    assert (y[:, 2:] == 0).all()
    back = subsampled_backward(x, torch.ones_like(y), 2)
    assert back.sum() == 2 * 9
    assert (back[:, :, ::2, ::2] == 1).all()


@pytest.mark.parametrize("is_before", [False, True])
def test_with_weights_of_zero_only_the_block_of_2016_hands_a_signal_on_unchanged(is_before):
    """By hand: 50 blocks whose residual is 0."""
    x, nothing = drawn(1, 1, 4, 4), torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    y, of = x, Form(is_preactivated=is_before)
    for _number in range(50):
        y = block(y, Kernels(nothing, nothing, nothing), of).y
    torch.testing.assert_close(y, x if is_before else x.clamp(min=0), rtol=0, atol=0)


@pytest.mark.parametrize("of", FORMS)
def test_the_example_has_numbers_that_can_be_written_and_something_to_see(of):
    x, kernels = residual_block(1 if of.shortcut == "identity" else 2)
    made = block(x, Kernels(*kernels), of)
    assert ((16 * made.sum) % 1 == 0).all()
    back = block_backward(made, Kernels(*kernels), torch.ones_like(made.y), of)
    assert back.by_layers.abs().max() > 0
    assert (back.by_shortcut != 0).sum() >= 4
