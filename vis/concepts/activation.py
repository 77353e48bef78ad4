"""Activation functions and their derivatives; and what of a signal each rule lets back through a ReLU.

All work entry by entry, on tensors of any shape. At a kink a derivative is that of PyTorch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

LEAK, PRELU, ALPHA = 0.01, 0.25, 1.0  # PyTorch's usual slopes below 0, and the depth of the ELU


def sigmoid(x: Tensor) -> Tensor:
    return 1 / (1 + (-x).exp())


def sigmoid_slope(x: Tensor) -> Tensor:
    return sigmoid(x) * (1 - sigmoid(x))


def tanh(x: Tensor) -> Tensor:
    """It is 2 sigmoid(2x) − 1, but written so that a tiny x loses no digits."""
    less = (-2 * x.abs()).expm1()  # e^(−2|x|) − 1
    return x.sign() * -less / (2 + less)


def tanh_slope(x: Tensor) -> Tensor:
    return 1 - tanh(x).square()


def relu(x: Tensor) -> Tensor:
    return x.where(x > 0, 0)


def relu_slope(x: Tensor) -> Tensor:
    return (x > 0).to(x)


def leaky_relu(x: Tensor, slope: float = LEAK) -> Tensor:
    return x.where(x > 0, slope * x)


def leaky_relu_slope(x: Tensor, slope: float = LEAK) -> Tensor:
    return relu_slope(x) + slope * (1 - relu_slope(x))


def prelu(x: Tensor, slope: float = PRELU) -> Tensor:
    """A leaky ReLU whose slope is trained."""
    return leaky_relu(x, slope)


def prelu_slope(x: Tensor, slope: float = PRELU) -> Tensor:
    return leaky_relu_slope(x, slope)


def prelu_backward(x: Tensor, gradient: Tensor, slope: float = PRELU) -> tuple[Tensor, Tensor]:
    """The gradients of x and of the slope."""
    return gradient * prelu_slope(x, slope), (gradient * x * (1 - relu_slope(x))).sum()


def elu(x: Tensor, alpha: float = ALPHA) -> Tensor:
    return x.where(x > 0, alpha * (x.exp() - 1))


def elu_slope(x: Tensor, alpha: float = ALPHA) -> Tensor:
    return torch.where(x > 0, 1, alpha * x.exp())


def relu6(x: Tensor) -> Tensor:
    return x.clamp(0, 6)


def relu6_slope(x: Tensor) -> Tensor:
    return ((x > 0) & (x < 6)).to(x)


def silu(x: Tensor) -> Tensor:
    return x * sigmoid(x)


def silu_slope(x: Tensor) -> Tensor:
    return sigmoid(x) + x * sigmoid_slope(x)


def gelu(x: Tensor) -> Tensor:
    """x times the probability that a normal number is smaller than it."""
    return x * (1 + (x / 2**0.5).erf()) / 2


def gelu_slope(x: Tensor) -> Tensor:
    return (1 + (x / 2**0.5).erf()) / 2 + x * (-x.square() / 2).exp() / (2 * pi) ** 0.5


def hardswish(x: Tensor) -> Tensor:
    return x * relu6(x + 3) / 6


def hardswish_slope(x: Tensor) -> Tensor:
    return torch.where(x <= -3, 0, torch.where(x < 3, x / 3 + 0.5, 1))


@dataclass(frozen=True)
class Activation:
    """A function and its derivative."""

    title: str
    forward: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


ACTIVATIONS = {
    "sigmoid": Activation("sigmoid", sigmoid, sigmoid_slope),
    "tanh": Activation("tanh", tanh, tanh_slope),
    "relu": Activation("ReLU", relu, relu_slope),
    "leaky": Activation("leaky ReLU", leaky_relu, leaky_relu_slope),
    "prelu": Activation("PReLU", prelu, prelu_slope),
    "elu": Activation("ELU", elu, elu_slope),
    "relu6": Activation("ReLU6", relu6, relu6_slope),
    "silu": Activation("SiLU", silu, silu_slope),
    "gelu": Activation("GELU", gelu, gelu_slope),
    "hardswish": Activation("Hardswish", hardswish, hardswish_slope),
}


# Back through a ReLU ---------------------------------------------------------------------------------------------


def by_gradient(x: Tensor, signal: Tensor) -> Tensor:
    """What comes back where the ReLU was open on the way up."""
    return signal * relu_slope(x)


def by_deconvnet(x: Tensor, signal: Tensor) -> Tensor:
    """What of the signal is positive, whether the ReLU was open or not: Zeiler & Fergus 2013."""
    return relu(signal)


def by_guided(x: Tensor, signal: Tensor) -> Tensor:
    """Both: Springenberg et al. 2014."""
    return relu(signal) * relu_slope(x)
