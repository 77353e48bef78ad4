"""Every method on networks and pictures that are not as usual, and by many at once."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

from models.refusals import Refused
from tests.agreement.networks import Net, picture, seeded
from vis.attribution import METHODS, Attribution, attribute, attributions, question
from vis.deconvnet import Unit

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


@pytest.mark.parametrize("method", METHODS)
def test_a_network_with_one_output_explains_yes_or_no_and_says_which(method):
    """−score is the score of the network whose last weights have the other sign."""
    model, image, options = seeded(lambda: convolutional(classes=1)), picture(), SMALL.get(method, {})
    turned = seeded(lambda: convolutional(classes=1))
    with torch.no_grad():
        turned[-1].weight.neg_()
        turned[-1].bias.neg_()
    yes = attribute(model, image, method, 0, **options)
    assert (yes.is_negative, yes.is_probability) == (False, False)
    no, truth = (
        attribute(model, image, method, 0, negative=True, **options),
        attribute(turned, image, method, 0, **options),
    )
    assert (no.is_negative, no.is_probability) == (True, False)
    assert no.score == pytest.approx(-yes.score, rel=1e-12)
    torch.testing.assert_close(no.map, truth.map, rtol=1e-7, atol=1e-9)


def test_the_probability_of_a_single_output_is_its_sigmoid():
    """A softmax of one number is 1 whatever the picture, and every map of it would be empty."""
    model, image = seeded(lambda: convolutional(classes=1)), picture().requires_grad_()
    for negative in (False, True):
        score = (-1 if negative else 1) * model(image)[0, 0]
        (gradient,) = torch.autograd.grad(1 / (1 + torch.exp(-score)), image)
        found = attribute(model, image, "input_x_gradient", 0, probability=True, negative=negative)
        torch.testing.assert_close(found.per_channel, (gradient * image)[0].detach(), rtol=1e-9, atol=1e-15)
        assert found.score == pytest.approx(score.sigmoid().item(), rel=1e-12)
        assert found.map.abs().max() > 0
        assert (found.is_negative, found.is_probability) == (negative, True)


def test_minus_the_score_of_a_class_of_a_unit_and_of_a_probability_too():
    model, image = seeded(convolutional), picture().requires_grad_()
    cases = {
        -model(image)[0, 1]: {"target": 1},
        -model(image).softmax(1)[0, 1]: {"target": 1, "probability": True},
        model(image)[0, 3] - model(image)[0, 1]: {"target": (1, 3)},
        -model[:5](image)[0, 2, 3, 1]: {"target": Unit("4", 2, 3, 1, 0.0)},
    }
    for score, asked in cases.items():
        (gradient,) = torch.autograd.grad(score, image, retain_graph=True)
        found = attribute(model, image, "input_x_gradient", negative=True, **asked)
        torch.testing.assert_close(found.per_channel, (gradient * image)[0].detach(), rtol=1e-9, atol=1e-15)
        assert found.score == pytest.approx(score.item(), rel=1e-12)


@pytest.mark.parametrize("method", ["occlusion", "deep_lift", "smoothgrad"])
def test_a_network_that_takes_one_picture_only_is_refused_by_what_asks_for_several(method):
    def way(net: nn.Module, x: Tensor) -> Tensor:
        return net.end(torch.cat([net.a(x), torch.zeros(1, 1, 13, 10).double()], 1).mean((2, 3)))

    model = seeded(lambda: Net(way, a=nn.Conv2d(3, 4, 1), end=nn.Linear(5, 4)))
    with pytest.raises(Refused, match=r"cannot process a 10×13 picture: “\w+” says"):
        explained(model, picture(), method)


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


CALLS = 48  # of each thread


def test_eight_threads_and_mixed_methods_on_one_network_give_what_one_alone_gives():
    """Also beside those that fail and those that are given up half way; and nothing on the network is changed."""
    model, image = seeded(convolutional), picture()
    truth = {method: explained(model, image, method).map for method in METHODS}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    wrong, turns = [], list(METHODS) * -(-CALLS // len(METHODS))

    def work(shift: int) -> None:
        for call, method in enumerate((turns[shift:] + turns[:shift])[:CALLS]):
            if not torch.equal(explained(model, image, method).map, truth[method]):
                wrong.append(method)
            if call % 8 == shift:
                with pytest.raises(Refused):
                    explained(model, image, method, target=99)
                given_up = attributions(question(model, image, 1), "rise", masks=100, cells=3)
                assert next(given_up).part < 1
                given_up.close()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not any(module._forward_hooks or module._backward_hooks or module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
