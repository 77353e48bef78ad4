"""Maps, chains and sums of torchvision's networks beside hooks on a plain forward pass, in float64."""

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

from vis.activations import activations, before_and_after, channel_view
from vis.sums import is_sum, sum_at
from vis.trace import record

NETWORKS = [
    "alexnet",
    "resnet18",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "squeezenet1_1",
    "densenet121",
    "convnext_tiny",
]


@pytest.fixture(scope="module", params=NETWORKS)
def network(request) -> nn.Module:
    torch.manual_seed(0)
    model = torchvision.models.get_model(request.param, weights=None).eval().double().requires_grad_(False)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # as trained networks have them
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return model


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture(scope="module")
def hooked(network, image) -> dict[str, Tensor]:
    """What each module gave that is called only once, by its name; cloned, for blocks add to their maps in place."""
    seen: dict[str, list[Tensor]] = {}
    handles = [
        module.register_forward_hook(
            lambda _module, _given, out, name=name: seen.setdefault(name, []).append(out.clone())
        )
        for name, module in network.named_modules()
        if not list(module.children()) and not isinstance(module, nn.Flatten)
    ]
    network(image)
    for handle in handles:
        handle.remove()
    return {name: out[0] for name, out in seen.items() if len(out) == 1}


def as_maps(value: Tensor, shape: tuple[int, int, int]) -> np.ndarray:
    """(K, h, w), whether the maps come first or last."""
    value = value[0] if value[0].shape == shape else value[0].movedim(-1, 0)
    return value.reshape(shape).numpy()


def test_maps_and_stages_are_those_of_a_plain_forward_pass(network, image, hooked):
    rng = np.random.default_rng(0)
    recording = record(network, image)
    layers = [name for name in hooked if name in set(recording.trace.names.values())]
    assert len(layers) > 15
    compared = 0
    for layer in rng.choice(layers, 12, replace=False):
        found = activations(network, image, layer)
        maps = as_maps(hooked[layer], found.shape)
        flat = maps.reshape(len(maps), -1)
        assert np.array_equal(found.maximum, flat.max(1))
        np.testing.assert_allclose(found.mean, flat.mean(1), rtol=1e-11, atol=1e-14)
        channel = int(rng.integers(found.shape[0]))
        view = channel_view(network, image, layer, channel)
        assert tuple(stage.layer for stage in view.stages) == before_and_after(network, layer)
        for stage in view.stages:
            if stage.layer in hooked:
                shape = (found.shape[0], *stage.map.shape)
                assert np.array_equal(stage.map, as_maps(hooked[stage.layer], shape)[channel])
                compared += 1
    assert compared >= 12


def test_the_sum_of_patch_times_kernel_is_every_convolutions_value(network, image):
    """To 1e-12 of the largest term: torch adds in another order."""
    rng = np.random.default_rng(1)
    recording = record(network, image)
    names = [name for node, name in recording.trace.names.items() if is_sum(node, recording)]
    assert len(names) >= 8
    for layer in names:
        value = recording.of(layer)
        last = value.dim() == 4 and not isinstance(network.get_submodule(layer), nn.Conv2d)
        maps = value.movedim(-1, 1) if last else value
        k, h, w = (*maps.shape[1:], 1, 1)[:3]
        for _ in range(3):
            channel, row, column = (int(rng.integers(n)) for n in (k, h, w))
            found = sum_at(recording, layer, channel, row, column)
            truth = maps.reshape(k, h, w)[channel, row, column].item()
            assert found.value == truth
            assert abs(found.total - truth) <= 1e-12 * max(1.0, np.abs(found.products).max())
            top, rest = found.strongest(8)
            parts = sum(added for _channel, added in top) + rest + (found.bias or 0)
            assert abs(parts - truth) <= 1e-12 * max(1.0, np.abs(found.products).max())


@pytest.mark.parametrize(
    ("name", "layer", "chain"),
    [
        ("resnet18", "relu", ("conv1", "bn1", "relu", "maxpool")),
        ("resnet18", "layer1.0.bn2", ("layer1.0.conv2", "layer1.0.bn2")),
        ("alexnet", "features.1", ("features.0", "features.1", "features.2")),
        ("alexnet", "features.12", ("features.10", "features.11", "features.12", "avgpool")),
        ("mobilenet_v2", "features.0.2", ("features.0.0", "features.0.1", "features.0.2")),
    ],
)
def test_chains_of_well_known_networks(name, layer, chain):
    assert before_and_after(torchvision.models.get_model(name, weights=None).eval(), layer) == chain
