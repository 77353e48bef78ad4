"""LeNet-5 (LeCun, Bottou, Bengio & Haffner 1998): as it is built today, and as it was published."""

from collections import OrderedDict
from hashlib import sha256

import torch
from torch import Tensor, nn


class LeNet5(nn.Module):
    """LeNet-5 with its published shapes; ReLU, max pooling, a dense C3 and a softmax in place of the originals.

    C5 is a convolution, as in the paper, so the kernels of all three layers can be seen.

    Args:
        batch_norm: after each of the three convolutions, whose biases the norm's offsets make redundant.
        channels: of its pictures; 3 for colour, which the paper's digits do not have.
    """

    def __init__(self, num_classes: int = 10, batch_norm: bool = False, channels: int = 1):
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                **_layer(1, channels, 6, batch_norm),  # (N, 1, 32, 32) -> (N, 6, 28, 28)
                s2=nn.MaxPool2d(2),  # -> (N, 6, 14, 14)
                **_layer(3, 6, 16, batch_norm),  # -> (N, 16, 10, 10)
                s4=nn.MaxPool2d(2),  # -> (N, 16, 5, 5)
                **_layer(5, 16, 120, batch_norm),  # -> (N, 120, 1, 1)
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),  # -> (N, 120)
                f6=nn.Linear(120, 84),  # -> (N, 84)
                relu6=nn.ReLU(),
                output=nn.Linear(84, num_classes),  # -> (N, 10)
            )
        )

    def forward(self, x):
        return self.classifier(self.features(x))


def _layer(number: int, inputs: int, outputs: int, batch_norm: bool) -> dict[str, nn.Module]:
    norm = {f"bn{number}": nn.BatchNorm2d(outputs)} if batch_norm else {}
    return {f"c{number}": nn.Conv2d(inputs, outputs, 5, bias=not batch_norm), **norm, f"relu{number}": nn.ReLU()}


# As it was published ---------------------------------------------------------------------------------------------


class LeNet5_1998(nn.Module):  # noqa: N801  (its year is part of its name)
    """The paper's network, section II.B, with its 60,000 trained parameters.

    Its outputs are negative squared distances to the classes' codes, so that the nearest class has the largest
    output, as in other networks; the paper's own output has the other sign. A softmax of it is the probability of
    each code as the centre of a Gaussian, which is how the paper explains these distances.
    """

    def __init__(self, num_classes: int = 10):
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                c1=nn.Conv2d(1, 6, 5),  # (N, 1, 32, 32) -> (N, 6, 28, 28)
                tanh1=ScaledTanh(),
                s2=Subsampling(6),  # -> (N, 6, 14, 14)
                tanh2=ScaledTanh(),
                c3=SparseC3(),  # -> (N, 16, 10, 10)
                tanh3=ScaledTanh(),
                s4=Subsampling(16),  # -> (N, 16, 5, 5)
                tanh4=ScaledTanh(),
                c5=nn.Conv2d(16, 120, 5),  # -> (N, 120, 1, 1)
                tanh5=ScaledTanh(),
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),  # -> (N, 120)
                f6=nn.Linear(120, 84),  # -> (N, 84)
                tanh6=ScaledTanh(),
                output=RadialBasis(num_classes),  # -> (N, 10)
            )
        )

    def forward(self, x):
        return self.classifier(self.features(x))


class ScaledTanh(nn.Module):
    """1.7159 · tanh(2x / 3), which is ±1 at ±1 (appendix A)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x * (2 / 3)) * 1.7159


class Subsampling(nn.Module):
    """The sum of every 2×2 window, times the coefficient of its map, plus the bias of its map; both are trained.

    A convolution of each map by itself would have four weights where this has one, and four multiplications where
    this has one; it is not counted as a convolution either.
    """

    def __init__(self, maps: int):
        super().__init__()
        self.sum = nn.AvgPool2d(2, divisor_override=1)  # a mean that is not divided
        self.coefficient = nn.Parameter(torch.full((maps, 1, 1), 1 / 4))  # the mean, to begin with
        self.bias = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W) -> (N, C, H/2, W/2)
        return self.sum(x) * self.coefficient + self.bias


# Table I: the maps of S2 that each of the sixteen maps of C3 looks at
_THREE = tuple(tuple((first + i) % 6 for i in range(3)) for first in range(6))
_FOUR = (*(tuple((first + i) % 6 for i in range(4)) for first in range(6)), (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5))
C3_TABLE = (*_THREE, *_FOUR, tuple(range(6)))


class SparseC3(nn.Module):
    """C3 with the connections of Table I, so that maps had to become different by what they were given.

    Maps that look at equally many maps are the groups of one convolution, whose input lists for every map what it
    looks at; so there are weights for connections alone, and none that would have to be kept at zero.
    """

    def __init__(self):
        super().__init__()
        self.three = nn.Conv2d(3 * 6, 6, 5, groups=6)
        self.four = nn.Conv2d(4 * 9, 9, 5, groups=9)
        self.six = nn.Conv2d(6, 1, 5)

    def forward(self, x: Tensor) -> Tensor:  # (N, 6, 14, 14) -> (N, 16, 10, 10)
        return torch.cat([self.three(x[:, _flat(_THREE)]), self.four(x[:, _flat(_FOUR)]), self.six(x)], 1)


def _flat(groups: tuple[tuple[int, ...], ...]) -> list[int]:
    return [channel for group in groups for channel in group]


class RadialBasis(nn.Module):
    """Negative squared distances to the codes of the classes, -Σ (x - code)² (equation 7); codes are not trained."""

    def __init__(self, num_classes: int):
        super().__init__()
        self.register_buffer("codes", torch.tensor([_code(number) for number in range(num_classes)]))  # (K, 84)

    def forward(self, x: Tensor) -> Tensor:  # (N, 84) -> (N, K)
        return -(x.unsqueeze(1) - self.codes).square().sum(2)


# The paper's codes are pictures of the characters, 7×12, so that what looks alike has codes that are near each other.
# These digits were drawn for this file, after that description.
_DIGITS = """
..###.. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
.##.##. ..###.. ##...## ##...## ...###. ##..... .##.... .....## ##...## ##...##
##...## .####.. .....## .....## ..####. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## .##.##. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. ....##. .....## ##..##. ######. ##..... ....##. .##.##. ##...##
##...## ...##.. ...##.. ..####. ##..##. .....## ######. ...##.. ..###.. .######
##...## ...##.. ..##... .....## ####### .....## ##...## ...##.. .##.##. .....##
##...## ...##.. .##.... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... .....## ....##. ##...## ##...## ..##... ##...## ....##.
.##.##. ...##.. ##..... ##...## ....##. ##...## ##...## ..##... ##...## ...##..
..###.. .###### ####### .#####. ....##. .#####. .#####. ..##... .#####. .###...
"""


def _code(number: int) -> list[float]:
    """The 84 bits, ±1, of a class: a digit's picture row by row; beyond the digits, bits of the number's hash."""
    if number < 10:
        return [1.0 if pixel == "#" else -1.0 for row in _DIGITS.split()[number::10] for pixel in row]
    bits = int.from_bytes(sha256(str(number).encode()).digest())
    return [1.0 if bits >> i & 1 else -1.0 for i in range(84)]
