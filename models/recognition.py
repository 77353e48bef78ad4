"""Which network the tensors of a file belong to, among those here and some that are known well."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from torch import nn

from models.architecture import Architecture
from models.naming import Outline, Shaped, candidates, outline_of, unwrapped
from models.registry import ARCHITECTURES
from models.skeletons import bare
from models.spellings import SPELLINGS


@dataclass(frozen=True)
class Elsewhere:
    """A network of torchvision's that is not in the registry."""

    title: str
    name: str  # torchvision's
    family: str
    parameters: int

    def build(self, **options: object) -> nn.Module:
        import torchvision  # takes a second

        more = {"init_weights": False} if self.name == "inception_v3" else {}
        return getattr(torchvision.models, self.name)(weights=None, **more, **options)


Entry = Architecture | Elsewhere

ELSEWHERE = (
    Elsewhere("VGG-11 with batch norm", "vgg11_bn", "vgg", 132_868_840),
    Elsewhere("VGG-13 with batch norm", "vgg13_bn", "vgg", 133_053_736),
    Elsewhere("VGG-16 with batch norm", "vgg16_bn", "vgg", 138_365_992),
    Elsewhere("VGG-19 with batch norm", "vgg19_bn", "vgg", 143_678_248),
    Elsewhere("Inception v3", "inception_v3", "inception", 27_161_264),
    Elsewhere("ResNeXt-50 32×4d", "resnext50_32x4d", "resnet", 25_028_904),
    Elsewhere("ResNeXt-101 32×8d", "resnext101_32x8d", "resnet", 88_791_336),
    Elsewhere("Wide ResNet-50-2", "wide_resnet50_2", "resnet", 68_883_240),
    Elsewhere("Wide ResNet-101-2", "wide_resnet101_2", "resnet", 126_886_696),
    Elsewhere("ShuffleNet V2 ×0.5", "shufflenet_v2_x0_5", "shufflenet", 1_366_792),
    Elsewhere("ShuffleNet V2 ×1.0", "shufflenet_v2_x1_0", "shufflenet", 2_278_604),
    Elsewhere("MNASNet ×0.5", "mnasnet0_5", "mnasnet", 2_218_512),
    Elsewhere("MNASNet ×1.0", "mnasnet1_0", "mnasnet", 4_383_312),
    Elsewhere("EfficientNet V2-S", "efficientnet_v2_s", "efficientnet", 21_458_488),
    Elsewhere("ViT-B/16", "vit_b_16", "vit", 86_567_656),
)

# Building a network takes up to a second. So only those are tried that could be: by a name that all of a family have,
# and by the numbers in the file, fewer with few classes or none, and more with copies beside them.
SIGNS: Mapping[str, tuple[str, ...]] = {
    "zfnet": ("features.conv1.weight",),
    "alexnet": ("features.conv1.weight", "features.0.weight"),
    "lenet": ("features.c1.weight",),
    "vgg": ("features.0.weight", "features.conv1.conv.weight"),
    "googlenet": (
        *("inception3a.branch1.conv.weight", "inception_3a.branch1x1.conv.weight"),
        "features.inception_a.branch1x1.conv.weight",
    ),
    "plain": ("layer1.0.conv1.weight",),
    "resnet": ("layer1.0.conv1.weight",),
    "resnet_v2": ("layer1.0.conv1.weight",),
    "densenet": ("features.conv0.weight",),
    "squeezenet": ("features.0.weight",),
    "mobilenet_v1": ("features.conv1.conv.weight",),
    "mobilenet_v2": ("features.0.0.weight",),
    "mobilenet_v3": ("features.0.0.weight",),
    "efficientnet": ("features.0.0.weight",),
    "efficientnet_lite": ("features.stem.conv.weight",),
    "convnext": ("features.0.0.weight",),
    "inception": ("Mixed_5b.branch1x1.conv.weight",),
    "shufflenet": ("stage2.0.branch1.0.weight",),
    "mnasnet": ("layers.0.weight",),
    "vit": ("conv_proj.weight",),
}
LEAST, LEAST_OF_BACKBONE, MOST = 1 / 4, 1 / 30, 5  # of a network's parameters


@dataclass(frozen=True)
class Recognised:
    """Networks whose names and shapes a file has: of the registry, by their titles; or else one that is not in it."""

    here: tuple[str, ...] = ()
    elsewhere: str = ""
    backbone: bool = False  # the classifier is not there


def recognised(tensors: Mapping[str, Shaped]) -> Recognised:
    """The networks that the tensors fit, whatever stands before their names and however many classes there are."""
    for backbone in (False, True):
        fitting = [entry for entry in _possible(tensors, backbone) if _fits(entry, tensors, backbone)]
        if here := [entry.title for entry in fitting if not isinstance(entry, Elsewhere)]:
            return Recognised(tuple(here), "", backbone)
        if fitting:
            return Recognised((), fitting[0].title, backbone)
    return Recognised()


def _possible(tensors: Mapping[str, Shaped], backbone: bool) -> Iterator[Entry]:
    numbers = sum(values.shape.numel() for values in tensors.values())
    least = LEAST_OF_BACKBONE if backbone else LEAST
    for entry in (*ARCHITECTURES.values(), *ELSEWHERE):
        spellings = SPELLINGS.get(entry.family, ())
        signs = [
            *SIGNS[entry.family],
            *(spelling.of([sign])[sign] for sign in SIGNS[entry.family] for spelling in spellings),
        ]
        if least * entry.parameters <= numbers <= MOST * entry.parameters and _has(tensors, signs):
            yield entry


def _has(tensors: Iterable[str], ends: list[str]) -> bool:
    return any(name.endswith(tuple(ends)) for name in unwrapped(dict.fromkeys(tensors)))


def _fits(entry: Entry, tensors: Mapping[str, Shaped], backbone: bool) -> bool:
    own = outline(entry.build, entry.family)
    found = (one for names in (tensors, unwrapped(tensors)) for one in candidates(own, names))
    return any(one.is_backbone if backbone else one.is_whole for one in found)


@lru_cache(maxsize=128)
def outline(build: Callable[..., nn.Module], family: str) -> Outline:
    """The names and shapes of what `build` makes without options."""
    return outline_of(bare(build, {}), SPELLINGS.get(family, ()))
