"""The arithmetic intensity of layers against hand arithmetic, and what is promised about a measured roof."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.loading import skeleton
from models.refusals import Refused
from vis.cost.latency import Times
from vis.cost.roofline import (
    Ceiling,
    Roof,
    Standing,
    Trials,
    Work,
    _convolution,
    _copies,
    _products,
    standings,
    works_of,
)
from vis.figures.roofline import roofline, shares
from vis.shapes import record_shapes

CPU = torch.device("cpu")


def works(model: nn.Module, shape: tuple[int, int, int, int], batch: int = 1) -> dict[str, Work]:
    return {work.name: work for work in works_of(record_shapes(model.eval(), shape), batch)}


# Layers, by hand -------------------------------------------------------------------------------------------------


def test_a_depthwise_layer_of_mobilenet_by_hand():
    """14×14×512 to 14×14×512 with 3×3: read and written 512·14·14 numbers each, 512·9 weights, 9 MACs per number."""
    work = works(skeleton("mobilenet_v1"), (1, 3, 224, 224))["features.block7.depthwise"]
    assert (work.kind, work.macs) == ("depthwise", 512 * 14 * 14 * 9)
    assert (work.read_bytes, work.weight_bytes, work.written_bytes) == (401_408, 18_432, 401_408)
    assert work.intensity == pytest.approx(903_168 / 821_248)  # 1.0997


def test_a_pointwise_layer_of_mobilenet_by_hand():
    """512 to 512 maps of 14×14: 512·512 weights, and as many MACs for each of 196 positions."""
    work = works(skeleton("mobilenet_v1"), (1, 3, 224, 224))["features.block7.pointwise"]
    assert (work.kind, work.macs) == ("pointwise", 51_380_224)
    assert (work.read_bytes, work.weight_bytes, work.written_bytes) == (401_408, 1_048_576, 401_408)
    assert work.intensity == pytest.approx(51_380_224 / 1_851_392)  # 27.75


@pytest.mark.parametrize("batch", [1, 4, 16])
def test_pictures_together_share_the_weights_of_a_classifier(batch):
    """VGG-16's fc6: 25,088 to 4,096 with biases. Alone it moves four bytes for each MAC; sixteen share the weights."""
    work = works(skeleton("vgg16"), (1, 3, 224, 224), batch)["classifier.0"]
    moved = batch * 25_088 * 4 + (25_088 * 4096 + 4096) * 4 + batch * 4096 * 4
    assert work.macs == batch * 25_088 * 4096
    assert work.moved_bytes == moved
    assert work.intensity == pytest.approx(batch * 102_760_448 / moved)
    assert work.intensity == pytest.approx(batch / 4, rel=0.01)


def test_what_has_no_macs_has_no_intensity_but_moves_bytes():
    found = works(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten()), (1, 3, 10, 10))
    conv, norm, relu, flat = found.values()
    maps = 8 * 8 * 8 * 4
    assert (conv.macs, conv.read_bytes, conv.weight_bytes) == (8 * 64 * 27, 3 * 100 * 4, (8 * 27 + 8) * 4)
    statistics = 4 * 8 * 4 + 8  # scale, offset, mean, variance; and how many batches there were, in eight bytes
    assert (norm.read_bytes, norm.weight_bytes, norm.written_bytes) == (maps, statistics, maps)
    assert (relu.read_bytes, relu.weight_bytes, relu.written_bytes) == (maps, 0, maps)
    assert flat.moved_bytes == 0  # only another view
    assert [each.intensity for each in (norm, relu, flat)] == [None] * 3


def test_an_addition_reads_both_of_its_maps_and_one_that_is_read_twice_is_read_once():
    class Twice(nn.Module):
        def forward(self, x):
            y = x.relu()
            return y + x, y + y

    added = [work for name, work in works(Twice(), (1, 2, 5, 5)).items() if name.startswith("add")]
    assert [(work.read_bytes, work.written_bytes) for work in added] == [(400, 200), (200, 200)]


def test_groups_are_no_pointwise_layers():
    model = nn.Sequential(nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1, groups=2), nn.Conv2d(8, 8, 1, groups=8))
    assert [work.kind for work in works(model, (1, 8, 4, 4)).values()] == ["pointwise", "conv", "depthwise"]


# Under the roof --------------------------------------------------------------------------------------------------

ROOF = Roof(Ceiling(100.0, "a", Times(2.0, 0.5, 7)), Ceiling(20.0, "b", Times(1.0, 0.0, 7)))


@pytest.mark.parametrize(("intensity", "rate"), [(0.5, 10.0), (5.0, 100.0), (4.0, 80.0), (50.0, 100.0)])
def test_what_is_attainable_is_the_lower_of_the_two_roofs(intensity, rate):
    assert ROOF.ridge == 5.0
    assert ROOF.attainable(intensity) == rate


def test_what_a_layer_reaches_is_its_rate_by_what_is_attainable():
    (standing,) = standings(
        [Work("conv", "conv", 40, 10, 0, 10), Work("unmeasured", "pool", None, 1, 0, 1)],
        {"conv": Times(1000.0, 1.0, 3)},
    )
    assert standing.rate == 40.0  # a second
    assert standing.work.intensity == 2.0
    assert ROOF.reached(standing) == 1.0
    assert ROOF.peak.spread == 0.25


def layer(rate: float) -> Standing:
    """A layer that was measured at this many MACs per second."""
    return Standing(Work(f"at {rate:g}", "conv", round(10 * rate), 1, 1, 1), Times(10_000.0, 0.0, 7))


KINDS = {kind: kind for kind in ("conv", "depthwise", "pointwise", "linear")}
WORDS = {word: word for word in ("macs", "time", "rate", "intensity", "reached")} | {"roof": "{peak}, {bandwidth}"}


@pytest.mark.parametrize("rates", [[], [90.0], [90.0, 100.0, 112.0]])  # 100 ± 12.5 %
def test_a_roof_holds_while_no_layer_is_above_its_peak_by_more_than_half_of_its_spread(rates):
    assert ROOF.outrun_by(map(layer, rates)) is None
    assert roofline([*map(layer, rates)], ROOF, KINDS, WORDS).data


@pytest.mark.parametrize("rates", [[113.0], [113.0, 90.0], [120.0, 214.0, 150.0]])
def test_a_roof_that_a_layer_outruns_is_not_drawn(rates):
    layers = [*map(layer, rates), Standing(Work("pool", "pool", None, 1, 0, 1), Times(0.001, 0.0, 7))]
    assert ROOF.outrun_by(layers).rate == max(rates)
    with pytest.raises(Refused, match=rf"at {max(rates):g} reached .* more than the measured peak of 100.*± 12 %: "):
        roofline(layers, ROOF, KINDS, WORDS)


def test_a_layer_above_the_slope_had_its_numbers_in_a_cache_and_outruns_nothing():
    cached = Standing(Work("cached", "linear", 100, 100, 0, 0), Times(1000.0, 0.0, 7))  # 1 MAC a byte: 20 attainable
    assert ROOF.reached(cached) == 5.0
    assert ROOF.outrun_by([cached]) is None


def test_shares_of_work_and_of_time_add_up_and_the_slowest_comes_first():
    layers = [
        Standing(Work("a", "conv", 60, 1, 1, 1), Times(1.0, 0, 3)),
        Standing(Work("b", "depthwise", 40, 1, 1, 1), Times(5.0, 0, 3)),
        Standing(Work("c", "pool", None, 1, 0, 1), Times(2.0, 0, 3)),
        Standing(Work("d", "conv", 0, 1, 1, 1), Times(2.0, 0, 3)),
    ]
    assert shares(layers) == {"depthwise": (0.4, 0.5), "conv": (0.6, pytest.approx(0.3)), "pool": (0.0, 0.2)}


# The machine -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """Matrices and arrays that take no time; nothing is promised about their rate."""
    monkeypatch.setattr("vis.cost.roofline.PRODUCTS", {"cpu": (16, 32)})
    monkeypatch.setattr("vis.cost.roofline.CONVOLUTIONS", {"cpu": (2, 4, 8)})
    monkeypatch.setattr("vis.cost.roofline.NUMBERS", 1024)
    monkeypatch.setattr("vis.cost.roofline.LONG_ENOUGH", 1e-9)  # one try a round


def test_a_roof_is_positive_and_says_what_reached_it(small):
    trials = Trials(CPU)
    for _ in range(4):  # the first of them warms up
        trials.round()
    roof = trials.roof
    assert roof.peak.rate > 0
    assert roof.bandwidth.rate > 0
    assert roof.peak.of in ("16×16×16", "32×32×32", "3×3 convolution, 4 maps")
    assert roof.bandwidth.of in ("copy", "triad")
    assert roof.peak.times.rounds == roof.bandwidth.times.rounds == 3


class Clock:
    """Gives the next of these durations in milliseconds for whatever is timed; the last one for ever."""

    def __init__(self, *rounds: float):
        self.rounds, self.calls = rounds, 0

    def __call__(self, work, device) -> float:
        taken = self.rounds[min(self.calls // 5, len(self.rounds) - 1)]  # a round is of five trials
        self.calls += 1
        return taken


@pytest.mark.parametrize("rounds", [(9.0, 1.0, 4.0, 4.0), (1.0, 4.0, 1.0, 4.0), (0.5, 4.0, 4.0, 1.0)])
def test_the_fastest_try_of_any_round_counts_but_not_that_of_the_first(small, monkeypatch, rounds):
    """Whether the machine was free before, between or after what else was measured."""
    monkeypatch.setattr("vis.cost.roofline.timed", Clock(*rounds))
    trials = Trials(CPU)
    for _ in rounds:
        trials.round()
    assert trials.roof.peak.rate == 32**3 / 1e-3  # in one millisecond
    assert trials.roof.peak.times == Times(4.0, 1.5, 3)
    assert trials.roof.bandwidth.rate == 3 * 4096 / 1e-3
    assert trials.roof.bandwidth.of == "triad"


def test_what_is_short_is_tried_more_often_in_a_round(small, monkeypatch):
    monkeypatch.setattr("vis.cost.roofline.LONG_ENOUGH", 20.0)
    for taken, tries in ((0.1, 10), (6.0, 4), (30.0, 1)):
        monkeypatch.setattr("vis.cost.roofline.timed", clock := Clock(taken))
        Trials(CPU).round()
        assert clock.calls == 5 * tries


def test_before_a_round_after_the_first_is_whole_there_is_no_roof(small):
    trials = Trials(CPU)
    assert trials.roof is None
    trials.round()  # warms up
    assert trials.roof is None
    questions = iter([False] * 4)
    trials.round(lambda: next(questions, True))  # stopped before the last of five
    assert trials.roof is None
    trials.round()
    assert trials.roof is not None


def test_what_is_counted_of_a_trial_is_what_it_does(small):
    (_, macs, multiply), *_rest = _products(CPU, (16,))
    assert (macs, multiply().shape) == (16 * 16 * 16, (16, 16))
    _, macs, convolve = _convolution(CPU)
    with FlopCounterMode(display=False) as counter:
        assert convolve().shape == (2, 4, 8, 8)
    assert counter.get_total_flops() == 2 * macs
    (_, copied, copy), (_, added, triad) = _copies(CPU)
    assert (copied, added) == (2 * 4096, 3 * 4096)  # one array is read and one written; two are read and one written
    assert copy().unique().numel() > 1
    assert triad().mean() == pytest.approx(4 * 0.5, rel=0.1)  # b + 3·c


def test_threads_precision_and_random_numbers_are_left_as_they_are(small):
    before = torch.get_num_threads(), torch.get_float32_matmul_precision(), torch.get_default_dtype()
    state = torch.random.get_rng_state()
    trials = Trials(CPU)
    trials.round()
    trials.round()
    assert trials.roof
    assert before == (torch.get_num_threads(), torch.get_float32_matmul_precision(), torch.get_default_dtype())
    assert torch.equal(state, torch.random.get_rng_state())
