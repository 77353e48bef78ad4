"""What is known of one network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Self

from torch import nn

from models.images import Preprocess
from models.options import Number, Option, Phrase
from models.refusals import Sentence

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Preprocess(256, 224, IMAGENET_MEAN, IMAGENET_STD)

CLASSES = Number("num_classes", Phrase("Classes"), 1000, 1, 1_000_000)  # an option of every network

OWN = "own"  # the family of the networks that a visitor has built and trained here; it has no story

Layers = Mapping[str, str]


class Title(Sentence, str):
    """A title in words that a page can say in another language; as text it is English."""

    def __new__(cls, template: str, **values: object) -> Self:
        return super().__new__(cls, template.format(**values))


def numbered(*operations: str) -> Layers:
    """Layers "1", "2", … that end with these operations."""
    return MappingProxyType({str(i): operation for i, operation in enumerate(operations, 1)})


@dataclass(frozen=True)
class Published:
    """What the paper prints of this very network, as it prints it; None for what it leaves out.

    Errors are in percent of ImageNet's validation pictures (LeNet's: of MNIST's test digits; those of networks for
    CIFAR-10: of its test pictures), of one network and as the paper measured them: AlexNet, ZFNet and the ResNets of
    2015 on ten views of a picture from ImageNet, the others on one.
    Where a paper prints accuracies, the errors are 100 less these.
    """

    parameters: str | None = None  # "60 M"
    macs: str | None = None  # "1.5 G"
    top1_error: str | None = None  # "25.03 %"
    top5_error: str | None = None
    remark: str = ""  # a sentence on whatever of this is not what is counted here


@dataclass(frozen=True)
class Architecture:
    """One network: how it is built, what it wants to see, and the facts that were published about it."""

    name: str
    title: str
    build: Callable[..., nn.Module]
    input_shape: tuple[int, int, int]  # (C, H, W) of the facts below
    year: int | None  # None where nobody has published it
    parameters: int
    macs: int  # multiply-adds of convolutions and linear layers, batch 1
    paper: str  # "" where there is none
    layers: Layers  # "1" … "5", or the paper's names -> operation in the trace
    family: str  # whose story is told of it
    preprocess: Preprocess = IMAGENET
    torchvision_weights: Callable[[], "WeightsEnum"] | None = None
    classify_at: int | None = None  # the side at which the weights were trained, where pictures are shown larger
    differs: str = ""  # from the paper, in a few words
    options: Mapping[str, Option] = field(default_factory=lambda: MappingProxyType({CLASSES.name: CLASSES}))
    layers_with: Callable[..., Layers] | None = None  # by its options, where these change the names of operations
    published: Published = Published()
    published_with: Mapping[frozenset[tuple[str, object]], Published] = field(
        default_factory=lambda: MappingProxyType({})
    )
    accuracy: float | None = None  # top-1 on ImageNet in percent, from a single view of every picture
    accuracy_of: Literal["torchvision", "paper", "authors"] | None = None  # whose network was measured, or who says so

    @property
    def reads_digits(self) -> bool:
        """Whether it was made for handwritten digits as MNIST has them: grey, white on black."""
        return self.input_shape[0] == 1

    @property
    def is_for_cifar(self) -> bool:
        """Whether it is one of the small networks that are compared on CIFAR-10: models/cifar.py."""
        return self.name.startswith("cifar_")

    @property
    def is_own(self) -> bool:
        """Whether a visitor has built it here: no list has it, and no paper."""
        return self.family == OWN

    @property
    def short_title(self) -> str:
        """What it is called among its like: a network for CIFAR-10 among those."""
        return self.title.removesuffix(" for CIFAR-10")

    def published_of(self, options: Mapping[str, object], side: int) -> Published | None:
        """What was published of the network with these options and pictures of this side; None where nothing was.

        `published_with` has it by all that is not as usual: options with their values, and ("side", pixels).
        """
        unusual = [*options.items(), *([("side", side)] if side != self.input_shape[1] else [])]
        return self.published_with.get(frozenset(unusual)) if unusual else self.published

    def layers_of(self, options: Mapping[str, object]) -> Layers:
        """`layers` of the network that is built with these options."""
        return self.layers_with(**options) if self.layers_with else self.layers

    def preprocess_of(self, options: Mapping[str, object]) -> Preprocess:
        """`preprocess` for the network that is built with these options, of which "resolution" is a side in pixels."""
        side = options.get("resolution", self.preprocess.crop)
        resize = round(self.preprocess.resize * side / self.preprocess.crop)
        return replace(self.preprocess, resize=resize, crop=side)
