"""One layer as plain data: what it makes of the maps that it is given, and what that costs. Nothing is built.

All numbers are whole ones of any size. One MAC is one multiply-add of a convolution or a linear layer; no bias, no
normalisation, no pooling. Pictures come one at a time.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from math import prod

from models.refusals import Refused
from vis.cost.formulas import conv_macs, conv_weights, linear_macs, output_side

Pair = tuple[int, int]  # along the rows, along the columns
Shape = tuple[int, ...]  # (C, H, W), or (N,) after a linear layer

BYTES = 4  # of a number as networks compute with it, float32
MOST_CHANNELS = 1_000_000
MOST_SIDE = 10_000
MOST = 10**18  # that any setting may be
EMPTY = ("", "None", "nan", "<NA>")  # what a table holds where nothing was filled in

SETTINGS = {  # what every kind of layer is told; it has no other settings
    "conv": ("channels", "kernel", "stride", "padding", "dilation", "groups"),
    "depthwise": ("channels", "kernel", "stride", "padding", "dilation"),  # a group for each map
    "pointwise": ("channels", "stride", "groups"),  # 1×1
    "max pool": ("kernel", "stride", "padding", "dilation"),
    "average pool": ("kernel", "stride", "padding"),
    "global pool": (),  # one number for each map
    "shuffle": ("groups",),  # the maps of every group are dealt out among all groups
    "linear": ("channels",),  # of all numbers of all maps
    "relu": (),  # number by number, of maps or of what a linear layer makes
}
CONVOLUTIONS = ("conv", "depthwise", "pointwise")
POOLS = ("max pool", "average pool")


@dataclass(frozen=True)
class Layer:
    """A layer, and the shape that it is given.

    Raises:
        Refused: for a layer that cannot be, in one sentence.
    """

    kind: str  # one of SETTINGS
    given: Shape
    channels: int  # maps that come out
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    bias: bool = False  # one for each map that comes out
    norm: bool = False  # batch norm after it: a scale and an offset for each map

    def __post_init__(self):
        _check_numbers(self)
        if len(self.given) == 3:
            _check_geometry(self)

    @cached_property
    def shape(self) -> Shape:
        """Of what comes out."""
        if self.kind == "linear":
            return (self.channels,)
        if self.kind == "relu":
            return self.given
        if self.kind == "global pool":
            return (self.channels, 1, 1)
        window = zip(self.given[1:], self.kernel, self.stride, self.padding, self.dilation, strict=True)
        return (self.channels, *(output_side(*along) for along in window))

    @cached_property
    def weights(self) -> int:
        if self.kind == "linear":
            return linear_macs(prod(self.given), self.channels)
        return conv_weights(self.kernel, self.given[0], self.channels, self.groups) if self.is_convolution else 0

    @property
    def params(self) -> int:
        """The weights, and the biases and the scales and offsets of a batch norm where there are any."""
        return self.weights + (self.bias + 2 * self.norm) * self.channels

    @cached_property
    def macs(self) -> int | None:
        """Multiply-adds; None where none are counted, as of a pool."""
        if self.kind == "linear":
            return linear_macs(prod(self.given), self.channels)
        if not self.is_convolution:
            return None
        return conv_macs(self.kernel, self.given[0], self.channels, self.shape[1:], self.groups)

    @property
    def activations(self) -> int:
        """Numbers that come out."""
        return prod(self.shape)

    @property
    def activation_bytes(self) -> int:
        return self.activations * BYTES

    @property
    def is_convolution(self) -> bool:
        return self.kind in CONVOLUTIONS

    @property
    def reach(self) -> Pair:
        """Rows and columns from the first to the last that the kernel looks at: d·(K − 1) + 1."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))


def layer(
    kind: str,
    given: Shape,
    channels: object = None,
    kernel: object = 1,
    stride: object = 1,
    padding: object = 0,
    dilation: object = 1,
    groups: object = 1,
    *,
    bias: bool = False,
    norm: bool = False,
) -> Layer:
    """A layer of these settings; those that its kind does not have are left alone.

    Args:
        channels: maps that come out, of a depthwise layer as many as go in where it is empty.
        kernel, stride, padding, dilation: a number for a square, or (rows, columns).

    Raises:
        Refused: for a layer that cannot be, and for settings that are no whole numbers.
    """
    if is_empty(kind):
        raise Refused("No kind of layer is chosen; choose one for this row.")
    if kind not in SETTINGS:
        raise Refused("“{kind}” is not a kind of layer; choose one of {kinds}.", kind=kind, kinds=", ".join(SETTINGS))
    if len(given) != 3 and kind not in ("linear", "relu"):
        raise Refused("After a linear layer there are no rows and columns; move this row above it.")
    told, maps = SETTINGS[kind], given[0]
    window = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    if "channels" not in told or (kind == "depthwise" and is_empty(channels)):
        channels = maps
    if "groups" not in told:
        groups = maps if kind == "depthwise" else 1
    return Layer(
        kind,
        given,
        whole(channels),
        **{name: pair(size) for name, size in window.items() if name in told},
        groups=whole(groups),
        bias=bias and (kind in CONVOLUTIONS or kind == "linear"),
        norm=norm and kind in CONVOLUTIONS,
    )


def picture(channels: object, height: object, width: object) -> Shape:
    """(C, H, W) of a picture or of maps; raises Refused for one that cannot be."""
    shape = whole(channels), whole(height), whole(width)
    _check_maps(shape[0])
    if not all(1 <= side <= MOST_SIDE for side in shape[1:]):
        raise Refused(
            "A {height}×{width} picture is impossible; each side must be from 1 to {most}.",
            height=shape[1],
            width=shape[2],
            most=MOST_SIDE,
        )
    return shape


def pair(size: object) -> Pair:
    """(rows, columns) of a setting that may be one number for both."""
    if type(size) is int:
        return (whole(size),) * 2
    rows, columns = size if isinstance(size, tuple) and len(size) == 2 else (size, size)
    return whole(rows), whole(columns)


def is_empty(value: object) -> bool:
    """Whether nothing was filled in."""
    return not isinstance(value, int) and str(value) in EMPTY


def whole(value: object) -> int:
    """The whole number that was filled in, 3 also for 3.0; raises Refused for none."""
    if type(value) is int and abs(value) < MOST:
        return value
    if is_empty(value):
        raise Refused("A number is missing; fill in every setting of this layer.")
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):  # text, infinity
        number = None
    if number is None or number != value:
        raise Refused("{value} is not a whole number; every layer setting must be one.", value=str(value)[:40])
    if abs(number) >= MOST:
        raise Refused("A layer setting cannot have more than 18 digits; choose a smaller one.")
    return number


# What cannot be --------------------------------------------------------------------------------------------------


def _check_maps(channels: int) -> None:
    if not 1 <= channels <= MOST_CHANNELS:
        raise Refused(
            "A layer cannot have {channels} channels; choose from 1 to {most}.", channels=channels, most=MOST_CHANNELS
        )


def _check_numbers(of: Layer) -> None:
    _check_maps(of.channels)
    _check_window(of)
    if of.groups < 1:
        raise Refused("There must be at least 1 group, not {groups}.", groups=of.groups)
    for channels in (of.given[0], of.channels):
        if of.kind != "linear" and channels % of.groups:
            raise Refused(
                "{channels} channels cannot be split into {groups} equal groups; choose a divisor.",
                channels=channels,
                groups=of.groups,
            )


def _check_window(of: Layer) -> None:
    rows, columns = of.kernel
    if min(of.kernel) < 1:
        raise Refused("The kernel must be at least 1×1, not {rows}×{columns}.", rows=rows, columns=columns)
    rows, columns = of.stride
    if min(of.stride) < 1:
        raise Refused("The stride must be at least 1, not {rows}×{columns}.", rows=rows, columns=columns)
    rows, columns = of.padding
    if min(of.padding) < 0:
        raise Refused("The padding must be at least 0, not {rows}×{columns}.", rows=rows, columns=columns)
    rows, columns = of.dilation
    if min(of.dilation) < 1:
        raise Refused("The dilation must be at least 1, not {rows}×{columns}.", rows=rows, columns=columns)


def _check_geometry(of: Layer) -> None:
    rows, columns = of.padding
    if of.kind in POOLS and (2 * rows > of.kernel[0] or 2 * columns > of.kernel[1]):
        raise Refused(
            "A padding of {rows}×{columns} is more than half the pooling kernel; some windows would see only padding.",
            rows=rows,
            columns=columns,
        )
    height, width = of.given[1] + 2 * rows, of.given[2] + 2 * columns
    if max(height, width) > MOST_SIDE:
        raise Refused(
            "The padded maps would be {height}×{width}; choose less padding, so that no side exceeds {most}.",
            height=height,
            width=width,
            most=MOST_SIDE,
        )
    rows, columns = of.reach
    if rows > height or columns > width:
        raise Refused(
            "The kernel spans {rows}×{columns}, but the padded maps are only {height}×{width}; choose a smaller "
            "kernel or dilation, or more padding.",
            rows=rows,
            columns=columns,
            height=height,
            width=width,
        )
    rows, columns = of.stride
    _, height, width = of.given
    if rows > height or columns > width:
        raise Refused(
            "The stride {rows}×{columns} is larger than the {height}×{width} maps; choose a smaller one.",
            rows=rows,
            columns=columns,
            height=height,
            width=width,
        )


# What a unit sees ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """The receptive field of every unit of a map, and how far it lies from the next one's, in pixels."""

    size: Pair = (1, 1)
    jump: Pair = (1, 1)

    def after(self, of: Layer) -> "Field | None":
        """Of the units that this layer makes; None for the whole picture (Araujo, Norris and Sim 2019)."""
        if of.kind in ("global pool", "linear"):
            return None
        size, jump = zip(
            *(
                (n + (reach - 1) * apart, apart * s)
                for n, apart, reach, s in zip(self.size, self.jump, of.reach, of.stride, strict=True)
            ),
            strict=True,
        )
        return Field(size, jump)


# How the numbers come about --------------------------------------------------------------------------------------


def formula(quantity: str, of: Layer) -> tuple[str, str]:
    """The weights or the MACs ("weights", "macs") in symbols and with this layer's numbers: K_h·K_w·C_in·…, 3·3·64·…

    Both are empty for a layer that has none.
    """
    if of.kind == "linear":
        factors = [("C_in", prod(of.given)), ("C_out", of.channels)]
    elif not of.is_convolution:
        return "", ""
    else:
        factors = [("K_h", of.kernel[0]), ("K_w", of.kernel[1]), *_filters(of)]
        if quantity == "macs":
            factors += zip("HW", of.shape[1:], strict=True)
    symbols, numbers = zip(*factors, strict=True)
    return "·".join(symbols), "·".join(map(str, numbers))


LATEX = str.maketrans(
    {"·": r" \cdot ", "−": "-", "|": r"\vert ", "θ": r"\theta "}
    | {sign: rf"\{name} " for sign, name in zip("⌊⌋⌈⌉", ("lfloor", "rfloor", "lceil", "rceil"), strict=True)}
)


def typeset(symbols: str) -> str:
    """The symbols of a formula in LaTeX: K_{h} \\cdot K_{w} \\cdot C_{in}."""
    return re.sub(r"_(\w+)", r"_{\1}", symbols).translate(LATEX)


def _filters(of: Layer) -> list[tuple[str, object]]:
    """Maps that a filter looks at, and filters."""
    filters = ("C_out", of.channels)
    if of.groups == 1:
        return [("C_in", of.given[0]), filters]
    if of.groups == of.given[0]:  # at a single one
        return [filters]
    return [("(C_in/g)", f"({of.given[0]}/{of.groups})"), filters]
