"""Operations that draw random numbers also in evaluation mode, so that no recording is that of another pass."""

import inspect
import re

from torch import fx, nn

from vis.trace.nodes import operation
from vis.trace.refusals import TraceRefused

_ALWAYS = re.compile(
    r"bernoulli_?|multinomial|normal_?|log_normal_?|poisson|uniform_|exponential_|geometric_|cauchy_|random_|"
    r"(rand|randn|randint)(_like)?|gumbel_softmax|fractional_max_pool[23]d(_with_indices)?|FractionalMaxPool[23]d"
)
_SWITCHED = re.compile(r"(alpha_|feature_)*dropout[123]?d?_?|stochastic_depth|drop_block[23]d|rrelu_?")
_OF_TORCH = ("input", "p", "train")  # the arguments of torch.dropout, which no signature says


def check_no_chance(graph: fx.Graph, model: nn.Module, names: dict[fx.Node, str]) -> None:
    """Raises TraceRefused for dropout that stays on, and for noise."""
    for node in graph.nodes:
        if node.op not in ("call_module", "call_function", "call_method"):
            continue
        done = operation(node, model)
        name = getattr(done, "__name__", str(done))
        if node.op != "call_module" and _SWITCHED.fullmatch(name) and _is_on(node):
            raise TraceRefused(
                "“{layer}” draws random numbers in evaluation mode; call {function} with training=self.training.",
                layer=names[node],
                function=name,
            )
        if _ALWAYS.fullmatch(name):
            raise TraceRefused(
                "“{layer}” draws random numbers in evaluation mode; call {function} only in training.",
                layer=names[node],
                function=name,
            )


def _is_on(node: fx.Node) -> bool:
    try:
        bound = inspect.signature(node.target).bind(*node.args, **node.kwargs)
        bound.apply_defaults()
        given = bound.arguments
    except (TypeError, ValueError):
        given = {**dict(zip(_OF_TORCH, node.args, strict=False)), **node.kwargs}
    on = given.get("training", given.get("train", False))
    return bool(on) and given.get("p", given.get("drop_prob")) != 0
