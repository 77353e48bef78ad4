"""MobileNet V1 of any width and resolution as numbers alone: Howard et al. 2017, arXiv 1704.04861.

With a width α every layer has α times as many maps, with a resolution ρ every map has ρ times as long sides:
D_K²·αM·(ρD_F)² + αM·αN·(ρD_F)² multiply-adds for each pair of a depthwise and a pointwise layer (equation 7).
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from itertools import pairwise

from models.refusals import Refused
from vis.cost.layer import MOST_CHANNELS, Layer, layer, picture, whole

BLOCKS = (  # stride and maps of the pairs of Table 1
    *((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512)),
    *[(1, 512)] * 5,
    *((2, 1024), (1, 1024)),  # the paper prints a stride of 2 in the last one, too; its 7×7 maps need 1
)
LEAST_WIDTH, MOST_WIDTH = 0.05, 2.0
LEAST_SIDE, MOST_SIDE = 32, 320


@dataclass(frozen=True)
class MobileNet:
    """The network's layers and what they cost.

    Raises:
        Refused: for a width, a resolution or a number of classes outside the bounds.
    """

    width: float = 1.0  # α
    resolution: int = 224  # side of the picture
    separable: bool = True  # False for full 3×3 convolutions (Table 4)
    shallow: bool = False  # without the five layers of 512 maps of 14×14 (Table 5)
    num_classes: int = 1000

    def __post_init__(self):
        if not (isinstance(self.width, int | float) and LEAST_WIDTH <= self.width <= MOST_WIDTH):
            raise Refused(
                "The width must be from {least} to {most}, not {width}.",
                width=self.width,
                least=LEAST_WIDTH,
                most=MOST_WIDTH,
            )
        if not LEAST_SIDE <= whole(self.resolution) <= MOST_SIDE:
            raise Refused(
                "The resolution must be from {least} to {most} pixels, not {side}.",
                side=self.resolution,
                least=LEAST_SIDE,
                most=MOST_SIDE,
            )
        if not 1 <= whole(self.num_classes) <= MOST_CHANNELS:
            raise Refused(
                "The number of classes must be from 1 to {most}, not {classes}.",
                classes=self.num_classes,
                most=MOST_CHANNELS,
            )

    @cached_property
    def layers(self) -> dict[str, Layer]:
        """The layers of Table 1 that cost something, and the pool before the last, by name and in order."""
        blocks = [block for block in BLOCKS if not (self.shallow and block == (1, 512))]
        first, *maps = (max(1, round(self.width * maps)) for maps in (32, *(maps for _, maps in blocks)))
        image = picture(3, self.resolution, self.resolution)
        found = {"conv1": (last := layer("conv", image, first, 3, 2, 1, norm=True))}
        for i, ((stride, _), channels) in enumerate(zip(blocks, maps, strict=True), 1):
            if self.separable:
                found[f"block{i}.depthwise"] = last = layer("depthwise", last.shape, None, 3, stride, 1, norm=True)
                found[f"block{i}.pointwise"] = last = layer("pointwise", last.shape, channels, norm=True)
            else:
                found[f"block{i}.conv"] = last = layer("conv", last.shape, channels, 3, stride, 1, norm=True)
        found["pool"] = last = layer("global pool", last.shape)
        found["fc"] = layer("linear", last.shape, self.num_classes, bias=True)
        return found

    @cached_property
    def macs(self) -> int:
        return sum(each.macs or 0 for each in self.layers.values())

    @cached_property
    def params(self) -> int:
        """With the scales and offsets of batch norm, and the biases of the classifier."""
        return sum(each.params for each in self.layers.values())

    @cached_property
    def weights(self) -> int:
        return sum(each.weights for each in self.layers.values())

    @cached_property
    def activation_bytes(self) -> int:
        return sum(each.activation_bytes for each in self.layers.values())

    def shares(self, quantity: str = "macs") -> dict[str, Fraction]:
        """Which part of the "macs" or of the "weights" the layers of a kind have; together 1 (Table 2)."""
        found: dict[str, int] = {}
        for each in self.layers.values():
            if each.weights:
                found[each.kind] = found.get(each.kind, 0) + getattr(each, quantity)
        return {kind: Fraction(part, getattr(self, quantity)) for kind, part in found.items()}


# What the paper measured -----------------------------------------------------------------------------------------

WIDTHS = (1.0, 0.75, 0.5, 0.25)
SIDES = (224, 192, 160, 128)


@dataclass(frozen=True)
class Printed:
    """A row of the paper's tables: top-1 accuracy on ImageNet in percent, millions of MACs and of parameters."""

    accuracy: float
    macs: float
    params: float


BY_WIDTH = {  # Table 6, at 224×224
    1.0: Printed(70.6, 569, 4.2),
    0.75: Printed(68.4, 325, 2.6),
    0.5: Printed(63.7, 149, 1.3),
    0.25: Printed(50.6, 41, 0.5),
}
BY_SIDE = {  # Table 7, at α = 1
    224: Printed(70.6, 569, 4.2),
    192: Printed(69.1, 418, 4.2),
    160: Printed(67.2, 290, 4.2),
    128: Printed(64.4, 186, 4.2),
}
BY_BOTH = {(0.5, 160): Printed(60.2, 76, 1.32)}  # Table 9: the one pair that it prints
FULL = Printed(71.7, 4866, 29.3)  # Table 4: full convolutions; its MACs leave out the classifier, those above do not
SHALLOW = Printed(65.3, 307, 2.9)  # Table 5


@dataclass(frozen=True)
class Accuracy:
    """Top-1 accuracy on ImageNet in percent."""

    percent: float
    is_interpolated: bool  # along a straight line between two numbers of the paper, which prints none here


def accuracy(of: MobileNet) -> Accuracy | None:
    """What the paper prints of this network, or lies between two numbers that it prints; None elsewhere.

    It prints accuracies along two lines, for every width at 224×224 and for every resolution at α = 1, and of one
    network beside them, α = 0.5 at 160×160.
    """
    if of.num_classes != 1000:
        return None
    is_whole = round(of.width, 6) == 1
    if (of.separable, of.shallow) != (True, False):
        printed = {(False, False): FULL, (True, True): SHALLOW}.get((of.separable, of.shallow))
        return Accuracy(printed.accuracy, False) if printed and of.resolution == 224 and is_whole else None
    if of.resolution == 224:
        return _between(BY_WIDTH, of.width)
    if is_whole:
        return _between(BY_SIDE, of.resolution)
    printed = BY_BOTH.get((round(of.width, 6), of.resolution))
    return Accuracy(printed.accuracy, False) if printed else None


def is_plotted(of: MobileNet) -> bool:
    """Whether the accuracy of this network is a point of the paper's figure 4."""
    in_figure = round(of.width, 6) in WIDTHS and of.resolution in SIDES
    return in_figure and of.separable and not of.shallow and of.num_classes == 1000


def _between(printed: dict[float, Printed], at: float) -> Accuracy | None:
    at = round(at, 6)  # 0.05 · 15 is no 0.75
    if at in printed:
        return Accuracy(printed[at].accuracy, False)
    for above, below in pairwise(printed):
        if below < at < above:
            part = (at - below) / (above - below)
            low, high = printed[below].accuracy, printed[above].accuracy
            return Accuracy(low + part * (high - low), True)
    return None


@cache
def grid(separable: bool = True, shallow: bool = False) -> dict[tuple[float, int], MobileNet]:
    """The 16 networks of figures 4 and 5, by width and side; the paper prints accuracies of eight of them."""
    return {(width, side): MobileNet(width, side, separable, shallow) for width in WIDTHS for side in SIDES}
