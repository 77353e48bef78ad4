"""AlexNet (Krizhevsky, Sutskever & Hinton 2012, figure 2)."""

from collections import OrderedDict

from torch import nn


class AlexNet2012(nn.Module):
    """The paper's network. The two GPUs it was spread over are the two groups of conv2, conv4 and conv5.

    The paper says pictures of 224×224; its 55×55 maps come out of 227×227. The pool before the classifier changes
    nothing there and lets pictures of other sizes in.

    Args:
        groups: 1 for the same maps on a single GPU, where every map looks at all maps below.
    """

    def __init__(self, num_classes: int = 1000, groups: int = 2):
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(3, 96, 11, stride=4),  # (N, 3, 227, 227) -> (N, 96, 55, 55)
                relu1=nn.ReLU(),
                norm1=contrast_norm(),
                pool1=nn.MaxPool2d(3, 2),  # -> (N, 96, 27, 27)
                conv2=nn.Conv2d(96, 256, 5, padding=2, groups=groups),  # -> (N, 256, 27, 27)
                relu2=nn.ReLU(),
                norm2=contrast_norm(),
                pool2=nn.MaxPool2d(3, 2),  # -> (N, 256, 13, 13)
                conv3=nn.Conv2d(256, 384, 3, padding=1),  # -> (N, 384, 13, 13)
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(384, 384, 3, padding=1, groups=groups),  # -> (N, 384, 13, 13)
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(384, 256, 3, padding=1, groups=groups),  # -> (N, 256, 13, 13)
                relu5=nn.ReLU(),
                pool5=nn.MaxPool2d(3, 2),  # -> (N, 256, 6, 6)
            )
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = classifier(256, num_classes)

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)))


def classifier(maps: int, num_classes: int) -> nn.Sequential:
    """Two hidden layers of 4,096 with dropout, on maps of 6×6: (N, maps, 6, 6) -> (N, num_classes)."""
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),  # -> (N, 9216) of 256 maps
            fc6=nn.Linear(maps * 6 * 6, 4096),
            relu6=nn.ReLU(),
            dropout6=nn.Dropout(0.5),
            fc7=nn.Linear(4096, 4096),
            relu7=nn.ReLU(),
            dropout7=nn.Dropout(0.5),
            fc8=nn.Linear(4096, num_classes),
        )
    )


def contrast_norm() -> nn.LocalResponseNorm:
    """Normalisation across five maps, section 3.3: α = 10⁻⁴, β = 0.75, k = 2; torch divides its α by the five."""
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)
