"""How the numbers of one operation come about: the formula in symbols, and with this layer's numbers put in.

Symbols: K the kernel, C maps or features, H and W the size of the maps that come out, g groups, s stride, p padding,
d dilation, q what a transposed convolution adds, n vectors or pictures, Y all that comes out, b bytes of an element,
θ parameters of any other kind.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import fx

from vis.cost.count import PRODUCTS, activation_bytes_of, kind_of, layers, macs_of, owned_parameters
from vis.operations import Convolution, convolution, maps_of, plain_name, pooling
from vis.trace import Recording, parameter, source

DIRECTIONS = {1: "w", 2: "hw", 3: "dhw"}
QUANTITIES = {"h": "height", "w": "width"}


@dataclass(frozen=True)
class Explanation:
    """One number of one operation; both formulas in mathematical symbols alone.

    The rows of a stack also have "field", "jump" and "weights".
    """

    quantity: str  # "height", "width", "params", "macs" or "activation_bytes"
    symbols: str  # K_h·K_w·(C_in/g)·C_out·H·W
    numbers: str  # 3·3·(64/1)·64·56·56
    value: int


def explained(recording: Recording, name: str) -> tuple[Explanation, ...]:
    """How the size, the parameters, the MACs and the memory of the operation `name` come about.

    What is zero, not counted or not a formula is left out: a view has no memory of its own, a module's second use has
    no parameters, an addition has the size of its terms.

    Raises:
        TraceRefused: for a name that is not in the trace.
    """
    node = recording.trace[name]
    if node not in layers(recording):
        return ()
    return (*_size(node, recording), *_params(node, recording), *_macs(node, recording), *_memory(node, recording))


Factor = tuple[str, object]  # its symbol, and its number in this layer


def _sum_of_products(quantity: str, terms: list[list[Factor]], value: int) -> Explanation:
    symbols, numbers = (" + ".join("·".join(str(factor[i]) for factor in term) for term in terms) for i in (0, 1))
    return Explanation(quantity, symbols, numbers, value)


def _product(shape: Iterable[int]) -> str:
    """Of all sides; a single number has none."""
    return "·".join(map(str, shape)) or "1"


# Size ------------------------------------------------------------------------------------------------------------


def _size(node: fx.Node, recording: Recording) -> Iterator[Explanation]:
    name, kind = plain_name(node, recording.model), kind_of(node, recording)
    if kind not in ("conv", "depthwise", "pool") or name == "mean":
        return
    directions = DIRECTIONS[int(name[-2])]
    came, went = (maps_of(recording.values[n])[0].shape[-len(directions) :] for n in (source(node), node))
    for i, along in enumerate(directions):
        if along not in QUANTITIES:  # the third size of a video
            continue
        if name.startswith("adaptive"):
            formulas = f"{along.upper()}_out", str(went[i])
        elif kind == "pool":
            formulas = _pooled(node, recording, i, came[i], went[i])
        else:
            formulas = _convolved(convolution(node, recording), i, came[i], went[i])
        yield Explanation(QUANTITIES[along], *formulas, went[i])


def _convolved(conv: Convolution, i: int, came: int, went: int) -> tuple[str, str]:
    along = DIRECTIONS[len(conv.kernel)][i]
    k, d, s = conv.kernel[i], conv.dilation[i], conv.stride[i]
    if conv.padding == "same":
        return f"{along.upper()}_in", str(came)
    p = 0 if conv.padding == "valid" else conv.padding[i]
    if not conv.is_transposed:
        return window_steps(along, came, k, s, p, d)
    added = went - ((came - 1) * s - 2 * p + d * (k - 1) + 1)
    return (
        f"({along.upper()}_in − 1)·s − 2·p + d·(K_{along} − 1) + q + 1",
        f"({came} − 1)·{s} − 2·{p} + {d}·({k} − 1) + {added} + 1",
    )


def _pooled(node: fx.Node, recording: Recording, i: int, came: int, went: int) -> tuple[str, str]:
    pool, along = pooling(node, recording), DIRECTIONS[int(plain_name(node, recording.model)[-2])][i]
    k, s, p, d = pool.kernel[i], pool.stride[i], pool.padding[i], pool.dilation[i]
    symbols, numbers = window_steps(along, came, k, s, p, d, pool.is_rounded_up)
    steps = -(-(came + 2 * p - d * (k - 1) - 1) // s)
    if pool.is_rounded_up and went == steps:  # one more window would look at nothing but padding
        return f"{symbols} − 1", f"{numbers} − 1"
    return symbols, numbers


def window_steps(along: str, came: int, k: int, s: int, p: int, d: int, is_rounded_up: bool = False) -> tuple[str, str]:
    """The steps that a window takes, and one for where it stands at first."""
    opened, closed = "⌈⌉" if is_rounded_up else "⌊⌋"
    return (
        f"{opened}({along.upper()}_in + 2·p − d·(K_{along} − 1) − 1)/s{closed} + 1",
        f"{opened}({came} + 2·{p} − {d}·({k} − 1) − 1)/{s}{closed} + 1",
    )


# Parameters ------------------------------------------------------------------------------------------------------


def _params(node: fx.Node, recording: Recording) -> Iterator[Explanation]:
    owned, kind = owned_parameters(recording)[node], kind_of(node, recording)
    if not owned:
        return
    terms: list[list[Factor]] = [[("|θ|", _product(p.shape))] for p in owned]
    if kind == "norm":  # a scale and an offset
        terms = [[(str(len(owned)), len(owned)), ("C", owned[0].numel())]]
    elif kind in ("conv", "depthwise", "linear") and plain_name(node, recording.model) not in PRODUCTS:
        weight = parameter(node, recording, "weight bias")["weight"]
        if all(p is weight or p.dim() == 1 for p in owned):  # weight norm makes the weights of other parameters
            terms = [_weight(node, recording) if p is weight else [("C_out", p.numel())] for p in owned]
    yield _sum_of_products("params", terms, sum(p.numel() for p in owned))


def _weight(node: fx.Node, recording: Recording) -> list[Factor]:
    """The factors of the number of weights of a convolution or a linear layer."""
    if kind_of(node, recording) == "linear":
        out_features, in_features = parameter(node, recording, "weight bias")["weight"].shape
        return [("C_in", in_features), ("C_out", out_features)]
    conv = convolution(node, recording)
    factors: list[Factor] = [(f"K_{a}", k) for a, k in zip(DIRECTIONS[len(conv.kernel)], conv.kernel, strict=True)]
    if conv.is_transposed:
        return [*factors, ("C_in", conv.in_channels), ("(C_out/g)", f"({conv.out_channels}/{conv.groups})")]
    if kind_of(node, recording) == "depthwise":  # a filter looks at one map
        return [*factors, ("C_out", conv.out_channels)]
    return [*factors, ("(C_in/g)", f"({conv.in_channels}/{conv.groups})"), ("C_out", conv.out_channels)]


# Multiply-adds ---------------------------------------------------------------------------------------------------


def _macs(node: fx.Node, recording: Recording) -> Iterator[Explanation]:
    value, name = macs_of(node, recording), plain_name(node, recording.model)
    if value is None:
        return
    if kind_of(node, recording) in ("conv", "depthwise"):
        conv = convolution(node, recording)
        over, ending = (source(node), "_in") if conv.is_transposed else (node, "")
        size = recording.values[over].shape[-len(conv.kernel) :]
        factors = _weight(node, recording)
        factors += [(a.upper() + ending, n) for a, n in zip(DIRECTIONS[len(size)], size, strict=True)]
        times = recording.values[node].shape[: -len(size) - 1].numel()
    elif name == "linear":
        factors = _weight(node, recording)
        times = recording.values[node].shape[:-1].numel()
    elif name in ("matmul", "imatmul", "mm", "bmm"):
        inner = recording.values[source(node)].shape[-1]
        factors, times = [("|Y|", _product(recording.values[node].shape)), ("K", inner)], 1
    else:
        return
    yield _sum_of_products("macs", [factors + [("n", times)] * (times > 1)], value)


# Memory ----------------------------------------------------------------------------------------------------------


def _memory(node: fx.Node, recording: Recording) -> Iterator[Explanation]:
    value, made = activation_bytes_of(node, recording), maps_of(recording.values[node])
    if value and len(made) == 1:
        shape = made[0].shape[made[0].shape[0] == 1 :] if made[0].dim() > 1 else made[0].shape
        factors = [("|Y|", _product(shape)), ("b", made[0].element_size())]
        yield _sum_of_products("activation_bytes", [factors], value)
