"""Networks without numbers: everything has a shape, and nothing takes memory."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


def bare(build: Callable[..., nn.Module], options: Mapping[str, object]) -> nn.Module:
    """What `build` makes with these options, in evaluation mode, without its weights."""
    with torch.device("meta"), _Undrawn():
        return build(**options).eval()


class _Undrawn(TorchFunctionMode):
    """First values are not worked out: without numbers to be kept, they took half of the time of building a network."""

    FILLING = frozenset({Tensor.fill_, Tensor.normal_, Tensor.uniform_, Tensor.zero_})

    def __torch_function__(
        self, function: Callable, types: tuple[type, ...], args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        given = kwargs or {}
        if function in self.FILLING or getattr(function, "__module__", None) == nn.init.__name__:
            return args[0] if args else given["tensor"]
        return function(*args, **given)
