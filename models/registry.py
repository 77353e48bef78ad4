"""Every network that can be opened, with what was published about it; tests recompute the facts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from torch import nn

from models.images import Preprocess
from models.lenet import LeNet5
from models.mini import alexnet_mini, zfnet_mini
from models.zfnet import ZFNet

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Preprocess(256, 224, IMAGENET_MEAN, IMAGENET_STD)


@dataclass(frozen=True)
class Architecture:
    """One network: how it is built, what it wants to see, and the facts that were published about it."""

    name: str
    title: str
    build: Callable[..., nn.Module]
    input_shape: tuple[int, int, int]  # (C, H, W) of the facts below
    year: int
    parameters: int
    macs: int  # multiply-adds of convolutions and linear layers, batch 1
    paper: str
    layers: Mapping[str, str]  # "1" … "5", or the paper's names -> operation in the trace
    preprocess: Preprocess = IMAGENET
    torchvision_weights: Callable[[], "WeightsEnum"] | None = None
    classify_at: int | None = None  # the side at which the weights were trained, where pictures are shown larger
    differs: str = ""  # from the paper, in a few words
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({"num_classes": int}))


def _torchvision(name: str, **fixed: object) -> Callable[..., nn.Module]:
    """torchvision's builder of that name; importing torchvision takes a second, so it waits until it is needed."""

    def build(**options: object) -> nn.Module:
        import torchvision

        return getattr(torchvision.models, name)(weights=None, **fixed, **options)

    return build


def _pretrained(name: str) -> Callable[[], "WeightsEnum"]:
    """torchvision's entry of that name: its URL, categories and published numbers."""

    def entry() -> "WeightsEnum":
        import torchvision

        return torchvision.models.get_weight(name)

    return entry


def _layers(*operations: str) -> Mapping[str, str]:
    return MappingProxyType({str(i): operation for i, operation in enumerate(operations, 1)})


MINI = Preprocess(224, 224, IMAGENET_MEAN, IMAGENET_STD)
MINI_LAYERS = _layers(*(f"features.relu{i}" for i in range(1, 6)))

_ENTRIES = (
    Architecture(
        "zfnet_mini",
        "ZFNet mini",
        zfnet_mini,
        (3, 64, 64),
        2013,
        parameters=2_861_448,
        macs=127_413_248,
        paper="Zeiler & Fergus 2013",
        layers=MINI_LAYERS,
        preprocess=MINI,
        classify_at=64,
        differs="fewer feature maps, batch norm, 64×64 pictures",
    ),
    Architecture(
        "alexnet_mini",
        "AlexNet mini",
        alexnet_mini,
        (3, 64, 64),
        2012,
        parameters=1_695_624,
        macs=35_449_856,
        paper="Krizhevsky, Sutskever & Hinton 2012",
        layers=MINI_LAYERS,
        preprocess=MINI,
        classify_at=64,
        differs="fewer feature maps, batch norm, 64×64 pictures",
    ),
    Architecture(
        "lenet5",
        "LeNet-5",
        LeNet5,
        (1, 32, 32),
        1998,
        parameters=61_706,
        macs=416_520,
        paper="LeCun, Bottou, Bengio & Haffner 1998",
        layers=MappingProxyType({"C1": "features.relu1", "C3": "features.relu3", "C5": "features.relu5"}),
        preprocess=Preprocess(32, 32, (0.1307,), (0.3081,)),
        differs="dense C3, max pooling, ReLU and softmax",
    ),
    Architecture(
        "alexnet",
        "AlexNet",
        _torchvision("alexnet"),
        (3, 224, 224),
        2012,
        parameters=61_100_840,
        macs=714_188_480,
        paper="Krizhevsky 2014 (one weird trick), as in torchvision",
        layers=_layers("features.1", "features.4", "features.7", "features.9", "features.11"),
        torchvision_weights=_pretrained("AlexNet_Weights.IMAGENET1K_V1"),
        differs="one tower of 64-192-384-256-256 maps, no contrast normalisation",
    ),
    Architecture(
        "zfnet",
        "ZFNet",
        ZFNet,
        (3, 224, 224),
        2013,
        parameters=62_357_608,
        macs=1_168_032_896,
        paper="Zeiler & Fergus 2013",
        layers=_layers(*(f"features.relu{i}" for i in range(1, 6))),
    ),
    Architecture(
        "vgg16",
        "VGG-16",
        _torchvision("vgg16"),
        (3, 224, 224),
        2014,
        parameters=138_357_544,
        macs=15_470_264_320,
        paper="Simonyan & Zisserman 2014",
        layers=_layers("features.3", "features.8", "features.15", "features.22", "features.29"),
        torchvision_weights=_pretrained("VGG16_Weights.IMAGENET1K_V1"),
    ),
    Architecture(
        "googlenet",
        "GoogLeNet",
        # Its weights come from TensorFlow, hence the other normalisation, which torchvision puts inside the network.
        _torchvision("googlenet", aux_logits=False, transform_input=False, init_weights=False),
        (3, 224, 224),
        2014,
        parameters=6_624_904,
        macs=1_498_376_192,
        paper="Szegedy et al. 2014, as in torchvision",
        layers=_layers("conv1.relu", "conv3.relu", "inception3b.cat", "inception4e.cat", "inception5b.cat"),
        preprocess=Preprocess(256, 224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        torchvision_weights=_pretrained("GoogLeNet_Weights.IMAGENET1K_V1"),
        differs="batch norm, 3×3 filters in the “5×5” branch, no auxiliary heads",
    ),
    Architecture(
        "resnet18",
        "ResNet-18",
        _torchvision("resnet18"),
        (3, 224, 224),
        2015,
        parameters=11_689_512,
        macs=1_814_073_344,
        paper="He, Zhang, Ren & Sun 2015",
        layers=_layers("relu", "layer1.1.relu_1", "layer2.1.relu_1", "layer3.1.relu_1", "layer4.1.relu_1"),
        torchvision_weights=_pretrained("ResNet18_Weights.IMAGENET1K_V1"),
    ),
    Architecture(
        "resnet50",
        "ResNet-50",
        _torchvision("resnet50"),
        (3, 224, 224),
        2015,
        parameters=25_557_032,
        macs=4_089_184_256,
        paper="He, Zhang, Ren & Sun 2015, as in torchvision (v1.5)",
        layers=_layers("relu", "layer1.2.relu_2", "layer2.3.relu_2", "layer3.5.relu_2", "layer4.2.relu_2"),
        torchvision_weights=_pretrained("ResNet50_Weights.IMAGENET1K_V1"),
        differs="stride in the 3×3 convolution instead of the first 1×1",
    ),
    Architecture(
        "mobilenet_v2",
        "MobileNet V2",
        _torchvision("mobilenet_v2"),
        (3, 224, 224),
        2018,
        parameters=3_504_872,
        macs=300_774_272,
        paper="Sandler, Howard, Zhu, Zhmoginov & Chen 2018",
        # the last ReLU6 at every resolution
        layers=_layers(
            "features.1.conv.0.2", "features.3.conv.1.2", "features.6.conv.1.2", "features.13.conv.1.2", "features.18.2"
        ),
        torchvision_weights=_pretrained("MobileNet_V2_Weights.IMAGENET1K_V1"),
        options=MappingProxyType({"num_classes": int, "width_mult": float}),
    ),
)

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
