"""Our ResNets against torchvision's, against each other, and their shortcuts against the slow twin."""

import pytest
import torch
from torch import nn
from torch.nn import Conv2d, MaxPool2d, ReLU, Sequential
from torchvision import models as vision

from models import ARCHITECTURES, load
from models.resnet import (
    Basic,
    Bottleneck,
    Plain,
    PreActivated,
    Subsampled,
    plain,
    resnet,
    resnet_v1,
    resnet_v2,
)
from tests.agreement.networks import picture, seeded
from tests.agreement.slow_twin import SlowTwin
from tests.agreement.test_deconvnet import assert_equal_the_twin, units_everywhere
from vis.deconvnet import METHODS, project
from vis.trace import traced


def with_its_weights(ours: nn.Module, theirs: nn.Module) -> nn.Module:
    ours.double().load_state_dict(theirs.state_dict())
    return ours.eval()


def on_meta(build, *args: object, **options: object) -> nn.Module:
    with torch.device("meta"):
        return build(*args, **options).eval()


# The same as torchvision's ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "build"), [(18, vision.resnet18), (34, vision.resnet34)])
def test_with_torchvisions_weights_the_shallow_ones_give_its_answers(depth, build):
    theirs = seeded(build)
    ours = with_its_weights(resnet(depth), theirs)
    image = picture((1, 3, 75, 64))
    assert torch.equal(ours(image), theirs(image))
    assert [*traced(ours).names.values()] == [*traced(theirs).names.values()]


def test_with_torchvisions_weights_the_deep_ones_differ_in_the_place_of_the_stride_alone():
    theirs = seeded(vision.resnet50)
    ours = with_its_weights(resnet_v1(50), theirs)
    image = picture((1, 3, 75, 64))
    assert not torch.equal(ours(image), theirs(image))
    for block in (module for module in ours.modules() if isinstance(module, Bottleneck)):
        block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    assert torch.equal(ours(image), theirs(image))


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_tensors_of_the_deep_ones_have_the_names_and_shapes_of_torchvisions(depth):
    ours, theirs = (
        on_meta(build).state_dict() for build in (lambda: resnet_v1(depth), getattr(vision, f"resnet{depth}"))
    )
    assert [(key, values.shape) for key, values in ours.items()] == [(k, v.shape) for k, v in theirs.items()]


# Shortcuts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shortcut", "projections"), [("A", 0), ("B", 3), ("C", 16)])
def test_a_resnet_of_34_layers_has_as_many_projections_as_its_shortcuts_are_named_for(shortcut, projections):
    model = on_meta(resnet, 34, shortcut=shortcut)
    convolutions = [module for module in model.modules() if isinstance(module, Conv2d)]
    assert len(convolutions) == 33 + projections
    assert sum(isinstance(module, Subsampled) for module in model.modules()) == (3 if shortcut == "A" else 0)


@pytest.mark.parametrize("depth", [18, 34])
def test_shortcuts_without_parameters_cost_nothing(depth):
    count = [sum(p.numel() for p in on_meta(*how).parameters()) for how in ((plain, depth), (resnet, depth, 1000, "A"))]
    assert count[0] == count[1] == ARCHITECTURES[f"plain{depth}"].parameters


def test_a_shortcut_without_parameters_takes_every_second_pixel_and_adds_maps_of_zeros():
    image = picture((2, 3, 7, 4))
    found = Subsampled(2, 5)(image)
    assert found.shape == (2, 8, 4, 2)
    assert torch.equal(found[:, :3], image[:, :, [0, 2, 4, 6]][..., [0, 2]])
    assert not found[:, 3:].any()


def test_a_plain_block_is_a_residual_block_without_its_sum():
    block = seeded(lambda: Basic(4, 4, 1, "A"))
    alone = with_its_weights(Plain(4, 4, 1), block)
    image = picture((1, 4, 9, 8))
    assert torch.equal(block(image), (block.residual(image) + image).relu())
    assert torch.equal(alone(image), block.residual(image).relu())


# The order of 2016 -----------------------------------------------------------------------------------------------


def test_nothing_but_sums_lies_on_the_way_of_the_shortcuts_within_a_stage():
    stage = seeded(lambda: Sequential(*(PreActivated(16, 4, 1) for _ in range(3))))
    image = picture((1, 16, 6, 5))
    residuals, x = [], image
    for block in stage:
        residuals.append(block(x) - x)
        x = block(x)
    torch.testing.assert_close(stage(image), image + sum(residuals), rtol=0, atol=1e-12)


def test_the_orders_of_2015_and_2016_have_the_same_convolutions():
    one, other = (
        {name: (m.weight.shape, m.stride) for name, m in on_meta(build, 50).named_modules() if isinstance(m, Conv2d)}
        for build in (resnet_v1, resnet_v2)
    )
    assert {name.removesuffix(".0") if "downsample" in name else name: how for name, how in one.items()} == other


# The way down ----------------------------------------------------------------------------------------------------

BLOCKS = {
    "plain": lambda: [Plain(4, 6, 2), Plain(6, 6, 1)],
    "option A": lambda: [Basic(4, 6, 2, "A"), Basic(6, 6, 1, "A")],
    "option A, wider only": lambda: [Basic(4, 7, 1, "A")],
    "option B": lambda: [Basic(4, 6, 2, "B"), Basic(6, 6, 1, "B")],
    "option C": lambda: [Basic(4, 4, 1, "C")],
    "bottlenecks": lambda: [Bottleneck(4, 2, 2), Bottleneck(8, 2, 1)],
    "pre-activated": lambda: [PreActivated(4, 4, 1), PreActivated(16, 3, 2), ReLU()],
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", BLOCKS)
def test_projections_through_every_block_equal_the_slow_twins(name, method):
    model = seeded(lambda: Sequential(Conv2d(3, 4, 3, 2, 1), ReLU(), MaxPool2d(3, 2, 1), *BLOCKS[name]()))
    image = picture((1, 3, 21, 26))
    found = project(model, image, units_everywhere(model, image), method)
    assert_equal_the_twin(found, SlowTwin(model, image, method))
    assert {projection.fidelity for projection in found if projection.unit.activation > 0} == {"exact"}


@pytest.mark.parametrize("shortcut", "ABC")
def test_a_whole_resnet_is_projected_as_the_slow_twin_does_it(shortcut):
    model, image = seeded(lambda: resnet(18, 5, shortcut)), picture((1, 3, 40, 33))
    assert_equal_the_twin(project(model, image, units_everywhere(model, image)), SlowTwin(model, image, "deconvnet"))


# A file of one's own ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "build", "options"),
    [
        ("resnet18", lambda: resnet(18, 4, "A"), {"shortcut": "A"}),
        ("resnet50_v2", lambda: resnet_v2(50, 4), {}),
    ],
)
def test_a_saved_state_dict_is_loaded_with_as_many_classes_as_it_has(tmp_path, name, build, options):
    mine, image = seeded(build).float(), picture((1, 3, 64, 64), dtype=torch.float32)
    torch.save(mine.state_dict(), tmp_path / "mine.pt")
    loaded = load(name, tmp_path / "mine.pt", "cpu", **options)
    assert loaded.weights.kind == "file"
    torch.testing.assert_close(loaded.model(image), mine(image), rtol=0, atol=0)
