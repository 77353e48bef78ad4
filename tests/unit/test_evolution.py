"""The checkpoints of the training, as the page about it uses them."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from models import load
from models.decoding import decoded
from models.refusals import Refused
from models.weights import card, shipped
from pages.common import cache
from pages.common.session import Picture, Selection
from vis.deconvnet import project, strongest_units
from vis.filters import kernels_of, measured

EPOCHS = [1, 2, 5, 10, 20]


@pytest.fixture(scope="module")
def selection() -> Selection:
    return Selection("zfnet_mini", "shipped", "cpu", Picture("chelsea", cache.sample_sha256("chelsea"), False))


@pytest.mark.parametrize("epoch", EPOCHS)
def test_every_checkpoint_holds_the_weights_of_its_own_file(epoch):
    loaded, (state, about) = cache.checkpoint("zfnet_mini", epoch, "cpu"), shipped("zfnet_mini", epoch)
    assert torch.equal(loaded.model.features.conv1.weight, state["features.conv1.weight"])
    assert loaded.weights.sha256 == about.at(epoch).sha256
    assert loaded.weights.trained
    assert not loaded.model.training


def test_the_last_checkpoint_is_the_network_that_ships():
    last, usual = cache.checkpoint("zfnet_mini", EPOCHS[-1], "cpu"), load("zfnet_mini")
    assert all(torch.equal(a, b) for a, b in zip(last.model.parameters(), usual.model.parameters(), strict=True))


def test_checkpoints_differ_and_their_dead_filters_are_those_of_the_card():
    kernels = [kernels_of(cache.checkpoint("zfnet_mini", epoch, "cpu").model, "features.conv1") for epoch in EPOCHS]
    assert all(np.abs(one - other).max() > 0.01 for one, other in pairwise(kernels))
    assert [len(measured(k).dead) for k in kernels] == [f.dead_first_layer_filters for f in card("zfnet_mini").files]


def test_an_epoch_that_was_not_kept_is_refused():
    with pytest.raises(Refused, match="no weights after epoch 3"):
        cache.checkpoint("zfnet_mini", 3, "cpu")


def test_a_maps_projection_at_every_epoch_is_that_of_its_strongest_unit_then(selection):
    found, on_cpu = cache.through_training(selection, "features.relu2", 7)
    assert list(found) == EPOCHS
    assert not on_cpu
    for epoch, projection in found.items():
        loaded = cache.checkpoint("zfnet_mini", epoch, "cpu")
        image = loaded.preprocess(decoded(cache.sample("chelsea")))
        (unit,) = strongest_units(loaded.model, image, "features.relu2", channels=[7])
        assert (projection.unit.row, projection.unit.column) == (unit.row, unit.column)
        assert projection.unit.activation == pytest.approx(unit.activation)
        (expected,) = project(loaded.model, image, [unit])
        torch.testing.assert_close(projection.pixels, expected.pixels)
