"""The network as a graph of operations, and recorded forward passes over it."""

import difflib
import itertools
import operator
import re
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import type_before_parametrizations

from models.device import OutOfMemory
from models.refusals import Refused


class TraceRefused(Refused):
    """A network that cannot be followed operation by operation, or a layer that it does not have."""


@dataclass(frozen=True, eq=False)
class Trace:
    """The operations of a network in the order of their execution, by names such as `layer1.0.relu_1`.

    A trace keeps no reference to its network.
    """

    graph: fx.Graph
    names: dict[fx.Node, str]
    constants: dict[str, Tensor]  # tensors made inside the network's forward, by the targets of their nodes
    from_picture: frozenset[fx.Node]  # the operations whose result the picture can change

    def __getitem__(self, layer: str) -> fx.Node:
        for node, name in self.names.items():
            if name == layer:
                return node
        close = difflib.get_close_matches(layer, self.names.values(), n=3, cutoff=0) or ["–"]
        raise TraceRefused(
            "There is no layer “{layer}” in this network; close names are {close}.", layer=layer, close=", ".join(close)
        )


CANNOT = "torch.fx cannot trace this network: {reason}"
CANNOT_GO_ON = "torch.fx cannot trace this network beyond “{layer}”: {reason}"

# What the code of a network may raise, which is anybody's: while it is traced, or given a picture it was not made for.
RAISED = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, NameError, RuntimeError, TypeError, ValueError),
    fx.proxy.TraceError,
)


def _said(error: Exception) -> str:
    """The first line of what an error says, or else what kind of error it is."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


_traces: weakref.WeakKeyDictionary[nn.Module, Trace] = weakref.WeakKeyDictionary()
_tracing = threading.Lock()


def traced(model: nn.Module) -> Trace:
    """The operations of `model`, which must be in evaluation mode; remembered as long as the model lives.

    Raises:
        TraceRefused: for a network in training mode or without weights yet, one whose path through it depends on the
            picture, or one that changes a map in place and reads the change through another view of that map.
    """
    if any(module.training for module in model.modules()):
        raise TraceRefused("The network is in training mode, so its answers are random; call model.eval() first.")
    if any(map(is_lazy, (*model.parameters(), *model.buffers()))):
        raise TraceRefused(CANNOT, reason="some of its layers have no weights before they have seen a picture")
    with _tracing:
        if model not in _traces:
            tracer, before = _Tracer(), set(vars(model))
            try:
                graph = tracer.trace(model)
            except RAISED as error:
                reached = next(reversed(tracer.names.values()), None)  # what it stumbled over mostly comes from there
                if reached is None:
                    raise TraceRefused(CANNOT, reason=_said(error)) from error
                raise TraceRefused(CANNOT_GO_ON, layer=reached, reason=_said(error)) from error
            finally:  # torch.fx leaves constants as attributes on the model
                constants = {name: vars(model).pop(name) for name in set(vars(model)) - before}
            _see_changes_in_place(graph, model, tracer.names)
            _traces[model] = Trace(graph, dict(tracer.names), constants, _from_picture(graph))
        return _traces[model]


def _see_changes_in_place(graph: fx.Graph, model: nn.Module, names: dict[fx.Node, str]) -> None:
    """Whoever reads a map after it was changed in place reads the changed one; here nothing is done in place.

    Only who reads it by the same name: a change that is read through another view of the same values is refused.
    """
    sizes = _sizes(graph)
    owners: dict[fx.Node, fx.Node] = {}  # the operation that made the values which a node gives or shows
    for node in (n for n in graph.nodes if n not in sizes):
        is_view = _is_view(node, model)
        in_place = not is_view and _is_in_place(node, model)
        owners[node] = owners[source(node)] if is_view or in_place else node
        if not in_place:
            continue
        changed = source(node)
        for other in (n for n, owner in owners.items() if owner is owners[node] and n not in (changed, node)):
            for reader in (user for user in other.users if user > node and user not in sizes):
                raise TraceRefused(
                    "“{layer}” changes values in place that “{other}” shares and “{reader}” reads afterwards; "
                    "let “{layer}” change a clone.",
                    layer=names[node],
                    other=names[other],
                    reader=names.get(reader, reader.name),
                )
        changed.replace_all_uses_with(node, lambda user, changed=node: user > changed)


_VIEW = re.compile(
    r"getitem|view(_as)?|reshape|(un)?flatten|chunk|(tensor_)?split|unbind|narrow|select|transpose|swapaxes|movedim|"
    r"permute|t|(un)?squeeze|expand(_as)?|unfold|diagonal|contiguous|detach|identity|\w*dropout\w*",
    re.IGNORECASE,
)


def _is_view(node: fx.Node, model: nn.Module) -> bool:
    """Whether the operation shows values of its input: reshape copies only where it must, dropout gives all again."""
    done = operation(node, model)
    is_called = node.op in ("call_module", "call_function", "call_method")
    return is_called and _VIEW.fullmatch(getattr(done, "__name__", str(done))) is not None


def _is_in_place(node: fx.Node, model: nn.Module) -> bool:
    if node.op == "call_module":
        return getattr(model.get_submodule(node.target), "inplace", False)
    if node.op == "call_method":
        return node.target.endswith("_") and not node.target.endswith("__")
    if node.op != "call_function":
        return False
    return node.target in _OUT_OF_PLACE or bool(node.kwargs.get("inplace"))


def _sizes(graph: fx.Graph) -> set[fx.Node]:
    """The operations that give numbers of pixels or maps, and not maps; += makes a new number."""
    found: set[fx.Node] = set()
    for node in graph.nodes:
        inputs = node.all_input_nodes
        if node.target in ("size", "dim", "numel", getattr) or (inputs and found.issuperset(inputs)):
            found.add(node)
    return found


def _from_picture(graph: fx.Graph) -> frozenset[fx.Node]:
    found: set[fx.Node] = set()
    for node in graph.nodes:
        if node.op == "placeholder" or found.intersection(node.all_input_nodes):
            found.add(node)
    return frozenset(found)


class _Tracer(fx.Tracer):
    """Names every operation by its path in the module tree: `layer1.0.relu_1` is the second ReLU of a block.

    torch.fx replaces `nn.Module.__call__` for the whole process while it traces; other threads are let through.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[fx.Node, str] = {}
        self._taken: set[str] = set()
        self._path = ""
        self._thread = threading.get_ident()

    def call_module(self, m: nn.Module, forward: Any, args: tuple, kwargs: dict) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        outside, self._path = self._path, self.path_of_module(m)
        try:
            if self.is_leaf_module(m, self._path):
                return self.create_proxy("call_module", self._path, args, kwargs)
            return forward(*args, **kwargs)
        finally:
            self._path = outside

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def create_proxy(self, kind: str, target: Any, args: tuple, *more: Any, **kwargs: Any) -> Any:
        if kind == "placeholder" and self.names and args:
            return args[0]  # after the picture nothing is given, so that `if mask is None` goes its usual way
        proxy = super().create_proxy(kind, target, args, *more, **kwargs)
        name = self._path
        if kind != "call_module":  # torch.fx numbers functions over the whole network, a block numbers its own
            name = f"{name}.".lstrip(".") + re.sub(r"_\d+$", "", proxy.node.name)
        numbered = (f"{name}_{i}" for i in itertools.count(1))
        self.names[proxy.node] = next(n for n in itertools.chain([name], numbered) if n not in self._taken)
        self._taken.add(self.names[proxy.node])
        return proxy


@dataclass(frozen=True, eq=False)
class Recording:
    """What every operation gave for one picture: `values[node]`, and the switches of every max pool."""

    model: nn.Module
    trace: Trace
    image: Tensor  # (1, C, H, W)
    values: dict[fx.Node, Any]
    switches: dict[fx.Node, Tensor]  # (1, C, h, w): where in its H·W input positions each maximum was

    def module(self, node: fx.Node) -> nn.Module:
        """The module that is called there."""
        return self._modules[node.target]

    @cached_property
    def _modules(self) -> dict[str, nn.Module]:
        return dict(self.model.named_modules(remove_duplicate=False))

    def of(self, layer: str) -> Tensor:
        """The output of `layer`, (1, C, h, w) or (1, K).

        Raises:
            TraceRefused: for a layer that the network does not have, or that lies above what was recorded.
        """
        node = self.trace[layer]
        if node not in self.values:
            raise TraceRefused("The layer “{layer}” was not recorded; name it when recording.", layer=layer)
        return self.values[node]


def record(model: nn.Module, image: Tensor, layers: Iterable[str] | None = None) -> Recording:
    """A forward pass with everything it computed, up to the last of `layers` (by default to the end).

    Nothing is hooked and nothing on the model changes, so any number of threads may record on one model.

    Args:
        image: (1, C, H, W); moved to the device and the precision of the model's parameters.

    Raises:
        TraceRefused: see `traced`; or for a picture that is too small for the network.
    """
    trace = traced(model)
    wanted = None if layers is None else {trace[layer] for layer in layers}
    parameter = next(model.parameters(), None)
    image = image.detach() if parameter is None else image.detach().to(parameter.device, parameter.dtype)
    check_shape(tuple(image.shape))
    return record_onto(Recording(model, trace, image, {}, {}), wanted)


def check_shape(shape: tuple[int, ...]) -> None:
    """Raises TraceRefused for what is not the shape of one picture."""
    if len(shape) != 4 or shape[0] != 1 or min(shape) < 1:
        raise TraceRefused("One picture of shape (1, C, H, W) is needed, not {shape}.", shape=shape)


@torch.no_grad()
def record_onto(recording: Recording, wanted: set[fx.Node] | None = None) -> Recording:
    """`recording`, filled operation by operation until all of `wanted` are there (by default to the end)."""
    for node in recording.trace.graph.nodes:
        if node.op == "output" or (wanted is not None and not wanted):
            break
        execute(node, recording)
        if wanted is not None:
            wanted.discard(node)
    return recording


@torch.no_grad()
def stream(model: nn.Module, images: Tensor, layers: Iterable[str]) -> Iterator[tuple[str, Tensor]]:
    """The outputs of `layers` for a batch of pictures, each with its layer, in the order in which they are computed.

    Nothing is kept: a value is dropped after the last operation that reads it, and the pass ends with the last layer.

    Args:
        images: (N, C, H, W); moved to the device and the precision of the model's parameters.

    Raises:
        TraceRefused: as `record`; or for values that are not finite.
    """
    trace = traced(model)
    wanted = {trace[layer] for layer in layers}
    steps = [node for node in trace.graph.nodes if wanted and node <= max(wanted)]
    no_longer_read = last_uses(steps)
    parameter = next(model.parameters(), None)
    images = images.detach() if parameter is None else images.detach().to(parameter.device, parameter.dtype)
    recording = Recording(model, trace, images, {}, {})
    for node in steps:
        execute(node, recording, with_switches=False)
        if node in wanted:
            check_finite(recording.values[node], trace.names[node])
            yield trace.names[node], recording.values[node]
        for read in no_longer_read[node]:
            del recording.values[read]


def last_uses(steps: Sequence[fx.Node]) -> dict[fx.Node, list[fx.Node]]:
    """For each of these operations, in the order of execution, those whose results none of them reads after it."""
    last_reader = {read: node for node in steps for read in (node, *node.all_input_nodes)}
    found: dict[fx.Node, list[fx.Node]] = {node: [] for node in steps}
    for read, node in last_reader.items():
        found[node].append(read)
    return found


def check_finite(value: Any, layer: str) -> None:
    """Raises TraceRefused for a layer's output that holds infinities, or values that are no numbers."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return
    if not value.sum().isfinite() and not value.isfinite().all():  # a finite sum, which is fast, has only finite terms
        raise TraceRefused(
            "With these weights the layer “{layer}” gives values that are not finite; choose other weights.",
            layer=layer,
        )


def execute(node: fx.Node, recording: Recording, with_switches: bool = True) -> None:
    """Adds to `recording` what this operation gives; what it reads must be there.

    Without the switches of max pools, these are run as the network itself runs them.

    Raises:
        TraceRefused: for a picture that is too small for the network, or a network that wants more than a picture.
    """
    try:
        _execute(node, recording, with_switches)
    except RAISED as error:
        if isinstance(error, (OutOfMemory, TraceRefused)):
            raise
        raise TraceRefused(
            "The network cannot take a picture of {width}×{height}: “{layer}” says {reason}",
            width=recording.image.shape[3],
            height=recording.image.shape[2],
            layer=recording.trace.names[node],
            reason=_said(error),
        ) from error


def _execute(node: fx.Node, recording: Recording, with_switches: bool) -> None:
    if node.op == "placeholder":
        if recording.values:
            raise TraceRefused(
                "Only networks with one input are understood; this one also wants “{name}”.", name=node.name
            )
        recording.values[node] = recording.image
    elif with_switches and is_max_pool(node, recording.model):
        parameters = max_pool_parameters(node, recording)
        pooled, switches = F.max_pool2d(recording.values[source(node)], **parameters, return_indices=True)
        recording.values[node], recording.switches[node] = pooled, switches
    elif node.target in recording.trace.constants:
        recording.values[node] = recording.trace.constants[node.target].to(recording.image.device)
    elif _keeps_the_shape(node, recording):
        recording.values[node] = torch.empty_like(recording.values[source(node)])
    else:
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), recording.values.__getitem__)
        recording.values[node] = apply(node, recording.model, args, kwargs)


def _keeps_the_shape(node: fx.Node, recording: Recording) -> bool:
    """Whether it is a batch norm of which no more than the shape is asked for, which takes torch long to work out."""
    if not recording.image.is_meta or operation(node, recording.model) is not nn.BatchNorm2d:
        return False
    given, norm = recording.values[source(node)], recording.module(node)
    return isinstance(given, Tensor) and given.dim() == 4 and given.shape[1] == norm.num_features


def apply(node: fx.Node, model: nn.Module, args: tuple, kwargs: dict) -> Any:
    """What the operation of `node` makes of these arguments; never in place, so that recorded values stay true."""
    if node.op == "get_attr":
        return operator.attrgetter(node.target)(model)
    if node.op == "call_module":
        module = model.get_submodule(node.target)
        if getattr(module, "inplace", False):
            args = tuple(a.clone() if isinstance(a, Tensor) else a for a in args)
        return module(*args, **kwargs)
    if kwargs.get("inplace"):
        kwargs = {**kwargs, "inplace": False}
    if node.op == "call_method":
        name = node.target if node.target.endswith("__") else node.target.removesuffix("_")
        return getattr(args[0], name)(*args[1:], **kwargs)
    return _OUT_OF_PLACE.get(node.target, node.target)(*args, **kwargs)


_OUT_OF_PLACE = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
    torch.relu_: torch.relu,
}


def operation(node: fx.Node, model: nn.Module) -> Any:
    """What kind of operation this is: a module's class, a function, or a method's name."""
    if node.op != "call_module":
        return node.target
    if "operation" not in node.meta:  # it is asked for often; weight norm makes a class of its own
        node.meta["operation"] = type_before_parametrizations(model.get_submodule(node.target))
    return node.meta["operation"]


def argument(node: fx.Node, position: int, name: str) -> Any:
    """What the call was given at this position or by this name, as it stands in the graph; None for nothing."""
    return node.args[position] if position < len(node.args) else node.kwargs.get(name)


def source(node: fx.Node) -> fx.Node:
    """The operation on whose result this one is done: what its first argument comes from."""
    first = argument(node, 0, "input")
    return first if isinstance(first, fx.Node) else node.all_input_nodes[0]


def parameter(node: fx.Node, recording: Recording, names: str, **defaults: Any) -> dict[str, Any]:
    """The parameters of a module or of a function by name, such as kernel_size, stride and padding.

    Args:
        names: of the function's arguments in their order, without the first.
        defaults: of those that a function's call may leave out.
    """
    if node.op == "call_module":
        module = recording.module(node)
        return {name: getattr(module, name) for name in names.split()}
    known = names.split()
    given = dict(zip(known, node.args[1:], strict=False)) | {k: v for k, v in node.kwargs.items() if k in known}
    return {**defaults, **fx.node.map_arg(given, recording.values.__getitem__)}


MAX_POOLS = {nn.MaxPool2d, F.max_pool2d, torch.max_pool2d}


def is_max_pool(node: fx.Node, model: nn.Module) -> bool:
    if node.op not in ("call_module", "call_function") or operation(node, model) not in MAX_POOLS:
        return False
    gives_a_pair = node.op == "call_module" and model.get_submodule(node.target).return_indices
    return not gives_a_pair  # whose parts nothing here can follow


def max_pool_parameters(node: fx.Node, recording: Recording) -> dict[str, Any]:
    found = parameter(
        node,
        recording,
        "kernel_size stride padding dilation ceil_mode",
        stride=None,
        padding=0,
        dilation=1,
        ceil_mode=False,
    )
    found["stride"] = found["stride"] or found["kernel_size"]
    return found
