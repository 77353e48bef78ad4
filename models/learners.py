"""Networks that learn while one watches, and what they learn from."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import torch
from torch import Tensor, nn

from models.architecture import Architecture
from models.cifar import NETWORKS, BasicA, SmallResNet
from models.lenet import LeNet5, LeNet5_1998
from models.options import Phrase
from models.registry import ARCHITECTURES
from models.resnet import Plain
from models.train.data import Data, cifar10_part, mnist_5k, normalised

# What is learned from ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Examples:
    """Pictures as networks see them, (N, C, H, W) and float32, with the numbers of their classes (N,)."""

    images: Tensor
    labels: Tensor
    held_out: Tensor  # pictures that no step learns from
    held_out_labels: Tensor
    categories: tuple[str, ...]

    @property
    def channels(self) -> int:
        return self.images.shape[1]


def examples_of(data: Data) -> Examples:
    """The data, prepared once for all who learn from them."""
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (data.mean, data.std))

    def prepared(pictures) -> Tensor:
        return normalised(pictures, mean, std, torch.device("cpu")).contiguous()

    (images, labels), (held_out, held_out_labels) = data.train, data.validation
    numbers = (torch.from_numpy(of).long() for of in (labels, held_out_labels))
    return Examples(prepared(images), next(numbers), prepared(held_out), next(numbers), data.categories)


_reading = threading.Lock()


def digits() -> Examples:
    """MNIST digits, 4,000 to learn from and 1,000 held out; read once in the process."""
    with _reading:
        return _digits()


@cache
def _digits() -> Examples:
    return examples_of(mnist_5k(Path()))


LEARNED, HELD_OUT = 5000, 1000  # pictures of CIFAR-10


def cifar10(root: Path) -> Examples:
    """A part of CIFAR-10, whose files lie below `root`; read anew each time.

    Raises:
        RuntimeError: where they do not, or are damaged.
    """
    return examples_of(cifar10_part(root, LEARNED, HELD_OUT))


# Who learns --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Learner:
    """A network that can be trained here.

    Args:
        build: of `num_classes` and `channels`, and where it `has_norm` also of `batch_norm`.
        rate: learning rate at which it learns well, by steps with momentum.
        opens: the entries of `ARCHITECTURES` that its weights fit: without batch norm, and with it.
    """

    title: str
    build: Callable[..., nn.Module]
    has_norm: bool = True
    rate: float = 0.05
    opens: tuple[str, ...] = ()


def _stages(block: type[nn.Module], num_classes: int, channels: int, batch_norm: bool) -> nn.Module:
    """A small network of three stages, whose maps are a quarter of those for CIFAR-10."""
    net = SmallResNet(block, 14, num_classes, channels, (8, 16, 32), stride=2)
    if not batch_norm:
        for module in list(net.modules()):
            for name, norm in list(module.named_children()):
                if isinstance(norm, nn.BatchNorm2d):
                    setattr(module, name, nn.Identity())
    return net


def _lenet_1998(num_classes: int, channels: int) -> nn.Module:
    if channels != 1:
        raise ValueError(f"LeNet-5 of 1998 reads grey pictures, not those of {channels} channels.")
    return LeNet5_1998(num_classes)


LEARNERS = {
    "lenet5": Learner(Phrase("LeNet-5, modern"), LeNet5, opens=("lenet5", "lenet5_bn")),
    "lenet5_1998": Learner(Phrase("LeNet-5 of 1998"), _lenet_1998, False, 0.002, ("lenet5_1998",)),
    "plain": Learner(Phrase("plain, 14 layers"), partial(_stages, Plain)),
    "residual": Learner(Phrase("residual, 14 layers"), partial(_stages, BasicA)),
}


def _for_cifar(name: str, num_classes: int, channels: int) -> nn.Module:
    if channels != 3:
        raise ValueError(f"{name} reads colour pictures, not those of {channels} channels.")
    return NETWORKS[name](num_classes)


def _of_the_arena(architecture: Architecture) -> Learner:
    name = architecture.name
    return Learner(architecture.short_title, partial(_for_cifar, name), False, opens=(name,))


CIFAR_LEARNERS = {name: _of_the_arena(ARCHITECTURES[name]) for name in NETWORKS}
