"""Every network that can be opened, in the order of their story, with what was published; tests recompute the facts."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from PIL.Image import Resampling
from torch import nn

from models.alexnet import AlexNet2012
from models.architecture import CLASSES, IMAGENET_MEAN, IMAGENET_STD, Architecture, Layers, Published, numbered
from models.catalogue import Catalogue
from models.cifar_entries import for_cifar
from models.efficientnet_lite import EfficientNetLite0
from models.googlenet import GoogLeNet2014
from models.images import Preprocess
from models.lenet import LeNet5, LeNet5_1998
from models.mini import alexnet_mini, zfnet_mini
from models.mobilenet import MobileNetV1
from models.options import Choice, Number, Option, Phrase, Switch
from models.resnet import BLOCKS, plain, resnet, resnet_v1, resnet_v2
from models.zfnet import ZFNet

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

# What entries are made of ----------------------------------------------------------------------------------------

COLOUR = (3, 224, 224)
MNIST = Preprocess(32, 32, (0.1307,), (0.3081,))
RELU_1_TO_5 = numbered(*(f"features.relu{i}" for i in range(1, 6)))

# Why a number that is printed is not the one that is counted.
SPARSE = "The paper's C3 is sparse, its subsampling is trained and its output layer is not."
TABLE_1 = "The paper's table counts in units of 1,024, and some rows do not match the listed widths."
STRIDE = "With the stride in the 3×3 convolution, the first blocks of three stages cost more than in the paper."
WITHOUT_CLASSIFIER = "The paper's number leaves out the 1.024 M of the classifier."
WITHOUT_NORM = "The paper's 1.32 M leave out batch norm, and it rounds 76.5 M down."
OPTION_B = (
    "The errors are for projections where the shape changes (option B), as built here. With parameter-free shortcuts "
    "(option A) they are 25.03 % and 7.76 %, and the MACs 3.644 G."
)
WIDER_PICTURES = "The paper's errors are for 320×320 pictures."
OF_REPOSITORY = "The published numbers are its repository's, not a paper's; how it counted is not said."
UNEXPLAINED = "The paper does not say how it counted; the numbers here follow from the layers alone."


WIDTH = Number("width", Phrase("Width α"), 1.0, 0.01, 16.0, step=0.05, digits=2)
WIDTH_MULT = replace(WIDTH, name="width_mult")
SHORTCUT = Choice("shortcut", Phrase("Shortcut"), ("A", "B", "C"), "B", shown_as="list")


def _options(*more: Option) -> Mapping[str, Option]:
    return MappingProxyType({option.name: option for option in (CLASSES, *more)})


def _pictures(side: int, resize: int, resample: Resampling = Resampling.BILINEAR) -> Preprocess:
    return Preprocess(resize, side, IMAGENET_MEAN, IMAGENET_STD, resample)


def _published_with(
    *known: tuple[Mapping[str, object], Published],
) -> Mapping[frozenset[tuple[str, object]], Published]:
    return MappingProxyType({frozenset(unusual.items()): printed for unusual, printed in known})


def _torchvision(name: str, **fixed: object) -> Callable[..., nn.Module]:
    """torchvision's builder of that name; importing torchvision takes a second, so it waits until it is needed."""

    def build(**options: object) -> nn.Module:
        import torchvision

        return getattr(torchvision.models, name)(weights=None, **fixed, **options)

    return build


def _pretrained(name: str, accuracy: float) -> dict[str, object]:
    """torchvision's weights of that name, with their URL and categories, and the accuracy it publishes for them."""

    def entry() -> "WeightsEnum":
        import torchvision

        return torchvision.models.get_weight(f"{name}_Weights.IMAGENET1K_V1")

    return {"torchvision_weights": entry, "accuracy": accuracy, "accuracy_of": "torchvision"}


# Families --------------------------------------------------------------------------------------------------------


def _vgg(depth: int, ends: tuple[int, ...], parameters: int, macs: int, accuracy: float, *printed: str) -> Architecture:
    return Architecture(
        f"vgg{depth}",
        f"VGG-{depth}",
        _torchvision(f"vgg{depth}"),
        COLOUR,
        2014,
        parameters,
        macs,
        "Simonyan & Zisserman 2014",
        layers=numbered(*(f"features.{end}" for end in ends)),
        family="vgg",
        published=Published(printed[0], None, *printed[1:]),
        **_pretrained(f"VGG{depth}", accuracy),
    )


def _resnet(
    name: str, title: str, build: Callable[..., nn.Module], depth: int, parameters: int, macs: int, **more: object
) -> Architecture:
    """Its layers end after the stem and after the last sum of every stage."""
    relu = "relu_1" if depth < 50 else "relu_2"
    ends = (f"layer{stage}.{blocks - 1}.{relu}" for stage, blocks in enumerate(BLOCKS[depth], 1))
    facts = {"year": 2015, "paper": "He, Zhang, Ren & Sun 2015", "layers": numbered("relu", *ends), "family": "resnet"}
    return Architecture(name, title, build, COLOUR, parameters=parameters, macs=macs, **facts | more)


def _resnet_v1_5(depth: int, macs: int, accuracy: float, *printed: str) -> Architecture:
    return _resnet(
        f"resnet{depth}",
        f"ResNet-{depth}",
        _torchvision(f"resnet{depth}"),
        depth,
        RESNET_PARAMETERS[depth],
        macs,
        paper="He, Zhang, Ren & Sun 2015 (torchvision, v1.5)",
        differs="stride in the 3×3 convolution instead of the first 1×1",
        published=Published(None, *printed, STRIDE),
        **_pretrained(f"ResNet{depth}", accuracy),
    )


RESNET_PARAMETERS = {50: 25_557_032, 101: 44_549_160, 152: 60_192_808}  # the stride changes none of them


def _resnet_v2(depth: int, parameters: int, macs: int, *printed: str | None) -> Architecture:
    """Its sums are rectified by the first block of the next stage, or by the last ReLU."""
    return _resnet(
        f"resnet{depth}_v2",
        f"ResNet-{depth} v2",
        partial(resnet_v2, depth),
        depth,
        parameters,
        macs,
        year=2016,
        paper="He, Zhang, Ren & Sun 2016",
        layers=numbered("relu", "layer2.0.relu", "layer3.0.relu", "layer4.0.relu", "relu_1"),
        family="resnet_v2",
        published=Published(*printed),
    )


def _densenet(depth: int, parameters: int, macs: int, accuracy: float, *printed: str | None) -> Architecture:
    """Its layers end where a transition, or the last ReLU, rectifies all maps of a block."""
    return Architecture(
        f"densenet{depth}",
        f"DenseNet-{depth}",
        _torchvision(f"densenet{depth}"),
        COLOUR,
        2016,
        parameters,
        macs,
        "Huang, Liu, van der Maaten & Weinberger 2016",
        layers=numbered("features.relu0", *(f"features.transition{i}.relu" for i in (1, 2, 3)), "relu"),
        family="densenet",
        published=Published(*printed),
        **_pretrained(f"DenseNet{depth}", accuracy),
    )


def _efficientnet(
    size: int, side: int, resize: int, parameters: int, macs: int, accuracy: float, *printed: str, **more: object
) -> Architecture:
    """Blocks end without an activation, so its layers are the last SiLU at every resolution."""
    return Architecture(
        f"efficientnet_b{size}",
        f"EfficientNet-B{size}",
        _torchvision(f"efficientnet_b{size}"),
        (3, side, side),
        2019,
        parameters,
        macs,
        "Tan & Le 2019",
        layers=numbered(*(f"features.{block}.0.block.0.2" for block in (2, 3, 4, 6)), "features.8.2"),
        family="efficientnet",
        preprocess=_pictures(side, resize, Resampling.BICUBIC),
        published=Published(*printed),
        **_pretrained(f"EfficientNet_B{size}", accuracy),
        **more,
    )


def _convnext(
    size: str, blocks: tuple[int, ...], resize: int, parameters: int, macs: int, accuracy: float, *printed: str
) -> Architecture:
    """Its layers are the stem and the last sum of every stage; its GELUs lie inside blocks, where maps come last."""
    ends = (f"features.{2 * stage - 1}.{count - 1}.add" for stage, count in enumerate(blocks, 1))
    return Architecture(
        f"convnext_{size}",
        f"ConvNeXt-{size[0].upper()}",
        _torchvision(f"convnext_{size}"),
        COLOUR,
        2022,
        parameters,
        macs,
        "Liu, Mao, Wu, Feichtenhofer, Darrell & Xie 2022",
        layers=numbered("features.0.1.permute_1", *ends),
        family="convnext",
        preprocess=_pictures(224, resize),
        published=Published(*printed),
        **_pretrained(f"ConvNeXt_{size.title()}", accuracy),
    )


def _mobilenet_v1_layers(shallow: bool = False, separable: bool = True, **_: object) -> Layers:
    """The last ReLU at every resolution."""
    relu = "relu2" if separable else "relu"
    return numbered(*(f"features.block{block}.{relu}" for block in (1, 3, 5, *((6, 8) if shallow else (11, 13)))))


# The networks ----------------------------------------------------------------------------------------------------

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
        layers=RELU_1_TO_5,
        family="zfnet",
        preprocess=_pictures(224, 224),
        classify_at=64,
        differs="fewer channels, batch norm, 64×64 pictures",
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
        layers=RELU_1_TO_5,
        family="alexnet",
        preprocess=_pictures(224, 224),
        classify_at=64,
        differs="fewer channels, batch norm, 64×64 pictures",
    ),
    Architecture(
        "lenet5_1998",
        "LeNet-5 original",
        LeNet5_1998,
        (1, 32, 32),
        1998,
        parameters=60_000,
        macs=325_680,
        paper="LeCun, Bottou, Bengio & Haffner 1998",
        layers=MappingProxyType({f"C{i}": f"features.tanh{i}.mul_1" for i in (1, 3, 5)}),
        family="lenet",
        preprocess=MNIST,
        differs="outputs with opposite sign, so that the nearest class has the largest",
        published=Published("60,000", None, "0.95 %"),
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
        layers=MappingProxyType({f"C{i}": f"features.relu{i}" for i in (1, 3, 5)}),
        family="lenet",
        preprocess=MNIST,
        differs="dense C3, max pooling, ReLU and softmax",
        published=Published("60,000", None, "0.95 %", None, SPARSE),
    ),
    Architecture(
        "lenet5_bn",
        "LeNet-5 + batch norm",
        partial(LeNet5, batch_norm=True),
        (1, 32, 32),
        1998,
        parameters=61_848,
        macs=416_520,
        paper="LeCun, Bottou, Bengio & Haffner 1998",
        layers=MappingProxyType({f"C{i}": f"features.relu{i}" for i in (1, 3, 5)}),
        family="lenet",
        preprocess=MNIST,
        differs="batch norm, dense C3, max pooling, ReLU and softmax",
        published=Published("60,000", None, "0.95 %", None, SPARSE),
    ),
    Architecture(
        "alexnet_2012",
        "AlexNet original",
        AlexNet2012,
        (3, 227, 227),
        2012,
        parameters=60_965_224,
        macs=724_406_816,
        paper="Krizhevsky, Sutskever & Hinton 2012",
        layers=RELU_1_TO_5,
        family="alexnet",
        preprocess=_pictures(227, 256),
        differs="227×227 pictures, which give its 55×55 maps",
        options=_options(Choice("groups", Phrase("Groups (one per GPU)"), (1, 2), 2, shown_as="list")),
        published=Published("60 M", None, "40.7 %", "18.2 %", "The paper rounds 60.97 M down."),
    ),
    Architecture(
        "alexnet",
        "AlexNet",
        _torchvision("alexnet"),
        COLOUR,
        2012,
        parameters=61_100_840,
        macs=714_188_480,
        paper="Krizhevsky 2014 (one weird trick; torchvision)",
        layers=numbered("features.1", "features.4", "features.7", "features.9", "features.11"),
        family="alexnet",
        differs="one tower of 64-192-384-256-256 channels, no contrast normalisation",
        **_pretrained("AlexNet", 56.522),
    ),
    Architecture(
        "zfnet",
        "ZFNet",
        ZFNet,
        COLOUR,
        2013,
        parameters=62_357_608,
        macs=1_168_032_896,
        paper="Zeiler & Fergus 2013",
        layers=RELU_1_TO_5,
        family="zfnet",
        published=Published(None, None, "38.4 %", "16.5 %"),
    ),
    Architecture(
        "zfnet_wide",
        "ZFNet 512-1024-512",
        partial(ZFNet, widths=(512, 1024, 512)),
        COLOUR,
        2013,
        parameters=107_627_624,
        macs=2_476_704_896,
        paper="Zeiler & Fergus 2013",
        layers=RELU_1_TO_5,
        family="zfnet",
        published=Published(None, None, "37.5 %", "16.0 %"),
    ),
    _vgg(11, (1, 4, 9, 14, 19), 132_863_336, 7_609_090_048, 69.020, "133 M", "29.6 %", "10.4 %"),
    _vgg(13, (3, 8, 13, 18, 23), 133_047_848, 11_308_466_176, 69.928, "133 M", "28.7 %", "9.9 %"),
    _vgg(16, (3, 8, 15, 22, 29), 138_357_544, 15_470_264_320, 71.592, "138 M", "25.6 %", "8.1 %"),
    _vgg(19, (3, 8, 17, 26, 35), 143_667_240, 19_632_062_464, 72.376, "144 M", "25.5 %", "8.0 %"),
    Architecture(
        "googlenet_2014",
        "GoogLeNet original",
        GoogLeNet2014,
        COLOUR,
        2014,
        parameters=6_998_552,
        macs=1_582_671_872,
        paper="Szegedy et al. 2014",
        layers=numbered("conv1.relu", "conv2.relu", "inception_3b.cat", "inception_4e.cat", "inception_5b.cat"),
        family="googlenet",
        options=_options(Switch("aux", Phrase("Auxiliary heads"))),
        published=Published("6.8 M", "1.5 G", None, "10.07 %", TABLE_1),
    ),
    Architecture(
        "googlenet",
        "GoogLeNet",
        # Its weights come from TensorFlow, hence the other normalisation, which torchvision puts inside the network.
        _torchvision("googlenet", aux_logits=False, transform_input=False, init_weights=False),
        COLOUR,
        2014,
        parameters=6_624_904,
        macs=1_498_376_192,
        paper="Szegedy et al. 2014 (torchvision)",
        layers=numbered("conv1.relu", "conv3.relu", "inception3b.cat", "inception4e.cat", "inception5b.cat"),
        family="googlenet",
        preprocess=Preprocess(256, 224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        differs="batch norm, 3×3 filters in the “5×5” branch, no auxiliary heads",
        published=Published("6.8 M", "1.5 G", None, "10.07 %", "3×3 filters in the “5×5” branch have fewer weights."),
        **_pretrained("GoogLeNet", 69.778),
    ),
    _resnet(
        "plain18",
        "Plain-18",
        partial(plain, 18),
        depth=18,
        parameters=11_515_688,
        macs=1_794_805_760,
        family="plain",
        published=Published(None, "1.8 G", "27.94 %"),
    ),
    _resnet(
        "plain34",
        "Plain-34",
        partial(plain, 34),
        depth=34,
        parameters=21_623_848,
        macs=3_644_493_824,
        family="plain",
        published=Published(None, "3.6 G", "28.54 %", "10.02 %"),
    ),
    _resnet(
        "resnet18",
        "ResNet-18",
        partial(resnet, 18),
        depth=18,
        parameters=11_689_512,
        macs=1_814_073_344,
        options=_options(SHORTCUT),
        published=Published(
            None, "1.8 G", "27.88 %", None, "The paper's number is for parameter-free shortcuts (option A)."
        ),
        published_with=_published_with(({"shortcut": "A"}, Published(None, "1.8 G", "27.88 %"))),
        **_pretrained("ResNet18", 69.758),
    ),
    _resnet(
        "resnet34",
        "ResNet-34",
        partial(resnet, 34),
        depth=34,
        parameters=21_797_672,
        macs=3_663_761_408,
        options=_options(SHORTCUT),
        published=Published(None, "3.6 G", "24.52 %", "7.46 %", OPTION_B),
        published_with=_published_with(
            ({"shortcut": "A"}, Published(None, "3.6 G", "25.03 %", "7.76 %")),
            ({"shortcut": "C"}, Published(None, None, "24.19 %", "7.40 %")),
        ),
        **_pretrained("ResNet34", 73.314),
    ),
    _resnet_v1_5(50, 4_089_184_256, 76.130, "3.8 G", "22.85 %", "6.71 %"),
    _resnet_v1_5(101, 7_801_405_440, 77.374, "7.6 G", "21.75 %", "6.05 %"),
    _resnet_v1_5(152, 11_513_626_624, 78.312, "11.3 G", "21.43 %", "5.71 %"),
    _resnet(
        "resnet50_v1",
        "ResNet-50 v1",
        partial(resnet_v1, 50),
        depth=50,
        parameters=RESNET_PARAMETERS[50],
        macs=3_857_973_248,
        published=Published(None, "3.8 G", "22.85 %", "6.71 %", "The paper rounds 3.858 G down."),
    ),
    _resnet(
        "resnet101_v1",
        "ResNet-101 v1",
        partial(resnet_v1, 101),
        depth=101,
        parameters=RESNET_PARAMETERS[101],
        macs=7_570_194_432,
        published=Published(None, "7.6 G", "21.75 %", "6.05 %"),
    ),
    _resnet(
        "resnet152_v1",
        "ResNet-152 v1",
        partial(resnet_v1, 152),
        depth=152,
        parameters=RESNET_PARAMETERS[152],
        macs=11_282_415_616,
        published=Published(None, "11.3 G", "21.43 %", "5.71 %"),
    ),
    _resnet_v2(50, 25_549_352, 3_857_973_248),
    _resnet_v2(101, 44_541_480, 7_570_194_432),
    _resnet_v2(152, 60_185_128, 11_282_415_616, None, None, "21.1 %", "5.5 %", WIDER_PICTURES),
    _densenet(121, 7_978_856, 2_834_161_664, 74.434, None, None, "25.02 %", "7.71 %"),
    _densenet(161, 28_681_000, 7_727_907_072, 77.138),
    _densenet(169, 14_149_480, 3_359_843_328, 75.600, None, None, "23.80 %", "6.85 %"),
    _densenet(201, 20_013_928, 4_291_365_888, 76.896, "20 M", None, "22.58 %", "6.34 %"),
    Architecture(
        "squeezenet1_0",
        "SqueezeNet 1.0",
        _torchvision("squeezenet1_0"),
        COLOUR,
        2016,
        parameters=1_248_424,
        macs=818_924_576,
        paper="Iandola et al. 2016",
        layers=numbered("features.1", "features.5.cat", "features.10.cat", "features.12.cat", "classifier.2"),
        family="squeezenet",
        differs="first maps of 109×109; the paper says 111×111",
        published=Published("1,248,424", None, "42.5 %", "19.7 %"),
        **_pretrained("SqueezeNet1_0", 58.092),
    ),
    Architecture(
        "squeezenet1_1",
        "SqueezeNet 1.1",
        _torchvision("squeezenet1_1"),
        COLOUR,
        2016,
        parameters=1_235_496,
        macs=349_151_936,
        paper="Iandola et al. 2016",
        layers=numbered("features.1", "features.4.cat", "features.7.cat", "features.12.cat", "classifier.2"),
        family="squeezenet",
        differs="a smaller first layer and earlier pooling, the authors' later version",
        **_pretrained("SqueezeNet1_1", 58.178),
    ),
    Architecture(
        "mobilenet_v1",
        "MobileNet V1",
        MobileNetV1,
        COLOUR,
        2017,
        parameters=4_231_976,
        macs=568_740_352,
        paper="Howard et al. 2017",
        layers=_mobilenet_v1_layers(),
        family="mobilenet_v1",
        differs="stride 1 in the last depthwise layer, where the paper prints 2",
        options=_options(
            WIDTH,
            Choice("resolution", Phrase("Resolution"), (224, 192, 160, 128)),
            Switch("separable", Phrase("Depthwise separable"), True),
            Switch("shallow", Phrase("Shallow")),
        ),
        layers_with=_mobilenet_v1_layers,
        published=Published("4.2 M", "569 M", "29.4 %"),
        published_with=_published_with(
            ({"separable": False}, Published("29.3 M", "4866 M", "28.3 %", None, WITHOUT_CLASSIFIER)),  # table 4
            ({"shallow": True}, Published("2.9 M", "307 M", "34.7 %")),  # table 5
            ({"width": 0.75}, Published("2.6 M", "325 M", "31.6 %")),  # table 6
            ({"width": 0.5}, Published("1.3 M", "149 M", "36.3 %")),
            ({"width": 0.25}, Published("0.5 M", "41 M", "49.4 %")),
            ({"side": 192}, Published("4.2 M", "418 M", "30.9 %")),  # table 7
            ({"side": 160}, Published("4.2 M", "290 M", "32.8 %", None, "The paper rounds 290.7 M down.")),
            ({"side": 128}, Published("4.2 M", "186 M", "35.6 %")),
            ({"width": 0.5, "side": 160}, Published("1.32 M", "76 M", "39.8 %", None, WITHOUT_NORM)),  # table 9
        ),
        accuracy=70.6,
        accuracy_of="paper",
    ),
    Architecture(
        "mobilenet_v2",
        "MobileNet V2",
        _torchvision("mobilenet_v2"),
        COLOUR,
        2018,
        parameters=3_504_872,
        macs=300_774_272,
        paper="Sandler, Howard, Zhu, Zhmoginov & Chen 2018",
        # blocks end without an activation, so these are the last ReLU6 at every resolution
        layers=numbered(
            *(f"features.{block}" for block in ("1.conv.0.2", "3.conv.1.2", "6.conv.1.2", "13.conv.1.2", "18.2"))
        ),
        family="mobilenet_v2",
        options=_options(WIDTH_MULT),
        published=Published("3.4 M", "300 M", "28.0 %", None, UNEXPLAINED),
        **_pretrained("MobileNet_V2", 71.878),
    ),
    Architecture(
        "mobilenet_v3_small",
        "MobileNet V3 small",
        _torchvision("mobilenet_v3_small"),
        COLOUR,
        2019,
        parameters=2_542_856,
        macs=56_510_400,
        paper="Howard et al. 2019",
        # again the last activations at every resolution, before the blocks' gates
        layers=numbered(
            *(f"features.{block}" for block in ("0.2", "2.block.0.2", "4.block.0.2", "9.block.0.2", "12.2"))
        ),
        family="mobilenet_v3",
        options=_options(WIDTH_MULT),
        published=Published("2.5 M", "56 M", "32.6 %", None, UNEXPLAINED),
        **_pretrained("MobileNet_V3_Small", 67.668),
    ),
    Architecture(
        "mobilenet_v3_large",
        "MobileNet V3 large",
        _torchvision("mobilenet_v3_large"),
        COLOUR,
        2019,
        parameters=5_483_032,
        macs=216_589_760,
        paper="Howard et al. 2019",
        layers=numbered(*(f"features.{block}.block.0.2" for block in (2, 4, 7, 13)), "features.16.2"),
        family="mobilenet_v3",
        options=_options(WIDTH_MULT),
        published=Published("5.4 M", "219 M", "24.8 %", None, UNEXPLAINED),
        **_pretrained("MobileNet_V3_Large", 74.042),
    ),
    _efficientnet(0, 224, 256, 5_288_548, 385_814_752, 77.692, "5.3 M", "0.39 G", "22.9 %", "6.7 %"),
    _efficientnet(1, 240, 256, 7_794_184, 686_802_832, 78.642, "7.8 M", "0.70 G", "20.9 %", "5.6 %", UNEXPLAINED),
    _efficientnet(
        2,
        288,
        288,
        9_109_994,
        1_087_529_456,
        80.608,
        *("9.2 M", "1.0 G", "19.9 %", "5.1 %", UNEXPLAINED),
        differs="288×288 instead of 260×260 pixels",
    ),
    _efficientnet(3, 300, 320, 12_233_232, 1_827_141_392, 82.008, "12 M", "1.8 G", "18.4 %", "4.3 %"),
    _efficientnet(4, 380, 384, 19_341_616, 4_393_771_024, 83.384, "19 M", "4.2 G", "17.1 %", "3.6 %", UNEXPLAINED),
    _efficientnet(5, 456, 456, 30_389_784, 10_266_384_752, 83.444, "30 M", "9.9 G", "16.4 %", "3.3 %", UNEXPLAINED),
    _efficientnet(6, 528, 528, 43_040_704, 19_067_593_536, 84.008, "43 M", "19 G", "16.0 %", "3.2 %"),
    _efficientnet(7, 600, 600, 66_347_960, 37_745_884_192, 84.122, "66 M", "37 G", "15.7 %", "3.0 %", UNEXPLAINED),
    Architecture(
        "efficientnet_lite0",
        "EfficientNet-Lite0",
        EfficientNetLite0,
        COLOUR,
        2020,
        parameters=4_652_008,
        macs=385_187_552,
        paper="Tan & Le 2019; EfficientNet-Lite, tensorflow/tpu 2020",
        # blocks end without an activation, so these are the last ReLU6 at every resolution
        layers=numbered(*(f"features.stage{stage}.block1.relu0" for stage in (3, 4, 5, 7)), "features.head.relu"),
        family="efficientnet_lite",
        preprocess=Preprocess(256, 224, (127 / 255,) * 3, (128 / 255,) * 3, Resampling.BICUBIC),
        published=Published("4.7 M", "407 M", "24.9 %", None, OF_REPOSITORY),
        accuracy=75.1,
        accuracy_of="authors",
    ),
    _convnext("tiny", (3, 3, 9, 3), 236, 28_589_128, 4_455_531_264, 82.520, "29 M", "4.5 G", "17.9 %"),
    _convnext("small", (3, 3, 27, 3), 230, 50_223_688, 8_683_712_256, 83.616, "50 M", "8.7 G", "16.9 %"),
    _convnext("base", (3, 3, 27, 3), 232, 88_591_464, 15_354_729_472, 84.062, "89 M", "15.4 G", "16.2 %"),
    _convnext("large", (3, 3, 27, 3), 232, 197_767_336, 34_361_433_600, 84.414, "198 M", "34.4 G", "15.7 %"),
)

ARCHITECTURES = Catalogue((*_ENTRIES, *for_cifar({entry.name: entry for entry in _ENTRIES})))
