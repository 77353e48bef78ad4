"""What layers respond to: the same units and projections as asked for one by one."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.agreement.networks import picture, seeded
from vis.deconvnet import METHODS, Box, Projection, Unit, project, stages, strongest_units, unit_at
from vis.receptive import EVERYTHING, receptive_fields
from vis.responses import LayerResponse, cosine, responses, unit_in_full, unit_step_by_step
from vis.trace import TraceRefused

LAYERS = {"2": "3", "1": "1", "last": "7"}  # out of order on purpose


def build() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3),  # (1, 3, 13, 10) -> (1, 6, 11, 8)
        nn.ReLU(),
        nn.Conv2d(6, 12, 3, stride=2),  # -> (1, 12, 5, 3)
        nn.ReLU(),
        nn.MaxPool2d(2, 1),  # -> (1, 12, 4, 2)
        nn.Flatten(),  # -> (1, 96)
        nn.Linear(96, 7),
        nn.ReLU(),
    )


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return seeded(build).requires_grad_(False)


@pytest.fixture(scope="module")
def image() -> Tensor:
    return picture()


def same(one: Projection, other: Projection) -> bool:
    facts = [(p.unit, p.box, p.picture_shape, p.method, p.fidelity) for p in (one, other)]
    return facts[0] == facts[1] and torch.allclose(one.pixels, other.pixels, rtol=0, atol=1e-12)


# Layers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_layers_units_and_projections_are_those_found_one_by_one(model, image, method):
    found = responses(model, image, LAYERS, k=4, method=method)
    assert list(found) == list(LAYERS)
    for name, operation in LAYERS.items():
        units = strongest_units(model, image, operation, k=4)
        assert found[name].operation == operation
        assert list(found[name].units) == units
        for unit, projection in zip(units, found[name].projections, strict=True):
            (alone,) = project(model, image, [unit], method)
            assert same(projection, alone)


def test_units_come_strongest_first_one_of_each_map(model, image):
    for name, response in responses(model, image, LAYERS, k=5).items():
        activations = [unit.activation for unit in response.units]
        assert activations == sorted(activations, reverse=True), name
        assert len({unit.channel for unit in response.units}) == len(response.units) == 5
        maps = model[: int(response.operation) + 1](image)[0].reshape(response.shape)
        assert activations == maps.amax((1, 2)).sort(descending=True).values[:5].tolist()


def test_shapes_are_those_of_the_maps_and_a_linear_layers_are_points(model, image):
    found = responses(model, image, LAYERS, k=1)
    assert {name: response.shape for name, response in found.items()} == {
        "1": (6, 11, 8),
        "2": (12, 5, 3),
        "last": (7, 1, 1),
    }


def test_fields_are_those_of_the_layers_found_without_a_picture(model, image):
    expected = receptive_fields(model, tuple(image.shape))
    for name, operation in LAYERS.items():
        assert responses(model, image, {name: operation}, k=1)[name].field == expected[operation]


def test_the_first_layers_of_a_process_need_no_compiler():
    """torch works out shapes without numbers by its compiler, the import of which takes longer than all the rest."""
    found = subprocess.run([sys.executable, "-c", FIRST], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[] 5"


ROOT = Path(__file__).parents[2]
FIRST = """
import sys
import torch
before = set(sys.modules)
from models import load
from vis.responses import responses
loaded = load("zfnet_mini", "shipped", "cpu")
shape = (1, *loaded.architecture.input_shape)
found = responses(loaded.model, torch.randn(shape), loaded.layers)
print(sorted({"sympy", "torch._dynamo"} & (set(sys.modules) - before)), len(found))
"""


def test_more_maps_than_there_are_is_all_of_them(model, image):
    assert len(responses(model, image, {"1": "1"}, k=99)["1"].units) == 6


def test_chosen_channels_come_in_the_order_they_were_chosen_in(model, image):
    found = responses(model, image, LAYERS, k=2, channels={"1": [4, 0, 5]})
    assert [unit.channel for unit in found["1"].units] == [4, 0, 5]
    assert list(found["1"].units) == strongest_units(model, image, "1", channels=[4, 0, 5])
    assert len(found["2"].units) == 2


@pytest.mark.parametrize("channel", [-1, 6])
def test_a_channel_that_does_not_exist_is_refused(model, image, channel):
    with pytest.raises(TraceRefused, match="feature maps 0 to 5"):
        responses(model, image, LAYERS, channels={"1": [channel]})


def test_a_layer_that_does_not_exist_is_refused(model, image):
    with pytest.raises(TraceRefused, match="no layer “99”"):
        responses(model, image, {"1": "99"})


def test_no_maps_asked_for_is_none_shown(model, image):
    found = responses(model, image, LAYERS, channels={"1": []}, k=2)
    assert found["1"].projections == ()
    assert found["1"].limits(own=False) == ()


def test_what_is_shown_belongs_to_no_graph_and_the_model_is_as_it_was(model, image):
    before = {key: values.clone() for key, values in model.state_dict().items()}
    found = responses(model, image, LAYERS, k=2)
    assert not any(p.pixels.requires_grad for response in found.values() for p in response.projections)
    assert all(torch.equal(values, before[key]) for key, values in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


# Ranges ----------------------------------------------------------------------------------------------------------


def projection(values: list[list[float]], top: int = 0, left: int = 0) -> Projection:
    """Of one channel, in a picture of 4×4."""
    pixels = torch.tensor([values])
    h, w = pixels.shape[1:]
    box = Box(top, left, top + h, left + w)
    return Projection(Unit("a", 0, 0, 0, 1.0), pixels, box, (1, 4, 4), "deconvnet", "exact")


def test_a_layers_range_is_that_of_its_largest_value_whatever_the_sign():
    one, other = projection([[1.0, -5.0]]), projection([[3.0], [0.0]])
    assert LayerResponse("a", (2, 1, 1), (one, other), EVERYTHING, "a").limits(own=False) == (5, 5)
    assert LayerResponse("a", (2, 1, 1), (one, other), EVERYTHING, "a").limits(own=True) == (5, 3)


def only_padding() -> nn.Module:
    """A network whose strongest units see nothing but padding."""
    model = nn.Sequential(nn.Conv2d(3, 2, 1, padding=2), nn.ReLU())  # (N, 3, h, w) -> (N, 2, h + 4, w + 4)
    nn.init.constant_(model[0].weight, -1)
    nn.init.constant_(model[0].bias, 1)
    return model.eval().requires_grad_(False)


def test_a_unit_that_sees_nothing_but_padding_has_no_pixels_and_no_range():
    found = responses(only_padding(), torch.ones(1, 3, 8, 8), {"1": "1"})["1"]
    assert [p.pixels.shape for p in found.projections] == [(3, 0, 0)] * 2
    assert found.limits(own=True) == (0, 0)
    assert unit_step_by_step(only_padding(), torch.ones(1, 3, 8, 8), "1", 0)[-1].maps.numel() == 0


# Likeness --------------------------------------------------------------------------------------------------------


def test_cosine_is_that_of_the_whole_pictures():
    one, other = projection([[1.0, 2.0]]), projection([[2.0], [1.0]], left=1)
    assert cosine(one, other) == pytest.approx(4 / 5)  # (1, 2 | 0, 0) and (0, 2 | 0, 1)
    assert cosine(one, projection([[-3.0, -6.0]])) == pytest.approx(-1)
    assert cosine(one, projection([[1.0, 2.0]], top=2)) == 0


def test_cosine_is_one_with_itself_however_small_and_zero_with_nothing(model, image):
    for response in responses(model, image, LAYERS, k=3).values():
        for found in response.projections:
            assert cosine(found, found) == pytest.approx(1)
    tiny = projection([[1e-20, 2e-20]])
    assert cosine(tiny, tiny) == pytest.approx(1)
    assert cosine(projection([[0.0, 0.0]]), projection([[1.0, 2.0]])) == 0
    assert cosine(projection([[0.0]]), projection([[0.0]])) == 0


# One unit --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layer", "channel"), [("1", 2), ("3", 5), ("7", 1)])
def test_one_unit_in_full_has_its_map_and_its_projection_by_every_method(model, image, layer, channel):
    found = unit_in_full(model, image, layer, channel)
    (unit,) = strongest_units(model, image, layer, channels=[channel])
    assert found.unit == unit
    assert torch.equal(
        found.activations, model[: int(layer) + 1](image)[0].reshape(-1, *found.activations.shape)[channel]
    )
    assert found.activations[unit.row, unit.column] == found.activations.max() == unit.activation
    assert list(found.projections) == list(METHODS)
    for method, by_it in found.projections.items():
        assert same(by_it, project(model, image, [unit], method)[0])
        assert found.cosines[method] == cosine(by_it, found.projections["deconvnet"])


def test_a_unit_can_be_chosen_by_its_position(model, image):
    found = unit_in_full(model, image, "3", 5, (4, 1))
    assert found.unit == unit_at(model, image, "3", 5, 4, 1)
    assert found.activations[4, 1] == found.unit.activation
    assert unit_step_by_step(model, image, "3", 5, (4, 1))[0].maps.sum() == max(0, found.unit.activation)
    for of_it in (unit_in_full, unit_step_by_step):
        with pytest.raises(TraceRefused, match="no unit"):
            of_it(model, image, "3", 5, (5, 0))


def test_the_steps_lead_from_the_unit_down_to_its_projection(model, image):
    (unit,) = strongest_units(model, image, "3", k=1)
    steps = unit_step_by_step(model, image, "3", unit.channel, maps=4)
    assert [(s.layer, s.step) for s in steps] == [
        ("3", "seed"),
        ("3", "rectify"),
        ("2", "filter"),
        ("1", "rectify"),
        ("0", "filter"),
    ]
    assert steps[0].channels[-1] < 12
    assert unit.channel in steps[0].channels
    assert steps[0].maps.sum() == unit.activation
    last, shown = steps[-1], unit_in_full(model, image, "3", unit.channel).projections["deconvnet"]
    assert last.channels == (0, 1, 2)
    assert last.box == shown.box
    assert torch.equal(last.maps, shown.pixels)
    assert last.shape == (3, 13, 10)


def test_a_step_keeps_the_maps_that_carry_the_most_in_their_own_order(model, image):
    steps, unit = unit_step_by_step(model, image, "3", 5, maps=2), unit_in_full(model, image, "3", 5).unit
    for kept, stage in zip(steps, stages(model, image, unit), strict=True):
        strength = stage.maps.abs().sum((1, 2))
        assert len(kept.channels) == min(2, max(1, int((strength > 0).sum())))  # maps that carry nothing say nothing
        assert list(kept.channels) == sorted(kept.channels)
        assert torch.equal(kept.maps, stage.maps[list(kept.channels)])
        assert strength[list(kept.channels)].sum() == pytest.approx(
            strength.topk(len(kept.channels)).values.sum().item()
        )
        assert (kept.layer, kept.step, kept.shape, kept.box) == (stage.layer, stage.step, stage.shape, stage.box)
