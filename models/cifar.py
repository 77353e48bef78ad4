"""The families of this app as small networks for 32×32 pictures of ten classes, about as large as ResNet-20.

A network of 2012 is here given what later ones have, batch norm first of all, so that all of them learn under one
recipe (models/train); what is compared is how layers are arranged. Only LeNet-5 is there without norms, too.
"""

from collections import OrderedDict
from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from models.googlenet import Inception, convolution
from models.lenet import LeNet5
from models.mini import MiniNet
from models.mobilenet import MobileNetV1
from models.resnet import Basic, Plain, Subsampled

WIDTHS = (16, 32, 64)  # maps of a ResNet's three stages: He et al. 2015, section 4.2

cifar_lenet5 = partial(LeNet5, channels=3)
cifar_lenet5_bn = partial(LeNet5, channels=3, batch_norm=True)

# As models/mini.py has them, the two differ in their first layer alone.
_mini = partial(MiniNet, side=2, widths=(32, 64, 96, 96, 64), hidden=128)


def cifar_alexnet(num_classes: int = 10) -> MiniNet:
    """A first layer of 5×5 filters with stride 2: a quarter of ZFNet's positions everywhere above."""
    return _mini(kernel=5, stride=2, num_classes=num_classes)


def cifar_zfnet(num_classes: int = 10) -> MiniNet:
    """A first layer of 3×3 filters with stride 1."""
    return _mini(kernel=3, stride=1, num_classes=num_classes)


# Stacks ----------------------------------------------------------------------------------------------------------


class SmallVGG(nn.Module):
    """Pairs of 3×3 convolutions, a pool after each pair, and fully connected layers (Simonyan & Zisserman 2014)."""

    def __init__(self, num_classes: int = 10):
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=_norm_conv(3, 32),  # (N, 3, 32, 32) -> (N, 32, 32, 32)
                conv2=_norm_conv(32, 32),
                pool1=nn.MaxPool2d(2),  # -> (N, 32, 16, 16)
                conv3=_norm_conv(32, 64),  # -> (N, 64, 16, 16)
                conv4=_norm_conv(64, 64),
                pool2=nn.MaxPool2d(2),  # -> (N, 64, 8, 8)
                conv5=_norm_conv(64, 96),  # -> (N, 96, 8, 8)
                conv6=_norm_conv(96, 96),
                pool3=nn.MaxPool2d(2),  # -> (N, 96, 4, 4)
            )
        )
        self.avgpool = nn.AdaptiveAvgPool2d(2)  # -> (N, 96, 2, 2)
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),  # -> (N, 384)
                fc1=nn.Linear(384, 128),
                relu=nn.ReLU(),
                dropout=nn.Dropout(0.3),
                fc2=nn.Linear(128, num_classes),  # -> (N, 10)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)))


class SmallGoogLeNet(nn.Module):
    """Two convolutions and three inception modules, with batch norm (Szegedy et al. 2014)."""

    def __init__(self, num_classes: int = 10):
        super().__init__()
        inception = partial(Inception, batch_norm=True)
        self.features = nn.Sequential(
            OrderedDict(
                conv1=_norm_conv(3, 32),  # (N, 3, 32, 32) -> (N, 32, 32, 32)
                pool1=nn.MaxPool2d(2),  # -> (N, 32, 16, 16)
                conv2=_norm_conv(32, 64),  # -> (N, 64, 16, 16)
                inception_a=inception(64, 32, (32, 64), (8, 16), 16),  # -> (N, 128, 16, 16)
                pool2=nn.MaxPool2d(2),  # -> (N, 128, 8, 8)
                inception_b=inception(128, 48, (48, 80), (12, 24), 24),  # -> (N, 176, 8, 8)
                inception_c=inception(176, 64, (56, 112), (16, 32), 32),  # -> (N, 240, 8, 8)
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(
                pool=nn.AdaptiveAvgPool2d(1),  # -> (N, 240, 1, 1)
                flatten=nn.Flatten(),  # -> (N, 240)
                fc=nn.Linear(240, num_classes),  # -> (N, 10)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


_norm_conv = partial(convolution, kernel=3, padding=1, batch_norm=True)


# Residual networks -----------------------------------------------------------------------------------------------


class BasicA(Basic):
    """The basic block with option A, its zeros half in front of the maps and half behind, as in akamaster's code."""

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__(inputs, width, stride, shortcut="A")
        if self.downsample:
            self.downsample = _padding(inputs, width, stride)


class PreActivatedBasic(nn.Module):
    """The basic block with norm and ReLU before its convolutions; nothing is done to the sum (He et al. 2016)."""

    widening = 1

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.relu = nn.ReLU()
        self.downsample = _padding(inputs, width, stride) if inputs != width else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.relu(self.bn1(x)))
        y = self.conv2(self.relu(self.bn2(y)))
        return y + (self.downsample(x) if self.downsample else x)


def _padding(inputs: int, outputs: int, stride: int) -> Subsampled:
    return Subsampled(stride, outputs - inputs, before=(outputs - inputs) // 2)


class SmallResNet(nn.Module):
    """Three stages of blocks for 32×32 pictures (He et al. 2015, section 4.2).

    Layers are named as in github.com/akamaster/pytorch_resnet_cifar10, so that its published weights fit.

    Args:
        depth: 6n + 2 layers for n blocks in each stage.
        channels: of its pictures.
        widths: maps of the three stages.
        stride: of the first layer.
    """

    def __init__(
        self,
        block: type[nn.Module],
        depth: int,
        num_classes: int = 10,
        channels: int = 3,
        widths: tuple[int, int, int] = WIDTHS,
        stride: int = 1,
    ):
        super().__init__()
        blocks, (first, second, third) = (depth - 2) // 6, widths

        def stage(inputs: int, width: int, stride: int) -> nn.Sequential:
            return nn.Sequential(block(inputs, width, stride), *(block(width, width, 1) for _ in range(blocks - 1)))

        self.conv1 = nn.Conv2d(channels, first, 3, stride, padding=1, bias=False)  # (N, 3, 32, 32) -> (N, 16, 32, 32)
        self.bn1 = nn.BatchNorm2d(first)
        self.relu = nn.ReLU()
        self.layer1 = stage(first, first, 1)  # -> (N, 16, 32, 32)
        self.layer2 = stage(first, second, 2)  # -> (N, 32, 16, 16)
        self.layer3 = stage(second, third, 2)  # -> (N, 64, 8, 8)
        self.avgpool = nn.AdaptiveAvgPool2d(1)  # -> (N, 64, 1, 1)
        self.flatten = nn.Flatten()  # -> (N, 64)
        self.linear = nn.Linear(third, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def stem(self, x: Tensor) -> Tensor:
        return self.relu(self.bn1(self.conv1(x)))

    def features(self, x: Tensor) -> Tensor:
        return self.layer3(self.layer2(self.layer1(self.stem(x))))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.flatten(self.avgpool(self.features(x))))


class SmallResNetV2(SmallResNet):
    """Of pre-activated blocks: the first convolution is left as it is, and the last sum gets its norm and ReLU."""

    def __init__(self, depth: int, num_classes: int = 10):
        super().__init__(PreActivatedBasic, depth, num_classes)
        self.bn1 = nn.BatchNorm2d(64)

    def stem(self, x: Tensor) -> Tensor:
        return self.conv1(x)

    def features(self, x: Tensor) -> Tensor:
        return self.relu(self.bn1(super().features(x)))


cifar_resnet20 = partial(SmallResNet, BasicA, 20)
cifar_resnet32 = partial(SmallResNet, BasicA, 32)
cifar_plain20 = partial(SmallResNet, Plain, 20)
cifar_plain32 = partial(SmallResNet, Plain, 32)
cifar_resnet20_v2 = partial(SmallResNetV2, 20)


# Later families --------------------------------------------------------------------------------------------------

_SEPARABLE = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (1, 256))  # stride, maps


def cifar_mobilenet(num_classes: int = 10, width: float = 1.0) -> MobileNetV1:
    """Six separable blocks, which end in maps of 8×8 (Howard et al. 2017)."""
    return MobileNetV1(num_classes, width, resolution=32, blocks=_SEPARABLE, stride=1)


cifar_mobilenet_half = partial(cifar_mobilenet, width=0.5)


def cifar_densenet(num_classes: int = 10) -> nn.Module:
    """DenseNet-BC of 28 layers with k = 12 (Huang et al. 2016, section 4): torchvision's, with a first layer of 3×3."""
    from torchvision.models import DenseNet

    net = DenseNet(growth_rate=12, block_config=(4, 4, 4), num_init_features=24, num_classes=num_classes)
    net.features.conv0 = nn.Conv2d(3, 24, 3, padding=1, bias=False)  # (N, 3, 32, 32) -> (N, 24, 32, 32)
    nn.init.kaiming_normal_(net.features.conv0.weight)
    del net.features.pool0
    return net


_STAGES = (  # expansion, kernel, stride, inputs, maps, blocks
    (1, 3, 1, 24, 16, 1),  # (N, 24, 32, 32) -> (N, 16, 32, 32)
    (4, 3, 2, 16, 24, 2),  # -> (N, 24, 16, 16)
    (4, 5, 2, 24, 40, 2),  # -> (N, 40, 8, 8)
    (4, 3, 1, 40, 64, 3),  # -> (N, 64, 8, 8)
)


def cifar_efficientnet(num_classes: int = 10) -> nn.Module:
    """Inverted bottlenecks with gates (Tan & Le 2019): torchvision's, with a first layer of stride 1."""
    from torchvision.models.efficientnet import EfficientNet, MBConvConfig

    stages = [MBConvConfig(*stage) for stage in _STAGES]
    net = EfficientNet(stages, dropout=0.2, stochastic_depth_prob=0, num_classes=num_classes, last_channel=256)
    net.features[0][0].stride = (1, 1)
    return net


def cifar_convnext(num_classes: int = 10) -> nn.Module:
    """Three stages of ConvNeXt blocks (Liu et al. 2022): torchvision's, with patches of 2×2."""
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt

    widths = (32, 64, 96)
    stages = [CNBlockConfig(width, wider, 2) for width, wider in pairwise((*widths, None))]
    net = ConvNeXt(stages, num_classes=num_classes)
    net.features[0][0] = nn.Conv2d(3, widths[0], 2, 2)  # (N, 3, 32, 32) -> (N, 32, 16, 16)
    nn.init.trunc_normal_(net.features[0][0].weight, std=0.02)
    return net


NETWORKS = {
    "cifar_lenet5": cifar_lenet5,
    "cifar_lenet5_bn": cifar_lenet5_bn,
    "cifar_alexnet": cifar_alexnet,
    "cifar_zfnet": cifar_zfnet,
    "cifar_vgg": SmallVGG,
    "cifar_googlenet": SmallGoogLeNet,
    "cifar_plain20": cifar_plain20,
    "cifar_resnet20": cifar_resnet20,
    "cifar_plain32": cifar_plain32,
    "cifar_resnet32": cifar_resnet32,
    "cifar_resnet20_v2": cifar_resnet20_v2,
    "cifar_densenet": cifar_densenet,
    "cifar_mobilenet": cifar_mobilenet,
    "cifar_mobilenet_half": cifar_mobilenet_half,
    "cifar_efficientnet": cifar_efficientnet,
    "cifar_convnext": cifar_convnext,
}
