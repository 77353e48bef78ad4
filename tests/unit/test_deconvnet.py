import hashlib
from dataclasses import replace

import pytest
import torch
from torch import nn
from torchvision import models

from tests.agreement.networks import EXACT, UNUSUAL, Net, gated, last_layer, picture, seeded
from vis.deconvnet import METHODS, Box, Unit, project, project_map, stages, strongest_units, unit_at
from vis.figures.thumbnails import thumbnails
from vis.rules import NoRule
from vis.trace import TraceRefused, record


def small(activation: type[nn.Module] = nn.ReLU) -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 6, 3), activation(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(120, 5)
    return nn.Sequential(*layers).eval()


IMAGE = picture(dtype=torch.float32)


# Units -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 4, 6, 50])
def test_the_strongest_units_are_the_maxima_of_the_strongest_maps(k):
    model = small()
    maps = model[:2](IMAGE)[0]
    units = strongest_units(model, IMAGE, "1", k)
    assert len(units) == min(k, 6)
    assert len({unit.channel for unit in units}) == len(units)
    assert [unit.activation for unit in units] == sorted((m.max().item() for m in maps), reverse=True)[:k]
    for unit in units:
        assert maps[unit.channel, unit.row, unit.column] == unit.activation == maps[unit.channel].max()


class Clipped(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 1, bias=False)
        self.activation = activation

    def forward(self, x):
        return self.activation(self.conv(x))


@pytest.mark.parametrize("activation", [nn.ReLU6(), nn.ReLU6(inplace=True), nn.Hardtanh(0, 6), nn.functional.relu6])
def test_where_activations_end_the_strongest_units_are_those_that_go_furthest_beyond_it(activation):
    model = Clipped(activation).double().eval()
    model.conv.weight.data[:] = torch.tensor([2.0, 9.0, 0.5, 4.0]).view(4, 1, 1, 1)
    image = torch.tensor([[[[1.0, 3.0], [5.0, 4.0]]]], dtype=torch.float64)
    last = last_layer(model)
    units = strongest_units(model, image, last, k=4)
    assert [(unit.channel, unit.activation) for unit in units] == [(1, 6.0), (3, 6.0), (0, 6.0), (2, 2.5)]
    assert {(unit.row, unit.column) for unit in units} == {(1, 0)}  # where the picture is 5
    assert thumbnails(model, image, [last])[last].unit == units[0]
    both = thumbnails(model, image, ["conv", last])
    assert both[last].unit == units[0]
    assert both["conv"].unit.activation == 45


def test_nine_units_are_taken_unless_asked_otherwise():
    assert len(strongest_units(models.alexnet(weights=None).eval(), torch.rand(1, 3, 96, 96), "features.3")) == 9


@pytest.mark.parametrize("channels", [[5, 0, 3], [2, 2], []])
def test_the_maps_asked_for_are_given_in_their_order(channels):
    units = strongest_units(small(), IMAGE, "1", channels=channels)
    assert [unit.channel for unit in units] == channels


def test_equally_strong_maps_come_in_the_order_of_their_numbers_at_their_first_maximum():
    model = nn.Sequential(nn.Conv2d(3, 4, 1)).eval()
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.copy_(torch.tensor([1.0, 2.0, 1.0, 2.0]))
    places = [(unit.channel, unit.row, unit.column) for unit in strongest_units(model, IMAGE, "0")]
    assert places == [(1, 0, 0), (3, 0, 0), (0, 0, 0), (2, 0, 0)]


def test_units_of_fully_connected_layers_stand_at_row_and_column_0():
    model = small()
    (unit,) = strongest_units(model, IMAGE, "4", 1)
    answer = model(IMAGE)[0]
    assert unit == Unit("4", int(answer.argmax()), 0, 0, answer.max().item())
    assert unit_at(model, IMAGE, "4", unit.channel, 0, 0) == unit


def test_a_unit_knows_its_activation():
    model = small()
    assert unit_at(model, IMAGE, "0", 2, 10, 7) == Unit("0", 2, 10, 7, model[0](IMAGE)[0, 2, 10, 7].item())


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda m: strongest_units(m, IMAGE, "5"), "no layer “5”.*close names"),
        (lambda m: strongest_units(m, IMAGE, "1", channels=[0, 6]), "feature maps 0 to 5, no 6"),
        (lambda m: strongest_units(m, IMAGE, "1", channels=[-1]), "feature maps 0 to 5, no -1"),
        (lambda m: unit_at(m, IMAGE, "1", 0, 11, 0), r"6 feature maps of 11×8; there is no unit \(0, 11, 0\)"),
        (lambda m: unit_at(m, IMAGE, "1", 0, 0, -1), "there is no unit"),
        (lambda m: unit_at(m, IMAGE, "4", 4, 1, 0), r"5 feature maps of 1×1; there is no unit \(4, 1, 0\)"),
        (lambda m: unit_at(m, IMAGE, "4", 5, 0, 0), "feature maps 0 to 4, no 5"),
        (lambda m: project(m, IMAGE, [Unit("2", -1, 0, 0, 1.0)]), "feature maps 0 to 5, no -1"),
        (lambda m: project(m, IMAGE, [Unit("2", 0, 0, -1, 1.0)]), r"there is no unit \(0, 0, -1\)"),
        (lambda m: project(m, IMAGE, [Unit("2", 0, 0, 0, 1.0), Unit("2", 0, 99, 0, 1.0)]), r"no unit \(0, 99, 0\)"),
        (lambda m: list(stages(m, IMAGE, Unit("2", 0, -1, 0, 1.0))), r"there is no unit \(0, -1, 0\)"),
        (lambda m: list(stages(m, IMAGE, Unit("4", 5, 0, 0, 1.0))), "feature maps 0 to 4, no 5"),
        (lambda m: project_map(m, IMAGE, "2", 6), "feature maps 0 to 5, no 6"),
        (lambda m: project(m, IMAGE, [Unit("conv", 0, 0, 0, 1.0)]), "no layer “conv”"),
        (lambda m: project(m, record(m, IMAGE, ["1"]), [Unit("4", 0, 0, 0, 1.0)]), "“4” was not recorded"),
        (lambda m: list(stages(m, IMAGE, Unit("conv", 0, 0, 0, 1.0))), "no layer “conv”"),
    ],
)
def test_what_does_not_exist_is_refused(ask, sentence):
    with pytest.raises(TraceRefused, match=sentence):
        ask(small())


@pytest.mark.parametrize(
    "ask",
    [
        lambda m, recording, unit: project(m, recording, [unit]),
        lambda m, recording, unit: project_map(m, recording, "1", 0),
        lambda m, recording, unit: list(stages(m, recording, unit)),
        lambda m, recording, unit: strongest_units(m, recording, "1"),
        lambda m, recording, unit: unit_at(m, recording, "1", 0, 0, 0),
    ],
)
def test_a_recording_of_another_network_is_refused(ask):
    model = small()
    with pytest.raises(TraceRefused, match="recording is of another network"):
        ask(small(), record(model, IMAGE), unit_at(model, IMAGE, "1", 0, 0, 0))


def test_a_layer_without_maps_is_refused():
    model = Net(lambda net, x: net.conv(x.chunk(3, 1)[0]), conv=nn.Conv2d(1, 2, 3)).eval()
    with pytest.raises(TraceRefused, match="“chunk” has no feature maps"):
        strongest_units(model, IMAGE, "chunk")


# Projections -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_unit_of_the_first_convolution_sees_its_own_filter(method):
    """By hand: the first step down is the filter, times the activation, in its place."""
    model = nn.Sequential(nn.Conv2d(3, 6, (3, 5), stride=2)).eval()
    nn.init.constant_(model[0].bias, 10)  # every unit is active
    unit = unit_at(model, IMAGE, "0", 4, 3, 1)
    (found,) = project(model, IMAGE, [unit], method)
    assert found.box == Box(6, 2, 9, 7)
    torch.testing.assert_close(found.pixels, model[0].weight[4].detach() * unit.activation)
    assert found.on_canvas().shape == IMAGE.shape[1:]
    assert torch.equal(found.on_canvas()[:, 6:9, 2:7], found.pixels)
    assert found.on_canvas().count_nonzero() == found.pixels.count_nonzero()
    assert (found.unit, found.method) == (unit, method)


def test_no_units_have_no_projections():
    assert project(small(), IMAGE, []) == []


@pytest.mark.parametrize("method", METHODS)
def test_a_pixel_sees_itself(method):
    unit = unit_at(small(), IMAGE, "input", 1, 4, 2)
    (found,) = project(small(), IMAGE, [unit], method)
    assert found.box == Box(4, 2, 5, 3)
    assert found.pixels.flatten().tolist() == [0, IMAGE[0, 1, 4, 2].item(), 0]


@pytest.mark.parametrize("method", METHODS)
def test_a_recording_saves_the_forward_pass_and_changes_nothing(method):
    model = small()
    recording = record(model, IMAGE)
    units = strongest_units(model, recording, "4") + strongest_units(model, recording, "1")
    assert units == strongest_units(model, IMAGE, "4") + strongest_units(model, IMAGE, "1")
    for a, b in zip(project(model, recording, units, method), project(model, IMAGE, units, method), strict=True):
        assert torch.equal(a.pixels, b.pixels)


def test_a_projection_does_not_depend_on_the_company_of_its_unit():
    model, image = seeded(EXACT["inception"]), picture()
    units = [*strongest_units(model, image, "relu_2"), *strongest_units(model, image, "three")]
    for unit, found in zip(units, project(model, image, units), strict=True):
        (alone,) = project(model, image, [unit])
        torch.testing.assert_close(alone.on_canvas(), found.on_canvas(), rtol=1e-12, atol=1e-12)
        assert alone.box == found.box


def test_a_projection_is_proportional_to_the_activation():
    model = small()
    with torch.no_grad():
        model[0].bias.zero_()
    (unit,) = strongest_units(model, IMAGE, "2", 1)
    (once,), (thrice,) = project(model, IMAGE, [unit]), project(model, IMAGE * 3, [unit])
    torch.testing.assert_close(thrice.pixels, once.pixels * 3)


def test_the_projections_own_their_pixels():
    model = small()
    once, again = (project(model, IMAGE, strongest_units(model, IMAGE, "1")) for _ in range(2))
    for found in once:
        found.pixels.fill_(7)
        found.on_canvas().fill_(7)
    assert all((found.pixels != 7).all() for found in again)
    assert not any(found.pixels.requires_grad for found in again)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("method", METHODS)
def test_projections_have_the_precision_of_the_network(method, dtype):
    model = small().to(dtype)
    for image in (IMAGE, IMAGE.double(), IMAGE.half()):
        found = project(model, image, strongest_units(model, image, "4"), method)
        assert {projection.pixels.dtype for projection in found} == {dtype}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("method", METHODS)
def test_the_gpu_gives_the_same(method):
    for build in EXACT.values():
        model, image = seeded(build), picture()
        units = strongest_units(model, image, last_layer(model))
        expected = project(model, image, units, method)
        found = project(model.cuda(), image, units, method)
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a.on_canvas().cpu(), b.on_canvas(), rtol=1e-9, atol=1e-9)


# What is said about them -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_dead_map_projects_to_nothing_and_says_so(method):
    model = small()
    with torch.no_grad():
        model[0].bias[3] = -100
    (dead,) = strongest_units(model, IMAGE, "1", channels=[3])
    assert dead.activation == 0
    assert strongest_units(model, IMAGE, "1")[-1] == dead
    for found in (*project(model, IMAGE, [dead], method), project_map(model, IMAGE, "1", 3, method)):
        assert not found.pixels.any()
        assert found.fidelity.startswith("exact" if method == "gradient" else "undefined: ")


def test_an_active_unit_whose_signal_is_rectified_away_has_an_empty_projection():
    """It is excited by what is missing: its filter takes away from its bias, and nothing positive goes down."""
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 3), nn.ReLU()).eval()
    with torch.no_grad():
        model[0].bias.fill_(1.0)
        model[2].weight[0], model[2].bias[0] = -1e-3, 1.0
        model[2].weight[1], model[2].bias[1] = 1e-3, 1.0
    units = strongest_units(model, IMAGE, "3", channels=[0, 1])
    assert all(unit.activation > 0 for unit in units)
    assert [found.is_empty for found in project(model, IMAGE, units)] == [True, False]
    assert [found.is_empty for found in project(model, IMAGE, units, "gradient")] == [False, False]
    assert project(model, IMAGE, units)[0].fidelity == "exact"


def test_a_unit_that_is_not_active_or_sees_no_pixel_is_not_called_empty():
    model = nn.Sequential(nn.Conv2d(3, 2, 1, padding=1), nn.ReLU()).eval()
    with torch.no_grad():
        model[0].bias.copy_(torch.tensor([1.0, -100.0]))
    units = [unit_at(model, IMAGE, "1", 0, 0, 0), unit_at(model, IMAGE, "1", 1, 3, 3)]
    assert [found.is_empty for found in project(model, IMAGE, units)] == [False, False]


def test_a_unit_that_has_no_more_than_the_shape_of_the_picture_sees_no_pixel():
    model = Net(lambda net, x: torch.zeros_like(net.conv(x)) + 2, conv=nn.Conv2d(3, 4, 3)).eval()
    (found,) = project(model, IMAGE, strongest_units(model, IMAGE, "add", 1), "gradient")
    assert (found.unit.activation, found.box, found.fidelity) == (2, Box(0, 0, 0, 0), "exact")
    assert not found.on_canvas().any()


def test_a_negative_unit_has_a_gradient_but_no_deconvnet():
    model = small()
    maps = model[0](IMAGE)[0]
    place = tuple(map(int, (maps == maps.min()).nonzero()[0]))
    unit = unit_at(model, IMAGE, "0", *place)
    found = [project(model, IMAGE, [unit], method)[0] for method in METHODS]
    assert [projection.fidelity.split(":")[0] for projection in found] == ["undefined", "undefined", "exact"]
    assert [bool(projection.pixels.any()) for projection in found] == [False, False, True]
    assert [bool(next(stages(model, IMAGE, unit, method)).maps.any()) for method in METHODS] == [False, False, True]


@pytest.mark.parametrize("method", ["deconvnet", "guided"])
def test_of_a_whole_map_only_the_active_units_are_sent_down(method):
    model = nn.Sequential(nn.Conv2d(3, 1, 1)).eval()
    active = model[0](IMAGE)[0] > 0
    assert active.any()
    assert not active.all()
    found = project_map(model, IMAGE, "0", 0, method)
    assert torch.equal(found.on_canvas().any(0, keepdim=True), active)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("said", [-5.0, 0.0, 1.0])
def test_the_recorded_activation_counts_and_not_what_a_unit_says(said, method):
    model = small()
    units = strongest_units(model, IMAGE, "2", 2) + strongest_units(model, IMAGE, "4", 1)
    asked = [replace(unit, activation=said) for unit in units]
    for found, expected in zip(project(model, IMAGE, asked, method), project(model, IMAGE, units, method), strict=True):
        assert (found.unit, found.fidelity) == (expected.unit, "exact")
        assert torch.equal(found.pixels, expected.pixels)
    assert [p.unit for p in project(model, IMAGE, asked, method)] == units


def test_what_is_assumed_is_said_once_for_each_layers_units():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Conv2d(4, 4, 3), nn.SiLU(), nn.Conv2d(4, 4, 1), nn.GELU()
    ).eval()
    units = [strongest_units(model, IMAGE, layer, 1)[0] for layer in ("0", "3", "5")]
    assert all(unit.activation > 0 for unit in units)
    assert [found.fidelity for found in project(model, IMAGE, units)] == [
        "exact",
        "approximated: SiLU treated as ReLU",
        "approximated: GELU treated as ReLU; SiLU treated as ReLU",
    ]


def test_a_constant_factor_is_no_gate():
    model = Net(
        lambda net, x: torch.mul(other=(net.conv(x / 2) * 3).relu(), input=net.conv.bias.view(1, 4, 1, 1)),
        conv=nn.Conv2d(3, 4, 3),
    ).eval()
    nn.init.constant_(model.conv.bias, 0.5)
    (unit,) = strongest_units(model, IMAGE, "mul_1", 1)
    assert project(model, IMAGE, [unit])[0].fidelity == "exact"


# Operations without a rule ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["deconvnet", "guided"])
@pytest.mark.parametrize(
    ("name", "layer", "sentence"),
    [
        ("softmax", "2", "“Softmax” at “1”"),
        ("sine", "2", "“erf” at “1.erf”|“sin” at “1.sin”|multiplies two signals"),
        ("a maximum over maps", "getitem", "“max” at “max"),
        ("a product of two signals", "mul", "“mul” multiplies two signals"),
        ("a product by name", "mul", "“mul” multiplies two signals"),
        ("batch norm with the statistics of the picture", "batch_norm", "“batch_norm” at “batch_norm”"),
        ("a square", "b", "“mul” multiplies two signals"),
    ],
)
def test_an_operation_without_a_rule_is_named_with_its_layer(name, layer, sentence, method):
    model, image = seeded(UNUSUAL[name]), picture()
    units = strongest_units(model, image, layer, 1)
    with pytest.raises(NoRule, match=sentence):
        project(model, image, units, method)


@pytest.mark.parametrize(
    ("way", "layer", "operation"),
    [
        (lambda net, x: net.conv(1 / x), "conv", "truediv"),
        (lambda net, x: net.conv(x / x.mean((2, 3), keepdim=True)), "conv", "truediv"),
        (lambda net, x: net.conv(torch.div(other=x, input=1 + x)), "conv", "div"),
        (lambda net, x: net.conv(torch.div(other=x.mean((2, 3), keepdim=True), input=x)), "conv", "div"),
        (lambda net, x: net.conv(x + torch.div(x, 2, rounding_mode="floor")), "conv", "div"),
        (lambda net, x: net.conv(x.pow(2)), "conv", "pow"),
        (lambda net, x: net.conv(x.clamp(max=1)), "conv", "clamp"),
        (lambda net, x: net.conv(torch.addcmul(x, x, x.abs())), "conv", "addcmul"),
    ],
)
def test_what_is_not_linear_is_not_taken_for_linear(way, layer, operation):
    model = Net(way, conv=nn.Conv2d(3, 4, 3)).eval()
    units = strongest_units(model, IMAGE, layer, 1)
    with pytest.raises(NoRule, match=operation):
        project(model, IMAGE, units)
    assert project(model, IMAGE, units, "gradient")[0].pixels.any()


def test_a_batch_norm_of_the_pictures_own_statistics_has_no_rule():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)).eval()
    units = strongest_units(model, IMAGE, "1", 1)
    with pytest.raises(NoRule, match="Norm2d” at “1”"):
        project(model, IMAGE, units)
    assert project(model, IMAGE, units, "gradient")[0].pixels.any()


def test_a_pool_that_also_gives_its_switches_has_no_rule():
    model = Net(
        lambda net, x: net.pool(net.conv(x))[0], conv=nn.Conv2d(3, 4, 3), pool=nn.MaxPool2d(2, return_indices=True)
    ).eval()
    units = strongest_units(model, IMAGE, "getitem", 2)
    assert units[0].activation == model(IMAGE).max().item()
    with pytest.raises(NoRule, match="“MaxPool2d” at “pool”"):
        project(model, IMAGE, units)


def test_below_an_operation_without_a_rule_everything_works():
    model, image = seeded(UNUSUAL["softmax"]), picture()
    (found,) = project(model, image, strongest_units(model, image, "0", 1))
    assert found.fidelity == "exact"


@pytest.mark.parametrize(("option", "value"), [("method", "deconv"), ("unpooling", "sum")])
def test_an_unknown_method_is_refused_with_the_known_ones(option, value):
    with pytest.raises(ValueError, match=f"deconvnet.*overwrite.*{value}"):
        project(small(), IMAGE, strongest_units(small(), IMAGE, "1"), **{option: value})


# The model is left as it was -------------------------------------------------------------------------------------


def state_of(model: nn.Module) -> dict:
    """Everything about a model, and about the process, that a projection might change."""
    modules = dict(model.named_modules())
    weights = {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in model.state_dict().items()}
    hooks = [len(value) for m in modules.values() for key, value in vars(m).items() if key.endswith("_hooks")]
    return {
        "weights": weights,
        "hooks": sum(hooks),
        "attributes": {name: set(vars(module)) for name, module in modules.items()},
        "classes": {name: type(module) for name, module in modules.items()},
        "training": {name: module.training for name, module in modules.items()},
        "in place": {name: getattr(module, "inplace", None) for name, module in modules.items()},
        "requires_grad": {name: p.requires_grad for name, p in model.named_parameters()},
        "grad": {name: p.grad for name, p in model.named_parameters()},
        "random numbers": torch.get_rng_state().tolist(),
        "process": (torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()),
        "call": nn.Module.__call__,
    }


def everything(model: nn.Module, image: torch.Tensor, layer: str) -> None:
    units = strongest_units(model, image, layer)
    for method in METHODS:
        project(model, image, units, method)
        project_map(model, image, layer, 0, method, "overwrite")
        list(stages(model, image, units[0], method))


def with_a_constant() -> nn.Module:
    return Net(lambda net, x: net.conv(x - torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)), conv=nn.Conv2d(3, 4, 3))


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize(
    ("build", "layer"),
    [(EXACT[name], None) for name in ("overlapping pools", "in place", "batch norms", "inception", "view and dropout")]
    + [(gated, None), (with_a_constant, None)],
)
def test_leaves_the_model_as_it_was(build, layer, frozen):
    model = seeded(build).requires_grad_(not frozen)
    image = picture()
    kept, before = image.clone(), state_of(model)
    assert before["hooks"] == 0
    everything(model, image, last_layer(model))
    assert state_of(model) == before
    assert torch.equal(image, kept)
    assert not image.requires_grad
    assert image.grad is None


@pytest.mark.parametrize(
    ("build", "image", "layer"),
    [
        (UNUSUAL["softmax"], picture(), "2"),
        (UNUSUAL["a product of two signals"], picture(), "mul"),
        (EXACT["fully connected"], picture((1, 3, 5, 5)), "7"),
        (EXACT["convolutions"], picture((2, 3, 9, 9)), "0"),
        (EXACT["convolutions"], picture(), "conv9"),
        (lambda: Net(lambda net, x: x if (x + torch.tensor([1.0])).sum() > 0 else -x), picture(), "add"),
    ],
)
def test_leaves_the_model_as_it_was_after_an_error(build, image, layer):
    model = seeded(build)
    kept, before = image.clone(), state_of(model)
    with pytest.raises((TraceRefused, NoRule)):
        everything(model, image, layer)
    assert state_of(model) == before
    assert torch.equal(image, kept)
    assert not image.requires_grad


def test_takes_a_picture_that_wants_a_gradient_without_giving_it_one():
    image = IMAGE.clone().requires_grad_()
    for method in METHODS:
        found = project(small(), image, strongest_units(small(), image, "1"), method)
        assert not any(projection.pixels.requires_grad for projection in found)
    assert image.requires_grad
    assert image.grad is None


# Stages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [name for name in EXACT if name != "no ReLU"])
def test_stages_lie_inside_the_maps_they_are_parts_of(name, method):
    model, image = seeded(EXACT[name]), picture()
    layer = last_layer(model)
    (unit,) = strongest_units(model, image, layer, 1)
    found = list(stages(model, image, unit, method))
    assert found[0].step == "seed"
    assert found[0].maps.count_nonzero() == 1
    assert found[0].maps.max() == unit.activation
    for stage in found:
        box = stage.box
        assert stage.maps.shape[1:] == (box.bottom - box.top, box.right - box.left)
        if len(stage.shape) == 3:
            assert stage.maps.shape[0] == stage.shape[0]
            assert 0 <= box.top <= box.bottom <= stage.shape[1]
            assert 0 <= box.left <= box.right <= stage.shape[2]
        if stage.step == "rectify" and method != "gradient":
            assert (stage.maps >= 0).all()


def test_a_stage_stands_for_the_same_place_as_its_projection():
    model = small()
    (unit,) = strongest_units(model, IMAGE, "2", 1)
    *_, last = stages(model, IMAGE, unit)
    (found,) = project(model, IMAGE, [replace(unit)])
    assert (last.layer, last.step, last.shape) == ("0", "filter", (3, 13, 10))
    assert last.box == found.box
    assert torch.equal(last.maps, found.pixels)
