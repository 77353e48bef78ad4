"""The networks whose recordings are not compared while the app runs: here they are, with their own answers."""

import pytest
import torch
from torch import nn
from torchvision import models

from models import ARCHITECTURES
from tests.representatives import REPRESENTATIVES
from vis.shapes import record_shapes
from vis.trace import TraceRefused, agreement, record

OF_TORCHVISION = ["swin_t", "swin_v2_t", "maxvit_t", "vit_b_16", "regnet_y_400mf", "mnasnet0_5", "efficientnet_v2_s"]
ONE_SIZE = {"maxvit_t": 224, "vit_b_16": 224}


@torch.no_grad()
def filled(bare: nn.Module) -> nn.Module:
    """The network with random weights of a size that keeps its values finite; faster than to build it with its own."""
    model, generator = bare.to_empty(device="cpu"), torch.Generator().manual_seed(0)
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.dim() > 1:
            bound = (6 / tensor[0].numel()) ** 0.5  # He et al. 2015, equation 10
            tensor.uniform_(-bound, bound, generator=generator)
        elif tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5, generator=generator)
    return model.eval()


@torch.no_grad()
def assert_its_own_answer(model: nn.Module, shape: tuple[int, ...]) -> None:
    image = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    assert not agreement.is_foreign(model)
    recording = record(model, image)
    (output,) = (node for node in recording.trace.graph.nodes if node.op == "output")
    own = model(image)
    assert own.std() > 0
    torch.testing.assert_close(recording.values[output.args[0]], own, rtol=1e-4, atol=1e-4 * own.abs().max().item())


@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_the_recording_of_every_kind_of_network_of_the_registry_is_its_own_pass(name):
    entry = ARCHITECTURES[name]
    channels, height, width = entry.input_shape
    shape = (channels, height, width) if channels == 1 or height <= 96 else (channels, 96, 96)
    with torch.device("meta"):
        bare = entry.build()
    model = filled(bare)
    try:
        record_shapes(model, (1, *shape))
    except TraceRefused:  # some have a linear layer that takes pictures of one size
        shape = entry.input_shape
    assert_its_own_answer(model, shape)


@pytest.mark.parametrize("name", OF_TORCHVISION)
def test_the_recording_of_torchvisions_other_networks_is_their_own_pass(name):
    side = ONE_SIZE.get(name, 64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = models.get_model(name, weights=None).eval()
    for parameter in model.parameters():
        if not parameter.any():  # some heads begin with zeros
            nn.init.uniform_(parameter, -0.1, 0.1)
    assert_its_own_answer(model, (3, side, side))
