"""The stacks to begin with, and the code of any stack, against the networks that are really built."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from models.loading import skeleton
from tests.agreement.test_cost_formulas import SHAPES, agreeing, counted_by_torch, rows
from vis.cost.count import layer_costs
from vis.cost.layer import SETTINGS
from vis.cost.presets import PRESETS
from vis.cost.sequential import as_torch
from vis.cost.stack import Stack, row_by_row
from vis.receptive import receptive_fields

SLIDING = ("conv", "depthwise", "linear", "pool")  # kinds of `layer_costs` that are rows of a stack


def context(channels: int) -> nn.Sequential:
    """Table 1 of Yu & Koltun 2016, the basic module: the last layer is 1×1."""
    widening = [nn.Conv2d(channels, channels, 3, padding=d, dilation=d) for d in (1, 1, 2, 4, 8, 16, 1)]
    return nn.Sequential(*widening, nn.Conv2d(channels, channels, 1))


def built(name: str) -> nn.Module:
    with torch.device("meta"):
        if name == "context":
            return context(21).eval()
        if name == "lenet5":
            return skeleton("lenet5")
        if name == "mobilenet":
            return skeleton("mobilenet_v1").features[:5].eval()
        return skeleton(name).features


NETWORKS = sorted(PRESETS.keys() - {"empty"})


@pytest.mark.parametrize("name", NETWORKS)
def test_a_preset_is_the_network_that_is_built(name):
    design, model = PRESETS[name], built(name)
    stack, shape = design.stack(), (1, *design.picture)
    assert stack.refused is None
    costs, fields = layer_costs(model, shape), receptive_fields(model, shape)
    of = [cost for cost in costs if cost.kind in SLIDING]
    assert len(of) == len(stack.steps)
    for cost, step in zip(of, stack.steps, strict=True):
        assert (cost.output_shape, cost.macs) == ((1, *step.layer.shape), step.layer.macs)
        assert cost.params == step.layer.params - 2 * step.layer.norm * step.layer.channels
        assert cost.activation_bytes == step.layer.activation_bytes
        field = fields[cost.name]
        if step.field is None:
            assert field.size is None
        else:
            assert (step.field.size, step.field.jump) == (
                (field.rows.size, field.columns.size),
                (field.rows.jump, field.columns.jump),
            )
    assert sum(cost.params for cost in costs) == stack.params == sum(p.numel() for p in model.parameters())
    assert counted_by_torch(model, shape) == stack.macs


def test_fields_of_the_presets_are_those_of_the_papers():
    """Of AlexNet's and ZFNet's pool5, VGG-16's conv5_3 and pool5, Yu & Koltun's Table 1."""
    ends = {name: [step.field.size[0] for step in PRESETS[name].stack().steps if step.field] for name in NETWORKS}
    jumps = {name: PRESETS[name].stack().steps[-1].field for name in ("alexnet", "zfnet", "vgg16")}
    assert ends["alexnet"][-2:] == [163, 195]
    assert ends["zfnet"] == [7, 11, 27, 43, 75, 107, 139, 171]
    assert ends["vgg16"][-2:] == [196, 212]
    assert ends["context"] == [3, 5, 9, 17, 33, 65, 67, 67]
    assert {field.jump for field in jumps.values()} == {(32, 32)}


def test_a_preset_of_zfnet_costs_what_its_paper_implies():
    macs = [round(step.layer.macs / 1e6, 1) for step in PRESETS["zfnet"].stack().steps if step.layer.macs]
    assert macs == [170.8, 415.3, 149.5, 224.3, 149.5]


# Code ------------------------------------------------------------------------------------------------------------


def run(stack: Stack) -> nn.Sequential:
    """The network that the code of a stack builds, executed as it is copied."""
    known: dict[str, object] = {}
    with torch.device("meta"):
        exec(as_torch(stack), known)
    return known["stack"].eval()


def assert_is_what_its_code_builds(stack: Stack) -> None:
    model = run(stack)
    with torch.no_grad():
        maps, shapes = torch.empty(1, *stack.picture, device="meta"), []
        for module in model:
            maps = module(maps)
            if not isinstance(module, nn.Flatten | nn.BatchNorm2d):
                shapes.append(tuple(maps.shape[1:]))
    assert shapes == [step.layer.shape for step in stack.steps]
    assert sum(p.numel() for p in model.parameters()) == stack.params
    assert counted_by_torch(model, (1, *stack.picture)) == stack.macs


@settings(agreeing, max_examples=300)
@given(st.lists(rows(tuple(SETTINGS)), min_size=1, max_size=5), SHAPES, st.booleans(), st.booleans())
def test_the_code_of_a_stack_builds_what_is_counted(filled, shape, bias, norm):
    stack = row_by_row(filled, shape, bias, norm)
    assume(stack.steps)
    assert_is_what_its_code_builds(stack)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_code_of_a_preset_builds_what_is_counted(name):
    assert_is_what_its_code_builds(PRESETS[name].stack())


def test_code_reads_as_one_would_write_it():
    lines = as_torch(PRESETS["mobilenet"].stack()).splitlines()
    assert lines[:2] == ["from torch import nn", ""]
    shapes = "# (N, 3, 224, 224) -> (N, 32, 112, 112)"
    assert lines[3] == f"    nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),  {shapes}"
    assert lines[4] == "    nn.BatchNorm2d(32),"
    assert "nn.Conv2d(32, 32, 3, padding=1, groups=32, bias=False)" in lines[5]
    assert "nn.Flatten()" in as_torch(PRESETS["lenet5"].stack())


def test_an_empty_stack_is_code_too():
    assert len(run(PRESETS["empty"].stack())) == 0
