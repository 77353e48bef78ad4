"""What the way down says where it cannot go on: a sentence that names the operation, never an error of torch."""

import copy
import re

import pytest
import torch
from torch import fx, nn

from models.refusals import Refused
from tests.agreement.networks import Net, picture, seeded
from vis.deconvnet import METHODS, Projection, Unit, project, project_map, stages, strongest_units, unit_at
from vis.shapes import record_shapes
from vis.trace import Recording, TraceRefused, record


def net(way, **modules: nn.Module) -> nn.Module:
    return seeded(lambda: Net(way, **{"conv": nn.Conv2d(3, 4, 3), "two": nn.Conv2d(4, 4, 3), **modules}))


def where(net, x):
    y = net.conv(x)
    return net.two(torch.where(y > 0, y, 0.1 * y))


def stacked_behind(net, x):
    y = net.conv(x)
    return net.two(torch.stack([y, 2 * y], 1).sum(1))


def stacked_before(net, x):
    y = net.conv(x)
    return net.two(torch.stack([y, 2 * y])[1])


def expanded(net, x):
    return net.two(net.conv(x)[:, :1].expand(-1, 4, -1, -1))


def expanded_batch(net, x):
    return net.two(net.conv(x).expand(2, -1, -1, -1)).mean(0, keepdim=True)


def groups_in_the_batch(net, x):
    y = net.conv(x)
    return net.small(y.view(2, 2, y.size(2), y.size(3))).reshape(1, 4, 9, 6)


def pictures_joined(net, x):
    y = net.conv(x)
    return torch.cat([y, 2 * y], 0).mean(0, keepdim=True)


def sorted_out(net, x):
    return net.two(net.conv(x).sort(1)[0])


def chosen(net, x):
    y = net.conv(x)
    return net.two(y.masked_fill(y < 0, 0.0))


def rounded(net, x):
    return net.two((net.conv(x) * 4).long().double() / 4)


def all_numbers(net, x):
    y = net.conv(x)
    return net.two(y * y.sum())


WAYS = [
    *(where, stacked_behind, stacked_before, expanded, expanded_batch, groups_in_the_batch, pictures_joined),
    *(sorted_out, chosen, rounded, all_numbers),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", WAYS)
def test_a_gradient_is_autograds_and_what_has_no_rule_is_refused_in_a_sentence(way, method):
    model = net(way, small=nn.Conv2d(2, 2, 3))
    layer = next(n for n in reversed(record(model, picture()).trace.names.values()) if n != "output")
    leaf = picture().requires_grad_()
    answer = model(leaf)
    found, refusal = projected(model, layer, method)
    if refusal is not None:
        assert "“" in str(refusal)  # the operation
        assert re.search("choose .* below it|multiplies two signals", str(refusal), re.IGNORECASE)
    elif method == "gradient":
        unit = found.unit
        activation = answer[0, unit.channel, unit.row, unit.column]
        (gradient,) = torch.autograd.grad(activation, leaf)
        torch.testing.assert_close(found.on_canvas(), gradient[0] * activation.detach(), rtol=1e-9, atol=1e-12)


def projected(model: nn.Module, layer: str, method: str) -> tuple[Projection | None, Refused | None]:
    try:
        return project(model, picture(), strongest_units(model, picture(), layer, 1), method)[0], None
    except Refused as refusal:
        return None, refusal


@pytest.mark.parametrize("layer", ["view", "expand", "conv_bias"])
def test_a_unit_of_a_constant_is_refused(layer):
    def way(net, x):
        return net.conv(x) + net.conv.bias.view(1, 4, 1, 1).expand(1, 4, 11, 8)

    model = net(way)
    with pytest.raises(TraceRefused, match=f"layer “{layer}” (is the same for every picture|has no feature maps)"):
        project(model, picture(), [Unit(layer, 0, 0, 0, 1.0)], "gradient")


def mixed() -> nn.Module:
    convolutions = (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())
    model = nn.Sequential(*convolutions).half()
    model[1].float()
    return model.eval()


@pytest.mark.parametrize("method", METHODS)
def test_a_network_of_half_precision_with_a_norm_in_float32_is_that_in_double_but_for_rounding(method):
    model, image = mixed(), picture(dtype=torch.float16)
    double = copy.deepcopy(model).double()
    units = strongest_units(model, image, "4", 3)
    for found, expected in zip(
        project(model, image, units, method), project(double, image.double(), units, method), strict=True
    ):
        assert found.pixels.dtype == torch.float16
        assert found.box == expected.box
        scale = expected.pixels.abs().max().item()
        torch.testing.assert_close(found.pixels.double(), expected.pixels, rtol=0, atol=2**-8 * scale)


ASKED = [
    lambda model, given: strongest_units(model, given, "1"),
    lambda model, given: unit_at(model, given, "1", 0, 0, 0),
    lambda model, given: project(model, given, [Unit("1", 0, 0, 0, 1.0)]),
    lambda model, given: project_map(model, given, "1", 0),
    lambda model, given: list(stages(model, given, Unit("1", 0, 0, 0, 1.0))),
]


@pytest.mark.parametrize("ask", ASKED)
def test_shapes_alone_have_no_units(ask):
    bare = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval().to("meta")
    recording: Recording = record_shapes(bare, (1, 3, 13, 10))
    with pytest.raises(TraceRefused, match="recording has only shapes"):
        ask(bare, recording)
    with pytest.raises(TraceRefused, match="no weights, only shapes"):
        ask(bare, picture())


class OneWay(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x * 2

    @staticmethod
    def backward(context, gradient):
        raise RuntimeError("no way back.\nAnd more")


@fx.wrap
def halved(x):
    return OneWay.apply(x)


def test_an_error_on_the_way_down_names_its_operation_and_the_way_out():
    model = net(lambda net, x: net.two(halved(net.conv(x))))
    sentence = "through “halved” at “halved”: no way back. Choose a layer below it"
    with pytest.raises(TraceRefused, match=sentence):
        project(model, picture(), strongest_units(model, picture(), "two", 1), "gradient")
