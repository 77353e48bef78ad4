"""Stacks of layers, plain and with shortcuts: forward, backward, and how they learn.

Layers are counted as in He et al. 2015: a first one, two in each block, and the classifier, so that a stack of depth 20
has nine blocks. All are fully connected, WIDTH units wide and without biases; batch norm has no γ and β. A signal is
(N, units), a row for each example; its gradient likewise.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from vis.concepts.activation import ACTIVATIONS

WIDTH, INPUTS, CLASSES = 32, 2, 3
EPS = 1e-5

STARTS: dict[str, Callable[[int, int], float]] = {  # the deviation of a layer's weights, by its inputs and outputs
    "small": lambda inputs, outputs: (2 / (inputs + outputs)) ** 0.5 / 2,
    "xavier": lambda inputs, outputs: (2 / (inputs + outputs)) ** 0.5,  # Glorot & Bengio 2010, equation 12
    "he": lambda inputs, outputs: (2 / inputs) ** 0.5,  # He et al. 2015, arXiv 1502.01852, equation 10
    "large": lambda inputs, outputs: 2 * (2 / inputs) ** 0.5,
}


@dataclass(frozen=True)
class Junction:
    """How a block's input x, its inner signal h and its residual f become one, and where the gradient of that goes."""

    forward: Callable[[Tensor, Tensor, Tensor], Tensor]  # of x, h, f
    backward: Callable[[Tensor, Tensor, Tensor], tuple]  # of the gradient, x, f: to x, to h, to f; 0 for nothing


JUNCTIONS = {
    "plain": Junction(lambda x, h, f: f, lambda gradient, x, f: (0, 0, gradient)),
    "residual": Junction(lambda x, h, f: x + f, lambda gradient, x, f: (gradient, 0, gradient)),
    # Wired wrongly, each by a slip of one word:
    "inner": Junction(lambda x, h, f: h + f, lambda gradient, x, f: (0, gradient, gradient)),
    "doubled": Junction(lambda x, h, f: f + f, lambda gradient, x, f: (0, 0, 2 * gradient)),
    "product": Junction(lambda x, h, f: x * f, lambda gradient, x, f: (gradient * f, 0, gradient * x)),
    "minus": Junction(lambda x, h, f: f - x, lambda gradient, x, f: (-gradient, 0, gradient)),
    "detached": Junction(lambda x, h, f: x + f, lambda gradient, x, f: (0, 0, gradient)),
}


@dataclass(frozen=True)
class Stack:
    """What a stack of layers is like."""

    depth: int = 20
    junction: str = "plain"
    activation: str = "relu"
    start: str = "he"
    is_normed: bool = False
    is_preactivated: bool = False  # norm and activation come before a block's layers: He et al. 2016, figure 4e

    @property
    def blocks(self) -> int:
        return (self.depth - 2) // 2


def begin(of: Stack, seed: int) -> list[Tensor]:
    """The weights of every layer, (outputs, inputs); one seed's differ from start to start in their scale alone."""
    sizes = [(WIDTH, INPUTS), *[(WIDTH, WIDTH)] * (of.depth - 2), (CLASSES, WIDTH)]
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(size, dtype=torch.float64, generator=generator) for size in sizes]
    return [weights * STARTS[of.start](*reversed(weights.shape)) for weights in drawn]


# Norm and activation ---------------------------------------------------------------------------------------------


def norm(z: Tensor, of: Stack) -> Tensor:
    """Batch norm as in training, each unit with mean 0 and variance 1; z itself where the stack has none."""
    if not of.is_normed:
        return z
    centred = z - z.mean(0)
    return centred / (centred.square().mean(0) + EPS).sqrt()


def norm_backward(z: Tensor, gradient: Tensor, of: Stack) -> Tensor:
    """The gradient of z, which goes through the mean and the variance, too."""
    if not of.is_normed:
        return gradient
    y, deviation = norm(z, of), (z.var(0, correction=0) + EPS).sqrt()
    return (gradient - gradient.mean(0) - y * (gradient * y).mean(0)) / deviation


def activated(z: Tensor, of: Stack) -> Tensor:
    """Norm, then the activation function."""
    return ACTIVATIONS[of.activation].forward(norm(z, of))


def activated_backward(z: Tensor, gradient: Tensor, of: Stack) -> Tensor:
    """The gradient of z."""
    return norm_backward(z, gradient * ACTIVATIONS[of.activation].slope(norm(z, of)), of)


# A block ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Block:
    """What is computed inside a block, in this order."""

    x: Tensor
    u: Tensor  # the first layer's sum; what goes into it, where that is activated before
    h: Tensor  # what the first layer gives
    v: Tensor  # the second layer's sum; what goes into it, likewise
    f: Tensor  # the residual: what the second layer gives
    s: Tensor  # after the junction
    y: Tensor


def block(x: Tensor, first: Tensor, second: Tensor, of: Stack) -> Block:
    """Two layers and the junction with what went in."""
    if of.is_preactivated:
        u = activated(x, of)
        h = u @ first.T
        v = activated(h, of)
        f = v @ second.T
        s = y = JUNCTIONS[of.junction].forward(x, h, f)
    else:
        u = x @ first.T
        h = activated(u, of)
        v = h @ second.T
        f = norm(v, of)
        s = JUNCTIONS[of.junction].forward(x, h, f)
        y = ACTIVATIONS[of.activation].forward(s)
    return Block(x, u, h, v, f, s, y)


def block_backward(
    made: Block, first: Tensor, second: Tensor, gradient: Tensor, of: Stack
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of x and of both layers' weights; that of x has a part by the shortcut and one by the layers."""
    if of.is_preactivated:
        of_x, of_h, of_f = JUNCTIONS[of.junction].backward(gradient, made.x, made.f)
        of_second = of_f.T @ made.v
        of_h = of_h + activated_backward(made.h, of_f @ second, of)
        of_first = of_h.T @ made.u
        of_x = of_x + activated_backward(made.x, of_h @ first, of)
    else:
        of_s = gradient * ACTIVATIONS[of.activation].slope(made.s)
        of_x, of_h, of_f = JUNCTIONS[of.junction].backward(of_s, made.x, made.f)
        of_v = norm_backward(made.v, of_f, of)
        of_second = of_v.T @ made.h
        of_u = activated_backward(made.u, of_h + of_v @ second, of)
        of_first = of_u.T @ made.x
        of_x = of_x + of_u @ first
    return of_x, of_first, of_second


# A stack ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Pass:
    """What one pass through a stack makes."""

    x: Tensor
    z: Tensor  # the first layer's sum
    first: Tensor  # what it gives
    blocks: tuple[Block, ...]
    last: Tensor  # what the classifier is given
    logits: Tensor

    @property
    def signals(self) -> list[Tensor]:
        """What the first layer gives, and what each block gives."""
        return [self.first, *(made.y for made in self.blocks)]


def forward(x: Tensor, weights: Sequence[Tensor], of: Stack) -> Pass:
    """From examples (N, INPUTS) to logits (N, CLASSES)."""
    z = x @ weights[0].T
    signal = first_signal = z if of.is_preactivated else activated(z, of)
    blocks = []
    for first, second in zip(weights[1:-1:2], weights[2:-1:2], strict=True):
        blocks.append(block(signal, first, second, of))
        signal = blocks[-1].y
    last = activated(signal, of) if of.is_preactivated else signal
    return Pass(x, z, first_signal, tuple(blocks), last, last @ weights[-1].T)


def backward(made: Pass, weights: Sequence[Tensor], gradient: Tensor, of: Stack) -> tuple[list[Tensor], list[Tensor]]:
    """The gradients of every layer's weights, and of the signals.

    Args:
        gradient: of the logits.
    """
    of_weights, signal = [gradient.T @ made.last], gradient @ weights[-1]
    if of.is_preactivated:
        signal = activated_backward(made.blocks[-1].y if made.blocks else made.z, signal, of)
    signals = [signal]
    for each, first, second in zip(made.blocks[::-1], weights[-3:0:-2], weights[-2:0:-2], strict=True):
        signal, of_first, of_second = block_backward(each, first, second, signal, of)
        signals.append(signal)
        of_weights += [of_second, of_first]
    of_z = signal if of.is_preactivated else activated_backward(made.z, signal, of)
    return [*of_weights, of_z.T @ made.x][::-1], signals[::-1]


# Learning --------------------------------------------------------------------------------------------------------


def spirals(count: int = 32, turns: float = 0.75) -> tuple[Tensor, Tensor]:
    """Examples to learn: the points of CLASSES spirals one inside the other, (N, 2), and whose they are, (N,)."""
    along = torch.linspace(0.15, 1, count, dtype=torch.float64)
    arm = torch.arange(CLASSES)[:, None]
    angle = 2 * torch.pi * (turns * along + arm / CLASSES)
    points = along[:, None] * torch.stack([angle.cos(), angle.sin()], -1) * 2  # (CLASSES, count, 2)
    return points.flatten(0, 1), arm.expand(CLASSES, count).flatten()


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean over the batch of −log of the probability of the right class."""
    return -logits.log_softmax(1).gather(1, labels[:, None]).mean()


def cross_entropy_backward(logits: Tensor, labels: Tensor) -> Tensor:
    """The gradient of the logits: probability minus 1 at the right class, over the batch."""
    right = torch.zeros_like(logits).scatter(1, labels[:, None], 1)
    return (logits.softmax(1) - right) / len(logits)


@dataclass(frozen=True)
class Moment:
    """A stack after some steps."""

    loss: float
    error: float  # share of the examples that are classified wrongly
    of_weights: tuple[float, ...]  # the norm of the gradient of each layer's weights
    of_signals: tuple[float, ...]  # that of what the first layer gives, and of what each block gives
    spreads: tuple[float, ...]  # the deviation of these signals


def train(of: Stack, seed: int, rate: float, momentum: float = 0.9) -> Iterator[Moment]:
    """The stack before the first step, and after each; all examples are in every batch.

    It ends when the loss or a gradient is no number any more.
    """
    (x, labels), weights = spirals(), begin(of, seed)
    velocities = [torch.zeros_like(each) for each in weights]
    while True:
        made = forward(x, weights, of)
        gradients, signals = backward(made, weights, cross_entropy_backward(made.logits, labels), of)
        of_weights, of_signals = (tuple(float(each.norm()) for each in several) for several in (gradients, signals))
        loss = float(cross_entropy(made.logits, labels))
        if not all(map(isfinite, (loss, *of_weights))):
            return
        error = float((made.logits.argmax(1) != labels).double().mean())
        yield Moment(loss, error, of_weights, of_signals, tuple(float(y.std(correction=0)) for y in made.signals))
        velocities = [momentum * v + g for v, g in zip(velocities, gradients, strict=True)]
        weights = [w - rate * v for w, v in zip(weights, velocities, strict=True)]
