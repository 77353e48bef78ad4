"""How the code of a network is followed, once for each network, and remembered."""

import threading
import weakref
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from vis.trace.chance import check_no_chance
from vis.trace.in_place import see_changes_in_place
from vis.trace.nodes import Trace, from_picture
from vis.trace.refusals import RAISED, TraceRefused, first_line
from vis.trace.tracers import SizedTracer, Tracer
from vis.trace.tree import Tree
from vis.trace.twins import twin_of, without_hooks

CANNOT = "torch.fx cannot trace this network: {reason}"
CANNOT_GO_ON = "torch.fx cannot trace this network beyond “{layer}”: {reason}"

MOST_SHAPES = 8  # of pictures, for which the way through one network is remembered
USUAL_SIDE = 224  # of the picture, where none is at hand


@dataclass(eq=False)
class _Known:
    """What is remembered of a network as long as it lives and stays as it is; no reference to it."""

    tree: Tree
    trace: Trace | None = None  # for pictures of any shape
    why_not: tuple[str, dict[str, object]] | None = None  # where there is none, as what is said
    for_shapes: dict[tuple[int, ...], Trace] = field(default_factory=dict)

    def is_of(self, model: nn.Module) -> bool:
        traces = [trace for trace in (self.trace, *self.for_shapes.values()) if trace is not None]
        return self.tree.is_of(model, with_tensors=not traces or any(trace.constants for trace in traces))

    def for_shape(self, model: nn.Module, shape: tuple[int, ...]) -> Trace:
        if shape not in self.for_shapes:
            found = _trace(model, shape)
            while len(self.for_shapes) >= MOST_SHAPES:
                self.for_shapes.pop(next(iter(self.for_shapes)))
            self.for_shapes[shape] = found
        return self.for_shapes[shape]


_traces: weakref.WeakKeyDictionary[nn.Module, _Known] = weakref.WeakKeyDictionary()
_tracing = threading.Lock()


def traced(model: nn.Module, shape: tuple[int, ...] | None = None) -> Trace:
    """The operations of `model`, which must be in evaluation mode; remembered while the model lives and stays as it is.

    A network whose way depends on the sizes of its picture, such as one that pads as TensorFlow does, has a trace for
    every shape, in which sizes are numbers. All others have one for all pictures.

    Args:
        shape: of the pictures (N, C, H, W). Without it, a network that wants to know it is followed for one picture
            of 224×224, whose layers bear the same names.

    Raises:
        TraceRefused: for a network in training mode or without weights yet, one whose path through it depends on the
            picture's values, one that draws random numbers, one in a wrapper, or one that changes a map in place and
            reads the change through another view of that map.
    """
    with _tracing:
        known = _traces.get(model)
        if known is None or not known.is_of(model):
            _check(model)
            known = _traces[model] = _followed(model)
        if known.trace is not None:
            return known.trace
        shape = _usual_shape(model) if shape is None else tuple(shape)
        if shape is None:
            template, values = known.why_not
            raise TraceRefused(template, **values)
        return known.for_shape(model, shape)


def traced_with_sizes(model: nn.Module, shape: tuple[int, ...]) -> Trace:
    """The operations of `model` for pictures of this shape alone, though there is a trace for all.

    Raises:
        TraceRefused: as `traced`.
    """
    traced(model, shape)
    with _tracing:
        return _traces[model].for_shape(model, shape)


def prefer_sizes(model: nn.Module) -> None:
    """From now on every shape of picture has its own trace: the one for all does not give this network's answers.

    Code can take another way for what stands for a size than for a number, without a word.
    """
    with _tracing:
        if model in _traces:
            _traces[model].trace = None
            _traces[model].why_not = CANNOT, {"reason": "its way depends on the size of the picture"}


def _followed(model: nn.Module) -> _Known:
    tree = Tree(model)
    try:
        return _Known(tree, _trace(model))
    except _Lost as lost:
        return _Known(tree, why_not=(lost.template, lost.values_said))


class _Lost(TraceRefused):
    """Code that could not be followed to its end."""


def _trace(model: nn.Module, shape: tuple[int, ...] | None = None) -> Trace:
    twin = without_hooks(twin_of(model, _tensor_while_tracing))
    tracer = Tracer(model) if shape is None else SizedTracer(model, torch.Size(shape))
    before = set(vars(twin))
    try:
        graph = tracer.trace(twin)
    except RAISED as error:
        if isinstance(error, TraceRefused):
            raise
        reached = next(reversed(tracer.names.values()), None)  # what it stumbled over mostly comes from there
        if reached is None:
            raise _Lost(CANNOT, reason=first_line(error)) from error
        raise _Lost(CANNOT_GO_ON, layer=reached, reason=first_line(error)) from error
    see_changes_in_place(graph, twin, tracer.names)
    check_no_chance(graph, twin, tracer.names)
    used = {node.target for node in graph.nodes if node.op == "get_attr"} - before
    constants = {name: vars(twin)[name] for name in used if name in vars(twin)}
    return Trace(graph, dict(tracer.names), constants, from_picture(graph), shape)


def _tensor_while_tracing(tensor: Tensor) -> Tensor:
    """Parameters are asked for by name and never computed with; of the rest the code gets a copy to write into."""
    return tensor if isinstance(tensor, nn.Parameter) else tensor.detach().clone()


def _usual_shape(model: nn.Module) -> tuple[int, int, int, int] | None:
    first = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    return None if first is None else (1, first.in_channels, USUAL_SIDE, USUAL_SIDE)


# What is refused without a look -----------------------------------------------------------------------------------


def _check(model: nn.Module) -> None:
    for path, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise TraceRefused(CANNOT, reason="it is TorchScript; take the network that it was made from")
        part = next((_WRAPPERS[base.__name__] for base in type(module).__mro__ if base.__name__ in _WRAPPERS), None)
        if part is not None and isinstance(getattr(module, part, None), nn.Module):
            inside = ".".join(filter(None, ("model", path, part)))
            raise TraceRefused(
                "The network is wrapped in {wrapper}; unwrap it: {inside}.",
                wrapper=type(module).__name__,
                inside=inside,
            )
    if any(module.training for module in model.modules()):
        raise TraceRefused("The network is in training mode, so its outputs are random; call model.eval() first.")
    if any(map(is_lazy, (*model.parameters(), *model.buffers()))):
        raise TraceRefused(CANNOT, reason="some of its layers have no weights before they have seen a picture")


# Modules that pass everything on to one within, by where that is.
_WRAPPERS = {
    **dict.fromkeys(("DataParallel", "DistributedDataParallel", "FullyShardedDataParallel", "AveragedModel"), "module"),
    "OptimizedModule": "_orig_mod",
}
