"""ResNets as their two papers draw them, and the plain networks that they were measured against.

2015: He, Zhang, Ren & Sun, arXiv 1512.03385. 2016: the same authors, “Identity mappings”, arXiv 1603.05027.
Layers are named as torchvision names them. Weights for its ResNet-18 and -34 fit; those for its deeper ones do, too,
but were trained with the stride in another place, which no tensor's name or shape tells.
"""

from torch import Tensor, nn
from torch.nn import functional as F

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # 2015, table 1


# Shortcuts -------------------------------------------------------------------------------------------------------


def around(shortcut: str, inputs: int, outputs: int, stride: int) -> nn.Module | None:
    """What a shortcut does to its input; None for nothing.

    Args:
        shortcut: 2015, section 4.1: "A" pads with zeros where the shape changes, "B" projects there, "C" everywhere.
    """
    changes = stride != 1 or inputs != outputs
    if shortcut == "C" or (shortcut == "B" and changes):
        return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    return Subsampled(stride, outputs - inputs) if changes else None


class Subsampled(nn.Module):
    """Every `stride`-th pixel, and `more` maps of zeros, `before` of them in front: a shortcut without parameters."""

    def __init__(self, stride: int, more: int, before: int = 0):
        super().__init__()
        self.stride, self.before, self.after = stride, before, more - before

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.after))


# Blocks: (N, inputs, h, w) -> (N, widening · width, h / stride, w / stride) ------------------------------------------


class Plain(nn.Module):
    """Two 3×3 convolutions: what a residual block is without its shortcut."""

    widening = 1

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()

    def residual(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.residual(x))


class Basic(Plain):
    """Two 3×3 convolutions and a shortcut around them (2015, figure 5 left)."""

    def __init__(self, inputs: int, width: int, stride: int, shortcut: str):
        super().__init__(inputs, width, stride)
        self.downsample = around(shortcut, inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.residual(x)
        return self.relu(y + (self.downsample(x) if self.downsample else x))


class Bottleneck(nn.Module):
    """1×1 to fewer maps, 3×3, 1×1 to four times as many, and a shortcut (2015, figure 5 right)."""

    widening = 4

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, stride, bias=False)  # later networks stride in the 3×3
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU()
        self.downsample = around("B", inputs, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (self.downsample(x) if self.downsample else x))


class PreActivated(nn.Module):
    """The bottleneck with norm and ReLU before its convolutions: nothing is done to the sum (2016, figure 4e).

    The network's first block finds its input activated. A projection sees the activated input, as the authors'
    code has it.
    """

    widening = 4

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs) if inputs != width else None
        self.conv1 = nn.Conv2d(inputs, width, 1, stride, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.relu = nn.ReLU()
        self.downsample = nn.Conv2d(inputs, 4 * width, 1, stride, bias=False) if inputs != 4 * width else None

    def forward(self, x: Tensor) -> Tensor:
        active = self.relu(self.bn1(x)) if self.bn1 else x
        y = self.conv1(active)
        y = self.conv2(self.relu(self.bn2(y)))
        y = self.conv3(self.relu(self.bn3(y)))
        return y + (self.downsample(active) if self.downsample else x)


# Networks --------------------------------------------------------------------------------------------------------


class ResNet(nn.Module):
    """A stem, four stages of `blocks` blocks each, and a classifier; `how` goes to every block.

    The shapes are those of blocks that do not widen.
    """

    def __init__(self, block: type[nn.Module], blocks: tuple[int, ...], num_classes: int = 1000, **how: object):
        super().__init__()

        def stage(inputs: int, width: int, count: int, stride: int) -> nn.Sequential:
            wide = block.widening * width
            rest = (block(wide, width, 1, **how) for _ in range(count - 1))
            return nn.Sequential(block(inputs, width, stride, **how), *rest)

        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)  # (N, 3, 224, 224) -> (N, 64, 112, 112)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)  # -> (N, 64, 56, 56)
        self.layer1 = stage(64, 64, blocks[0], 1)  # -> (N, 64, 56, 56)
        self.layer2 = stage(block.widening * 64, 128, blocks[1], 2)  # -> (N, 128, 28, 28)
        self.layer3 = stage(block.widening * 128, 256, blocks[2], 2)  # -> (N, 256, 14, 14)
        self.layer4 = stage(block.widening * 256, 512, blocks[3], 2)  # -> (N, 512, 7, 7)
        self.avgpool = nn.AdaptiveAvgPool2d(1)  # -> (N, 512, 1, 1)
        self.flatten = nn.Flatten()  # -> (N, 512)
        self.fc = nn.Linear(block.widening * 512, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.flatten(self.avgpool(self.features(x))))


class ResNetV2(ResNet):
    """Of pre-activated blocks, whose last sum still needs its norm and ReLU."""

    def __init__(self, blocks: tuple[int, ...], num_classes: int = 1000):
        super().__init__(PreActivated, blocks, num_classes)
        self.last_bn = nn.BatchNorm2d(2048)

    def features(self, x: Tensor) -> Tensor:
        return self.relu(self.last_bn(super().features(x)))


def plain(depth: int, num_classes: int = 1000) -> ResNet:
    """The plain network of 18 or 34 layers."""
    return ResNet(Plain, BLOCKS[depth], num_classes)


def resnet(depth: int, num_classes: int = 1000, shortcut: str = "B") -> ResNet:
    """The ResNet of 18 or 34 layers with the shortcuts "A", "B" or "C"; the weights torchvision has are for "B"."""
    return ResNet(Basic, BLOCKS[depth], num_classes, shortcut=shortcut)


def resnet_v1(depth: int, num_classes: int = 1000) -> ResNet:
    """The ResNet of 50, 101 or 152 layers as published in 2015."""
    return ResNet(Bottleneck, BLOCKS[depth], num_classes)


def resnet_v2(depth: int, num_classes: int = 1000) -> ResNetV2:
    """The ResNet of 50, 101 or 152 layers with the order of 2016."""
    return ResNetV2(BLOCKS[depth], num_classes)
