"""The networks for CIFAR-10 as entries of the registry, each after the network that it is a small form of."""

from collections.abc import Mapping
from functools import partial

from models import cifar
from models.architecture import IMAGENET_MEAN, IMAGENET_STD, Architecture, Layers, Published, numbered
from models.images import Preprocess

PICTURES = Preprocess(32, 32, IMAGENET_MEAN, IMAGENET_STD)
RECODED = "The paper's error is for the original pictures; networks trained here learn from recoded ones (JPEG)."
SEPARABLE = numbered("features.conv1.relu", *(f"features.block{block}.relu2" for block in (1, 3, 6)))


def _entry(
    known: Mapping[str, Architecture],
    name: str,
    title: str,
    like: str,
    parameters: int,
    macs: int,
    layers: Layers,
    differs: str = "",
    published: Published = Published(),  # noqa: B008  (it cannot be changed)
) -> Architecture:
    """A form of the network `like`, whose family, year and paper it shares.

    Its layers end after the first one and where the maps of every size end, with their last activation.
    """
    of = known[like]
    return Architecture(
        f"cifar_{name}",
        f"{title} for CIFAR-10",
        cifar.NETWORKS[f"cifar_{name}"],
        (3, 32, 32),
        of.year,
        parameters,
        macs,
        of.paper,
        layers,
        of.family,
        preprocess=PICTURES,
        differs=differs,
        published=published,
    )


def for_cifar(known: Mapping[str, Architecture]) -> tuple[Architecture, ...]:
    """The small forms of networks that are known, by their names."""
    entry = partial(_entry, known)

    def residual(kind: str, title: str, depth: int, parameters: int, macs: int, **more: Published) -> Architecture:
        ends = (f"layer{stage}.{(depth - 2) // 6 - 1}.relu_1" for stage in (1, 2, 3))
        name, layers = f"{kind}{depth}", numbered("relu", *ends)
        return entry(name, f"{title}-{depth}", f"{kind}34", parameters, macs, layers, **more)

    return (
        entry(
            *("lenet5", "LeNet-5", "lenet5", 62_006, 651_720, known["lenet5"].layers),
            differs="colour pictures, dense C3, max pooling, ReLU and softmax",
        ),
        entry(
            *("lenet5_bn", "LeNet-5 + batch norm", "lenet5", 62_148, 651_720, known["lenet5"].layers),
            differs="colour pictures, batch norm, dense C3, max pooling, ReLU and softmax",
        ),
        entry(
            *("alexnet", "AlexNet", "alexnet_2012", 282_026, 7_021_824, known["zfnet"].layers),
            differs="fewer channels, batch norm, a first layer of 5×5 filters with stride 2",
        ),
        entry(
            *("zfnet", "ZFNet", "zfnet", 280_490, 26_412_288, known["zfnet"].layers),
            differs="fewer channels, batch norm, a first layer of 3×3 filters with stride 1",
        ),
        entry(
            *("vgg", "VGG", "vgg11", 254_954, 33_375_488),
            numbered(*(f"features.conv{i}.relu" for i in (1, 2, 4, 6))),
            differs="six convolutions of 32 to 96 channels, batch norm",
        ),
        entry(
            *("googlenet", "GoogLeNet", "googlenet_2014", 208_066, 22_663_520),
            numbered(*(f"features.conv{i}.relu" for i in (1, 2)), *(f"features.inception_{i}.cat" for i in "abc")),
            differs="three narrow inception modules, batch norm, no auxiliary heads",
        ),
        residual("plain", "Plain", 20, 269_722, 40_551_040),
        residual(
            *("resnet", "ResNet", 20, 269_722, 40_551_040), published=Published("0.27 M", None, "8.75 %", None, RECODED)
        ),
        residual("plain", "Plain", 32, 464_154, 68_862_592),
        residual(
            *("resnet", "ResNet", 32, 464_154, 68_862_592), published=Published("0.46 M", None, "7.51 %", None, RECODED)
        ),
        entry(
            *("resnet20_v2", "ResNet-20 v2", "resnet50_v2", 269_722, 40_551_040),
            numbered(*(f"layer{stage}.0.relu" for stage in (1, 2, 3)), "relu"),
            differs="20 layers, fewer than any in the paper",
        ),
        entry(
            *("densenet", "DenseNet", "densenet121", 102_778, 43_740_036),
            numbered("features.relu0", *(f"features.transition{i}.relu" for i in (1, 2)), "relu"),
            differs="28 layers, fewer than any in the paper, each with 12 new maps",
        ),
        entry(
            *("mobilenet", "MobileNet V1", "mobilenet_v1", 205_642, 20_867_584, SEPARABLE),
            differs="six separable blocks, up to 256 channels",
        ),
        entry(
            *("mobilenet_half", "MobileNet V1 α 0.5", "mobilenet_v1", 55_210, 5_715_200, SEPARABLE),
            differs="six separable blocks, up to 128 channels",
        ),
        entry(
            *("efficientnet", "EfficientNet", "efficientnet_b0", 175_084, 13_055_776),
            numbered("features.0.2", *(f"features.{block}.0.block.0.2" for block in (2, 3)), "features.5.2"),
            differs="eight blocks, up to 64 channels between them, two changes of size",
        ),
        entry(
            *("convnext", "ConvNeXt", "convnext_tiny", 286_410, 13_119_424),
            numbered("features.0.1.permute_1", *(f"features.{stage}.1.add" for stage in (1, 3, 5))),
            differs="three stages of two blocks, 32 to 96 channels, patches of 2×2",
        ),
    )
