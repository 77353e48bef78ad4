"""The forward pass that units of one picture have in common."""

import pytest
import torch

from models import load
from models.decoding import decoded
from models.samples import SAMPLES
from pages.common import cache
from pages.common.cache import passes
from pages.common.cache.memory import remembered_things
from pages.common.session import Picture, Selection
from vis.responses import unit_in_full

NETWORK = "zfnet_mini"


@pytest.fixture
def chosen(monkeypatch):
    """A selection, of which nothing is remembered, and the passes that are made for it."""
    remembered_things.forget()
    made, record_for = [], passes.record_for

    def recording(*given):
        made.append(record_for(*given))
        return made[-1]

    monkeypatch.setattr(passes, "record_for", recording)
    yield Selection(NETWORK, "shipped", "cpu", Picture("chelsea", cache.sample_sha256("chelsea"), False)), made
    remembered_things.forget()


def test_units_of_a_picture_share_a_pass_and_are_what_a_pass_of_their_own_gives(chosen):
    selection, made = chosen
    loaded = load(NETWORK, "shipped", "cpu")
    image = loaded.preprocess(decoded(SAMPLES["chelsea"].content()))
    layer = loaded.layers["3"]
    for channel in (0, 5):
        found, alone = (
            cache.unit_response(selection, layer, channel, None),
            unit_in_full(loaded.model, image, layer, channel),
        )
        assert found.unit == alone.unit
        assert found.projections.keys() == alone.projections.keys()
        for method, projection in found.projections.items():
            limit = alone.projections[method].pixels.abs().max().item()
            assert torch.allclose(projection.pixels, alone.projections[method].pixels, rtol=0, atol=1e-5 * limit)
    assert len(made) == 1


def test_a_network_that_was_made_again_has_a_pass_of_its_own(chosen):
    """It may be on another device: where the GPU's memory ran out, it is on the CPU."""
    selection, made = chosen
    layer = load(NETWORK, "shipped", "cpu").layers["3"]
    cache.unit_response(selection, layer, 0, None)
    remembered_things.forget("pages.common.cache.networks._public_network")
    cache.unit_response(selection, layer, 1, None)
    assert len(made) == 2
    assert made[0].model is not made[1].model
