"""GoogLeNet (Szegedy et al. 2014, arXiv 1409.4842, Table 1 and figure 3)."""

from collections import OrderedDict
from functools import partial

import torch
from torch import Tensor, nn

from models.alexnet import contrast_norm


class GoogLeNet2014(nn.Module):
    """The paper's network: real 5×5 filters, contrast normalisation, no batch norm.

    The paper halves 112 to 56, 28, 14 and 7 with pools of 3×3, which only comes out when they round up. It gives no
    constants for the normalisation; these are AlexNet's.

    Args:
        aux: with the two auxiliary classifiers, which the paper uses in training and throws away afterwards. A network
            that has them answers a batch of training pictures with (main, first, second), outputs of (N, 1000) each.
            In evaluation mode it answers with the main output alone, but has them run, too, so that they are counted
            and seen wherever the network is followed operation by operation.
    """

    def __init__(self, num_classes: int = 1000, aux: bool = False):
        super().__init__()
        self.conv1 = convolution(3, 64, 7, stride=2, padding=3)  # (N, 3, 224, 224) -> (N, 64, 112, 112)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)  # -> (N, 64, 56, 56)
        self.norm1 = contrast_norm()
        self.conv2_reduce = convolution(64, 64, 1)  # -> (N, 64, 56, 56)
        self.conv2 = convolution(64, 192, 3, padding=1)  # -> (N, 192, 56, 56)
        self.norm2 = contrast_norm()
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)  # -> (N, 192, 28, 28)

        self.inception_3a = Inception(192, 64, (96, 128), (16, 32), 32)  # -> (N, 256, 28, 28)
        self.inception_3b = Inception(256, 128, (128, 192), (32, 96), 64)  # -> (N, 480, 28, 28)
        self.pool3 = nn.MaxPool2d(3, 2, ceil_mode=True)  # -> (N, 480, 14, 14)

        self.inception_4a = Inception(480, 192, (96, 208), (16, 48), 64)  # -> (N, 512, 14, 14)
        self.inception_4b = Inception(512, 160, (112, 224), (24, 64), 64)  # -> (N, 512, 14, 14)
        self.inception_4c = Inception(512, 128, (128, 256), (24, 64), 64)  # -> (N, 512, 14, 14)
        self.inception_4d = Inception(512, 112, (144, 288), (32, 64), 64)  # -> (N, 528, 14, 14)
        self.inception_4e = Inception(528, 256, (160, 320), (32, 128), 128)  # -> (N, 832, 14, 14)
        self.pool4 = nn.MaxPool2d(3, 2, ceil_mode=True)  # -> (N, 832, 7, 7)

        self.inception_5a = Inception(832, 256, (160, 320), (32, 128), 128)  # -> (N, 832, 7, 7)
        self.inception_5b = Inception(832, 384, (192, 384), (48, 128), 128)  # -> (N, 1024, 7, 7)
        self.pool5 = nn.AdaptiveAvgPool2d(1)  # -> (N, 1024, 1, 1)
        self.flatten = nn.Flatten()  # -> (N, 1024)
        self.dropout = nn.Dropout(0.4)
        self.fc = nn.Linear(1024, num_classes)  # -> (N, 1000)

        self.aux1 = _auxiliary_classifier(512, num_classes) if aux else None
        self.aux2 = _auxiliary_classifier(528, num_classes) if aux else None

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        x = self.norm1(self.pool1(self.conv1(x)))
        x = self.pool2(self.norm2(self.conv2(self.conv2_reduce(x))))
        x = self.pool3(self.inception_3b(self.inception_3a(x)))
        x = after_4a = self.inception_4a(x)
        x = after_4d = self.inception_4d(self.inception_4c(self.inception_4b(x)))
        x = self.pool4(self.inception_4e(x))
        x = self.inception_5b(self.inception_5a(x))
        x = self.fc(self.dropout(self.flatten(self.pool5(x))))
        if self.aux1 is None:
            return x
        auxiliary = self.aux1(after_4a), self.aux2(after_4d)
        return (x, *auxiliary) if self.training else x


class Inception(nn.Module):
    """Four answers to the same maps, one beside the other: filters of 1×1, 3×3 and 5×5, and a pool (figure 2b).

    Args:
        three, five: maps of the 1×1 convolution that makes the maps below few, and of the filters themselves.
        pooled: maps of the 1×1 convolution after the pool.
        batch_norm: after every convolution, which the paper's networks do without.
    """

    def __init__(
        self,
        inputs: int,
        one: int,
        three: tuple[int, int],
        five: tuple[int, int],
        pooled: int,
        batch_norm: bool = False,
    ):
        super().__init__()
        conv = partial(convolution, batch_norm=batch_norm)
        self.branch1x1 = conv(inputs, one, 1)
        self.branch3x3 = nn.Sequential(OrderedDict(reduce=conv(inputs, three[0], 1), filter=conv(*three, 3, padding=1)))
        self.branch5x5 = nn.Sequential(OrderedDict(reduce=conv(inputs, five[0], 1), filter=conv(*five, 5, padding=2)))
        self.branch_pool = nn.Sequential(
            OrderedDict(pool=nn.MaxPool2d(3, 1, padding=1), project=conv(inputs, pooled, 1))
        )

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W) -> (N, one + three[1] + five[1] + pooled, H, W)
        return torch.cat([self.branch1x1(x), self.branch3x3(x), self.branch5x5(x), self.branch_pool(x)], 1)


def convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0, batch_norm: bool = False
) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=not batch_norm)
    norm = {"bn": nn.BatchNorm2d(outputs)} if batch_norm else {}
    return nn.Sequential(OrderedDict(conv=conv, **norm, relu=nn.ReLU()))


def _auxiliary_classifier(inputs: int, num_classes: int) -> nn.Sequential:
    """A small classifier on maps of 14×14 in the middle of the network, which brings its gradient there (section 5)."""
    return nn.Sequential(
        OrderedDict(
            pool=nn.AvgPool2d(5, 3),  # (N, C, 14, 14) -> (N, C, 4, 4)
            project=convolution(inputs, 128, 1),  # -> (N, 128, 4, 4)
            flatten=nn.Flatten(),  # -> (N, 2048)
            fc1=nn.Linear(128 * 4 * 4, 1024),
            relu=nn.ReLU(),
            dropout=nn.Dropout(0.7),
            fc2=nn.Linear(1024, num_classes),
        )
    )
