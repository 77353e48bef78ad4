"""The cheap blocks of GoogLeNet, ResNet, MobileNet and their relatives, beside what they stand in for.

Every function gives a block as plain data, for maps of a shape (C, H, W); two blocks are compared with `ratio`. Layers
carry neither biases nor normalisation unless it is said, and keep the size of their maps unless they have a stride.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from models.refusals import Refused
from vis.cost.layer import BYTES, Field, Layer, Pair, Shape, layer, pair, picture, whole


@dataclass(frozen=True)
class Block:
    """Layers one after another, along one path or along several side by side; a path without layers is a shortcut."""

    given: Shape
    paths: tuple[tuple[Layer, ...], ...]
    joined: str = ""  # "concat" or "add", where the paths meet

    @property
    def layers(self) -> tuple[Layer, ...]:
        return tuple(step for path in self.paths for step in path)

    @property
    def shape(self) -> Shape:
        """Of what comes out."""
        ends = [path[-1].shape if path else self.given for path in self.paths]
        return (sum(end[0] for end in ends), *ends[0][1:]) if self.joined == "concat" else ends[0]

    @property
    def macs(self) -> int:
        return sum(step.macs or 0 for step in self.layers)

    @property
    def weights(self) -> int:
        return sum(step.weights for step in self.layers)

    @property
    def params(self) -> int:
        return sum(step.params for step in self.layers)

    @property
    def activations(self) -> int:
        """Numbers that the layers make, and those of the maps that are joined."""
        return sum(step.activations for step in self.layers) + (prod(self.shape) if self.joined else 0)

    @property
    def activation_bytes(self) -> int:
        return self.activations * BYTES

    @property
    def field(self) -> Field | None:
        """What a unit at the end sees of the maps that are given, along the path where it sees most."""
        fields = [_field(path) for path in self.paths]
        return None if None in fields else max(fields, key=lambda field: field.size)


def _field(path: Iterable[Layer]) -> Field | None:
    field: Field | None = Field()
    for step in path:
        field = field and field.after(step)
    return field


def ratio(block: Block, other: Block, quantity: str = "macs") -> Fraction:
    """Exactly how much one block has of what the other has: "macs", "weights", "params" or "activations"."""
    return Fraction(getattr(block, quantity), getattr(other, quantity))


def path(given: Shape, *steps: tuple, norm: bool = False) -> tuple[Layer, ...]:
    """Layers one after another; each step is a kind and its settings, in the order of `vis.cost.layer.layer`."""
    layers: list[Layer] = []
    for kind, *settings in steps:
        layers.append(layer(kind, layers[-1].shape if layers else picture(*given), *settings, norm=norm))
    return tuple(layers)


def same(kernel: object, dilation: object = 1) -> Pair:
    """The padding with which maps keep their size; raises Refused for a kernel that has no middle."""
    reach = [d * (k - 1) for k, d in zip(pair(kernel), pair(dilation), strict=True)]
    if any(n % 2 for n in reach):
        raise Refused(
            "A kernel of {rows}×{columns} has no centre; choose odd sides, so that maps keep their size.",
            rows=pair(kernel)[0],
            columns=pair(kernel)[1],
        )
    return reach[0] // 2, reach[1] // 2


def standard(given: Shape, channels: int, kernel: object, stride: object = 1, padding: object = None) -> Block:
    """One convolution that looks at all maps: D_K²·M·N·D_F²."""
    return Block(given, (path(given, ("conv", channels, kernel, stride, _padding(padding, kernel))),))


def _padding(padding: object, kernel: object) -> object:
    return same(kernel) if padding is None else padding


# Inception: few maps before a large kernel (Szegedy et al. 2014) ---------------------------------------------------


def reduced(given: Shape, maps: int, channels: int, kernel: object) -> Block:
    """1×1 to a few maps, then the kernel: M·R·D_F² + D_K²·R·N·D_F² (figure 2b)."""
    return Block(given, (path(given, ("pointwise", maps), ("conv", channels, kernel, 1, same(kernel))),))


@dataclass(frozen=True)
class Widths:
    """A row of GoogLeNet's Table 1: how many maps come out of each convolution of a module."""

    side: int  # of the maps
    inputs: int
    one: int  # 1×1
    three_reduce: int
    three: int  # 3×3
    five_reduce: int
    five: int  # 5×5
    pool: int  # 1×1 after the pool


INCEPTIONS = {
    "3a": Widths(28, 192, 64, 96, 128, 16, 32, 32),
    "3b": Widths(28, 256, 128, 128, 192, 32, 96, 64),
    "4a": Widths(14, 480, 192, 96, 208, 16, 48, 64),
    "4b": Widths(14, 512, 160, 112, 224, 24, 64, 64),
    "4c": Widths(14, 512, 128, 128, 256, 24, 64, 64),
    "4d": Widths(14, 512, 112, 144, 288, 32, 64, 64),
    "4e": Widths(14, 528, 256, 160, 320, 32, 128, 128),
    "5a": Widths(7, 832, 256, 160, 320, 32, 128, 128),
    "5b": Widths(7, 832, 384, 192, 384, 48, 128, 128),
}


def inception(widths: Widths, is_reduced: bool = True) -> Block:
    """Four answers to the same maps: 1×1, 3×3, 5×5 and a pool, with the 1×1 reductions (figure 2b) or naive (2a).

    The naive module looks at all maps with its large kernels and hands on the pooled ones as they are.
    """
    given = (widths.inputs, widths.side, widths.side)
    three, five = ("conv", widths.three, 3, 1, 1), ("conv", widths.five, 5, 1, 2)
    one, pool = ("pointwise", widths.one), ("max pool", None, 3, 1, 1)
    paths = [one], [three], [five], [pool]
    if is_reduced:
        paths = (
            [one],
            [("pointwise", widths.three_reduce), three],
            [("pointwise", widths.five_reduce), five],
            [pool, ("pointwise", widths.pool)],
        )
    return Block(given, tuple(path(given, *steps) for steps in paths), "concat")


def googlenet() -> dict[str, Block]:
    """The rows of Table 1 that have weights, without biases; between them pools halve the maps."""
    modules = {f"inception {name}": inception(widths) for name, widths in INCEPTIONS.items()}
    picture, maps = (3, 224, 224), (64, 56, 56)
    return {
        "conv 7×7/2": Block(picture, (path(picture, ("conv", 64, 7, 2, 3)),)),
        "conv 3×3": reduced(maps, 64, 192, 3),
        **modules,
        "linear": Block((1024, 1, 1), (path((1024, 1, 1), ("linear", 1000)),)),
    }


PRINTED = {  # "params" and "ops" of Table 1 as the paper prints them; they do not all follow from its widths
    "conv 7×7/2": ("2.7K", "34M"),  # 34 M would be a separable stem
    "conv 3×3": ("112K", "360M"),
    "inception 3a": ("159K", "128M"),
    "inception 3b": ("380K", "304M"),
    "inception 4a": ("364K", "73M"),
    "inception 4b": ("437K", "88M"),
    "inception 4c": ("463K", "100M"),
    "inception 4d": ("580K", "119M"),
    "inception 4e": ("840K", "170M"),
    "inception 5a": ("1072K", "54M"),
    "inception 5b": ("1388K", "71M"),
    "linear": ("1000K", "1M"),
}


# ResNet: few maps between two 1×1 convolutions (He et al. 2015, figure 5) -------------------------------------------


def residual(given: Shape, steps: Iterable[tuple], norm: bool = False) -> Block:
    """Layers beside a shortcut, which is a 1×1 convolution where the shape changes; both are added up."""
    body = path(given, *steps, norm=norm)
    changes = body[-1].shape != tuple(given)
    stride = prod(step.stride[0] for step in body)
    shortcut = path(given, ("pointwise", body[-1].channels, 1, stride), norm=norm) if changes else ()
    return Block(given, (body, shortcut), "add")


def bottleneck(
    given: Shape, maps: int, channels: int, stride: int = 1, strided: str = "kernel", norm: bool = False
) -> Block:
    """1×1 to a few maps, 3×3 among them, 1×1 to many: 256-64-64-256.

    Args:
        strided: "kernel" for the stride in the 3×3 convolution (v1.5), "first" in the 1×1 before it (the paper).
    """
    first, kernel = (stride, 1) if strided == "first" else (1, stride)
    steps = [("pointwise", maps, 1, first), ("conv", maps, 3, kernel, 1), ("pointwise", channels)]
    return residual(given, steps, norm)


def wide(given: Shape, channels: int) -> Block:
    """Two 3×3 convolutions among all maps."""
    return residual(given, [("conv", channels, 3, 1, 1)] * 2)


RESNET50 = {  # Table 1: side of the maps that come out, maps within, maps that come out, blocks
    "conv2_x": (56, 64, 256, 3),
    "conv3_x": (28, 128, 512, 4),
    "conv4_x": (14, 256, 1024, 6),
    "conv5_x": (7, 512, 2048, 3),
}


def resnet50(strided: str = "kernel") -> dict[str, tuple[Block, ...]]:
    """The blocks of every stage, with batch norm, and what stands before and after them."""
    picture, features = (3, 224, 224), (2048, 1, 1)
    found = {"conv1": (Block(picture, (path(picture, ("conv", 64, 7, 2, 3), norm=True),)),)}
    given: Shape = (64, 56, 56)  # a pool has halved the maps
    for name, (side, maps, channels, blocks) in RESNET50.items():
        stage: list[Block] = []
        for _ in range(blocks):
            stage.append(bottleneck(given, maps, channels, given[1] // side, strided, norm=True))
            given = stage[-1].shape
        found[name] = tuple(stage)
    return found | {"fc": (Block(features, ((layer("linear", features, 1000, bias=True),),)),)}


# MobileNet: one filter for each map, then 1×1 (Howard et al. 2017, section 3.1) --------------------------------------


def separable(given: Shape, channels: int, kernel: object, stride: object = 1, padding: object = None) -> Block:
    """A filter for each map, then 1×1 from all maps to each: D_K²·M·D_F² + M·N·D_F².

    Of a standard convolution's MACs 1/N + 1/D_K² remain.
    """
    filters = ("depthwise", None, kernel, stride, _padding(padding, kernel))
    return Block(given, (path(given, filters, ("pointwise", channels)),))


# Small kernels instead of large ones ---------------------------------------------------------------------------------


def stacked(given: Shape, layers: int, kernel: object = 3) -> Block:
    """n layers of 3×3 among all maps: n·9·C² weights; a unit sees 2·n + 1 pixels (Simonyan & Zisserman 2014)."""
    if not 1 <= whole(layers) <= MOST_LAYERS:
        raise Refused("A block cannot have {layers} layers; choose from 1 to {most}.", layers=layers, most=MOST_LAYERS)
    return Block(given, (path(given, *[("conv", given[0], kernel, 1, same(kernel))] * whole(layers)),))


MOST_LAYERS = 100


def factorised(given: Shape, channels: int, length: int) -> Block:
    """1×n, then n×1: 2·n weights for n² (Szegedy et al. 2015, "Rethinking the Inception Architecture", section 3.2)."""
    row, column = (1, length), (length, 1)
    return Block(
        given, (path(given, ("conv", channels, row, 1, same(row)), ("conv", channels, column, 1, same(column))),)
    )


def dilated(given: Shape, channels: int, kernel: object, dilation: object) -> Block:
    """A kernel with gaps: it reaches over d·(D_K − 1) + 1 pixels with D_K² weights (Yu & Koltun 2015)."""
    return Block(given, (path(given, ("conv", channels, kernel, 1, same(kernel, dilation), dilation)),))


def grouped(given: Shape, channels: int, kernel: object, groups: int, is_shuffled: bool = False) -> Block:
    """A convolution in g groups: a filter sees only M/g maps; a shuffle lets groups hear of each other.

    For the shuffle, which costs nothing but moving numbers, see Zhang et al. 2017, "ShuffleNet", section 3.1.
    """
    filters = ("conv", channels, kernel, 1, same(kernel), 1, groups)
    shuffle = [("shuffle", None, 1, 1, 0, 1, groups)] if is_shuffled else []
    return Block(given, (path(given, filters, *shuffle),))


def shuffled(channels: int, groups: int) -> tuple[int, ...]:
    """Which map stands where after a shuffle: the first of every group, then the second of every group, …"""
    layer("shuffle", (channels, 1, 1), groups=groups)  # refuses groups that do not divide
    size = channels // groups
    return tuple(group * size + place for place in range(size) for group in range(groups))
