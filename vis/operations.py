"""What an operation is and what it was given, however it is written: as a module, as a function or as a method.

Every kind of operation stands in one table, `OPERATIONS`: what it is, and from where it takes its values. Receptive
fields, counts, activations and the deconvnet's rules read it; a new operation is a name there and its rules.
"""

import operator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx, nn

from vis.trace import Recording, operation, parameter, source

KINDS = (
    "conv",
    "depthwise",
    "linear",
    "norm",
    "activation",
    "pool",
    "add",
    "concat",
    "multiply",
    "dropout",
    "reshape",
    "other",
)
REACHES = (
    "position",  # its own position of its own channel, in every input
    "channels",  # its own position, of the neighbouring or of all channels, and every channel is given back
    "window",  # the positions in a window around its own
    "axis",  # all that lies along the dimensions which it is given, such as those of a sum or of a matrix product
    "moved",  # one value of its input, from another place
    "whole",  # all positions
)


@dataclass(frozen=True)
class Operation:
    """What kind of operation it is, and what one value of its result is made of."""

    kind: str  # one of KINDS; a convolution may also be "depthwise", a mean over positions is a "pool"
    reach: str  # one of REACHES


def _all(kind: str, reach: str, names: str) -> dict[str, Operation]:
    return dict.fromkeys(names.split(), Operation(kind, reach))


OPERATIONS: dict[str, Operation] = {
    **_all("conv", "window", "conv1d conv2d conv3d convtranspose1d convtranspose2d convtranspose3d"),
    **_all("pool", "window", "maxpool1d maxpool2d maxpool3d avgpool1d avgpool2d avgpool3d"),
    **_all("pool", "window", "adaptivemaxpool1d adaptivemaxpool2d adaptivemaxpool3d"),
    **_all("pool", "window", "adaptiveavgpool1d adaptiveavgpool2d adaptiveavgpool3d"),
    # Matrix products
    **_all("linear", "axis", "linear matmul imatmul mm bmm mv dot inner addmm baddbmm addbmm addmv tensordot einsum"),
    **_all("linear", "axis", "bilinear"),
    **_all("linear", "whole", "scaleddotproductattention multiheadattention rnn lstm gru rnncell lstmcell grucell"),
    # Norms
    **_all("norm", "position", "batchnorm batchnorm1d batchnorm2d batchnorm3d syncbatchnorm"),
    **_all("norm", "channels", "localresponsenorm layernorm rmsnorm"),
    **_all("norm", "whole", "groupnorm instancenorm instancenorm1d instancenorm2d instancenorm3d"),
    # Activation functions
    **_all("activation", "position", "relu relu6 leakyrelu prelu rrelu elu selu celu silu gelu mish hardswish sigmoid"),
    **_all("activation", "position", "hardsigmoid logsigmoid tanh hardtanh tanhshrink softplus softsign threshold"),
    **_all("activation", "position", "hardshrink softshrink"),
    **_all("activation", "axis", "softmax softmax2d logsoftmax softmin glu"),
    # Several maps
    **_all("add", "position", "add iadd sub isub rsub subtract"),
    **_all("multiply", "position", "mul imul multiply div idiv divide truediv itruediv"),
    **_all("concat", "axis", "cat concat concatenate stack hstack vstack dstack"),
    **_all("other", "position", "maximum minimum where lerp addcmul addcdiv atan2 fmod remainder floordiv mod"),
    **_all("other", "position", "truedivide floordivide xlogy hypot copysign heaviside"),
    # Nothing, at the time when pictures are looked at
    **_all("dropout", "position", "dropout dropout1d dropout2d dropout3d alphadropout featurealphadropout"),
    **_all("dropout", "position", "stochasticdepth identity"),
    # The same values in other places
    **_all("reshape", "position", "contiguous clone detach"),
    **_all("reshape", "moved", "flatten unflatten view viewas reshape reshapeas squeeze unsqueeze permute transpose t"),
    **_all("reshape", "moved", "swapaxes swapdims movedim moveaxis expand expandas chunk split tensorsplit unbind"),
    **_all("reshape", "moved", "getattr getitem narrow select pixelshuffle pixelunshuffle channelshuffle"),
    **_all("other", "moved", "pad zeropad1d zeropad2d zeropad3d constantpad1d constantpad2d constantpad3d"),
    **_all("other", "moved", "reflectionpad1d reflectionpad2d reflectionpad3d replicationpad1d replicationpad2d"),
    **_all("other", "moved", "replicationpad3d circularpad1d circularpad2d circularpad3d"),
    **_all("other", "moved", "repeat repeatinterleave tile broadcastto flip fliplr flipud roll rot90 indexselect"),
    **_all("other", "moved", "gather take unfold fold diagonal tril triu maskedfill"),
    **_all("other", "window", "interpolate upsample upsamplingnearest2d upsamplingbilinear2d"),
    **_all("other", "window", "lppool1d lppool2d lppool3d fractionalmaxpool2d fractionalmaxpool3d"),
    **_all("other", "moved", "maxunpool1d maxunpool2d maxunpool3d gridsample scatter scatteradd indexadd indexcopy"),
    # Numbers made of numbers
    **_all("other", "position", "neg negative positive abs absolute pow ipow square sqrt rsqrt exp expm1 log log1p"),
    **_all("other", "position", "log2 log10 sin cos tan asin acos atan sinh cosh erf erfc reciprocal sign floor ceil"),
    **_all("other", "position", "round trunc frac clamp clip clampmin clampmax nantonum"),
    **_all("other", "position", "float double half bfloat16 to type typeas cpu int long bool"),
    **_all("other", "position", "eq ne lt le gt ge isnan isinf isfinite logicaland logicalor logicalnot invert not"),
    **_all("other", "position", "emptylike zeroslike oneslike fulllike randlike randnlike"),
    **_all("other", "axis", "mean sum amax amin max min prod var std varmean stdmean median argmax argmin all any"),
    **_all("other", "axis", "norm normalize logsumexp cumsum cumprod sort argsort topk cosinesimilarity"),
    **_all("other", "axis", "outer ger kron cross maskedselect nonzero onehot embedding pairwisedistance"),
    **_all("other", "whole", "zeros ones full empty arange linspace tensor eye meshgrid bernoulli rand randn"),
    **_all("other", "whole", "newzeros newones newfull newempty newtensor astensor"),
}


def named(*kinds: str, reaches: tuple[str, ...] = REACHES) -> frozenset[str]:
    """The plain names of the operations of these kinds and reaches."""
    return frozenset(n for n, known in OPERATIONS.items() if known.kind in kinds and known.reach in reaches)


def plain(done: Any) -> str:
    """One name for a class, a function or a method's name: "maxpool2d" for nn.MaxPool2d and F.max_pool2d."""
    return getattr(done, "__name__", str(done)).rpartition(".")[2].lower().replace("_", "")


def plain_name(node: fx.Node, model: nn.Module) -> str:
    """One name for all ways to write an operation: "maxpool2d" for nn.MaxPool2d, F.max_pool2d and torch.max_pool2d."""
    if "plain name" not in node.meta:  # it is asked for often
        node.meta["plain name"] = plain(operation(node, model))
    return node.meta["plain name"]


def before_end(node: fx.Node, model: nn.Module) -> fx.Node:
    """What an activation function with an upper end, such as ReLU6, is done on; the node itself, where it is none."""
    return source(node) if plain_name(node, model) in ENDING else node


def before_padding(node: fx.Node, model: nn.Module) -> fx.Node:
    """The map that paddings were put around; the node itself, where it is none."""
    while node.op.startswith("call") and plain_name(node, model) in PADS:
        node = source(node)
    return node


def maps_of(value: Any) -> list[Tensor]:
    """The tensors in what an operation gave: itself, or the pieces of a split one."""
    pieces = value if isinstance(value, (tuple, list)) else [value]
    return [piece for piece in pieces if isinstance(piece, Tensor)]


CONVOLUTIONS = named("conv")
ADAPTIVE_POOLS = frozenset(name for name in named("pool") if name.startswith("adaptive"))
SLIDING_POOLS = named("pool") - ADAPTIVE_POOLS
ENDING = frozenset({"relu6", "hardtanh"})  # activation functions with an upper end, which many units reach
PADS = frozenset(name for name in OPERATIONS if "pad" in name)


def each_way(setting: Any, directions: int) -> tuple[int, ...]:
    """A number for each direction; a single one stands for all."""
    numbers = (setting,) if isinstance(setting, int) else tuple(setting)
    return numbers * directions if len(numbers) == 1 else numbers


@dataclass(frozen=True)
class Convolution:
    """The settings of a convolution, written as a module or as a function; one number for each direction."""

    kernel: tuple[int, ...]
    in_channels: int
    out_channels: int
    groups: int
    stride: tuple[int, ...]
    padding: tuple[int, ...] | str
    dilation: tuple[int, ...]
    is_transposed: bool
    has_bias: bool


def convolution(node: fx.Node, recording: Recording) -> Convolution:
    """What a convolution was given, transposed or not."""
    is_transposed = "transpose" in plain_name(node, recording.model)
    names = "weight bias stride padding dilation groups"
    if is_transposed:
        names = "weight bias stride padding output_padding groups dilation"
    found = parameter(node, recording, names, bias=None, stride=1, padding=0, groups=1, dilation=1)
    first, second, *kernel = found["weight"].shape  # (N, M / g, …), or (M, N / g, …) if transposed
    second *= found["groups"]
    padding = found["padding"]
    return Convolution(
        kernel=tuple(kernel),
        in_channels=first if is_transposed else second,
        out_channels=second if is_transposed else first,
        groups=found["groups"],
        stride=each_way(found["stride"], len(kernel)),
        padding=padding if isinstance(padding, str) else each_way(padding, len(kernel)),
        dilation=each_way(found["dilation"], len(kernel)),
        is_transposed=is_transposed,
        has_bias=found["bias"] is not None,
    )


@dataclass(frozen=True)
class Pooling:
    """The settings of a pool that slides; one number for each direction."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    is_rounded_up: bool  # so that the last window may reach over the edge


def pooling(node: fx.Node, recording: Recording) -> Pooling:
    """What a sliding pool was given; one without a stride moves by its kernel."""
    name = plain_name(node, recording.model)
    names = f"kernel_size stride padding {'dilation' if name.startswith('max') else ''} ceil_mode"
    found = {"dilation": 1, **parameter(node, recording, names, stride=None, padding=0, ceil_mode=False)}
    found["stride"] = found["stride"] or found["kernel_size"]
    numbers = (each_way(found[of], int(name[-2])) for of in ("kernel_size", "stride", "padding", "dilation"))
    return Pooling(*numbers, is_rounded_up=found["ceil_mode"])


def gathered(node: fx.Node) -> tuple[int, ...] | None:
    """Which maps are picked by x[:, [0, 2, …]], as for LeNet-5's C3; None for any other operation."""
    index = node.args[1] if node.target is operator.getitem else None
    is_list = isinstance(index, tuple) and len(index) == 2 and index[0] == slice(None)
    return tuple(index[1]) if is_list and isinstance(index[1], (list, tuple)) else None


def adaptive_windows(n_in: int, n_out: int) -> list[tuple[int, int]]:
    """[first, last) input of every output of an adaptive pool, along one direction: ⌊i·H/h⌋ and ⌈(i+1)·H/h⌉."""
    return [(i * n_in // n_out, -(-(i + 1) * n_in // n_out)) for i in range(n_out)]
