"""Recordings that gradients can be taken through, against the network's own backward pass."""

import pytest
import torch
from torch import Tensor, nn

from tests.agreement.networks import EXACT, NORMALISED, UNUSUAL, gated, picture, seeded
from vis.trace import record, record_differentiable

NETWORKS = EXACT | NORMALISED | UNUSUAL | {"gated": gated}


def own_gradients(model: nn.Module, image: Tensor, seed: Tensor) -> dict[str, Tensor]:
    """By module that is called once, the gradient of (seed · answer) by its output, and "" for the picture."""
    found: dict[str, list[Tensor]] = {}
    image = image.clone().requires_grad_()

    def keep(name: str):
        return lambda _module, _given, made: found.setdefault(name, []).append(made)

    hooks = [module.register_forward_hook(keep(name)) for name, module in model.named_modules() if name]
    answer = model(image)
    for hook in hooks:
        hook.remove()
    alone = {name: made[0] for name, made in found.items() if len(made) == 1 and isinstance(made[0], Tensor)}
    once = {name: made for name, made in alone.items() if not made._version} | {"": image}  # not changed in place since
    gradients = torch.autograd.grad((answer * seed).sum(), list(once.values()), allow_unused=True)
    return {name: gradient for name, gradient in zip(once, gradients, strict=True) if gradient is not None}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layers_gradient_is_that_of_the_networks_own_pass(name):
    model, image = seeded(NETWORKS[name]), picture()
    recording = record_differentiable(model, image)
    (output,) = (node for node in recording.trace.graph.nodes if node.op == "output")
    answer = recording.values[output.args[0]]
    seed = torch.randn(answer.shape, dtype=answer.dtype, generator=torch.Generator().manual_seed(2))
    truth = own_gradients(model, image, seed)
    layers = [layer for layer in truth if layer in recording.trace.names.values()]
    values = [recording.image, *map(recording.of, layers)]
    found = torch.autograd.grad((answer * seed).sum(), values, allow_unused=True)
    for layer, gradient in zip(["", *layers], found, strict=True):
        torch.testing.assert_close(gradient, truth[layer], rtol=1e-12, atol=1e-12)
    assert not image.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not record(model, image).image.requires_grad
