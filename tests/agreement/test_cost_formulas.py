"""Costs of plain data against the networks that are really built from it: 1,000 of them, and torch's own counter."""

from collections import OrderedDict

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models.googlenet import GoogLeNet2014
from models.mobilenet import MobileNetV1
from models.refusals import Refused
from vis.cost.blocks import (
    INCEPTIONS,
    Block,
    bottleneck,
    dilated,
    factorised,
    grouped,
    inception,
    reduced,
    resnet50,
    separable,
    shuffled,
    stacked,
    standard,
    wide,
)
from vis.cost.count import LayerCost, layer_costs
from vis.cost.layer import SETTINGS, Layer, layer
from vis.cost.mobilenet import SIDES, WIDTHS, MobileNet
from vis.cost.stack import Row, Stack, row_by_row
from vis.receptive import receptive_fields

SLIDING = ("conv", "depthwise", "pointwise", "max pool", "average pool")


def built(of: Layer) -> nn.Module:
    """The layer as torch has it, without numbers; batch norm and flattening are separate modules."""
    if of.is_convolution:
        window = (of.kernel, of.stride, of.padding, of.dilation)
        return nn.Conv2d(of.given[0], of.channels, *window, of.groups, bias=of.bias, device="meta")
    if of.kind == "linear":
        return nn.Linear(torch.Size(of.given).numel(), of.channels, bias=of.bias, device="meta")
    return {
        "max pool": lambda: nn.MaxPool2d(of.kernel, of.stride, of.padding, of.dilation),
        "average pool": lambda: nn.AvgPool2d(of.kernel, of.stride, of.padding),
        "global pool": lambda: nn.AdaptiveAvgPool2d(1),
        "shuffle": lambda: nn.ChannelShuffle(of.groups),
        "relu": nn.ReLU,
    }[of.kind]()


def network(stack: Stack) -> nn.Sequential:
    modules: dict[str, nn.Module] = {}
    for i, step in enumerate(stack.steps):
        if step.layer.kind == "linear":
            modules[f"flatten{i}"] = nn.Flatten()
        modules[f"layer{i}"] = built(step.layer)
        if step.layer.norm:
            modules[f"norm{i}"] = nn.BatchNorm2d(step.layer.channels, device="meta")
    return nn.Sequential(OrderedDict(modules)).eval()


def counted_by_torch(model: nn.Module, shape: tuple[int, ...]) -> int:
    """Multiply-adds: torch counts each as two operations."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(shape, device="meta"))
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return flops // 2


# A stack ---------------------------------------------------------------------------------------------------------

GROUPS = st.sampled_from([1, 1, 2, 3, 4])
CHANNELS = st.integers(1, 4).map(lambda n: 12 * n)  # so that groups divide them more often than not


def sizes(least: int, most: int) -> st.SearchStrategy:
    return st.integers(least, most) | st.tuples(st.integers(least, most), st.integers(least, most))


def rows(kinds: tuple[str, ...]) -> st.SearchStrategy[Row]:
    channels = CHANNELS | st.integers(1, 30)
    return st.builds(Row, st.sampled_from(kinds), channels, sizes(1, 5), sizes(1, 3), sizes(0, 2), sizes(1, 2), GROUPS)


SHAPES = st.tuples(st.integers(1, 4).map(lambda n: 6 * n), st.integers(6, 24), st.integers(6, 24))
agreeing = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@settings(agreeing, max_examples=1000)
@given(st.lists(rows(tuple(SETTINGS)), min_size=1, max_size=4), SHAPES, st.booleans(), st.booleans())
def test_every_row_costs_what_the_built_module_costs(filled, shape, bias, norm):
    stack = row_by_row(filled, shape, bias, norm)
    assume(stack.steps)
    costs = {cost.name: cost for cost in layer_costs(network(stack), (1, *shape))}
    for i, step in enumerate(stack.steps):
        cost, of = costs[f"layer{i}"], step.layer
        assert cost.output_shape == (1, *of.shape)
        assert cost.macs == of.macs
        assert cost.params + (costs[f"norm{i}"].params if of.norm else 0) == of.params
        if of.kind != "shuffle" or of.groups not in (
            1,
            of.channels,
        ):  # what keeps its order is not copied without numbers
            assert cost.activation_bytes == of.activation_bytes
    assert sum(cost.params for cost in costs.values()) == stack.params
    assert sum(cost.macs or 0 for cost in costs.values()) == stack.macs


@settings(agreeing, max_examples=200)
@given(st.lists(rows(tuple(SETTINGS)), min_size=1, max_size=4), SHAPES)
def test_a_stack_costs_what_torchs_own_counter_counts(filled, shape):
    stack = row_by_row(filled, shape)
    assume(stack.macs)
    assert counted_by_torch(network(stack), (1, *shape)) == stack.macs


@settings(agreeing, max_examples=200)
@given(st.lists(rows(SLIDING), min_size=1, max_size=5), SHAPES)
def test_a_unit_sees_what_it_sees_in_the_built_network(filled, shape):
    stack = row_by_row(filled, shape)
    assume(stack.steps)
    fields = receptive_fields(network(stack), (1, *shape))
    for i, step in enumerate(stack.steps):
        field = fields[f"layer{i}"]
        assert step.field.size == (field.rows.size, field.columns.size)
        assert step.field.jump == (field.rows.jump, field.columns.jump)


@settings(agreeing, max_examples=500)
@given(rows(SLIDING), SHAPES)
def test_a_row_is_refused_only_where_torch_refuses_it_too(row, shape):
    """Strides of three at most are smaller than these maps; larger ones are refused here, and not by torch."""
    (refused, kind) = row_by_row([row], shape).refused, row.kind
    told = {name: getattr(row, name) for name in SETTINGS[kind]}
    try:
        if kind in ("max pool", "average pool"):
            names = {"kernel": "kernel_size"}
            made: nn.Module = {"max pool": nn.MaxPool2d, "average pool": nn.AvgPool2d}[kind](
                **{names.get(name, name): value for name, value in told.items()}
            )
        else:
            kernel = told.pop("kernel", 1)
            groups = shape[0] if kind == "depthwise" else told.pop("groups")
            made = nn.Conv2d(shape[0], told.pop("channels"), kernel, groups=groups, **told)
        made(torch.zeros(1, *shape))
    except (RuntimeError, ValueError):
        assert refused is not None
    else:
        assert refused is None, str(refused)


@given(st.integers(1, 6), st.integers(1, 6))
def test_a_shuffle_moves_maps_as_torch_moves_them(groups, size):
    maps = torch.arange(groups * size).reshape(1, -1, 1, 1)
    assert tuple(nn.ChannelShuffle(groups)(maps).flatten().tolist()) == shuffled(groups * size, groups)


# Blocks ----------------------------------------------------------------------------------------------------------


class Paths(nn.Module):
    """A block as it is built: its paths side by side, then what joins them."""

    def __init__(self, block: Block):
        super().__init__()
        self.paths = nn.ModuleList(nn.Sequential(*map(built, path)) for path in block.paths)
        self.joined = block.joined

    def forward(self, x: Tensor) -> Tensor:
        found = [path(x) for path in self.paths]
        if self.joined == "concat":
            return torch.cat(found, 1)
        return found[0] + found[1] if self.joined == "add" else found[0]


MAPS = (24, 16, 16)
BLOCKS = {
    "standard": standard(MAPS, 8, 5),
    "standard, strided": standard(MAPS, 8, 3, 2, 0),
    "reduced": reduced(MAPS, 4, 8, 5),
    **{f"inception {name}": inception(widths) for name, widths in INCEPTIONS.items()},
    **{f"naive inception {name}": inception(widths, is_reduced=False) for name, widths in INCEPTIONS.items()},
    "bottleneck": bottleneck(MAPS, 6, 24),
    "bottleneck, strided": bottleneck(MAPS, 6, 48, 2),
    "bottleneck, strided at first": bottleneck(MAPS, 6, 48, 2, "first"),
    "wide": wide(MAPS, 24),
    "separable": separable(MAPS, 8, 3, 2),
    "stacked": stacked(MAPS, 3),
    "factorised": factorised(MAPS, 24, 7),
    "dilated": dilated(MAPS, 24, 3, 2),
    "grouped": grouped(MAPS, 24, 3, 4),
    "shuffled": grouped(MAPS, 24, 3, 4, is_shuffled=True),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_costs_what_it_costs_when_it_is_built(name):
    block, shape = BLOCKS[name], (1, *BLOCKS[name].given)
    model = Paths(block).eval()
    costs = layer_costs(model, shape)
    assert costs[-1].output_shape == (1, *block.shape)
    assert sum(cost.macs or 0 for cost in costs) == block.macs == counted_by_torch(model, shape)
    assert sum(cost.params for cost in costs) == block.params
    assert sum(cost.activation_bytes for cost in costs) == block.activation_bytes
    field = list(receptive_fields(model, shape).values())[-1]
    assert block.field.size == (field.rows.size, field.columns.size)


def test_the_modules_of_googlenet_are_those_that_are_built():
    with torch.device("meta"):
        model = GoogLeNet2014().eval()
    costs = layer_costs(model, (1, 3, 224, 224))
    for name, widths in INCEPTIONS.items():
        of = [cost for cost in costs if cost.name.startswith(f"inception_{name}.")]
        assert sum(cost.macs or 0 for cost in of) == inception(widths).macs
        biases = widths.one + widths.three_reduce + widths.three + widths.five_reduce + widths.five + widths.pool
        assert sum(cost.params for cost in of) == inception(widths).weights + biases


@pytest.mark.parametrize("stage", range(1, 5))
def test_the_stages_of_resnet50_are_those_that_are_built(stage):
    from torchvision.models import resnet50 as torchvisions

    with torch.device("meta"):
        model = torchvisions().eval()
    of = [cost for cost in layer_costs(model, (1, 3, 224, 224)) if cost.name.startswith(f"layer{stage}.")]
    blocks = resnet50()[f"conv{stage + 1}_x"]
    assert sum(cost.macs or 0 for cost in of) == sum(block.macs for block in blocks)
    assert sum(cost.params for cost in of) == sum(block.params for block in blocks)


# MobileNet -------------------------------------------------------------------------------------------------------


def assert_is_built_so(of: MobileNet):
    """Layer by layer, by the names of the built network."""
    with torch.device("meta"):
        model = MobileNetV1(of.num_classes, of.width, of.resolution, of.separable, of.shallow).eval()
    costs: dict[str, LayerCost] = {c.name: c for c in layer_costs(model, (1, 3, of.resolution, of.resolution))}
    counted = [name for name, cost in costs.items() if cost.macs is not None]
    names = {name: f"classifier.{name}" if name in ("pool", "fc") else f"features.{name}" for name in of.layers}
    names["conv1"] += ".conv"
    assert [names[name] for name, each in of.layers.items() if each.macs is not None] == counted
    for name, each in of.layers.items():
        cost = costs[names[name]]
        assert (cost.output_shape, cost.macs) == ((1, *each.shape), each.macs)
        assert (cost.params, cost.activation_bytes) == (
            each.params - 2 * each.norm * each.channels,
            each.activation_bytes,
        )
    assert sum(cost.macs or 0 for cost in costs.values()) == of.macs
    assert sum(cost.params for cost in costs.values()) == of.params == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("side", SIDES)
def test_the_papers_sixteen_networks_cost_what_they_cost_when_they_are_built(width, side):
    assert_is_built_so(MobileNet(width, side))


@settings(deadline=None, max_examples=60)
@given(
    st.builds(
        MobileNet,
        st.integers(1, 40).map(lambda n: n * 0.05) | st.floats(0.05, 2),
        st.integers(32, 320),
        st.booleans(),
        st.booleans(),
        st.integers(1, 2000),
    )
)
def test_any_width_and_resolution_costs_what_it_costs_when_it_is_built(of):
    assert_is_built_so(of)


# Absurd input ----------------------------------------------------------------------------------------------------

NUMBERS = st.integers(0, 9) | st.integers() | st.integers(-(10**30), 10**30) | st.floats()
ABSURD = NUMBERS | st.none() | st.text(max_size=3) | st.lists(st.integers(0, 9), max_size=3).map(tuple)


@settings(max_examples=500)
@given(st.sampled_from(list(SETTINGS)), st.lists(ABSURD, min_size=6, max_size=6))
def test_whatever_is_filled_in_gives_a_layer_or_a_sentence(kind, told):
    try:
        of = layer(kind, (8, 32, 32), *told)
    except Refused:
        return
    assert {type(n) for n in (*of.shape, of.weights, of.params, of.activation_bytes, of.macs or 0)} == {int}
    assert min(of.shape) >= 1
