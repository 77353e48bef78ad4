"""A network of your own: known networks row by row, and what is said of rows that cannot be."""

import ast
import math

import numpy as np
import pytest

from models.refusals import Refused
from tests.house.source import ROOT, imports, is_within
from vis.cost.layer import SETTINGS, Field, picture
from vis.cost.stack import MOST_ROWS, Row, row_by_row

PICTURE = (3, 224, 224)
HALVING = Row("max pool", kernel=2, stride=2)


def convolutions(*channels: int) -> list[Row]:
    return [Row("conv", n, 3, padding=1) for n in channels]


def sizes(stack) -> list[int | None]:
    return [step.field and step.field.size[0] for step in stack.steps]


# Known networks --------------------------------------------------------------------------------------------------


def test_vgg16_row_by_row():
    stages = [64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3
    rows = [row for stage in stages for row in (*convolutions(*stage), HALVING)]
    stack = row_by_row([*rows, *(Row("linear", n) for n in (4096, 4096, 1000))], PICTURE)
    assert stack.refused is None
    assert stack.params == 138_357_544
    assert round(stack.macs / 1e9, 3) == 15.470
    assert stack.steps[16].field == Field((196, 196), (16, 16))  # conv5_3
    assert stack.steps[17].field == Field((212, 212), (32, 32))
    assert stack.steps[17].layer.shape == (512, 7, 7)
    assert stack.shape == (1000,)
    assert sizes(stack)[-3:] == [None] * 3


def test_alexnet_row_by_row():
    """torchvision's."""
    pool = Row("max pool", kernel=3, stride=2)
    rows = [Row("conv", 64, 11, 4, 2), pool, Row("conv", 192, 5, 1, 2), pool, *convolutions(384, 256, 256), pool]
    stack = row_by_row([*rows, *(Row("linear", n) for n in (4096, 4096, 1000))], PICTURE)
    assert stack.params == 61_100_840
    assert round(stack.macs / 1e9, 3) == 0.714
    assert [step.field for step in stack.steps[6:8]] == [Field((163, 163), (16, 16)), Field((195, 195), (32, 32))]


def test_lenet5_row_by_row():
    pool = Row("average pool", kernel=2, stride=2)
    rows = [
        Row("conv", 6, 5),
        pool,
        Row("conv", 16, 5),
        pool,
        Row("conv", 120, 5),
        Row("linear", 84),
        Row("linear", 10),
    ]
    stack = row_by_row(rows, (1, 32, 32))
    assert stack.params == 61_706
    assert round(stack.macs / 1e6, 3) == 0.417
    assert [step.layer.shape for step in stack.steps] == [
        *((6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1), (84,), (10,)),
    ]


def test_mobilenets_first_layers_with_batch_norm():
    rows = [Row("conv", 32, 3, 2, 1), Row("depthwise", kernel=3, padding=1), Row("pointwise", 64), Row("global pool")]
    stack = row_by_row(rows, PICTURE, bias=False, norm=True)
    assert [step.layer.macs for step in stack.steps] == [27 * 32 * 112**2, 9 * 32 * 112**2, 32 * 64 * 112**2, None]
    assert [step.layer.weights for step in stack.steps] == [27 * 32, 9 * 32, 32 * 64, 0]
    assert stack.params == stack.weights + 2 * (32 + 32 + 64)
    assert stack.activation_bytes == 4 * (112**2 * (32 + 32 + 64) + 64)
    assert stack.steps[-1].field is None


def test_rows_and_columns_may_differ():
    (step,) = row_by_row([Row("conv", 8, (1, 7), (1, 2), (0, 3), (1, 1))], (4, 20, 30)).steps
    assert step.layer.shape == (8, 20, 15)
    assert step.layer.macs == 7 * 4 * 8 * 20 * 15
    assert step.field == Field((1, 7), (1, 2))


@pytest.mark.parametrize("channels", [None, "", math.nan])
def test_a_depthwise_layer_keeps_the_number_of_maps_unless_told(channels):
    (step,) = row_by_row([Row("depthwise", channels, 3, padding=1)], (4, 10, 10)).steps
    assert (step.layer.shape, step.layer.weights) == ((4, 10, 10), 9 * 4)


def test_a_depthwise_layer_may_have_several_filters_for_each_map():
    (step,) = row_by_row([Row("depthwise", 12, 3, padding=1)], (4, 10, 10)).steps
    assert (step.layer.shape, step.layer.weights) == ((12, 10, 10), 9 * 12)


def test_a_relu_changes_and_costs_nothing_but_memory_and_may_follow_a_linear_layer():
    without = row_by_row([*convolutions(8), Row("linear", 5)], (3, 10, 10))
    stack = row_by_row([*convolutions(8), Row("relu"), Row("linear", 5), Row("relu")], (3, 10, 10))
    assert stack.refused is None
    assert [step.layer.shape for step in stack.steps] == [(8, 10, 10), (8, 10, 10), (5,), (5,)]
    assert sizes(stack) == [3, 3, None, None]
    assert (stack.macs, stack.params) == (without.macs, without.params)
    assert stack.activation_bytes - without.activation_bytes == 4 * (800 + 5)


def test_without_rows_the_picture_is_what_comes_out():
    stack = row_by_row([], PICTURE)
    assert (stack.shape, stack.macs, stack.params, stack.steps) == (PICTURE, 0, 0, ())


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_setting_that_a_kind_does_not_have_is_left_alone(kind):
    usual = {"channels": 8, "kernel": 3, "stride": 1, "padding": 1, "dilation": 1, "groups": 4}
    absurd = {name: usual[name] if name in SETTINGS[kind] else "absurd" for name in usual}
    one, other = (row_by_row([Row(kind, **settings)], (8, 10, 10)) for settings in (usual, absurd))
    assert one == other
    assert one.refused is other.refused is None


def test_whole_numbers_of_a_table_stay_whole_numbers():
    (step,) = row_by_row([Row("conv", np.int64(8), 3.0, np.float64(1), np.int8(1))], (3, 8.0, 8)).steps
    assert type(step.layer.macs) is type(step.layer.params) is type(step.layer.shape[1]) is int
    assert step.layer.macs == 27 * 8 * 64


# What cannot be --------------------------------------------------------------------------------------------------

IMPOSSIBLE = [
    (Row("conv", 0, 3), "cannot have 0 channels"),
    (Row("conv", 10**9, 3), "cannot have 1000000000 channels"),
    (Row("conv", -5, 3), "cannot have -5 channels"),
    (Row("linear", 10**9), "cannot have 1000000000 channels"),
    (Row("conv", 10**5000, 3), "more than 18 digits"),
    (Row("conv", None, 3), "A number is missing"),
    (Row("conv", math.nan, 3), "A number is missing"),
    (Row("conv", 64, ""), "A number is missing"),
    (Row("conv", 64, 2.5), "2.5 is not a whole number"),
    (Row("conv", math.inf, 3), "inf is not a whole number"),
    (Row("conv", "many", 3), "many is not a whole number"),
    (Row("conv", "9" * 5000, 3), "9999 is not a whole number"),
    (Row("conv", 64, (1, 2, 3)), "(1, 2, 3) is not a whole number"),
    (Row("conv", 64, ()), "() is not a whole number"),
    (Row(None, 64, 3), "No kind of layer is chosen"),
    (Row("conv", [64], 3), "is not a whole number"),
    (Row("conv", 64, 3, 65), "The stride 65×65 is larger than the 32×32 maps"),
    (Row("conv", 64, 3, 10**9), "The stride 1000000000×1000000000 is larger"),
    (Row("conv", 64, 3, 0), "The stride must be at least 1, not 0×0"),
    (Row("conv", 64, 33), "spans 33×33, but the padded maps are only 32×32"),
    (Row("conv", 64, 3, dilation=16), "spans 33×33"),
    (Row("conv", 64, (1, 40)), "spans 1×40"),
    (Row("conv", 64, 0), "The kernel must be at least 1×1, not 0×0"),
    (Row("conv", 64, 3, padding=-1), "The padding must be at least 0, not -1×-1"),
    (Row("conv", 64, 3, padding=10**9), "would be 2000000032×2000000032"),
    (Row("conv", 64, 3, dilation=0), "The dilation must be at least 1, not 0×0"),
    (Row("conv", 64, 3, dilation=10**9), "spans 2000000001×2000000001"),
    (Row("conv", 64, 3, groups=5), "16 channels cannot be split into 5 equal groups"),
    (Row("conv", 65, 3, groups=4), "65 channels cannot be split into 4 equal groups"),
    (Row("conv", 64, 3, groups=0), "at least 1 group, not 0"),
    (Row("conv", 64, 3, groups=-4), "at least 1 group, not -4"),
    (Row("conv", 64, 3, groups=10**9), "cannot be split into 1000000000 equal groups"),
    (Row("depthwise", 24, 3), "24 channels cannot be split into 16 equal groups"),
    (Row("shuffle", groups=3), "16 channels cannot be split into 3 equal groups"),
    (Row("max pool", kernel=3, stride=2, padding=2), "more than half the pooling kernel"),
    (Row("average pool", kernel=40, stride=1), "spans 40×40"),
    (Row("attention", 64), "“attention” is not a kind of layer; choose one of conv, depthwise"),
]


@pytest.mark.parametrize(("row", "said"), IMPOSSIBLE, ids=lambda of: of if isinstance(of, str) else of.kind)
def test_an_impossible_row_says_why_and_nothing_after_it_is_computed(row, said):
    before, after = convolutions(16), convolutions(8, 8)
    stack = row_by_row([*before, row, *after], (3, 32, 32))
    assert said in str(stack.refused)
    assert stack.refused.template != str(stack.refused) or not stack.refused.values_said
    assert stack == type(stack)((3, 32, 32), row_by_row(before, (3, 32, 32)).steps, stack.refused)


@pytest.mark.parametrize("kind", sorted(SETTINGS.keys() - {"linear", "relu"}))
def test_after_a_linear_layer_there_are_no_maps(kind):
    stack = row_by_row([Row("linear", 10), Row(kind, 8, 3, 1, 1), Row("linear", 5)], (3, 8, 8))
    assert len(stack.steps) == 1
    assert "After a linear layer there are no rows and columns" in str(stack.refused)


def test_too_many_rows_are_not_computed():
    endless = iter(lambda: Row("pointwise", 4), None)
    stack = row_by_row(endless, (4, 8, 8))
    assert len(stack.steps) == MOST_ROWS
    assert f"at most {MOST_ROWS} rows" in str(stack.refused)


@pytest.mark.parametrize(
    "shape", [(0, 8, 8), (3, 0, 8), (3, 8, -8), (10**9, 8, 8), (3, 8, 10**9), (3, None, 8), (3, 0.5, 8)]
)
def test_a_picture_that_cannot_be_is_refused(shape):
    with pytest.raises(Refused):
        row_by_row([], shape)
    with pytest.raises(Refused):
        picture(*shape)


def test_the_costliest_stack_is_an_exact_whole_number():
    stack = row_by_row([Row("conv", 10**6, 5_001, padding=2_500)] * MOST_ROWS, (10**6, 4_998, 4_998))
    assert stack.refused is None
    assert stack.macs == MOST_ROWS * 5_001**2 * 10**12 * 4_998**2
    assert type(stack.macs) is int


KNOWING_NO_TORCH = ("formulas", "layer", "blocks", "stack", "mobilenet", "design", "presets", "sequential")


@pytest.mark.parametrize("name", KNOWING_NO_TORCH)
def test_what_is_computed_while_dragging_or_editing_knows_no_torch(name):
    tree = ast.parse((ROOT / f"vis/cost/{name}.py").read_text(encoding="utf-8"))
    assert not [found for _, found, _ in imports(tree) if is_within(found, "torch")]
    assert {found.rpartition(".")[0] for _, found, _ in imports(tree) if found.startswith(("vis.", "models."))} <= {
        "models.refusals",
        "vis.cost.formulas",
        "vis.cost.layer",
        "vis.cost.stack",
        "vis.cost.design",
    }
