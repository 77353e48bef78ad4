"""One value of a convolution as the sum that it is: a patch times a kernel, added up, plus the bias.

    y[k, i, j] = b[k] + Σ_c Σ_u Σ_v  w[k, c, u, v] · x[c, i·s − p + u·d, j·s − p + v·d]

over the input channels c of the filter's group, with stride s, padding p and dilation d, which may differ from rows to
columns. A linear layer is the same with a patch of a single position.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from vis.activations import Step, before_and_after, way_to
from vis.deconvnet import check_unit
from vis.maps import gives_maps, layer_maps, order_of
from vis.operations import before_padding, convolution, each_way, gathered, plain_name
from vis.trace import Recording, TraceRefused, parameter, record, source

FEW = 3  # input channels, whose patches are shown in full


@dataclass(frozen=True, eq=False)
class Sum:
    """One value of a convolution or a linear layer, taken apart; all in float64."""

    layer: str
    channel: int
    row: int
    column: int
    inputs: tuple[int, ...]  # the C input channels that the filter looks at: those of its group
    of_picture: bool  # these are the channels of the picture itself
    patch: np.ndarray  # (C, kh, kw): what it sees there
    kernel: np.ndarray  # (C, kh, kw)
    rows: tuple[int, ...]  # of the input, for each row of the kernel; outside of it in the padding
    columns: tuple[int, ...]
    inside: np.ndarray  # (kh, kw): where the patch lies on the input and not in its padding
    bias: float | None  # None where the layer has none
    value: float  # what the network computed

    @property
    def products(self) -> np.ndarray:
        """Patch times kernel, (C, kh, kw)."""
        return self.patch * self.kernel

    @property
    def by_channel(self) -> np.ndarray:
        """What each input channel adds to the value, (C,)."""
        return self.products.sum((1, 2))

    @property
    def total(self) -> float:
        """The sum of all products and the bias: the value, to the rounding of the network."""
        return float(self.products.sum()) + (self.bias or 0.0)

    def strongest(self, count: int) -> tuple[list[tuple[int, float]], float]:
        """The input channels that add or take away most, with what they add; and what all the others add together."""
        order = np.argsort(-np.abs(self.by_channel), kind="stable")
        top = [(self.inputs[i], float(self.by_channel[i])) for i in order[:count]]
        return top, float(self.by_channel[order[count:]].sum())


def is_sum(node: fx.Node, recording: Recording) -> bool:
    """Whether an operation is a convolution or a linear layer that can be taken apart here."""
    name, value = plain_name(node, recording.model), recording.values.get(node)
    if name not in ("conv2d", "linear") or not gives_maps(value):
        return False
    mixed = value.dim() - 1 if name == "linear" else 1  # a linear layer mixes what comes last, which may be columns
    return order_of(recording, recording.trace.names[node]).channel == mixed


def sum_at(recording: Recording, layer: str, channel: int, row: int = 0, column: int = 0) -> Sum:
    """How the value of a convolution, or of a linear layer, at one position comes about.

    Raises:
        TraceRefused: for another operation, or a channel or position that it does not have.
    """
    node = recording.trace[layer]
    if not is_sum(node, recording):
        raise TraceRefused("“{layer}” is neither a convolution nor a linear layer.", layer=layer)
    given = parameter(node, recording, "weight bias", bias=None)
    weight, bias = given["weight"], given["bias"]
    is_linear = plain_name(node, recording.model) == "linear"
    maps = layer_maps(recording, layer)
    check_unit(maps, layer, channel, row, column)
    take = _of_linear if is_linear else _of_convolution
    inputs, patch, rows, columns, inside = take(node, recording, channel, row, column)
    kernel = weight[channel].reshape(patch.shape)
    return Sum(
        layer,
        channel,
        row,
        column,
        inputs,
        before_padding(source(node), recording.model).op == "placeholder",
        _precise(patch),
        _precise(kernel),
        rows,
        columns,
        inside,
        None if bias is None else float(bias[channel].detach()),
        float(maps[channel, row, column]),
    )


@dataclass(frozen=True, eq=False)
class Origin:
    """Where one value of a layer comes from."""

    steps: tuple[Step, ...]  # the value since its channel was made, itself the last
    sum: Sum | None  # the first of them, taken apart; None where it is no convolution's and no linear layer's

    @property
    def value(self) -> float:
        return self.steps[-1].value


def origin_of(model: nn.Module, image: Tensor, layer: str, channel: int, row: int, column: int) -> Origin:
    """Where the value of a layer at one position comes from.

    Raises:
        TraceRefused: see `vis.activations.activations`; or for a position that the layer does not have.
    """
    way = set(before_and_after(model, layer, tuple(image.shape)))

    def reads(recording: Recording, node: fx.Node) -> list[fx.Node]:
        return node.all_input_nodes if recording.trace.names.get(node) in way else []

    recording = record(model, image, [layer], reads)
    steps = way_to(recording, layer, channel, row, column)
    first = steps[0]
    if not is_sum(recording.trace[first.layer], recording):
        return Origin(steps, None)
    return Origin(steps, sum_at(recording, first.layer, channel, first.row, first.column))


Patch = tuple[tuple[int, ...], Tensor, tuple[int, ...], tuple[int, ...], np.ndarray]


def _of_linear(node: fx.Node, recording: Recording, channel: int, row: int, column: int) -> Patch:
    given = recording.values[source(node)]  # (1, C) or (1, h, w, C)
    vector = given[0] if given.dim() == 2 else given[0, row, column]
    return tuple(range(len(vector))), vector[:, None, None], (row,), (column,), np.ones((1, 1), bool)


def _of_convolution(node: fx.Node, recording: Recording, channel: int, row: int, column: int) -> Patch:
    conv, given = convolution(node, recording), recording.values[source(node)]  # (1, C, H, W)
    each = conv.in_channels // conv.groups
    first = channel // (conv.out_channels // conv.groups) * each
    before, after = zip(*_padding(conv.padding, conv.kernel, conv.dilation), strict=True)
    size, border = _inside_padding(source(node), recording)
    places = [
        tuple(at * s - p - b + d * u for u in range(k))
        for at, k, s, p, b, d in zip(
            (row, column), conv.kernel, conv.stride, before, border, conv.dilation, strict=True
        )
    ]
    padded = F.pad(given[:, first : first + each], (before[1], after[1], before[0], after[0]), _mode(node, recording))
    rows, columns = ([n + p + b for n in along] for along, p, b in zip(places, before, border, strict=True))
    inside = [[0 <= n < length for n in along] for along, length in zip(places, size, strict=True)]
    return (
        (gathered(source(node)) or tuple(range(conv.in_channels)))[first : first + each],
        padded[0][:, rows][:, :, columns],
        *places,
        np.logical_and.outer(*inside),
    )


def _inside_padding(node: fx.Node, recording: Recording) -> tuple[tuple[int, int], tuple[int, int]]:
    """(rows, columns) of the map that operations have put a border around, and of the border before it."""
    above = before = 0
    while node is not (inner := before_padding(node, recording.model)):
        given = parameter(node, recording, "padding" if node.op == "call_module" else "pad")
        sides = [*next(iter(given.values())), 0, 0, 0, 0]
        before, above, node = before + int(sides[0]), above + int(sides[2]), source(node)
    return tuple(recording.values[inner].shape[2:]), (above, before)


def _mode(node: fx.Node, recording: Recording) -> str:
    """What is put around the input: zeros, for a function always."""
    mode = recording.module(node).padding_mode if node.op == "call_module" else "zeros"
    return "constant" if mode == "zeros" else mode


def _padding(
    padding: tuple[int, ...] | str, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> list[tuple[int, int]]:
    """Before and after, for rows and for columns; "same" puts the odd one after, as torch does."""
    if isinstance(padding, str):
        whole = [d * (k - 1) if padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]
        return [(n // 2, n - n // 2) for n in whole]
    return [(n, n) for n in each_way(padding, 2)]


def _precise(values: Tensor) -> np.ndarray:
    return values.detach().cpu().to(torch.float64).numpy()
