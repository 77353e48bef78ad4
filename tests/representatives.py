"""The networks that stand for all in tests of what takes long: drawing, pages, recordings, searches.

What such tests can find depends on how operations are joined, not on how often. So a network is left out where another
of its family stays in which every kind of operation follows every kind that it follows in the one left out: no layer,
no activation, no sum, concatenation or gate of it, nor two of these in a row, is seen there for the first time.
tests/unit/test_representatives.py finds all of these pairs in every network, and so proves it of every one.
* Of families that only grow deeper or wider the least and the largest stay: ResNet-50 and 152, VGG-11, 16 and 19,
  DenseNet-121, 161 and 201, EfficientNet-B0, B1, B4 and B7, ConvNeXt-T, B and L.
* Of the networks for CIFAR-10 those stay that are joined as no other of their family is: VGG with batch norm between
  its layers, the three inceptions, padded shortcuts before and after a norm, and DenseNet without a first pool.
Facts, shapes, weights, names and their tables are tested for every network.
"""

from models import ARCHITECTURES

LEFT_OUT = {  # and who stands for it
    "vgg13": "vgg16",
    "resnet101": "resnet50",
    "resnet101_v1": "resnet50_v1",
    "resnet101_v2": "resnet50_v2",
    "densenet169": "densenet121",
    **dict.fromkeys(("efficientnet_b2", "efficientnet_b3", "efficientnet_b5", "efficientnet_b6"), "efficientnet_b0"),
    "convnext_small": "convnext_tiny",
    "cifar_lenet5": "lenet5",
    "cifar_lenet5_bn": "lenet5_bn",
    "cifar_alexnet": "alexnet_mini",
    "cifar_zfnet": "zfnet_mini",
    "cifar_plain20": "plain18",
    "cifar_plain32": "plain18",
    "cifar_resnet32": "cifar_resnet20",
    "cifar_mobilenet": "mobilenet_v1",
    "cifar_mobilenet_half": "mobilenet_v1",
    "cifar_efficientnet": "efficientnet_b0",
    "cifar_convnext": "convnext_tiny",
}
REPRESENTATIVES = tuple(name for name in ARCHITECTURES if name not in LEFT_OUT)
