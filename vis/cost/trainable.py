"""A stack as a network that can learn to tell classes apart."""

from itertools import pairwise
from math import prod

from torch import nn

from models.refusals import Refused
from vis.cost.sequential import calls
from vis.cost.stack import Stack

MOST_MACS, MOST_PARAMS, MOST_BYTES = 20_000_000, 1_000_000, 1_000_000  # the last of activations; for one picture


def classifier(stack: Stack, classes: int) -> nn.Sequential:
    """The stack with an output for each class.

    Where it has no ReLU, one follows every layer with weights but the last; and a last linear layer, where it does not
    end in one of as many outputs.

    Raises:
        Refused: for a row that cannot be, and for more work or memory than can be watched.
    """
    if stack.refused:
        raise stack.refused
    is_whole = stack.shape == (classes,) and stack.steps[-1].layer.kind == "linear"
    params = stack.params + (0 if is_whole else (prod(stack.shape) + 1) * classes)
    if stack.macs > MOST_MACS or params > MOST_PARAMS or stack.activation_bytes > MOST_BYTES:
        raise Refused(
            "This stack is too large to be trained here: at most {macs} million MACs, {params} million parameters and "
            "{bytes} MB of activations per picture.",
            macs=MOST_MACS // 10**6,
            params=MOST_PARAMS // 10**6,
            bytes=MOST_BYTES // 10**6,
        )
    modules = [getattr(nn, call.name)(*call.values, **call.named) for call, _ in calls(stack)]
    if not is_whole:
        modules += [nn.Flatten(), nn.Linear(prod(stack.shape), classes)]
    return nn.Sequential(*(modules if any(isinstance(each, nn.ReLU) for each in modules) else _activated(modules)))


def _activated(modules: list[nn.Module]) -> list[nn.Module]:
    """With a ReLU after every layer with weights, and its norm, but the last."""
    found = []
    for module, following in pairwise([*modules, None]):
        found.append(module)
        has_weights = isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d)
        if has_weights and following is not None and not isinstance(following, nn.BatchNorm2d):
            found.append(nn.ReLU())
    return found
