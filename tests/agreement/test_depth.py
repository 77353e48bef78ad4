"""Stacks of layers against torch's own layers and autograd in float64, and what is said of how depth behaves."""

import time
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from vis.concepts import activation
from vis.concepts.depth import (
    CLASSES,
    JUNCTIONS,
    STARTS,
    WIDTH,
    Moment,
    Stack,
    backward,
    begin,
    block,
    block_backward,
    cross_entropy,
    cross_entropy_backward,
    forward,
    spirals,
    train,
)

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
STACKS = st.builds(
    Stack,
    depth=st.integers(1, 8).map(lambda half: 2 * half),
    junction=st.sampled_from([*JUNCTIONS]),
    activation=st.sampled_from([*ACTIVATIONS]),
    start=st.sampled_from([*STARTS]),
    is_normed=st.booleans(),
    is_preactivated=st.booleans(),
)


def same(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-11 * float(theirs.detach().abs().max()) + 1e-300)


class Torchs(nn.Module):
    """The same stack of torch's own layers."""

    def __init__(self, of: Stack, weights: list[Tensor]):
        super().__init__()
        self.of, self.act = of, ACTIVATIONS[of.activation]
        self.layers = nn.ModuleList(nn.Linear(*reversed(w.shape), bias=False).double() for w in weights)
        for layer, w in zip(self.layers, weights, strict=True):
            layer.weight.data = w.clone()

    def norm(self, z: Tensor) -> Tensor:
        return nn.BatchNorm1d(z.shape[1], affine=False).double()(z) if self.of.is_normed else z

    def joined(self, x: Tensor, h: Tensor, f: Tensor) -> Tensor:
        ways = {
            "plain": lambda: f,
            "residual": lambda: f + x,
            "inner": lambda: f + h,
            "doubled": lambda: f + f,
            "product": lambda: f * x,
            "minus": lambda: f - x,
            "detached": lambda: f + x.detach(),
        }
        return ways[self.of.junction]()

    def forward(self, x: Tensor) -> Tensor:
        first, *inner, last = self.layers
        is_before = self.of.is_preactivated
        self.signals = [first(x) if is_before else self.act(self.norm(first(x)))]
        for one, two in zip(inner[::2], inner[1::2], strict=True):
            x = self.signals[-1]
            if is_before:
                h = one(self.act(self.norm(x)))
                y = self.joined(x, h, two(self.act(self.norm(h))))
            else:
                h = self.act(self.norm(one(x)))
                y = self.act(self.joined(x, h, self.norm(two(h))))
            self.signals.append(y)
        return last(self.act(self.norm(self.signals[-1])) if is_before else self.signals[-1])


@settings(max_examples=60, deadline=None)
@given(STACKS, st.integers(0, 50))
def test_a_stack_forward_and_backward_is_torchs(of, seed):
    (x, labels), weights = spirals(8), begin(of, seed)
    torchs = Torchs(of, weights)
    logits = torchs(x)
    made = forward(x, weights, of)
    same(made.logits, logits)
    loss = F.cross_entropy(logits, labels)
    same(cross_entropy(made.logits, labels), loss)
    theirs = torch.autograd.grad(loss, [*(layer.weight for layer in torchs.layers), *torchs.signals])
    of_weights, of_signals = backward(made, weights, cross_entropy_backward(made.logits, labels), of)
    assert len(theirs) == len(of_weights) + len(of_signals)
    for a, b in zip([*of_weights, *of_signals], theirs, strict=True):
        same(a, b)
    for a, b in zip(made.signals, torchs.signals, strict=True):
        same(a, b)


@pytest.mark.parametrize("is_normed", [False, True])
@pytest.mark.parametrize("junction", ["plain", "residual"])
def test_training_is_that_of_torchs_sgd_step_by_step(junction, is_normed):
    of = Stack(10, junction, is_normed=is_normed)
    torchs, (x, labels) = Torchs(of, begin(of, 3)), spirals()
    optimiser = torch.optim.SGD(torchs.parameters(), lr=0.02, momentum=0.9)
    for moment in islice(train(of, 3, 0.02), 8):
        logits = torchs(x)
        loss = F.cross_entropy(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        assert moment.loss == pytest.approx(loss.item(), rel=1e-7)
        assert moment.error == pytest.approx((logits.argmax(1) != labels).double().mean().item())
        assert moment.of_weights == pytest.approx([w.grad.norm().item() for w in torchs.parameters()], rel=1e-6)
        assert moment.spreads == pytest.approx([y.std(correction=0).item() for y in torchs.signals], rel=1e-7)
        optimiser.step()


@pytest.mark.parametrize(
    ("start", "init"),
    [
        ("xavier", nn.init.xavier_normal_),
        ("he", lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")),
        ("small", lambda w: nn.init.xavier_normal_(w, gain=0.5)),
        ("large", lambda w: 2 * nn.init.kaiming_normal_(w, nonlinearity="relu")),
    ],
)
def test_weights_start_as_torch_starts_them(start, init):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = init(torch.empty(2000, 500)).std()
    assert STARTS[start](500, 2000) == pytest.approx(theirs.item(), rel=0.01)
    ours = torch.cat([w.flatten() for w in begin(Stack(100, start=start), 1)[1:-1]])
    assert ours.std().item() == pytest.approx(STARTS[start](WIDTH, WIDTH), rel=0.01)


def test_stacks_are_counted_as_resnets_are_and_both_kinds_start_from_the_same_weights():
    assert (Stack(20).blocks, Stack(2).blocks, Stack(100).blocks) == (9, 0, 49)
    plain, residual = (begin(Stack(20, kind), 5) for kind in ("plain", "residual"))
    assert len(plain) == 20
    assert all(map(torch.equal, plain, residual))
    assert begin(Stack(20), 6)[0].ne(plain[0]).any()


def test_nothing_that_others_draw_is_touched():
    state = torch.get_rng_state()
    list(islice(train(Stack(4), 1, 0.1), 3))
    assert torch.equal(state, torch.get_rng_state())


def test_the_shortcut_adds_one_to_the_slope_of_the_block():
    """∂y/∂x with the shortcut is that without it, plus 1 where the sum is positive: He et al. 2016, equation 5."""
    generator = torch.Generator().manual_seed(0)
    x, one, two = (torch.randn(size, WIDTH, dtype=torch.float64, generator=generator) for size in (1, WIDTH, WIDTH))
    slopes = {}
    for kind in ("plain", "residual"):
        of = Stack(4, kind, activation="tanh", is_preactivated=True)  # nothing is done to the sum
        made = block(x, one, two, of)
        units = torch.eye(WIDTH, dtype=torch.float64)
        slopes[kind] = torch.cat([block_backward(made, one, two, unit[None], of)[0] for unit in units])
    same(slopes["residual"], slopes["plain"] + torch.eye(WIDTH, dtype=torch.float64))


def test_a_tiny_signal_goes_through_tanh_without_a_loss_of_digits():
    x = 10.0 ** torch.arange(-300, 3, 7, dtype=torch.float64)
    x = torch.cat([x, -x, x.new_zeros(1)])
    torch.testing.assert_close(activation.tanh(x), x.tanh(), rtol=1e-15, atol=0)


def test_three_spirals_have_as_many_points_each():
    x, labels = spirals()
    assert x.shape == (96, 2)
    assert labels.bincount().tolist() == [32] * CLASSES


# What is said of them --------------------------------------------------------------------------------------------


def at_the_start(kind: str, activation: str, start: str, is_normed: bool, seed: int) -> Moment:
    return next(train(Stack(50, kind, activation, start, is_normed), seed, 0))


SEEDS = range(1, 6)


@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_at_fifty_layers_vanish_and_explode_as_the_page_says(seed):
    def ratio(*about) -> float:
        moment = at_the_start(*about, seed)
        return moment.of_signals[0] / moment.of_signals[-1]

    assert 1e-9 < ratio("plain", "relu", "xavier", False) < 1e-7  # a hundred million times smaller
    assert 1 < ratio("residual", "relu", "xavier", False) < 100
    assert 1e-2 < ratio("plain", "relu", "he", False) < 10
    assert ratio("plain", "relu", "small", False) < 1e-20
    assert ratio("plain", "relu", "large", False) > 1e12
    assert ratio("plain", "sigmoid", "he", False) < 1e-20
    assert 1e4 < ratio("plain", "relu", "he", True) < 1e5  # tens of thousands of times
    assert ratio("residual", "relu", "he", True) < 500
    summed = at_the_start("residual", "relu", "he", False, seed).spreads
    assert 0.7 < torch.tensor(summed).log2().diff().mean() * 2 < 1.4  # the variance about doubles in a block


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_depth_hurts_the_training_of_plain_stacks_and_not_of_those_with_shortcuts(seed):
    def error(depth: int, kind: str) -> float:
        return [*islice(train(Stack(depth, kind, is_normed=True), seed, 0.05), 61)][-1].error

    assert error(10, "plain") < 0.05 < error(50, "plain") - 0.05
    assert error(50, "residual") < 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_a_product_in_place_of_the_sum_leaves_nothing_of_the_signal_nor_of_its_gradient(seed):
    moment = next(train(Stack(32, "product", is_normed=True), seed, 0))
    assert moment.spreads[-1] == moment.of_signals[0] == 0


def test_the_gradients_of_fifty_layers_are_there_within_three_seconds():
    begun = time.perf_counter()
    next(train(Stack(50, is_normed=True), 1, 0))
    assert time.perf_counter() - begun < 3


def test_training_ends_where_it_diverges():
    moments = [*islice(train(Stack(50, "residual", start="large"), 1, 0.1), 61)]
    assert 1 <= len(moments) < 61


@pytest.mark.parametrize("kind", ["plain", "residual"])
@pytest.mark.parametrize("start", [*STARTS])
@pytest.mark.parametrize("activation", [*ACTIVATIONS])
def test_every_stack_can_be_shown_before_its_first_step(kind, start, activation):
    for depth in (2, 100):
        for is_normed in (False, True):
            moment = next(train(Stack(depth, kind, activation, start, is_normed), 1, 0))
            assert len(moment.of_weights) == depth
            assert len(moment.of_signals) == len(moment.spreads) == depth // 2
