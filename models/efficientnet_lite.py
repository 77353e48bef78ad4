"""EfficientNet-Lite0 (Tan et al. 2020): EfficientNet-B0 of Tan & Le 2019 (arXiv 1905.11946, Table 1), for telephones.

Their repository, tensorflow/tpu, models/official/efficientnet/lite, says what is other than there: no gates
(squeeze-and-excitation), and ReLU6 in the place of swish.
"""

from collections import OrderedDict

from torch import nn

STAGES = (  # of the paper's table: expansion, kernel, maps, blocks, stride of the first
    (1, 3, 16, 1, 1),  # 2: (N, 32, 112, 112) -> (N, 16, 112, 112)
    (6, 3, 24, 2, 2),  # 3: -> (N, 24, 56, 56)
    (6, 5, 40, 2, 2),  # 4: -> (N, 40, 28, 28)
    (6, 3, 80, 3, 2),  # 5: -> (N, 80, 14, 14)
    (6, 5, 112, 3, 1),  # 6: -> (N, 112, 14, 14)
    (6, 5, 192, 4, 2),  # 7: -> (N, 192, 7, 7)
    (6, 3, 320, 1, 1),  # 8: -> (N, 320, 7, 7)
)
EPSILON, MOMENTUM = 1e-3, 0.01  # of batch norm, as TensorFlow counts neither: its momentum is 0.99


class EfficientNetLite0(nn.Module):
    """Stages of inverted bottlenecks between a first convolution and a last one of 1×1.

    Pictures are padded as TensorFlow's "SAME" pads sides that are multiples of 32: where a filter strides, one pixel
    more on the right and below than on the left and above.
    """

    def __init__(self, num_classes: int = 1000):
        super().__init__()
        stages, inputs = {}, 32
        for number, (expansion, kernel, outputs, blocks, stride) in enumerate(STAGES, 2):
            stage = {}
            for i in range(1, blocks + 1):
                stage[f"block{i}"] = InvertedResidual(inputs, outputs, kernel, stride if i == 1 else 1, expansion)
                inputs = outputs
            stages[f"stage{number}"] = nn.Sequential(OrderedDict(stage))
        self.features = nn.Sequential(
            OrderedDict(
                stem=_activated(3, 32, 3, 2),  # (N, 3, 224, 224) -> (N, 32, 112, 112)
                **stages,  # -> (N, 320, 7, 7)
                head=_activated(inputs, 1280, 1),  # -> (N, 1280, 7, 7)
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(
                pool=nn.AdaptiveAvgPool2d(1),  # -> (N, 1280, 1, 1)
                flatten=nn.Flatten(),  # -> (N, 1280)
                dropout=nn.Dropout(0.2),
                fc=nn.Linear(1280, num_classes),  # -> (N, 1000)
            )
        )

        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015; PyTorch's own choice lets 49 layers fade to nothing
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        return self.classifier(self.features(x))


class InvertedResidual(nn.Sequential):
    """Weights of 1×1 to more maps, a filter for each of these, weights of 1×1 to few; and a shortcut, where it fits.

    The last weights are followed by no activation (Sandler et al. 2018, section 3.2).
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        wide = expansion * inputs
        layers = {"expand": nn.Conv2d(inputs, wide, 1, bias=False), "bn0": _norm(wide), "relu0": nn.ReLU6()}
        super().__init__(
            OrderedDict(
                **(layers if expansion > 1 else {}),
                **_filter("depthwise", wide, wide, kernel, stride, groups=wide),
                bn1=_norm(wide),
                relu1=nn.ReLU6(),
                project=nn.Conv2d(wide, outputs, 1, bias=False),
                bn2=_norm(outputs),
            )
        )
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = super().forward(x)
        return x + y if self.is_residual else y


def _activated(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(**_filter("conv", inputs, outputs, kernel, stride), bn=_norm(outputs), relu=nn.ReLU6())
    )


def _filter(name: str, inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> dict[str, nn.Module]:
    """A convolution that gives a map as large as its input over the stride; before it zeros, where it strides."""
    if stride == 1:
        return {name: nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)}
    before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
    return {
        "pad": nn.ZeroPad2d((before, after, before, after)),
        name: nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False),
    }


def _norm(maps: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(maps, EPSILON, MOMENTUM)
