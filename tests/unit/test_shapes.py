"""Shapes that are found without computing anything, against those of a real run."""

import copy
import re
import threading

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models

from models.loading import skeleton
from tests.agreement.networks import EXACT, NORMALISED, UNUSUAL, Net, gated, picture, seeded
from vis.shapes import record_shapes
from vis.trace import Recording, TraceRefused, record

BY_HAND = {**EXACT, **NORMALISED, **UNUSUAL, "gates": gated}
OF_TORCHVISION = [
    models.alexnet,
    models.resnet18,
    models.densenet121,
    models.squeezenet1_1,
    models.shufflenet_v2_x0_5,
    models.mobilenet_v3_small,
    models.efficientnet_b0,
    models.convnext_tiny,
    models.regnet_x_400mf,
    models.mnasnet0_5,
]


def shape_of(value):
    """The same with shapes and precisions in the place of tensors."""
    if isinstance(value, Tensor):
        return tuple(value.shape), value.dtype
    return [shape_of(part) for part in value] if isinstance(value, (tuple, list)) else value


def shapes(recording: Recording) -> dict:
    return {recording.trace.names.get(node, node.name): shape_of(value) for node, value in recording.values.items()}


def is_without_numbers(value) -> bool:
    parts = value if isinstance(value, (tuple, list)) else [value]
    return all(part.is_meta for part in parts if isinstance(part, Tensor))


# The shapes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 3, 13, 10), (1, 3, 13, 29)])
@pytest.mark.parametrize("name", BY_HAND)
def test_shapes_are_those_of_a_real_run(name, shape):
    if shape[3] != 10 and name in ("fully connected", "view and dropout", "a constant map", "parts"):
        pytest.skip("this network takes pictures of one size")
    model = seeded(BY_HAND[name])
    assert shapes(record_shapes(model, shape)) == shapes(record(model, picture(shape)))


@pytest.mark.parametrize("build", OF_TORCHVISION)
def test_shapes_of_torchvisions_networks_are_those_of_a_real_run(build):
    model, shape = build(weights=None).eval(), (1, 3, 97, 71)
    found = record_shapes(model, shape)
    assert shapes(found) == shapes(record(model, picture(shape, dtype=torch.float32)))
    assert [found.trace.names[n] for n in found.values] == list(shapes(found))


def test_a_module_by_the_same_name_is_there_without_weights():
    model = models.resnet18(weights=None).eval()
    twin = record_shapes(model, (1, 3, 64, 64)).model
    assert [(name, type(m)) for name, m in twin.named_modules()] == [(n, type(m)) for n, m in model.named_modules()]
    assert {n: p.shape for n, p in twin.state_dict().items()} == {n: p.shape for n, p in model.state_dict().items()}


# Nothing is computed, nothing is changed -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["batch norms", "a constant map", "in place", "chunk", "shuffled channels"])
def test_nothing_has_numbers(name):
    recording = record_shapes(seeded(EXACT[name]), (1, 3, 13, 10))
    assert all(map(is_without_numbers, recording.values.values()))
    assert all(map(is_without_numbers, recording.switches.values()))
    assert all(values.is_meta for values in recording.model.state_dict().values())


def test_a_picture_of_any_size_takes_no_memory():
    """This one would take 12 terabytes, and its first map 256."""
    model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU()).eval()
    assert shapes(record_shapes(model, (1, 3, 10**6, 10**6)))["1"][0] == (1, 64, 10**6 - 2, 10**6 - 2)


@pytest.mark.parametrize("name", ["batch norms", "in place", "reused modules", "a constant map"])
@pytest.mark.parametrize("shape", [(1, 3, 13, 10), (1, 3, 1, 1)])
def test_the_model_is_left_as_it_was_found(name, shape):
    model = seeded(EXACT[name])
    before, attributes = copy.deepcopy(model.state_dict()), copy.copy(vars(model))
    parameters = list(model.parameters())
    try:
        record_shapes(model, shape)
    except TraceRefused:
        assert shape[2:] == (1, 1)
    assert all(torch.equal(values, before[key]) for key, values in model.state_dict().items())
    assert vars(model) == attributes
    assert all(now is then and now.requires_grad for now, then in zip(model.parameters(), parameters, strict=True))
    assert not any(m.training or m._forward_hooks for m in model.modules())


def test_a_model_without_numbers_is_used_as_it_is():
    with torch.device("meta"):
        model = models.alexnet(weights=None).eval()
    assert record_shapes(model, (1, 3, 224, 224)).model is model


def test_a_shared_parameter_stays_shared():
    net = Net(lambda net, x: net.two(net.one(x)), one=nn.Conv2d(3, 3, 3), two=nn.Conv2d(3, 3, 3))
    net.two.weight = net.one.weight
    twin = record_shapes(net.eval(), (1, 3, 13, 10)).model
    assert twin.one.weight is twin.two.weight
    assert twin.one.bias is not twin.two.bias


@pytest.mark.parametrize("shape", [(3, 13, 10), (2, 3, 13, 10), (1, 3, 0, 10), (1, 3, 13, -1), (1, 3, 4, 13, 10)])
def test_what_is_no_shape_of_a_picture_is_refused(shape):
    with pytest.raises(TraceRefused, match=r"One picture of shape \(1, C, H, W\) is needed, not \("):
        record_shapes(nn.Sequential(nn.ReLU()).eval(), shape)


class Laden(nn.Module):
    """With what copy.deepcopy refuses to copy or would copy with its numbers."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 1, 1))
        self.root = self.weight.sqrt()  # computed from another tensor
        self.mean = torch.ones(3, 1, 1)  # no buffer
        self.lock = threading.Lock()

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) * self.root * self.weight


UNCOMMON = {
    "tensors that are no buffers": Laden,
    "an LSTM": lambda: nn.Sequential(nn.Flatten(2), nn.LSTM(130, 5)),
    "old weight norm": lambda: nn.Sequential(nn.utils.weight_norm(nn.Conv2d(3, 4, 3))),
    "weight norm": lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))),
    "spectral norm": lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3))),
}


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize("name", UNCOMMON)
def test_uncommon_modules_have_the_shapes_of_a_real_run_and_stay_as_they_were(name):
    model = UNCOMMON[name]().eval()
    attributes = {module: dict(vars(module)) for module in model.modules()}
    found = record_shapes(model, (1, 3, 13, 10))
    assert all(vars(module) == then for module, then in attributes.items())
    assert all(map(is_without_numbers, found.values.values()))
    assert shapes(found) == shapes(record(model, torch.zeros(1, 3, 13, 10)))


def nested(depth: int) -> nn.Module:
    model: nn.Module = nn.ReLU()
    for _ in range(depth):
        model = nn.Sequential(nn.Conv2d(3, 3, 1), model)
    return model.eval()


def test_modules_may_be_nested_as_deeply_as_torch_can_follow_them():
    assert shapes(record_shapes(nested(60), (1, 3, 13, 10)))["1." * 59 + "1"][0] == (1, 3, 13, 10)
    with pytest.raises(TraceRefused, match="recursion"):
        record_shapes(nested(400), (1, 3, 13, 10))


# Pictures that are too small -------------------------------------------------------------------------------------


def valleys() -> nn.Module:
    """Convolutions without padding, and pools that round up."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, 2), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(4, 4, 3, dilation=2), nn.AvgPool2d(2)
    )


def written_with_functions() -> nn.Module:
    return Net(
        lambda net, x: F.max_pool2d(F.conv2d(x, net.conv.weight, stride=3), 4, padding=1), conv=nn.Conv2d(3, 2, 7)
    )


TOO_SMALL = [models.alexnet, models.squeezenet1_0, models.densenet121, models.convnext_tiny]


@pytest.mark.parametrize("build", [*TOO_SMALL, valleys, written_with_functions])
def test_the_smallest_side_is_named_and_it_is_the_smallest(build):
    model = build().eval()
    with pytest.raises(TraceRefused, match="too small") as refusal:
        record_shapes(model, (1, 3, 2, 2))
    side = int(re.search(r"it needs at least (\d+)×\1", str(refusal.value))[1])
    with torch.no_grad():
        model(torch.zeros(1, 3, side, side))
        with pytest.raises(RuntimeError):
            model(torch.zeros(1, 3, side - 1, side - 1))


@pytest.mark.parametrize("shape", [(1, 3, 26, 300), (1, 3, 300, 26)])
def test_one_side_is_enough_to_be_too_small(shape):
    message = rf"A {shape[3]}×{shape[2]} picture is too small for this network; it needs at least 27×27\."
    with pytest.raises(TraceRefused, match=message):
        record_shapes(valleys().eval(), shape)
    assert shapes(record_shapes(valleys().eval(), (1, 3, 27, 300)))["3"][0] == (1, 4, 1, 35)


@pytest.mark.parametrize("shape", [(1, 3, 20, 20), (1, 3, 224, 224)])
def test_a_network_for_pictures_of_another_kind_keeps_its_own_sentence(shape):
    """Here two channels are wanted, so that no side is right."""
    with pytest.raises(TraceRefused, match=r"The network cannot process a \d+×\d+ picture: “0” says "):
        record_shapes(nn.Sequential(nn.Conv2d(2, 4, 3)).eval(), shape)


def test_a_network_for_pictures_of_one_size_names_that_size():
    """As the linear layer of LeNet-5 does: no larger picture is right, so none is asked for."""
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 8 * 8, 5)).eval()
    assert shapes(record_shapes(model, (1, 3, 10, 10)))["2"][0] == (1, 5)
    for side in (5, 224):
        with pytest.raises(TraceRefused, match=f"cannot process a {side}×{side} picture; 10×10 works"):
            record_shapes(model, (1, 3, side, side))


def test_a_network_in_training_mode_is_refused():
    with pytest.raises(TraceRefused, match="training mode"):
        record_shapes(nn.Sequential(nn.Dropout()), (1, 3, 8, 8))


@pytest.mark.parametrize("side", [1, 20, 1024])
@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998"])
def test_lenet_names_the_smallest_of_the_few_sizes_that_it_takes(name, side):
    with pytest.raises(TraceRefused, match="; 32×32 works"):
        record_shapes(skeleton(name), (1, 1, side, side))
