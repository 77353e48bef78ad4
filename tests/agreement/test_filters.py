"""Filters' numbers against twins written from the definitions, and against every network of the registry."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from models import load
from models.lenet import C3_TABLE
from models.loading import skeleton
from models.weights import card
from tests.representatives import REPRESENTATIVES
from vis.filters import SIDE, aliased_share, convolutions, dominant_waves, kernels_of, measured, nearest
from vis.sums import sum_at
from vis.trace import record, traced

NETWORKS = ("zfnet_mini", "alexnet_mini", "lenet5")


def slow_power(kernel: np.ndarray, row: int, column: int) -> float:
    """The power of one wave, (row, column) / SIDE cycles per pixel, by the definition of the Fourier transform."""
    power = 0.0
    for channel in kernel:
        real = imaginary = 0.0
        for y, line in enumerate(channel):
            for x, value in enumerate(line):
                angle = 2 * math.pi * (row * y + column * x) / SIDE
                real += value * math.cos(angle)
                imaginary -= value * math.sin(angle)
        power += real**2 + imaginary**2
    return power


def slow_waves(kernel: np.ndarray) -> tuple[float, float | None, dict[tuple[int, int], float]]:
    """Frequency, orientation and all powers of a kernel: every wave is tried."""
    centred = np.array([channel - sum(channel.ravel()) / channel.size for channel in kernel])
    half = SIDE // 2
    powers = {
        (row, column): slow_power(centred, row, column) for row in range(-half, half) for column in range(half + 1)
    }
    if sum(v * v for v in centred.ravel()) * 2 <= sum(v * v for v in kernel.ravel()):
        return 0.0, None, powers
    row, column = max(powers, key=powers.get)
    if slow_power(centred, column, -row) > powers[row, column] / 2:  # the same wave, turned by 90°
        return math.hypot(row, column) / SIDE, None, powers
    return math.hypot(row, column) / SIDE, math.degrees(math.atan2(column, row)) % 180, powers


@pytest.mark.parametrize("seed", range(5))
def test_frequency_and_orientation_are_those_of_a_transform_done_by_hand(seed):
    """In double precision, to the step of the spectrum: the same wave wins."""
    random = np.random.default_rng(seed)
    kernel = random.normal(size=(1 + seed % 2, 3 + seed % 3, 4)) + 0.2 * seed
    frequency, orientation = (found[0] for found in dominant_waves(kernel[None]))
    wanted, angle, _powers = slow_waves(kernel)
    assert frequency == pytest.approx(wanted, abs=1e-12)
    assert np.isnan(orientation) if angle is None else orientation == pytest.approx(angle, abs=1e-9)


def test_the_share_of_aliased_energy_is_that_of_a_transform_done_by_hand():
    kernel = np.random.default_rng(8).normal(size=(2, 3, 3))
    half = SIDE // 2
    power = {(r, c): slow_power(kernel, r, c) for r in range(-half, half) for c in range(0, half + 1)}
    full = {(r, c): p for (r, c), p in power.items()} | {
        (-r if r != -half else r, -c): p for (r, c), p in power.items() if 0 < c < half
    }
    assert len(full) == SIDE**2
    too_fine = sum(p for (r, c), p in full.items() if abs(r) > SIDE / 6 or abs(c) > SIDE / 4)
    assert aliased_share(kernel[None], (3, 2))[0] == pytest.approx(too_fine / sum(full.values()), rel=1e-10)


def test_the_nearest_filter_is_found_by_trying_every_pair():
    kernels = kernels_of(load("alexnet_mini").model, "features.conv1").reshape(64, -1)
    which, cosine = nearest(kernels.reshape(64, 3, 11, 11))
    for i, one in enumerate(kernels):
        tried = {
            j: abs(math.fsum(one * other)) / math.sqrt(math.fsum(one * one) * math.fsum(other * other))
            for j, other in enumerate(kernels)
            if j != i
        }
        assert which[i] == max(tried, key=tried.get)
        assert cosine[i] == pytest.approx(max(tried.values()), abs=1e-12)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_dead_filters_of_shipped_networks_are_as_many_as_their_cards_say(network):
    loaded = load(network)
    first = next(iter(convolutions(loaded.model)))
    assert len(measured(kernels_of(loaded.model, first)).dead) == card(network).at().dead_first_layer_filters


@cache
def built(network: str) -> nn.Module:
    return skeleton(network)


@pytest.mark.parametrize("network", REPRESENTATIVES)
def test_every_convolution_of_every_kind_of_network_is_offered_with_its_true_shape(network):
    model = built(network)
    found, trace = convolutions(model), traced(model)
    layers = {m for m in model.modules() if isinstance(m, nn.Conv2d)}
    assert {model.get_submodule(trace[name].target) for name in found} == layers
    for name, convolution in found.items():
        weight = model.get_submodule(trace[name].target).weight
        assert weight.shape == (
            convolution.outputs,
            convolution.inputs // convolution.groups,
            *convolution.kernel,
        )
        assert len(convolution.inputs_of(0)) == weight.shape[1]
        if convolution.gathered is None:
            assert convolution.inputs_of(convolution.outputs - 1)[-1] == convolution.inputs - 1


def test_the_maps_that_c3_of_the_first_lenet_reads_are_those_of_the_published_table():
    model, read = skeleton("lenet5_1998"), []
    for name, convolution in convolutions(model).items():
        if name.startswith("features.c3"):
            read += [tuple(convolution.inputs_of(output)) for output in range(convolution.outputs)]
    assert read == list(C3_TABLE)
    recording = record(load("lenet5_1998", "random").model, torch.rand(1, 1, 32, 32), ["features.c3.four"])
    assert sum_at(recording, "features.c3.four", 8).inputs == C3_TABLE[6 + 8]


@pytest.mark.parametrize("network", REPRESENTATIVES)
def test_the_first_convolution_of_every_kind_of_network_is_shown_whole_and_no_other(network):
    kinds = [convolution.kind for convolution in convolutions(built(network)).values()]
    assert kinds[0] == "whole"
    assert "whole" not in kinds[1:]
