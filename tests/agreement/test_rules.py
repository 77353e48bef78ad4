"""Products, norms and what else the paper does not define, against networks in which autograd is told what is held."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.agreement.networks import Net, last_layer, picture, seeded
from tests.agreement.slow_twin import SlowTwin
from vis.deconvnet import METHODS, Projection, Unit, project, strongest_units
from vis.maps import layer_maps
from vis.rules import NoRule
from vis.trace import record

TOLERANCE = 1e-10  # relative to the largest value, in float64


def units_everywhere(model: nn.Module, image: Tensor) -> list[Unit]:
    """A unit at every position of the last layer, of one feature map after the other."""
    layer = last_layer(model)
    maps = layer_maps(record(model, image), layer)
    k, h, w = maps.shape
    return [Unit(layer, i % k, i // w % h, i % w, 1.0) for i in range(max(k, h * w))]


def assert_equal(found: list[Projection], twin: SlowTwin) -> None:
    assert any(projection.pixels.any() for projection in found)
    for projection in found:
        truth, box = twin.projection(projection.unit), projection.box
        distance = (projection.on_canvas() - truth).abs().max() / truth.abs().max().clamp(min=1e-30)
        assert distance < TOLERANCE, projection.unit
        truth[:, box.top : box.bottom, box.left : box.right] = 0
        assert not truth.any()


def fidelities(found: list[Projection]) -> set[str]:
    return {projection.fidelity for projection in found if projection.unit.activation > 0}


# Gates -----------------------------------------------------------------------------------------------------------


def coordinate_attention(net: nn.Module, x: Tensor) -> Tensor:
    """Hou et al. 2021: a gate for every row and one for every column."""
    x = net.conv(x).relu()
    rows, columns = net.down(x.mean(3, keepdim=True)).relu(), net.down(x.mean(2, keepdim=True)).relu()
    return net.last(x * net.hold(net.up(rows).sigmoid()) * net.hold(net.up(columns).sigmoid())).relu()


def efficient_channel_attention(net: nn.Module, x: Tensor) -> Tensor:
    """Wang et al. 2020: the gate is spread over all positions before the product."""
    x = net.conv(x).relu()
    y = net.along(F.adaptive_avg_pool2d(x, 1).squeeze(-1).transpose(-1, -2)).transpose(-1, -2).unsqueeze(-1)
    return net.last(x * net.hold(torch.sigmoid(y).expand_as(x))).relu()


def squeeze_and_excite(net: nn.Module, x: Tensor) -> Tensor:
    """Hu et al. 2018, as published for torch: linear layers, `view` and `expand_as`."""
    x = net.conv(x).relu()
    y = net.fc(F.adaptive_avg_pool2d(x, 1).view(1, 4)).sigmoid().view(1, 4, 1, 1)
    return net.last(torch.mul(x, net.hold(y.expand_as(x)))).relu()


def gate_of_positions(net: nn.Module, x: Tensor) -> Tensor:
    """A gate (H, W), without a dimension for pictures or maps."""
    x = net.conv(x).relu()
    return net.last(net.hold(torch.sigmoid(x.mean((0, 1)))) * x).relu()


def gate_of_maps(net: nn.Module, x: Tensor) -> Tensor:
    """A gate (C, 1, 1)."""
    x = net.conv(x).relu()
    return net.last(x * net.hold(torch.tanh(x.mean((0, 2, 3)).view(4, 1, 1)))).relu()


def gate_larger_than_its_content(net: nn.Module, x: Tensor) -> Tensor:
    """One value a map, put where a gate for every position lets it."""
    x = net.conv(x).relu()
    return net.last(x.mean((2, 3), keepdim=True) * net.hold(net.down(x).mean(1, keepdim=True).sigmoid()) + x).relu()


def content_with_a_single_map(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv(x).relu()
    return net.last(x[:, :1] * net.hold(net.up(net.down(x)).sigmoid())).relu()


def gate_in_a_residual_form(net: nn.Module, x: Tensor) -> Tensor:
    """Wang et al. 2017: (1 + a) · x, with a gate as large as its content."""
    x = net.conv(x).relu()
    return net.last((1 + net.hold(net.up(net.down(x)).sigmoid())) * x).relu()


def product_of_gates(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv(x).relu()
    rows, columns = net.up(net.down(x.mean(3, keepdim=True))), net.up(net.down(x.mean(2, keepdim=True)))
    return net.last(x * net.hold(rows.sigmoid() * columns.sigmoid())).relu()


def response_normalised(net: nn.Module, x: Tensor) -> Tensor:
    """Woo et al. 2023 (ConvNeXt V2), algorithm 1, with maps last as there."""
    x = net.conv(x).relu().permute(0, 2, 3, 1)
    g = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
    x = net.gamma * (x * net.hold(g / (g.mean(dim=-1, keepdim=True) + 1e-6))) + net.beta + x
    return net.last(x.permute(0, 3, 1, 2)).relu()


def response_normalised_by_addcmul(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv(x).relu()
    g = x.norm(p=2, dim=(2, 3), keepdim=True)
    gate = net.hold(g / (g.mean(dim=1, keepdim=True) + 1e-6))
    beta, gamma = net.beta.view(1, -1, 1, 1), net.gamma.view(1, -1, 1, 1)
    return net.last(x + torch.addcmul(beta, gamma, x * gate)).relu()


GATED: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    way.__name__: way
    for way in (
        *(coordinate_attention, efficient_channel_attention, squeeze_and_excite, gate_of_positions, gate_of_maps),
        *(gate_larger_than_its_content, content_with_a_single_map, gate_in_a_residual_form, product_of_gates),
        *(response_normalised, response_normalised_by_addcmul),
    )
}


def gated(way: Callable[[nn.Module, Tensor], Tensor], hold: Callable[[Tensor], Tensor]) -> nn.Module:
    model = seeded(
        lambda: Net(
            way,
            conv=nn.Conv2d(3, 4, 3),
            down=nn.Conv2d(4, 2, 1),
            up=nn.Conv2d(2, 4, 1),
            along=nn.Conv1d(1, 1, 3, padding=1),
            fc=nn.Linear(4, 4),
            last=nn.Conv2d(4, 4, 2),
        )
    )
    model.hold = hold
    draw = torch.Generator().manual_seed(4)
    model.gamma, model.beta = (
        nn.Parameter(torch.randn(4, generator=draw, dtype=torch.float64)) for _ in ("gamma", "beta")
    )
    return model


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", GATED.values(), ids=GATED)
def test_a_gate_of_any_form_is_held_at_its_value(way, method):
    model, image = gated(way, lambda gate: gate), picture()
    found = project(model, image, units_everywhere(model, image), method)
    held = gated(way, (lambda gate: gate) if method == "gradient" else Tensor.detach)
    assert_equal(found, SlowTwin(held, image, method))
    assert fidelities(found) == {"exact" if method == "gradient" else "approximated: gates held at their value"}


# Activation functions that are written out ------------------------------------------------------------------------

WRITTEN: dict[str, tuple[Callable[[Tensor], Tensor], type[nn.Module]]] = {
    "x · sigmoid(x)": (lambda x: x * torch.sigmoid(x), nn.SiLU),
    "sigmoid(x) · x": (lambda x: x.sigmoid().mul(x), nn.SiLU),
    "x · sigmoid(x) in place": (lambda x: x.mul_(x.sigmoid()), nn.SiLU),
    "x · hardsigmoid(x)": (lambda x: x * F.hardsigmoid(x), nn.Hardswish),
    "x · (relu6(x + 3) / 6)": (lambda x: x * (F.relu6(x + 3) / 6), nn.Hardswish),
    "x · relu6(x + 3) / 6": (lambda x: x * F.relu6(3 + x) / 6, nn.Hardswish),
    "x · clamp(x + 3, 0, 6) · (1 / 6)": (lambda x: torch.clamp(x + 3, 0, 6) * (1 / 6) * x, nn.Hardswish),
    "x · tanh(softplus(x))": (lambda x: x * torch.tanh(F.softplus(x)), nn.Mish),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", WRITTEN)
def test_an_activation_function_written_out_is_treated_as_its_module(name, method):
    written, module = WRITTEN[name]
    model = seeded(
        lambda: Net(lambda net, x: net.last(written(net.conv(x))), conv=nn.Conv2d(3, 4, 3), last=nn.Conv2d(4, 3, 2))
    )
    twin = nn.Sequential(model.conv, module(), model.last).eval()
    image = picture()
    with torch.no_grad():
        model.conv.weight.mul_(6)
    units = strongest_units(twin, image, "2", channels=[0, 1, 2])
    expected = project(twin, image, units, method)
    asked = [Unit("last", u.channel, u.row, u.column, 1.0) for u in units]
    for one, other in zip(project(model, image, asked, method), expected, strict=True):
        # torch's hardsigmoid has its 1/6 in single precision on the way back
        tolerance = 1e-6 if "hardsigmoid" in name else 1e-12
        torch.testing.assert_close(one.on_canvas(), other.on_canvas(), rtol=tolerance, atol=tolerance)
        assert one.fidelity == other.fidelity


def test_the_gelu_of_a_sigmoid_is_called_that_and_a_gate_of_another_map_stays_a_gate():
    image = picture()
    model = seeded(lambda: Net(lambda net, x: (y := net.a(x)) * torch.sigmoid(1.702 * y), a=nn.Conv2d(3, 4, 3)))
    other = seeded(
        lambda: Net(lambda net, x: net.a(x) * torch.sigmoid(net.b(x)), a=nn.Conv2d(3, 4, 3), b=nn.Conv2d(3, 4, 3))
    )
    (found,), (gate,) = (project(net, image, strongest_units(net, image, last_layer(net), 1)) for net in (model, other))
    assert found.fidelity == "approximated: GELU treated as ReLU"
    assert gate.fidelity == "approximated: gates held at their value"


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (lambda x: x.clamp(min=0), "exact"),
        (lambda x: torch.clamp(x, 0, 6), "approximated: ReLU6 treated as ReLU"),
        (lambda x: x.clamp_min(0.1), "approximated: clamp treated as ReLU"),
    ],
)
def test_a_clamp_from_zero_on_is_a_relu(way, said):
    image = picture()
    model, twin = (
        seeded(lambda act=act: Net(lambda net, x: net.b(act(net.a(x))), a=nn.Conv2d(3, 4, 3), b=nn.Conv2d(4, 3, 2)))
        for act in (way, torch.relu)
    )
    units = strongest_units(model, image, "b")
    found, expected = project(model, image, units), project(twin, image, units)
    for one, other in zip(found, expected, strict=True):
        one, other = (p.on_canvas() / p.unit.activation for p in (one, other))
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    assert fidelities(found) == {said}


# Norms and maxima with what this picture gave ---------------------------------------------------------------------

HELD: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "group norm": (lambda: nn.GroupNorm(2, 4), "group norm with its statistics held"),
    "group norm of one group": (lambda: nn.GroupNorm(1, 4, affine=False), "group norm with its statistics held"),
    "instance norm": (lambda: nn.InstanceNorm2d(4), "instance norm with its statistics held"),
    "instance norm with weights": (lambda: nn.InstanceNorm2d(4, affine=True), "instance norm with its statistics held"),
    "RMS norm": (lambda: nn.RMSNorm(8), "RMS norm with its statistics held"),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", HELD)
def test_a_norm_is_held_at_the_statistics_of_the_picture(name, method):
    build, said = HELD[name]

    def network() -> nn.Module:
        model = nn.Sequential(nn.Conv2d(3, 4, 3), build(), nn.ReLU(), nn.Conv2d(4, 3, 2))
        for parameter in model[1].parameters():
            nn.init.normal_(parameter)
        return model

    model, image = seeded(network), picture()
    found = project(model, image, units_everywhere(model, image), method)
    assert_equal(found, SlowTwin(model, image, method))
    assert fidelities(found) == {"exact" if method == "gradient" else f"approximated: {said}"}


def test_an_instance_norm_with_the_statistics_of_training_is_a_batch_norm():
    def network(norm: type[nn.Module]) -> nn.Module:
        model = nn.Sequential(nn.Conv2d(3, 4, 3), norm(4, affine=True, track_running_stats=True), nn.ReLU())
        nn.init.uniform_(model[1].running_var, 0.5, 2)
        nn.init.normal_(model[1].weight)
        return model

    model, twin = seeded(lambda: network(nn.InstanceNorm2d)), seeded(lambda: network(nn.BatchNorm2d))
    twin.load_state_dict(model.state_dict())
    image = picture()
    units = strongest_units(model, image, "2")
    for one, other in zip(project(model, image, units), project(twin, image, units), strict=True):
        torch.testing.assert_close(one.on_canvas(), other.on_canvas(), rtol=0, atol=1e-12)
        assert one.fidelity == other.fidelity


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dims", [(2, 3), 1, (-1,)])
def test_a_maximum_along_dimensions_goes_back_to_where_it_was(dims, method):
    model = seeded(
        lambda: Net(
            lambda net, x: net.b(net.a(x) - net.a(x).amax(dims, keepdim=True)).relu(),
            a=nn.Conv2d(3, 4, 3),
            b=nn.Conv2d(4, 3, 2),
        )
    )
    image = picture()
    found = project(model, image, units_everywhere(model, image), method)
    assert_equal(found, SlowTwin(model, image, method))
    said = "exact" if method == "gradient" else "approximated: maximum treated as max pooling"
    assert fidelities(found) <= {said}


def test_of_equal_values_the_first_is_the_maximum():
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False)).double().eval()
    nn.init.ones_(model[0].weight)
    net = Net(lambda net, x: net.body(x).amax((2, 3)), body=model).eval()
    image = torch.tensor([[[[1.0, 3.0], [3.0, 2.0]]]], dtype=torch.float64)
    (found,) = project(net, image, strongest_units(net, image, "amax"))
    assert found.on_canvas().tolist() == [[[0, 3], [0, 0]]]


def test_an_adaptive_pool_overwrites_in_reading_order_where_windows_share_a_maximum():
    """By hand: three windows of two values each, of which the second and the third share the largest."""
    net = nn.Sequential(
        nn.Conv2d(1, 1, 1, bias=False), nn.AdaptiveMaxPool2d((1, 3)), nn.Conv2d(1, 1, (1, 3), bias=False)
    )
    net = net.double().eval()
    nn.init.ones_(net[0].weight)
    net[2].weight.data = torch.tensor([[[[1.0, 2.0, 4.0]]]], dtype=torch.float64)
    image = torch.tensor([[[[1.0, 2.0, 5.0, 3.0]]]], dtype=torch.float64)  # windows 0–1, 1–2 and 2–3
    units = strongest_units(net, image, "2")
    (added,), (overwritten,) = (project(net, image, units, unpooling=u) for u in ("add", "overwrite"))
    answer = 2 * 1 + 5 * 2 + 5 * 4
    assert added.on_canvas().flatten().tolist() == [0, answer * 1, answer * 6, 0]
    assert overwritten.on_canvas().flatten().tolist() == [0, answer * 1, answer * 4, 0]


# Two signals at once ----------------------------------------------------------------------------------------------


def filters_of_the_picture(net: nn.Module, x: Tensor) -> Tensor:
    return F.conv2d(net.a(x).relu(), net.b(x).mean((0, 2, 3)).view(2, 4, 1, 1)).relu()


def scales_of_the_picture(net: nn.Module, x: Tensor) -> Tensor:
    norm, scale = net.norm, net.b(x).mean((0, 2, 3))[:4]
    return F.batch_norm(net.a(x).relu(), norm.running_mean, norm.running_var, scale)


def matrix_of_the_picture(net: nn.Module, x: Tensor) -> Tensor:
    return F.linear(net.a(x).relu(), net.b(x)[0, :, :8, 0]).relu()


def slopes_of_the_picture(net: nn.Module, x: Tensor) -> Tensor:
    return F.prelu(net.a(x), net.b(x).mean((0, 2, 3))[:4])


TWO_SIGNALS = {
    "conv2d": filters_of_the_picture,
    "batch_norm": scales_of_the_picture,
    "linear": matrix_of_the_picture,
    "prelu": slopes_of_the_picture,
}


@pytest.mark.parametrize("operation", TWO_SIGNALS)
def test_filters_that_are_made_from_the_picture_have_a_gradient_and_no_deconvnet(operation):
    model = seeded(
        lambda: Net(TWO_SIGNALS[operation], a=nn.Conv2d(3, 4, 3), b=nn.Conv2d(3, 8, 3), norm=nn.BatchNorm2d(4))
    )
    image = picture()
    units = units_everywhere(model, image)
    found = project(model, image, units, "gradient")
    assert_equal(found, SlowTwin(model, image, "gradient"))
    for method in ("deconvnet", "guided"):
        with pytest.raises(NoRule, match=f"“{operation}” at “{operation}”"):
            project(model, image, units, method)


@pytest.mark.parametrize("method", METHODS)
def test_filters_of_the_picture_over_a_constant_are_one_signal(method):
    model = seeded(
        lambda: Net(
            lambda net, x: F.conv2d(
                net.given.view(1, 4, 2, 1), net.a(x).relu().mean((0, 2, 3)).view(2, 4, 1, 1)
            ).relu(),
            a=nn.Conv2d(3, 8, 3),
        )
    )
    model.given = nn.Parameter(torch.rand(8, dtype=torch.float64))
    image = picture()
    found = project(model, image, units_everywhere(model, image), method)
    assert_equal(found, SlowTwin(model, image, method))
    assert fidelities(found) == {"exact"}


# Values that have not one picture in their first dimension ---------------------------------------------------------

NOT_ONE_PICTURE: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "two in a batch": lambda net, x: net.b(torch.cat([net.a(x), -net.a(x)], 0).relu()).amax(0, keepdim=True) * 2,
    "without the batch": lambda net, x: net.b(net.a(x)[0].relu()).unsqueeze(0),
    "a batch norm of groups": lambda net, x: net.b(net.norm(net.a(x).relu().repeat(2, 1, 1, 1)))[1:] / 3,
    "as precise as another map": lambda net, x: net.b(net.a(x).relu().to(x).type_as(net.a(x))),
    "a gate of groups": lambda net, x: net.b((y := net.a(x).relu()).expand(3, -1, -1, -1) * net.sigmoid(y))[:1],
}


@pytest.mark.parametrize("name", NOT_ONE_PICTURE)
def test_any_number_of_pictures_in_a_batch_is_followed(name):
    model = seeded(
        lambda: Net(
            NOT_ONE_PICTURE[name],
            a=nn.Conv2d(3, 4, 3),
            b=nn.Conv2d(4, 3, 2),
            norm=nn.BatchNorm2d(4),
            sigmoid=nn.Sigmoid(),
        )
    )
    image = picture()
    units = units_everywhere(model, image)
    assert_equal(project(model, image, units, "gradient"), SlowTwin(model, image, "gradient"))
    if name == "two in a batch":  # which of the two is followed is a maximum of the batch
        with pytest.raises(NoRule, match="“amax” at “amax”"):
            project(model, image, units)
    elif name != "a gate of groups":
        assert_equal(project(model, image, units), SlowTwin(model, image, "deconvnet"))


@pytest.mark.parametrize(
    ("way", "operation"),
    [
        (lambda net, x: net.b((y := net.a(x).repeat(2, 1, 1, 1)) / (1 + y.abs().mean()))[:1], "truediv"),
        (lambda net, x: F.batch_norm(net.a(x).repeat(2, 1, 1, 1), None, None, training=True)[:1], "batch_norm"),
        (lambda net, x: net.b(torch.where(net.a(x) > 0, net.a(x), 0.0)), "where"),
    ],
)
def test_what_is_not_linear_is_not_taken_for_linear_whatever_the_batch(way, operation):
    model, image = seeded(lambda: Net(way, a=nn.Conv2d(3, 4, 3), b=nn.Conv2d(4, 3, 2))), picture()
    units = units_everywhere(model, image)
    assert_equal(project(model, image, units, "gradient"), SlowTwin(model, image, "gradient"))
    with pytest.raises(NoRule, match=f"“{operation}” at"):
        project(model, image, units)


@pytest.mark.parametrize("method", METHODS)
def test_whole_numbers_made_of_a_map_are_followed_by_no_method(method):
    model = seeded(
        lambda: Net(lambda net, x: net.b((net.a(x) * 4).long().double()), a=nn.Conv2d(3, 4, 3), b=nn.Conv2d(4, 3, 2))
    )
    image = picture()
    with pytest.raises(NoRule, match="“double” at “double”"):
        project(model, image, strongest_units(model, image, "b"), method)
