"""Every method on networks and pictures that are not as usual, and by many at once."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

from models.refusals import Refused
from tests.agreement.networks import picture, seeded
from vis.attribution import METHODS, Attribution, attribute

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore:Input Tensor 0 did not already")

SMALL: dict[str, dict] = {  # options with which a method takes few passes
    "integrated_gradients": {"steps": 4},
    "smoothgrad": {"samples": 3},
    "gradient_shap": {"samples": 3},
    "occlusion": {"size": 5, "stride": 4},
    "rise": {"masks": 12, "cells": 3},
    "feature_ablation": {"parts": 4},
}


def explained(model: nn.Module, image: Tensor, method: str, target: int = 0) -> Attribution:
    return attribute(model, image, method, target, **SMALL.get(method, {}))


def convolutional(channels: int = 3, classes: int = 4, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Module:
    first = nn.Conv2d(channels, 6, 3, padding=1), nn.BatchNorm2d(6), activation(), nn.MaxPool2d(2)
    then = nn.Conv2d(6, 8, 3, padding=1), activation(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(*first, *then, nn.Linear(8, classes))


ODD = {
    "one channel": (lambda: convolutional(channels=1), (1, 1, 14, 11)),
    "two classes": (lambda: convolutional(classes=2), (1, 3, 9, 16)),
    "one class": (lambda: convolutional(classes=1), (1, 3, 16, 9)),
    "in place": (lambda: convolutional(activation=lambda: nn.ReLU(inplace=True)), (1, 3, 13, 10)),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ODD)
def test_the_map_is_the_pictures_size_and_nothing_on_the_network_changes(name, method):
    build, shape = ODD[name]
    model, image = seeded(build), picture(shape)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    found = explained(model, image, method)
    assert found.map.shape == shape[2:]
    assert found.map.isfinite().all()
    assert found.score == pytest.approx(model(image)[0, 0].item(), rel=1e-9)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("method", METHODS)
def test_frozen_parameters_and_training_mode_give_the_same_map_or_a_refusal(method):
    model, image = seeded(convolutional), picture()
    truth = explained(model, image, method)
    frozen = explained(model.requires_grad_(False), image, method)
    assert torch.equal(frozen.map, truth.map)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.train()
    with suppress(Refused):
        assert torch.equal(explained(model, image, method).map, truth.map)
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("method", METHODS)
def test_half_precision_gives_about_the_same_map(method):
    model, image = seeded(convolutional), picture()
    truth = explained(model, image, method).map
    found = explained(model.bfloat16(), image, method).map
    assert found.isfinite().all()
    assert (found.double() - truth).abs().mean() < 0.15 * truth.abs().mean() + 1e-9


def test_a_flat_map_is_flat_and_not_nothing():
    """No part of this picture speaks for the class: all is 0, and no number is missing."""
    model, image = seeded(convolutional), picture()
    with torch.no_grad():
        model[4].bias.fill_(-1e6)
    for method in METHODS:
        found = explained(model, image, method)
        assert found.map.isfinite().all(), method
        if method not in ("rise", "deconvnet"):  # a mean of masks; a walk that does not ask which ReLUs were on
            assert not found.map.any() or found.map.abs().max() < 1e-9, method


def test_eight_threads_and_mixed_methods_on_one_network_give_what_one_alone_gives():
    model, image = seeded(convolutional), picture()
    truth = {method: explained(model, image, method).map for method in METHODS}
    wrong, turns = [], list(METHODS) * 2

    def work(shift: int) -> None:
        for method in turns[shift:] + turns[:shift]:
            if not torch.equal(explained(model, image, method).map, truth[method]):
                wrong.append(method)
            with pytest.raises(Refused):
                explained(model, image, method, target=99)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())
