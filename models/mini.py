"""ZFNet and AlexNet made small: five convolution layers for 64×64 pictures, trained here and shipped.

The two differ in one decision, the one that Zeiler & Fergus (2013, section 4.1) blamed for AlexNet's dead
filters and aliasing: the size and the stride of the first layer. Everything else, widths and recipe included,
is the same, so that what differs in the pictures comes from that decision.
"""

from collections import OrderedDict

from torch import nn


class MiniNet(nn.Module):
    """Five convolution layers with overlapping 3×3/2 pools, then two fully connected layers.

    The classifier sees an adaptive pool, so pictures of any size from 64×64 on can be shown to it; the shapes
    below are those of a 64×64 picture for `zfnet_mini`.

    Args:
        kernel, stride: of the first layer, the only difference between the two networks.
        side: of the grid the classifier sees, which is what a 64×64 picture gives.
        widths: the maps of the five layers.
        hidden: the units of the first fully connected layer.
    """

    def __init__(
        self,
        kernel: int,
        stride: int,
        side: int,
        num_classes: int = 200,
        widths: tuple[int, int, int, int, int] = (64, 128, 192, 192, 256),
        hidden: int = 384,
    ):
        super().__init__()
        first, second, third, fourth, fifth = widths
        self.features = nn.Sequential(
            OrderedDict(
                **_layer(1, 3, first, kernel, stride),  # (N, 3, 64, 64) -> (N, 64, 32, 32)
                pool1=nn.MaxPool2d(3, 2, ceil_mode=True),  # -> (N, 64, 16, 16)
                **_layer(2, first, second, 5),  # -> (N, 128, 16, 16)
                pool2=nn.MaxPool2d(3, 2, ceil_mode=True),  # -> (N, 128, 8, 8)
                **_layer(3, second, third, 3),  # -> (N, 192, 8, 8)
                **_layer(4, third, fourth, 3),  # -> (N, 192, 8, 8)
                **_layer(5, fourth, fifth, 3),  # -> (N, 256, 8, 8)
                pool5=nn.MaxPool2d(3, 2, ceil_mode=True),  # -> (N, 256, 4, 4)
            )
        )
        self.avgpool = nn.AdaptiveAvgPool2d(side)  # -> (N, 256, 4, 4)
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),  # -> (N, 4096)
                dropout=nn.Dropout(0.3),
                fc6=nn.Linear(fifth * side * side, hidden),  # -> (N, 384)
                relu6=nn.ReLU(),
                fc7=nn.Linear(hidden, num_classes),  # -> (N, 200)
            )
        )

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)))


def _layer(number: int, inputs: int, outputs: int, kernel: int, stride: int = 1) -> dict[str, nn.Module]:
    """Convolution, batch norm and ReLU; the norm's offset makes a bias of the convolution redundant."""
    return {
        f"conv{number}": nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        f"bn{number}": nn.BatchNorm2d(outputs),
        f"relu{number}": nn.ReLU(),
    }


def zfnet_mini(num_classes: int = 200) -> MiniNet:
    """A first layer of 7×7 filters with stride 2, as in ZFNet."""
    return MiniNet(kernel=7, stride=2, side=4, num_classes=num_classes)


def alexnet_mini(num_classes: int = 200) -> MiniNet:
    """A first layer of 11×11 filters with stride 4, as in AlexNet: a quarter of the positions everywhere above."""
    return MiniNet(kernel=11, stride=4, side=2, num_classes=num_classes)
