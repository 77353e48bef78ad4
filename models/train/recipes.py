"""What a network is trained on, and how."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from models import cifar
from models.lenet import LeNet5
from models.mini import alexnet_mini, zfnet_mini
from models.train.data import Data, cifar10, mnist_5k, tiny_imagenet


@dataclass(frozen=True)
class Recipe:
    """One cycle of the learning rate (Smith & Topin 2018).

    Args:
        keep: epochs whose weights ship beside the last one's.
        learning_rate: the highest.
        momentum: the least and the most; it falls while the rate rises. AdamW calls it the first β.
        weight_decay: of kernels and matrices; norms and biases are left free.
        shift: pixels.
        bfloat16: whether convolutions and matrices are multiplied in half precision.
    """

    data: Callable[[Path], Data]
    build: Callable[..., nn.Module]
    epochs: int
    keep: tuple[int, ...] = ()
    batch: int = 128
    optimiser: Literal["SGD, Nesterov", "AdamW"] = "SGD, Nesterov"
    learning_rate: float = 0.1
    momentum: tuple[float, float] = (0.85, 0.95)
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    shift: int = 4
    bfloat16: bool = True
    seed: int = 0

    def optimiser_of(self, net: nn.Module) -> torch.optim.Optimizer:
        kernels = [p for p in net.parameters() if p.dim() > 1]
        others = [p for p in net.parameters() if p.dim() <= 1]
        groups: Iterable[Mapping] = [
            {"params": kernels, "weight_decay": self.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        if self.optimiser == "AdamW":
            return torch.optim.AdamW(groups, lr=self.learning_rate)
        return torch.optim.SGD(groups, lr=self.learning_rate, momentum=max(self.momentum), nesterov=True)

    def schedule(self, optimiser: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        """The cycle over so many steps."""
        least, most = self.momentum
        return torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.learning_rate, total_steps=steps, base_momentum=least, max_momentum=most
        )


def _cifar(name: str) -> Recipe:
    """The same for all of them but two, whose papers train them otherwise: with RMSProp, and with AdamW."""
    later = name in ("cifar_efficientnet", "cifar_convnext")
    how = {"optimiser": "AdamW", "learning_rate": 2e-3, "weight_decay": 0.05} if later else {}
    return Recipe(cifar10, cifar.NETWORKS[name], epochs=12, bfloat16=False, **how)


RECIPES = {
    "zfnet_mini": Recipe(tiny_imagenet, zfnet_mini, epochs=20, keep=(1, 2, 5, 10)),
    "alexnet_mini": Recipe(tiny_imagenet, alexnet_mini, epochs=20),
    "lenet5": Recipe(mnist_5k, LeNet5, epochs=30, learning_rate=0.05, shift=2),
    **{name: _cifar(name) for name in cifar.NETWORKS},
}
