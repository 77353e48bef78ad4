"""ZFNet (Zeiler & Fergus 2013, arXiv 1311.2901, figure 3)."""

from collections import OrderedDict

from torch import nn

from models.alexnet import classifier, contrast_norm


class ZFNet(nn.Module):
    """The paper's network; its shapes come out with one pixel of padding at conv1, none at conv2, pools that round up.

    The pool before the classifier changes nothing at 224×224 and lets larger pictures in.

    Args:
        widths: the maps of conv3, conv4 and conv5; Table 3 also has a network of 512, 1024 and 512.
    """

    def __init__(self, num_classes: int = 1000, widths: tuple[int, int, int] = (384, 384, 256)):
        super().__init__()
        third, fourth, fifth = widths
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(3, 96, 7, stride=2, padding=1),  # (N, 3, 224, 224) -> (N, 96, 110, 110)
                relu1=nn.ReLU(),
                pool1=nn.MaxPool2d(3, 2, ceil_mode=True),  # -> (N, 96, 55, 55)
                norm1=contrast_norm(),
                conv2=nn.Conv2d(96, 256, 5, stride=2),  # -> (N, 256, 26, 26)
                relu2=nn.ReLU(),
                pool2=nn.MaxPool2d(3, 2, ceil_mode=True),  # -> (N, 256, 13, 13)
                norm2=contrast_norm(),
                conv3=nn.Conv2d(256, third, 3, padding=1),  # -> (N, 384, 13, 13)
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(third, fourth, 3, padding=1),  # -> (N, 384, 13, 13)
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(fourth, fifth, 3, padding=1),  # -> (N, 256, 13, 13)
                relu5=nn.ReLU(),
                pool5=nn.MaxPool2d(3, 2),  # -> (N, 256, 6, 6)
            )
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = classifier(fifth, num_classes)

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)))
