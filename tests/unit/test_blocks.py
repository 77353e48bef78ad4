"""The cheap blocks beside what they stand in for: the papers' numbers, and what holds for every size."""

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.refusals import Refused
from vis.cost.blocks import (
    INCEPTIONS,
    PRINTED,
    RESNET50,
    Block,
    Widths,
    bottleneck,
    dilated,
    factorised,
    googlenet,
    grouped,
    inception,
    path,
    ratio,
    reduced,
    resnet50,
    separable,
    shuffled,
    stacked,
    standard,
    wide,
)
from vis.cost.formulas import (
    bottleneck_ratio,
    dilated_ratio,
    factorised_ratio,
    grouped_ratio,
    reduced_ratio,
    separable_ratio,
    stacked_ratio,
)
from vis.cost.layer import Field, formula, layer


def millions(count: int, digits: int = 1) -> float:
    return round(count / 1e6, digits)


# GoogLeNet -------------------------------------------------------------------------------------------------------


def test_a_5x5_convolution_is_ten_times_cheaper_through_16_maps():
    maps = (192, 28, 28)
    directly, through = standard(maps, 32, 5), reduced(maps, 16, 32, 5)
    assert directly.macs == 120_422_400
    assert [step.macs for step in through.layers] == [2_408_448, 10_035_200]
    assert through.macs == 12_443_648
    assert directly.shape == through.shape == (32, 28, 28)
    assert ratio(through, directly) == Fraction(12_443_648, 120_422_400)
    assert through.activations == (16 + 32) * 28 * 28
    assert directly.activation_bytes == 32 * 28 * 28 * 4


COMPUTED = {  # millions of MACs with the 1×1 reductions and without
    "3a": (128.0, 303.5),
    "3b": (304.3, 854.2),
    "4a": (73.6, 307.1),
    "4b": (87.9, 378.9),
    "4c": (99.9, 404.6),
    "4d": (118.5, 431.9),
    "4e": (170.0, 655.7),
    "5a": (51.1, 258.3),
    "5b": (70.7, 287.0),
}


@pytest.mark.parametrize("name", INCEPTIONS)
def test_an_inception_module_costs_what_its_widths_say(name):
    widths = INCEPTIONS[name]
    assert (millions(inception(widths).macs), millions(inception(widths, is_reduced=False).macs)) == COMPUTED[name]
    assert inception(widths).shape == (widths.one + widths.three + widths.five + widths.pool, widths.side, widths.side)


def test_an_inception_module_looks_through_four_paths():
    module = inception(INCEPTIONS["3a"])
    assert [path[-1].channels for path in module.paths] == [64, 128, 32, 32]
    assert module.shape == (256, 28, 28)
    assert module.field == Field((5, 5), (1, 1))
    assert inception(INCEPTIONS["3a"], is_reduced=False).shape == (64 + 128 + 32 + 192, 28, 28)


def test_the_modules_fit_on_each_other():
    for one, other in ("3a", "3b"), ("4a", "4b"), ("4b", "4c"), ("4c", "4d"), ("4d", "4e"), ("5a", "5b"):
        assert inception(INCEPTIONS[one]).shape[0] == INCEPTIONS[other].inputs


def test_googlenet_has_7_million_weights_and_one_and_a_half_billion_macs():
    rows = googlenet().values()
    assert sum(row.weights for row in rows) == 6_990_272
    assert round(sum(row.macs for row in rows) / 1e9, 3) == 1.583


def test_the_paper_prints_the_macs_of_its_modules_except_where_its_widths_say_otherwise():
    rows = googlenet()
    assert rows.keys() == PRINTED.keys()
    apart = {name for name, row in rows.items() if abs(row.macs / 1e6 - float(PRINTED[name][1].rstrip("M"))) >= 1}
    assert apart == {"conv 7×7/2", "inception 5a"}


# ResNet ----------------------------------------------------------------------------------------------------------


def test_a_bottleneck_has_a_seventeenth_of_the_weights_of_two_wide_layers():
    maps = (256, 56, 56)
    narrow, two = bottleneck(maps, 64, 256), wide(maps, 256)
    assert (narrow.weights, two.weights) == (69_632, 1_179_648)
    assert ratio(narrow, two) == ratio(narrow, two, "weights") == Fraction(69_632, 1_179_648)
    assert narrow.macs == 69_632 * 56**2
    assert narrow.shape == two.shape == maps
    assert narrow.paths[1] == ()  # a shortcut as it is


@pytest.mark.parametrize(("strided", "macs"), [("kernel", 4.089), ("first", 3.858)])
def test_the_stages_of_resnet50_make_up_the_network(strided, macs):
    blocks = [block for stage in resnet50(strided).values() for block in stage]
    assert sum(block.params for block in blocks) == 25_557_032
    assert round(sum(block.macs for block in blocks) / 1e9, 3) == macs


def test_a_stage_of_resnet50_halves_the_maps_once_and_projects_once():
    for name, (side, maps, channels, count) in RESNET50.items():
        stage = resnet50()[name]
        assert len(stage) == count
        assert {block.shape for block in stage} == {(channels, side, side)}
        assert [bool(block.paths[1]) for block in stage] == [True] + [False] * (count - 1)
        assert [step.channels for step in stage[-1].paths[0]] == [maps, maps, channels]


# MobileNet -------------------------------------------------------------------------------------------------------


def test_a_separable_convolution_of_a_small_picture():
    """6×6×3 to 4×4×5 with 3×3."""
    picture = (3, 6, 6)
    full, cheap = standard(picture, 5, 3, padding=0), separable(picture, 5, 3, padding=0)
    assert full.shape == cheap.shape == (5, 4, 4)
    assert full.macs == 2_160
    assert [step.macs for step in cheap.layers] == [432, 240]
    assert cheap.macs == 672
    assert ratio(cheap, full) == Fraction(1, 5) + Fraction(1, 9)


def test_table_3_of_mobilenet():
    """14×14 and 512 to 512 maps: standard, separable, with α = 0.75, and with ρ = 0.714 besides."""
    rows = [
        standard((512, 14, 14), 512, 3),
        *(separable((n, d, d), n, 3) for n, d in ((512, 14), (384, 14), (384, 10))),
    ]
    assert [millions(row.macs) for row in rows] == [462.4, 52.3, 29.6, 15.1]
    assert [millions(row.weights, 2) for row in rows] == [2.36, 0.27, 0.15, 0.15]


ODD = st.integers(0, 3).map(lambda n: 2 * n + 1)
MAPS = st.integers(1, 40)
SIDE = st.integers(7, 20)


@given(MAPS, MAPS, SIDE, ODD, st.integers(1, 3))
def test_of_a_separable_convolution_a_filter_and_a_kernel_remain(maps, channels, side, kernel, stride):
    given_maps = (maps, side, side)
    cheap, full = separable(given_maps, channels, kernel, stride), standard(given_maps, channels, kernel, stride)
    assert ratio(cheap, full) == ratio(cheap, full, "weights") == Fraction(1, channels) + Fraction(1, kernel**2)
    assert cheap.shape == full.shape
    assert cheap.field == full.field


# Small kernels ---------------------------------------------------------------------------------------------------


@given(MAPS, st.integers(1, 6))
def test_small_kernels_see_as_much_as_a_large_one_with_fewer_weights(maps, layers):
    given_maps, side = (maps, 32, 32), 2 * layers + 1
    small, large = stacked(given_maps, layers), standard(given_maps, maps, side)
    assert small.field == large.field == Field((side, side), (1, 1))
    assert small.shape == large.shape == given_maps
    assert ratio(small, large) == Fraction(9 * layers, side**2)


def test_three_small_kernels_have_27_weights_where_a_large_one_has_49():
    maps = (64, 56, 56)
    assert stacked(maps, 3).weights == 27 * 64**2
    assert standard(maps, 64, 7).weights == 49 * 64**2


@given(MAPS, ODD)
def test_a_row_and_a_column_see_a_square(maps, length):
    given_maps = (maps, 17, 17)
    two, square = factorised(given_maps, maps, length), standard(given_maps, maps, length)
    assert two.field == square.field
    assert two.shape == square.shape
    assert ratio(two, square) == Fraction(2, length)


@given(MAPS, ODD, st.integers(1, 4))
def test_a_dilated_kernel_reaches_as_far_as_a_dense_one(maps, kernel, dilation):
    given_maps, reach = (maps, 32, 32), dilation * (kernel - 1) + 1
    sparse, dense = dilated(given_maps, maps, kernel, dilation), standard(given_maps, maps, reach)
    assert sparse.field == dense.field
    assert sparse.shape == dense.shape
    assert ratio(sparse, dense) == Fraction(kernel**2, reach**2)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 8), ODD)
def test_groups_divide_the_cost(groups, maps, channels, kernel):
    given_maps = (groups * maps, 14, 14)
    apart = grouped(given_maps, groups * channels, kernel, groups, is_shuffled=True)
    assert ratio(apart, standard(given_maps, groups * channels, kernel)) == Fraction(1, groups)
    assert apart.shape == (groups * channels, 14, 14)


def test_a_shuffle_deals_the_maps_of_every_group_out():
    assert shuffled(6, 2) == (0, 3, 1, 4, 2, 5)
    assert shuffled(6, 1) == shuffled(6, 6) == tuple(range(6))


# What remains ----------------------------------------------------------------------------------------------------


@given(MAPS, MAPS, MAPS, ODD)
def test_of_a_reduced_kernel_remains_what_its_law_says(maps, few, channels, kernel):
    given_maps = (maps, 14, 9)
    cheap, full = reduced(given_maps, few, channels, kernel), standard(given_maps, channels, kernel)
    assert reduced_ratio(kernel, maps, few, channels) == ratio(cheap, full) == ratio(cheap, full, "weights")


@given(MAPS, MAPS)
def test_of_a_bottleneck_remains_what_its_law_says(channels, few):
    given_maps = (channels, 14, 14)
    assert bottleneck_ratio(channels, few) == ratio(bottleneck(given_maps, few, channels), wide(given_maps, channels))


@given(MAPS, MAPS, ODD, st.integers(1, 6), st.integers(1, 4))
def test_of_other_relatives_remains_what_their_laws_say(maps, channels, kernel, n, dilation):
    square, dense = (maps, 40, 40), (n * maps, 40, 40)
    reach = dilation * (kernel - 1) + 1
    pairs = {
        separable_ratio(kernel, channels): (separable(square, channels, kernel), standard(square, channels, kernel)),
        stacked_ratio(n): (stacked(square, n), standard(square, maps, 2 * n + 1)),
        factorised_ratio(kernel): (factorised(square, maps, kernel), standard(square, maps, kernel)),
        grouped_ratio(n): (grouped(dense, n * maps, kernel, n), standard(dense, n * maps, kernel)),
        dilated_ratio(kernel, dilation): (dilated(square, maps, kernel, dilation), standard(square, maps, reach)),
    }
    for law, (cheap, plain) in pairs.items():
        assert law == ratio(cheap, plain)


# Formulas --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "symbols", "numbers"),
    [
        (("conv", 32, 5, 1, 2), "K_h·K_w·C_in·C_out·H·W", "5·5·192·32·28·28"),
        (("conv", 32, (1, 5), 2, (0, 2), 1, 4), "K_h·K_w·(C_in/g)·C_out·H·W", "1·5·(192/4)·32·14·14"),
        (("depthwise", None, 3, 2, 1), "K_h·K_w·C_out·H·W", "3·3·192·14·14"),
        (("pointwise", 16), "K_h·K_w·C_in·C_out·H·W", "1·1·192·16·28·28"),
        (("linear", 10), "C_in·C_out", "150528·10"),
        (("max pool", None, 3, 2, 1), "", ""),
    ],
)
def test_a_formula_stands_beside_the_numbers_put_in(settings, symbols, numbers):
    kind, *rest = settings
    assert formula("macs", layer(kind, (192, 28, 28), *rest)) == (symbols, numbers)


@given(
    st.sampled_from(["conv", "depthwise", "pointwise", "linear"]), st.integers(1, 4), MAPS, MAPS, SIDE, st.booleans()
)
def test_the_numbers_of_a_formula_give_its_value(kind, groups, maps, channels, side, is_dense):
    groups = 1 if is_dense else groups
    of = layer(
        kind, (groups * maps, side, side), None if kind == "depthwise" else groups * channels, 3, 1, 1, 1, groups
    )
    for quantity in "macs", "weights":
        _, numbers = formula(quantity, of)
        assert eval(numbers.replace("·", "*").replace("/", "//")) == getattr(of, quantity)


# What cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: standard((192, 28, 28), 0, 5), "cannot have 0 channels"),
        (lambda: standard((192, 28, 28), 10**9, 5), "cannot have 1000000000 channels; choose from 1 to 1000000"),
        (lambda: standard((10**9, 28, 28), 32, 5), "cannot have 1000000000 channels"),
        (lambda: standard((192, 28, 28), 10**5000, 5), "more than 18 digits"),
        (lambda: standard((192, 0, 28), 32, 5), "A 0×28 picture is impossible"),
        (lambda: standard((192, 28, 10**9), 32, 5), "A 28×1000000000 picture is impossible"),
        (lambda: standard((192, 28, 28), 32, 4), "A kernel of 4×4 has no centre"),
        (lambda: reduced((192, 28, 28), -1, 32, 5), "cannot have -1 channels"),
        (lambda: separable((192, 28, 28), 32, 3, stride=29), "The stride 29×29 is larger than the 28×28 maps"),
        (lambda: separable((192, 28, 28), 32, 3, stride=0), "stride must be at least 1"),
        (lambda: separable((192, 2, 2), 32, 5, padding=0), "spans 5×5"),
        (lambda: grouped((192, 28, 28), 32, 3, 5), "192 channels cannot be split into 5 equal groups"),
        (lambda: grouped((192, 28, 28), 33, 3, 4), "33 channels cannot be split into 4 equal groups"),
        (lambda: grouped((192, 28, 28), 32, 3, 0), "at least 1 group, not 0"),
        (lambda: shuffled(10, 3), "10 channels cannot be split into 3 equal groups"),
        (lambda: stacked((64, 32, 32), 0), "cannot have 0 layers"),
        (lambda: stacked((64, 32, 32), 10**9), "cannot have 1000000000 layers; choose from 1 to 100"),
        (lambda: dilated((64, 32, 32), 64, 3, 0), "The dilation must be at least 1, not 0×0"),
        (lambda: dilated((64, 32, 32), 64, 3, 10**9), "padded maps would be 2000000032×2000000032"),
        (lambda: bottleneck((256, 56, 56), 64, 256, stride=100), "The stride 100×100 is larger"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(build, said):
    with pytest.raises(Refused, match=said):
        build()


def test_the_largest_block_costs_an_exact_whole_number():
    vast = standard((10**6, 5_001, 5_001), 10**6, 4_999)
    assert vast.macs == 5_001**2 * 4_999**2 * 10**12
    assert type(vast.macs) is type(vast.activation_bytes) is int


def test_a_block_is_plain_data():
    block = inception(Widths(8, 4, 1, 2, 3, 4, 5, 6))
    assert hash(block) == hash(dataclasses.replace(block))
    assert block == Block((4, 8, 8), block.paths, "concat")
    assert path((3, 8, 8)) == ()
