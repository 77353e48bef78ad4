"""The closed formulas: worked examples of the papers, and modules that are really built."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vis.cost.formulas import (
    bottleneck_macs,
    bottleneck_weights,
    conv_macs,
    conv_params,
    conv_weights,
    depthwise_macs,
    linear_macs,
    linear_params,
    output_side,
    pointwise_macs,
    separable_macs,
    separable_params,
    separable_ratio,
    transposed_conv_macs,
)


def millions(count: int, digits: int) -> float:
    return round(count / 1e6, digits)


# Worked examples -------------------------------------------------------------------------------------------------


def test_the_inception_modules_5x5_branch_is_ten_times_cheaper_through_16_maps():
    assert conv_macs(5, 192, 32, 28) == 120_422_400
    assert conv_macs(1, 192, 16, 28) == 2_408_448
    assert conv_macs(5, 16, 32, 28) == 10_035_200
    assert bottleneck_macs(5, 192, 16, 32, 28) == 12_443_648 == 2_408_448 + 10_035_200


def test_a_separable_convolution_of_a_small_picture():
    """6×6×3 to 4×4×5 with 3×3."""
    assert conv_macs(3, 3, 5, 4) == 2_160
    assert depthwise_macs(3, 3, 4) == 432
    assert pointwise_macs(3, 5, 4) == 240
    assert separable_macs(3, 3, 5, 4) == 672
    assert separable_ratio(3, 5) == Fraction(672, 2_160)


def test_a_bottleneck_has_a_seventeenth_of_the_weights_of_two_wide_layers():
    assert bottleneck_weights(3, 256, 64, 64, expanded=256) == 69_632
    assert 2 * conv_weights(3, 256, 256) == 1_179_648
    assert bottleneck_macs(3, 256, 64, 64, 56, expanded=256) == 69_632 * 56**2


@pytest.mark.parametrize("maps", [1, 64, 256])
def test_three_3x3_layers_have_27_weights_where_one_7x7_layer_has_49(maps):
    assert 3 * conv_weights(3, maps, maps) == 27 * maps**2
    assert conv_weights(7, maps, maps) == 49 * maps**2


def test_table_3_of_mobilenet():
    """One layer, 14×14 and 512 to 512 maps: standard, separable, with α = 0.75, and with ρ = 0.714 besides."""
    rows = [(conv_macs(3, 512, 512, 14), conv_weights(3, 512, 512))]
    rows += [
        (separable_macs(3, n, n, side), separable_params(3, n, n)) for n, side in ((512, 14), (384, 14), (384, 10))
    ]
    assert [millions(macs, 1) for macs, _ in rows] == [462.4, 52.3, 29.6, 15.1]
    assert [millions(weights, 2) for _, weights in rows] == [2.36, 0.27, 0.15, 0.15]


def test_the_layers_of_zfnet():
    kernels, maps, sides = (7, 5, 3, 3, 3), (3, 96, 256, 384, 384, 256), (110, 26, 13, 13, 13)
    found = [conv_macs(k, m, n, side) for k, m, n, side in zip(kernels, maps, maps[1:], sides, strict=False)]
    assert [millions(macs, 1) for macs in found] == [170.8, 415.3, 149.5, 224.3, 149.5]


def test_the_layers_of_lenet():
    assert [conv_params(5, 1, 6), conv_params(5, 16, 120), linear_params(120, 84)] == [156, 48_120, 10_164]
    assert linear_macs(120, 84) == 10_080
    assert conv_params(2, 6, 6, groups=6) == 6 * (4 + 1)


def test_the_sides_of_alexnets_and_zfnets_first_maps():
    assert [output_side(227, 11, 4), output_side(55, 3, 2), output_side(27, 5, padding=2)] == [55, 27, 27]
    assert output_side(224, 7, 2, 1) == 110
    assert output_side(28, 3, padding=2, dilation=2) == 28


# What holds for all of them --------------------------------------------------------------------------------------

SIZES = st.integers(1, 6)
MAPS = st.integers(1, 40)


@given(SIZES, MAPS, MAPS, SIZES)
def test_the_ratio_is_that_of_the_separable_to_the_standard_convolution(kernel, maps, out, side):
    assert separable_ratio(kernel, out) == Fraction(
        separable_macs(kernel, maps, out, side), conv_macs(kernel, maps, out, side)
    )
    assert separable_ratio(kernel, out) == Fraction(
        separable_params(kernel, maps, out), conv_weights(kernel, maps, out)
    )


@given(SIZES, MAPS, MAPS, SIZES, st.integers(1, 5))
def test_groups_divide_the_cost(kernel, maps, out, side, groups):
    whole = conv_macs(kernel, groups * maps, groups * out, side)
    assert whole == groups * conv_macs(kernel, groups * maps, groups * out, side, groups)


@given(SIZES, MAPS, MAPS, SIZES)
def test_one_number_is_a_square(kernel, maps, out, side):
    assert conv_macs(kernel, maps, out, side) == conv_macs((kernel, kernel), maps, out, (side, side))


def test_groups_that_do_not_divide_the_maps_are_refused():
    with pytest.raises(ValueError, match="48 channels cannot be split into 5 equal groups"):
        conv_macs(3, 48, 50, 7, groups=5)


# Modules that are really built -----------------------------------------------------------------------------------


def counted(module: nn.Module, picture: Tensor) -> tuple[int, Tensor]:
    """Multiply-adds as torch counts them, and what comes out."""
    with FlopCounterMode(display=False) as counter:
        out = module(picture)
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return flops // 2, out


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


built = settings(deadline=None)  # the first module that torch builds takes longer than all the others
PAIR = st.tuples(st.integers(1, 4), st.integers(1, 4))
SIDES = st.tuples(st.integers(8, 14), st.integers(8, 14))


@built
@given(PAIR, MAPS, MAPS, st.integers(1, 4), PAIR, SIDES, st.booleans(), st.booleans())
def test_a_convolution_costs_what_the_formula_says(kernel, maps, out, groups, stride, sides, bias, is_transposed):
    build = nn.ConvTranspose2d if is_transposed else nn.Conv2d
    conv = build(maps * groups, out * groups, kernel, stride, groups=groups, bias=bias, device="meta")
    macs, after = counted(conv, torch.empty(1, maps * groups, *sides, device="meta"))
    if is_transposed:
        assert transposed_conv_macs(kernel, maps * groups, out * groups, sides, groups) == macs
    else:
        assert conv_macs(kernel, maps * groups, out * groups, tuple(after.shape[2:]), groups) == macs
    assert conv_params(kernel, maps * groups, out * groups, groups, bias) == parameters(conv)


@built
@given(PAIR, MAPS, MAPS, SIDES)
def test_a_separable_convolution_costs_what_the_formula_says(kernel, maps, out, sides):
    depthwise = nn.Conv2d(maps, maps, kernel, groups=maps, bias=False, device="meta")
    separable = nn.Sequential(depthwise, nn.Conv2d(maps, out, 1, bias=False, device="meta"))
    macs, after = counted(separable, torch.empty(1, maps, *sides, device="meta"))
    assert separable_macs(kernel, maps, out, tuple(after.shape[2:])) == macs
    assert separable_params(kernel, maps, out) == parameters(separable)


@built
@given(st.sampled_from([1, 3, 5]), MAPS, MAPS, MAPS, st.none() | MAPS, SIDES)
def test_a_bottleneck_costs_what_the_formula_says(kernel, maps, reduced, out, expanded, sides):
    steps = [nn.Conv2d(maps, reduced, 1), nn.Conv2d(reduced, out, kernel, padding="same")]
    steps += [nn.Conv2d(out, expanded, 1)] if expanded else []
    bottleneck = nn.Sequential(*steps).to("meta")
    macs, _ = counted(bottleneck, torch.empty(1, maps, *sides, device="meta"))
    assert bottleneck_macs(kernel, maps, reduced, out, sides, expanded) == macs
    assert bottleneck_weights(kernel, maps, reduced, out, expanded) == sum(step.weight.numel() for step in steps)


@built
@given(MAPS, MAPS, SIZES, st.booleans())
def test_a_linear_layer_costs_what_the_formula_says(features, out, positions, bias):
    linear = nn.Linear(features, out, bias=bias, device="meta")
    macs, _ = counted(linear, torch.empty(1, positions, features, device="meta"))
    assert linear_macs(features, out, positions) == macs
    assert linear_params(features, out, bias) == parameters(linear)
