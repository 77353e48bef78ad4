"""How the numbers that layers are given move while a network learns: its "internal covariate shift"."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@torch.no_grad()
def inputs_of(net: nn.Module, layers: Sequence[str], images: Tensor) -> dict[str, Tensor]:
    """What these layers are given for the images, by their names, as it is in training: batch norm uses its batch.

    The network itself, its moving averages too, stays as it is.
    """
    net, found = deepcopy(net).train(), {}
    for name in layers:
        net.get_submodule(name).register_forward_pre_hook(
            lambda _layer, given, name=name: found.update({name: given[0].clone()})  # a ReLU may work in place
        )
    net(images)
    return found


def quantiles(values: Tensor, parts: Sequence[float] = QUANTILES) -> Tensor:
    """Below which numbers these parts of all values lie; between two values, on a straight line."""
    ordered = values.flatten().sort().values
    places = torch.tensor(parts, dtype=torch.float64) * (len(ordered) - 1)
    below = places.long()
    before, after = ordered[below].double(), ordered[(below + 1).clamp(max=len(ordered) - 1)].double()
    return before + (after - before) * (places - below)


def histogram(values: Tensor, edges: Tensor) -> Tensor:
    """The share of all values between each edge and the next; the last edge belongs to its bin."""
    flat = values.flatten().to(edges)
    places = torch.searchsorted(edges, flat, right=True) - 1
    places[flat == edges[-1]] = len(edges) - 2
    inside = places[(places >= 0) & (places < len(edges) - 1)]
    return inside.bincount(minlength=len(edges) - 1).double() / len(flat)
