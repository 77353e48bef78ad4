"""What is measured has no right value here; what is promised about it has."""

import copy
import weakref

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from tests.agreement.networks import EXACT, NORMALISED, UNUSUAL, gated, picture, seeded
from vis.cost.count import layer_costs
from vis.cost.latency import Times, layer_times, pass_times, times_of
from vis.trace import TraceRefused

ALL = {**EXACT, **NORMALISED, **UNUSUAL, "gates": gated}


@pytest.mark.parametrize("name", ALL)
def test_every_layer_has_a_time(name):
    model = seeded(ALL[name])
    times = layer_times(model, picture(), rounds=2)
    assert list(times) == [cost.name for cost in layer_costs(model, tuple(picture().shape))]
    assert all(t.median_ms > 0 and t.spread_ms >= 0 and t.rounds == 2 for t in times.values())


def test_one_round_has_no_spread():
    times = layer_times(seeded(EXACT["residual"]), picture(), rounds=1)
    assert {(t.spread_ms, t.rounds) for t in times.values()} == {(0.0, 1)}


@pytest.mark.parametrize("name", ["in place", "reused modules", "batch norms"])
@pytest.mark.parametrize("is_stopped", [False, True])
def test_the_model_is_left_as_it_was_found(name, is_stopped):
    model = seeded(EXACT[name])
    before, attributes = copy.deepcopy(model.state_dict()), copy.copy(vars(model))
    image = picture()
    layer_times(model, image, rounds=2, stop=lambda: is_stopped)
    assert all(torch.equal(values, before[key]) for key, values in model.state_dict().items())
    assert vars(model) == attributes
    assert not any(m.training or m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert torch.equal(image, picture())


class Stop:
    """Says yes from the given question on."""

    def __init__(self, at: int):
        self.at, self.asked = at, 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked >= self.at


@pytest.mark.parametrize(("whole_rounds", "measured"), [(0, 0), (1, 0), (2, 1), (4, 3)])
def test_a_stopped_round_does_not_count_and_nothing_is_run_after_it(whole_rounds, measured):
    model, told = nn.Sequential(*[nn.ReLU() for _ in range(5)]).eval(), []
    stop = Stop(at=whole_rounds * 6 + 4)  # the picture and five layers in each
    times = layer_times(model, picture(), rounds=9, stop=stop, progress=told.append)
    assert stop.asked == stop.at
    assert {t.rounds for t in times.values()} == ({measured} if measured else set())
    assert told == [n / 10 for n in range(1, whole_rounds + 1)]


def test_what_is_measured_in_between_has_its_turn_before_between_and_after_the_rounds():
    order: list[str] = []
    model = nn.Sequential(nn.ReLU()).eval()

    def stop() -> bool:  # asked before the picture and before the layer
        order.append("layer")
        return False

    layer_times(model, picture(), rounds=2, stop=stop, between=lambda: order.append("roof"))
    assert order == ["roof", *["layer", "layer", "roof"] * 3]  # the first round warms up


def test_progress_goes_to_one():
    told: list[float] = []
    layer_times(seeded(EXACT["convolutions"]), picture(), rounds=3, progress=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]


class Results(TorchFunctionMode):
    """Remembers what torch gave, but does not keep it alive."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[weakref.ref[Tensor]] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and func is F.relu:
            self.given.append(weakref.ref(result))
        return result


def test_maps_are_given_up_once_they_are_no_longer_read():
    living: list[int] = []
    with Results() as results:

        def count() -> bool:
            living.append(sum(map_() is not None for map_ in results.given))
            return False

        layer_times(nn.Sequential(*[nn.ReLU() for _ in range(12)]).eval(), picture(), rounds=1, stop=count)
    assert len(results.given) == 2 * 12
    assert living == 2 * [0, 0, *[1] * 11]  # only what the next layer reads


def test_a_picture_that_is_too_small_is_refused():
    with pytest.raises(TraceRefused, match="cannot process a 1×1 picture"):
        layer_times(seeded(EXACT["convolutions"]), picture((1, 3, 1, 1)))


def test_a_network_in_training_mode_is_refused():
    with pytest.raises(TraceRefused, match="training mode"):
        layer_times(nn.Sequential(nn.Dropout()), picture())


def test_the_median_and_the_middle_half_of_what_was_measured():
    assert times_of([5.0, 1.0, 2.0, 4.0, 3.0]) == Times(median_ms=3.0, spread_ms=2.0, rounds=5)


def test_pictures_together_are_timed_together():
    model, images = seeded(EXACT["residual"]), picture().repeat(3, 1, 1, 1)
    assert list(layer_times(model, images, rounds=1)) == list(layer_times(model, picture(), rounds=1))


# Whole passes ----------------------------------------------------------------------------------------------------


class Counted(nn.Module):
    """Says how often it was run to its end, and whether gradients were kept."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.ended: list[bool] = []

    def forward(self, x):
        y = (x * self.weight).relu().tanh()
        self.ended.append(y.requires_grad)
        return y


def test_a_pass_is_timed_so_often_after_two_to_warm_up_and_without_gradients():
    model, told = Counted().eval(), []
    times = pass_times(model, picture(), rounds=5, seconds=60, progress=told.append)
    assert times.rounds == 5
    assert times.median_ms > 0
    assert model.ended == [False] * 7
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_when_its_time_is_over_three_passes_are_enough():
    model = Counted().eval()
    assert pass_times(model, picture(), rounds=50, seconds=0).rounds == 3
    assert len(model.ended) == 5


@pytest.mark.parametrize(("passes", "rounds"), [(0, None), (2, None), (3, 1), (6, 4)])
def test_passes_that_were_stopped_do_not_count(passes, rounds):
    model = Counted().eval()
    times = pass_times(model, picture(), rounds=9, stop=lambda: len(model.ended) >= passes)
    assert (times and times.rounds) == rounds
    assert len(model.ended) == passes


def test_a_long_pass_is_stopped_in_the_middle(monkeypatch):
    monkeypatch.setattr("vis.cost.latency.LONG", 0.0)  # every pass is long
    model, asked = Counted().eval(), []

    def stop() -> bool:
        asked.append(len(model.ended))
        return len(asked) > 2  # before the pass, before its product, and before its ReLU

    assert pass_times(model, picture(), stop=stop) is None
    assert model.ended == []
    assert model(picture()).requires_grad  # nothing is left behind in this thread


@pytest.mark.parametrize("name", ["in place", "batch norms"])
def test_passes_leave_the_model_as_it_was_found(name):
    model = seeded(EXACT[name])
    before, attributes, state = copy.deepcopy(model.state_dict()), copy.copy(vars(model)), torch.get_rng_state()
    threads = torch.get_num_threads()
    pass_times(model, picture(), rounds=2)
    assert all(torch.equal(values, before[key]) for key, values in model.state_dict().items())
    assert vars(model) == attributes
    assert not any(m.training or m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert torch.equal(state, torch.get_rng_state())
    assert threads == torch.get_num_threads()
