"""The multiply-adds of every kind of matrix product: one small formula each, all in the table `FORMULAS`.

An einsum with nothing to add up is an elementwise product and none of these, as torch does it and counts it.
"""

from collections.abc import Callable, Iterable, Sequence
from math import prod

from torch import Tensor, fx, nn

from vis.cost.formulas import linear_macs
from vis.trace import Recording, parameter, source

Formula = Callable[[fx.Node, Recording], int | None]


def _given(node: fx.Node, recording: Recording) -> list:
    """All that the call was given, with the recorded values, lists of tensors opened."""
    args, kwargs = fx.node.map_arg((node.args, node.kwargs), recording.values.__getitem__)
    flat: list = []
    for value in (*args, *kwargs.values()):
        flat += value if isinstance(value, (tuple, list)) else [value]
    return flat


def _factors(node: fx.Node, recording: Recording) -> list[Tensor]:
    return [value for value in _given(node, recording) if isinstance(value, Tensor)]


def linear(node: fx.Node, recording: Recording) -> int:
    """M · N for each vector."""
    out_features, in_features = parameter(node, recording, "weight bias")["weight"].shape
    return linear_macs(in_features, out_features, recording.values[node].shape[:-1].numel())


def product(node: fx.Node, recording: Recording) -> int:
    """Every number that comes out is a sum over the last dimension of the first factor."""
    return recording.values[node].numel() * _factors(node, recording)[0].shape[-1]


def added_product(node: fx.Node, recording: Recording) -> int:
    """The same, of two factors to whose product a first tensor is added; batches may be added up, too."""
    _, one, other = _factors(node, recording)
    return one.numel() * (other.shape[-1] if other.dim() > 1 else 1)


def bilinear(node: fx.Node, recording: Recording) -> int:
    """x₁ᵀ·A·x₂ for each of N matrices A: N · M₁ · M₂ for the first product, N · M₂ for the second."""
    is_module = node.op == "call_module"
    found = parameter(node, recording, "weight bias" if is_module else "input2 weight bias")
    out_features, first, second = found["weight"].shape
    return recording.values[node].shape[:-1].numel() * out_features * (first + 1) * second


def tensor_product(node: fx.Node, recording: Recording) -> int | None:
    """Every number that comes out is a sum over the dimensions that are contracted."""
    dims, shape = parameter(node, recording, "b dims", dims=2)["dims"], recording.values[source(node)].shape
    if isinstance(dims, Tensor):
        return None
    if isinstance(dims, int):
        dims = [range(-dims, 0)]
    summed = [shape[dim] for dim in ([dims[0]] if isinstance(dims[0], int) else dims[0])]
    return recording.values[node].numel() * prod(summed)


def attention(node: fx.Node, recording: Recording) -> int:
    """Queries with keys, then these weights with values."""
    queries, keys, _ = _factors(node, recording)[:3]
    return (queries.numel() + recording.values[node].numel()) * keys.shape[-2]


def attention_layer(node: fx.Node, recording: Recording) -> int:
    """Three projections, queries with keys, these weights with values, and a last projection."""
    module: nn.MultiheadAttention = recording.module(node)
    queries, keys, values = _factors(node, recording)[:3]
    embedded = module.embed_dim
    seen = keys.shape[-2 if module.batch_first or keys.dim() == 2 else -3]
    seen += (module.bias_k is not None) + module.add_zero_attn
    projected = queries.numel() + keys.numel() + values.numel() + queries.numel()  # the last of as many as queries
    return embedded * projected + 2 * queries.numel() * seen


def recurrent_layer(node: fx.Node, recording: Recording) -> int | None:
    """At every step a matrix for what comes in, one for what was before, and in an LSTM perhaps one for its output."""
    module: nn.RNNBase = recording.module(node)
    given = recording.values[source(node)]
    if not isinstance(given, Tensor):  # packed sequences
        return None
    steps = given.shape[:-1].numel()
    return steps * sum(p.numel() for name, p in module.named_parameters() if name.startswith("weight"))


def contraction(node: fx.Node, recording: Recording) -> int | None:
    """One factor after the other, from the left: what only one of two has and nobody needs is added up beforehand.

    So torch does it; where opt_einsum is installed, it may multiply three factors and more in a cheaper order.
    """
    equation, *factors = _given(node, recording)
    if not isinstance(equation, str):  # written with lists of numbers
        return None
    terms, kept = _terms(equation, factors)
    shapes = [factor.shape for factor in factors]
    (sizes, *others), macs = [dict(zip(term, shape, strict=True)) for term, shape in zip(terms, shapes, strict=True)], 0
    for i, more in enumerate(others):
        needed = kept.union(*others[i + 1 :])
        alone, shared = (sizes.keys() ^ more.keys()) - needed, (sizes.keys() & more.keys()) - needed
        sizes = {label: max(sizes.get(label, 1), more.get(label, 1)) for label in sizes.keys() | more.keys()}
        if prod(sizes[label] for label in shared) > 1:
            macs += prod(n for label, n in sizes.items() if label not in alone)
        sizes = {label: n for label, n in sizes.items() if label in needed}
    return macs


def _terms(equation: str, factors: list[Tensor]) -> tuple[list[tuple[str, ...]], set[str]]:
    """The labels of every factor, and those that are kept; what "…" stands for has labels of its own."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    written = inputs.split(",")
    lengths = [factor.dim() - len(term.replace("...", "")) for term, factor in zip(written, factors, strict=True)]
    most = max(n for n, term in zip(lengths, written, strict=True) if "." in term) if "." in inputs else 0
    dots = [f"…{i}" for i in range(most)]
    labels = [tuple(_opened(term, dots[most - n :])) for term, n in zip(written, lengths, strict=True)]
    if not arrow:  # what appears once, and what is behind "…"
        output = "..." + "".join(label for label in set(inputs) if label.isalpha() and inputs.count(label) == 1)
    return labels, set(_opened(output, dots))


def _opened(term: str, dots: Sequence[str]) -> Iterable[str]:
    before, found, after = term.partition("...")
    return (*before, *(dots if found else ()), *after)


def _all(formula: Formula, names: str) -> dict[str, Formula]:
    return dict.fromkeys(names.split(), formula)


FORMULAS: dict[str, Formula] = {
    **_all(linear, "linear"),
    **_all(product, "matmul imatmul mm bmm mv dot inner"),
    **_all(added_product, "addmm baddbmm addbmm addmv"),
    **_all(bilinear, "bilinear"),
    **_all(tensor_product, "tensordot"),
    **_all(contraction, "einsum"),
    **_all(attention, "scaleddotproductattention"),
    **_all(attention_layer, "multiheadattention"),
    **_all(recurrent_layer, "rnn lstm gru rnncell lstmcell grucell"),
}
