"""What layers cost, in whole numbers: one MAC is one multiply-add; no bias, no normalisation, no pooling.

A kernel, and the size of a map, is one number for a square or one number for each direction: (rows, columns).
"""

from fractions import Fraction
from math import prod

Size = int | tuple[int, ...]


def conv_macs(kernel: Size, in_channels: int, out_channels: int, output_size: Size, groups: int = 1) -> int:
    """D_K² · (M / g) · N · D_F²: every output looks through the kernel at its group of maps.

    M maps come in, N go out, D_F is the side of the maps that go out (Howard et al. 2017, section 3.1; g = 1 there).
    """
    return conv_weights(kernel, in_channels, out_channels, groups) * area(output_size)


def conv_weights(kernel: Size, in_channels: int, out_channels: int, groups: int = 1) -> int:
    """D_K² · (M / g) · N, the weights of a convolution without its biases (Krizhevsky et al. 2012 for groups)."""
    for channels in (in_channels, out_channels):
        if channels % groups:
            raise ValueError(f"{channels} channels cannot be split into {groups} equal groups; choose a divisor.")
    return area(kernel) * (in_channels // groups) * out_channels


def conv_params(kernel: Size, in_channels: int, out_channels: int, groups: int = 1, bias: bool = True) -> int:
    """D_K² · (M / g) · N + N: the weights, and one bias for each map that goes out."""
    return conv_weights(kernel, in_channels, out_channels, groups) + bias * out_channels


def transposed_conv_macs(kernel: Size, in_channels: int, out_channels: int, input_size: Size, groups: int = 1) -> int:
    """D_K² · M · (N / g) · D_in²: every input is spread through the kernel (Dumoulin & Visin 2016, chapter 4)."""
    return conv_weights(kernel, in_channels, out_channels, groups) * area(input_size)


def linear_macs(in_features: int, out_features: int, positions: int = 1) -> int:
    """M · N for each vector that the layer is given: a fully connected layer is a matrix (LeCun et al. 1998)."""
    return in_features * out_features * positions


def linear_params(in_features: int, out_features: int, bias: bool = True) -> int:
    """M · N + N: the matrix, and one bias for each number that goes out."""
    return in_features * out_features + bias * out_features


def depthwise_macs(kernel: Size, channels: int, output_size: Size) -> int:
    """D_K² · M · D_F²: one filter for each map (Howard et al. 2017, equation 4)."""
    return conv_macs(kernel, channels, channels, output_size, groups=channels)


def pointwise_macs(in_channels: int, out_channels: int, output_size: Size) -> int:
    """M · N · D_F²: a 1×1 convolution mixes the maps (Howard et al. 2017, section 3.1)."""
    return conv_macs(1, in_channels, out_channels, output_size)


def separable_macs(kernel: Size, in_channels: int, out_channels: int, output_size: Size) -> int:
    """D_K² · M · D_F² + M · N · D_F²: depthwise, then pointwise (Howard et al. 2017, equation 5)."""
    return depthwise_macs(kernel, in_channels, output_size) + pointwise_macs(in_channels, out_channels, output_size)


def separable_params(kernel: Size, in_channels: int, out_channels: int) -> int:
    """D_K² · M + M · N, the weights of both steps; they carry no biases, batch norm follows each."""
    return conv_weights(kernel, in_channels, in_channels, in_channels) + conv_weights(1, in_channels, out_channels)


def bottleneck_macs(
    kernel: Size, in_channels: int, reduced: int, out_channels: int, output_size: Size, expanded: int | None = None
) -> int:
    """M · R · D_F² + D_K² · R · N · D_F² (+ N · E · D_F²): 1×1 to R maps, the kernel, and perhaps 1×1 to E maps.

    Without the last step the branch of an inception module (Szegedy et al. 2014, figure 2b), with it the block of a
    deep residual network (He et al. 2015, figure 5). All steps at one size of the maps.
    """
    return bottleneck_weights(kernel, in_channels, reduced, out_channels, expanded) * area(output_size)


def bottleneck_weights(
    kernel: Size, in_channels: int, reduced: int, out_channels: int, expanded: int | None = None
) -> int:
    """M · R + D_K² · R · N (+ N · E), the weights of the same steps."""
    steps = [(1, in_channels, reduced), (kernel, reduced, out_channels)]
    if expanded is not None:
        steps.append((1, out_channels, expanded))
    return sum(conv_weights(*step) for step in steps)


# What remains of a plain convolution's multiply-adds in a cheap relative: exact quotients, common factors cancelled ---


def reduced_ratio(kernel: Size, in_channels: int, reduced: int, out_channels: int) -> Fraction:
    """R / M + R / (D_K² · N), of a convolution that looks through R maps (Szegedy et al. 2014, figure 2b)."""
    return Fraction(reduced, in_channels) + Fraction(reduced, area(kernel) * out_channels)


def bottleneck_ratio(channels: int, reduced: int) -> Fraction:
    """(2·C·R + 9·R²) / (18·C²), of C-R-R-C beside two 3×3 convolutions among C maps (He et al. 2015, figure 5)."""
    return Fraction(2 * channels * reduced + 9 * reduced**2, 18 * channels**2)


def separable_ratio(kernel: Size, out_channels: int) -> Fraction:
    """1 / N + 1 / D_K², of a depthwise and a pointwise layer (Howard et al. 2017, section 3.1)."""
    return Fraction(1, out_channels) + Fraction(1, area(kernel))


def stacked_ratio(layers: int) -> Fraction:
    """9·n / (2·n + 1)², of n layers of 3×3 beside the one kernel that sees as much (Simonyan & Zisserman 2014)."""
    return Fraction(9 * layers, (2 * layers + 1) ** 2)


def factorised_ratio(length: int) -> Fraction:
    """2 / n, of 1×n and n×1 beside n×n, with as many maps out as in (Szegedy et al. 2015, section 3.2)."""
    return Fraction(2, length)


def grouped_ratio(groups: int) -> Fraction:
    """1 / g, of a convolution in g groups (Krizhevsky et al. 2012)."""
    return Fraction(1, groups)


def dilated_ratio(kernel: int, dilation: int) -> Fraction:
    """D_K² / (d·(D_K − 1) + 1)², of a kernel with gaps beside a full one of its reach (Yu & Koltun 2015)."""
    return Fraction(kernel**2, (dilation * (kernel - 1) + 1) ** 2)


# Sides -----------------------------------------------------------------------------------------------------------


def output_side(side: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """⌊(D + 2·p − d·(D_K − 1) − 1) / s⌋ + 1: where the kernel can stand along one side (Dumoulin & Visin 2016)."""
    return (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def area(size: Size) -> int:
    """Positions in a kernel or on a map: a single number is the side of a square."""
    return size * size if isinstance(size, int) else prod(size)
