"""LeNet-5 (LeCun, Bottou, Bengio & Haffner 1998) as it is built today."""

from collections import OrderedDict

from torch import nn


class LeNet5(nn.Module):
    """LeNet-5 with its published shapes; ReLU, max pooling, a dense C3 and a softmax in place of the originals.

    C5 is a convolution, as in the paper, so the kernels of all three layers can be seen.
    """

    def __init__(self, num_classes: int = 10):
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                c1=nn.Conv2d(1, 6, 5),  # (N, 1, 32, 32) -> (N, 6, 28, 28)
                relu1=nn.ReLU(),
                s2=nn.MaxPool2d(2),  # -> (N, 6, 14, 14)
                c3=nn.Conv2d(6, 16, 5),  # -> (N, 16, 10, 10)
                relu3=nn.ReLU(),
                s4=nn.MaxPool2d(2),  # -> (N, 16, 5, 5)
                c5=nn.Conv2d(16, 120, 5),  # -> (N, 120, 1, 1)
                relu5=nn.ReLU(),
            )
        )
        self.classifier = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),  # -> (N, 120)
                f6=nn.Linear(120, 84),  # -> (N, 84)
                relu6=nn.ReLU(),
                output=nn.Linear(84, num_classes),  # -> (N, 10)
            )
        )

    def forward(self, x):
        return self.classifier(self.features(x))
