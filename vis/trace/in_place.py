"""Changes in place: which operations make them, who sees them, and how the same is done on a copy."""

import operator
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from torch import Tensor, fx, nn

from vis.trace.nodes import operation, source
from vis.trace.refusals import TraceRefused

# `x += y` as the code says it, and what it is done by here.
OUT_OF_PLACE: dict[Callable[..., Any], Callable[..., Any]] = {
    getattr(operator, f"i{name.rstrip('_')}"): getattr(operator, name)
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor")
}


def is_in_place(node: fx.Node, model: nn.Module) -> bool:
    """Whether the operation writes what it gives into what it was given."""
    if node.op == "call_module":
        return getattr(model.get_submodule(node.target), "inplace", False)
    if node.op == "call_method":
        return _is_named_so(node.target)
    if node.op != "call_function":
        return False
    said = bool(node.kwargs.get("inplace")) or node.kwargs.get("out") is not None
    return said or node.target in OUT_OF_PLACE or _is_named_so(getattr(node.target, "__name__", ""))


def _is_named_so(name: str) -> bool:
    return name.endswith("_") and not name.endswith("__")


def on_a_copy(called: Any, args: tuple, kwargs: dict) -> tuple[Any, tuple, dict]:
    """The same call of a function, or of a method by its name, such that it changes none of its arguments."""
    kwargs = {key: value for key, value in kwargs.items() if key != "out"}
    if kwargs.get("inplace"):
        kwargs["inplace"] = False
    if not isinstance(called, str) and called in OUT_OF_PLACE:
        return OUT_OF_PLACE[called], args, kwargs
    if _is_named_so(called if isinstance(called, str) else getattr(called, "__name__", "")):
        args = tuple(_copy(a) if i == 0 else a for i, a in enumerate(args))
        kwargs = kwargs if args else {key: _copy(value) for key, value in kwargs.items()}
    return called, args, kwargs


def _copy(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


# Who sees them ----------------------------------------------------------------------------------------------------


def see_changes_in_place(graph: fx.Graph, model: nn.Module, names: dict[fx.Node, str]) -> None:
    """A reader of a map that was changed in place reads the changed one; here nothing is done in place.

    Only who reads the whole of it: a change that is read through another view of the same values is refused.

    Raises:
        TraceRefused: naming what changes, what shares, and what reads.
    """
    numbers = _numbers(graph)
    owners: dict[fx.Node, fx.Node] = {}  # the operation that made the values which a node gives or shows
    wholes: dict[fx.Node, fx.Node] = {}  # the first that showed all these values in this order
    sharing: dict[fx.Node, list[fx.Node]] = defaultdict(list)  # by owner
    attributes: dict[str, fx.Node] = {}
    latest: dict[fx.Node, fx.Node] = {}  # of a whole that was changed: the last change
    for node in [n for n in graph.nodes if n not in numbers]:
        is_view, is_whole = _is_view(node, model), _is_whole(node)
        changed = _changed(node, names) if not (is_view or is_whole) and is_in_place(node, model) else None
        if node.op == "get_attr":
            shown = attributes.setdefault(node.target, node)
        else:
            shown = changed if changed is not None else source(node) if is_view or is_whole else node
        owners[node] = owners.get(shown, shown)
        wholes[node] = wholes.get(shown, shown) if changed is not None or is_whole or node.op == "get_attr" else node
        sharing[owners[node]].append(node)
        if node.op == "get_attr" and wholes[node] in latest:
            node.replace_all_uses_with(latest[wholes[node]])
        if changed is None:
            continue
        for other in sharing[owners[node]]:
            if other is node:
                continue
            readers = [user for user in other.users if user > node and user not in numbers]
            if wholes[other] is wholes[node]:
                other.replace_all_uses_with(node, lambda user, node=node: user > node)
            elif readers:
                raise TraceRefused(
                    "“{layer}” changes values in place that “{other}” shares and “{reader}” reads afterwards; "
                    "let “{layer}” change a clone.",
                    layer=names[node],
                    other=names[other],
                    reader=names.get(readers[0], readers[0].name),
                )
        latest[wholes[node]] = node
    for node in graph.nodes:  # from here on like any other sum
        if node.op == "call_function":
            node.target = OUT_OF_PLACE.get(node.target, node.target)


def _changed(node: fx.Node, names: dict[fx.Node, str]) -> fx.Node | None:
    """What an operation in place writes into; None where that is nothing of the graph."""
    out = node.kwargs.get("out")
    if out is None:
        return source(node) if node.all_input_nodes else None
    if not isinstance(out, fx.Node):
        raise TraceRefused("“{layer}” gives its results through out=; let it return them.", layer=names[node])
    return out


_VIEW = re.compile(
    r"getitem|view(_as)?|reshape(_as)?|ravel|(un)?flatten|chunk|([hvd]|tensor_)?split(_with_sizes)?|unbind|narrow|"
    r"select|transpose|swapaxes|swapdims|movedim|moveaxis|permute|t|adjoint|(un)?squeeze|expand(_as)?|broadcast_to|"
    r"unfold|diagonal|as_strided|contiguous|to|type_as|float|double|half|bfloat16|cpu|cuda|identity|atleast_[123]d|"
    r"real|imag|alias|view_as_real|view_as_complex|\w*dropout\w*|stochastic_?depth",
    re.IGNORECASE,
)
_SHOWN = {"T", "mT", "H", "mH", "real", "imag"}  # attributes of a map that show its values, too


def _is_view(node: fx.Node, model: nn.Module) -> bool:
    """Whether the operation shows values of its input: reshape copies only where it must, dropout gives all again."""
    if node.target is getattr:
        return node.args[1] in _SHOWN
    done = operation(node, model)
    is_called = node.op in ("call_module", "call_function", "call_method")
    return is_called and _VIEW.fullmatch(getattr(done, "__name__", str(done))) is not None


def _is_whole(node: fx.Node) -> bool:
    """Whether it shows all values of its input as they stand there, under another name."""
    if node.target is getattr:
        return node.args[1] == "data"
    return node.op in ("call_method", "call_function") and getattr(node.target, "__name__", node.target) in (
        "detach",
        "requires_grad_",
    )


def _numbers(graph: fx.Graph) -> set[fx.Node]:
    """The operations that give numbers of pixels or maps, and not maps; += makes a new number."""
    found: set[fx.Node] = set()
    for node in graph.nodes:
        inputs = node.all_input_nodes
        asked = node.target in ("size", "dim", "numel")
        asked = asked or (node.target is getattr and node.args[1] not in _SHOWN | {"data"})
        if asked or (inputs and found.issuperset(inputs)):
            found.add(node)
    return found
