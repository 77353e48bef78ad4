"""MobileNet V1 (Howard et al. 2017, arXiv 1704.04861, Table 1)."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

BLOCKS = (  # stride, maps
    (1, 64),  # (N, 32, 112, 112) -> (N, 64, 112, 112)
    (2, 128),  # -> (N, 128, 56, 56)
    (1, 128),
    (2, 256),  # -> (N, 256, 28, 28)
    (1, 256),
    (2, 512),  # -> (N, 512, 14, 14)
    *[(1, 512)] * 5,
    (2, 1024),  # -> (N, 1024, 7, 7)
    (1, 1024),  # the paper prints a stride of 2 here, too; its 7×7 maps need 1
)


class MobileNetV1(nn.Module):
    """The paper's network: after a first convolution, each map is filtered by itself and 1×1 filters mix the maps.

    Args:
        width: α, by which the number of maps of every layer is multiplied.
        resolution: the side of its pictures, ρ times 224. The network is the same, and takes pictures of any size.
        separable: False for full 3×3 convolutions in place of depthwise and pointwise ones (Table 4).
        shallow: without the five layers of 512 maps of 14×14 (Table 5).
        blocks: stride and maps of every block.
        stride: of the first convolution.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width: float = 1.0,
        resolution: int = 224,
        separable: bool = True,
        shallow: bool = False,
        blocks: Sequence[tuple[int, int]] = BLOCKS,
        stride: int = 2,
    ):
        super().__init__()
        self.resolution = resolution
        blocks = [block for block in blocks if not (shallow and block == (1, 512))]
        maps = [max(1, round(width * outputs)) for outputs in (32, *(outputs for _, outputs in blocks))]
        build = _separable if separable else _convolution
        self.features = nn.Sequential(
            OrderedDict(
                conv1=_convolution(3, maps[0], stride),  # (N, 3, 224, 224) -> (N, 32, 112, 112)
                **{f"block{i}": build(maps[i - 1], maps[i], step) for i, (step, _) in enumerate(blocks, 1)},
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(
                pool=nn.AdaptiveAvgPool2d(1),  # -> (N, 1024, 1, 1)
                flatten=nn.Flatten(),  # -> (N, 1024)
                fc=nn.Linear(maps[-1], num_classes),  # -> (N, 1000)
            )
        )

        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015; PyTorch's own choice lets 27 layers fade to nothing
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        return self.classifier(self.features(x))


def _convolution(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            bn=nn.BatchNorm2d(outputs),
            relu=nn.ReLU(),
        )
    )


def _separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """A filter of 3×3 for each map, then weights of 1×1 from all maps to each map (figure 3)."""
    return nn.Sequential(
        OrderedDict(
            depthwise=nn.Conv2d(inputs, inputs, 3, stride, padding=1, groups=inputs, bias=False),
            bn1=nn.BatchNorm2d(inputs),
            relu1=nn.ReLU(),
            pointwise=nn.Conv2d(inputs, outputs, 1, bias=False),
            bn2=nn.BatchNorm2d(outputs),
            relu2=nn.ReLU(),
        )
    )
