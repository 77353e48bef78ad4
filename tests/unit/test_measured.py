"""Whole measurements: what they give, how far they say they are, and that they stop."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from models import load
from vis.cost.measured import PASSES_DONE, ROUNDS, options_of, run_of, under_roof
from vis.cost.mobilenet import MobileNet
from vis.graph import layer_graph

# Under the roof --------------------------------------------------------------------------------------------------


@pytest.fixture
def small_machine(monkeypatch):
    """A roof that is measured at once."""
    monkeypatch.setattr("vis.cost.roofline.PRODUCTS", {"cpu": (64,)})
    monkeypatch.setattr("vis.cost.roofline.CONVOLUTIONS", {"cpu": (1, 4, 8)})
    monkeypatch.setattr("vis.cost.roofline.NUMBERS", 1024)


@pytest.mark.usefixtures("small_machine")
def test_a_network_is_measured_as_a_whole_then_layer_by_layer_with_the_machine_in_between():
    model, images, told = load("lenet5", "random", "cpu").model, torch.rand(2, 1, 32, 32), []
    found = under_roof(model, images, told.append, lambda: False)
    operations = layer_graph(model, (1, 1, 32, 32)).nodes.values()
    assert list(found.layers) == [each.name for each in operations if each.kind != "input"]
    assert {times.rounds for times in found.layers.values()} == {ROUNDS}
    assert found.passes.median_ms > 0
    assert min(found.roof.peak.rate, found.roof.bandwidth.rate) > 0
    assert found.conditions.device == "cpu"
    assert (told, told[-1]) == (sorted(told), 1.0)
    assert PASSES_DONE in told


@pytest.mark.usefixtures("small_machine")
def test_a_network_that_is_stopped_before_its_layers_gives_nothing():
    model, told = load("lenet5", "random", "cpu").model, []
    assert under_roof(model, torch.rand(1, 1, 32, 32), told.append, lambda: True) is None
    assert max(told) <= PASSES_DONE


# Really built ----------------------------------------------------------------------------------------------------


def small(**settings) -> MobileNet:
    return MobileNet(0.05, 32, num_classes=2, **settings)


@pytest.mark.parametrize("separable", [True, False])
@pytest.mark.parametrize("shallow", [True, False])
@pytest.mark.parametrize(("width", "resolution", "classes"), [(0.05, 32, 2), (0.25, 97, 10), (0.5, 160, 1000)])
def test_what_is_built_is_what_was_counted(width, resolution, classes, separable, shallow):
    network = MobileNet(width, resolution, separable, shallow, classes)
    model = load("mobilenet_v1", "random", "cpu", **options_of(network)).model
    assert sum(p.numel() for p in model.parameters()) == network.params
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, resolution, resolution))
    assert counter.get_total_flops() / 2 == network.macs


def test_a_run_has_all_that_is_shown_of_it():
    told: list[float] = []
    run = run_of(small(), torch.rand(1, 3, 32, 32), "cpu", told.append, lambda: False)
    assert run.params == small().params
    assert run.times.keys() == run.memory.keys() == {1, 16}
    assert all(times.median_ms > 0 for times in run.times.values())
    assert run.is_memory_computed
    assert 4 * run.params < run.memory[1] < run.memory[16]
    assert run.disk > 4 * run.params
    assert (told[-1], told) == (1.0, sorted(told))


@pytest.mark.parametrize("asked", [0, 5, 40])
def test_a_run_that_is_stopped_gives_nothing(asked):
    questions = iter([False] * asked)
    assert run_of(small(), torch.rand(1, 3, 32, 32), "cpu", lambda part: None, lambda: next(questions, True)) is None
