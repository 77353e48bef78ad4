"""How the numbers of one row of a stack come about: symbols, and the same with this row's numbers put in.

Symbols as in `vis.cost.arithmetic`; r the receptive field, j the jump, both of what goes in.
"""

from collections.abc import Iterator

from vis.cost.arithmetic import DIRECTIONS, QUANTITIES, Explanation, window_steps
from vis.cost.layer import BYTES, Field, Layer, formula
from vis.cost.stack import Stack

ALONG = DIRECTIONS[2]  # the letters of rows and columns


def derived(stack: Stack, place: int) -> tuple[Explanation, ...]:
    """The sizes, the field, the jump, the weights, the parameters, the MACs and the memory of one of the steps.

    What a layer does not have is left out: a linear layer has no size, a pool no MACs.
    """
    step = stack.steps[place]
    before = stack.steps[place - 1].field if place else Field()
    return (*_size(step.layer), *_field(step.layer, before, step.field), *_cost(step.layer), *_memory(step.layer))


def _size(of: Layer) -> Iterator[Explanation]:
    if of.kind in ("linear", "global pool", "shuffle", "relu"):
        return
    window = zip(ALONG, of.given[1:], of.kernel, of.stride, of.padding, of.dilation, of.shape[1:], strict=True)
    for along, came, k, s, p, d, went in window:
        yield Explanation(QUANTITIES[along], *window_steps(along, came, k, s, p, d), went)


def _field(of: Layer, before: Field | None, after: Field | None) -> Iterator[Explanation]:
    """Along the rows, and along the columns where they are others."""
    if before is None or after is None or of.kind in ("shuffle", "relu"):
        return
    for i, along in enumerate(ALONG):
        if i and (after.size[0], after.jump[0]) == (after.size[1], after.jump[1]):
            return
        r, j, k, d, s = before.size[i], before.jump[i], of.kernel[i], of.dilation[i], of.stride[i]
        yield Explanation("field", f"r + d·(K_{along} − 1)·j", f"{r} + {d}·({k} − 1)·{j}", after.size[i])
        yield Explanation("jump", "j·s", f"{j}·{s}", after.jump[i])


def _cost(of: Layer) -> Iterator[Explanation]:
    symbols, numbers = formula("weights", of)
    if not symbols:
        return
    yield Explanation("weights", symbols, numbers, of.weights)
    more = [("C_out", 1)] * of.bias + [("2·C_out", 2)] * of.norm
    if more:
        letters = [symbol for symbol, _ in more]
        values = [f"{times}·{of.channels}" if times > 1 else str(of.channels) for _, times in more]
        yield Explanation("params", " + ".join([symbols, *letters]), " + ".join([numbers, *values]), of.params)
    yield Explanation("macs", *formula("macs", of), of.macs)


def _memory(of: Layer) -> Iterator[Explanation]:
    yield Explanation("activation_bytes", "|Y|·b", f"{'·'.join(map(str, of.shape))}·{BYTES}", of.activation_bytes)
