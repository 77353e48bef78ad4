"""Forward passes that are kept: of one picture with everything, of many with the layers asked for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary, ref

import torch
from torch import Tensor, fx, nn

from vis.trace.agreement import check_agreement
from vis.trace.execution import (
    Reads,
    Recording,
    check_finite,
    execute,
    last_uses,
    overwrites,
    record_onto,
    say_where,
)
from vis.trace.nodes import Trace, module_at, source
from vis.trace.refusals import RAISED, TraceRefused
from vis.trace.tracing import prefer_sizes, traced, traced_with_sizes


def record(
    model: nn.Module, image: Tensor, layers: Iterable[str] | None = None, reads: Reads | None = None
) -> Recording:
    """A forward pass with everything it computed, up to the last of `layers` (by default to the end).

    Nothing is hooked and nothing on the model changes, so any number of threads may record on one model. The first pass
    over a network of foreign code is compared with the network's own answer, which takes two passes more.

    Args:
        image: (1, C, H, W); moved to the device and the precision of the model's parameters.
        reads: where little is read of a large network, which results that is, and `nothing` where `layers` will do: of
            all others no more is kept than their shapes.

    Raises:
        TraceRefused: see `traced` and `check_agreement`; for a picture that is too small for the network; or for a
            network without weights.
    """
    check_shape(tuple(image.shape))
    return _recorded(model, _as_taken(model, image), layers, reads)


def nothing(recording: Recording, node: fx.Node) -> tuple[()]:
    """No operation is asked again for what it read."""
    return ()


def record_differentiable(model: nn.Module, images: Tensor, layers: Iterable[str] | None = None) -> Recording:
    """A forward pass of one or more pictures (N, C, H, W) that gradients can be taken through.

    `torch.autograd.grad(score, recording.of(layer))` works for every layer, and for `recording.image`; functional and
    reused operations are layers, too. Nothing is hooked, and no gradient is left on a parameter.

    Raises:
        TraceRefused: as `record`.
    """
    return _recorded(model, _as_taken(model, images).requires_grad_(), layers)


def record_above(
    model: nn.Module, images: Tensor, layer: str, end: Callable[[Trace], fx.Node], trace: Trace | None = None
) -> Recording:
    """As `record_differentiable` up to one operation, `end`, where gradients are taken down to `layer` and no further.

    Of what lies below, nothing is kept, which is faster.

    Args:
        trace: of the network as it is; looked up by default.

    Raises:
        TraceRefused: as `record`.
    """
    images = _as_taken(model, images)
    trace = _agreeing(model, images, trace)
    plan = _plan(model, trace, trace[layer], end(trace))
    recording = Recording(model, trace, images, {}, {})

    with torch.inference_mode():  # which is still a little faster than without gradients
        for step in plan.below:
            step.take(recording)
    for node, value in recording.values.items():
        recording.values[node] = _for_gradients(value)
    recording.values[plan.begin].requires_grad_()
    for step in plan.above:
        step.take(recording)
    return recording


def _for_gradients(value: Any) -> Any:
    """What inference mode gave, or a list of it, as a gradient may go through it."""
    if isinstance(value, Tensor):
        return value.clone() if value.is_inference() else value.detach()
    return type(value)(map(_for_gradients, value)) if type(value) in (tuple, list) else value


@dataclass(frozen=True)
class _Step:
    """One operation, and whose results are dropped after it."""

    node: fx.Node
    dropped: tuple[fx.Node, ...]
    may_overwrite: bool
    module: ref[nn.Module] | None  # that is called with one map and nothing else, as most are: see `_module_alone`
    read: fx.Node | None  # the map

    def take(self, recording: Recording) -> None:
        """Adds its result to `recording`, and drops what is read no more."""
        values = recording.values
        if self.module is None:
            execute(self.node, recording, with_switches=False, may_overwrite=self.may_overwrite)
        else:
            try:
                values[self.node] = self.module()(values[self.read])
            except RAISED as error:
                say_where(self.node, recording, error)
        for read in self.dropped:
            del values[read]


@dataclass(frozen=True)
class _Plan:
    """What is done without gradients, up to `begin`, and with them after it."""

    begin: fx.Node
    below: tuple[_Step, ...]
    above: tuple[_Step, ...]


def _plan(model: nn.Module, trace: Trace, begin: fx.Node, end: fx.Node) -> _Plan:
    """Worked out once for each layer and each end, for it takes as long as ten layers of a small network."""
    known = _plans.setdefault(trace, {})
    if (begin, end) not in known:
        if len(known) >= MOST_PLANS:
            known.clear()
        last = max(begin, end)
        nodes = [node for node in trace.graph.nodes if node <= last]
        unread, writing, above = last_uses(nodes), overwrites(nodes, model), nodes.index(begin) + 1
        steps = []
        for i, node in enumerate(nodes):
            dropped = tuple(read for read in unread[node] if read not in (begin, end))
            may_overwrite = i < above and node in writing  # a gradient needs what it was made of
            module = _module_alone(node, model, trace, may_overwrite)
            steps.append(_Step(node, dropped, may_overwrite, module and ref(module), module and source(node)))
        known[begin, end] = _Plan(begin, tuple(steps[:above]), tuple(steps[above:]))
    return known[begin, end]


def _module_alone(node: fx.Node, model: nn.Module, trace: Trace, may_overwrite: bool) -> nn.Module | None:
    """The module of an operation that is nothing but its call with one map, whatever the picture: `execute` looks at
    each call's arguments anew, which together takes as long as a layer of a small network.
    """
    if node.op != "call_module" or [*node.args] != node.all_input_nodes or node.kwargs or trace.shape is not None:
        return None
    module = module_at(node.target, model)
    return None if vars(module).get("inplace") and not may_overwrite else module


MOST_PLANS = 32
_plans: WeakKeyDictionary[Trace, dict[tuple[fx.Node, fx.Node], _Plan]] = WeakKeyDictionary()


def _recorded(model: nn.Module, images: Tensor, layers: Iterable[str] | None, reads: Reads | None = None) -> Recording:
    trace = _agreeing(model, images)
    wanted = None if layers is None else {trace[layer] for layer in layers}
    return record_onto(Recording(model, trace, images, {}, {}), wanted, reads)


def _agreeing(model: nn.Module, images: Tensor, trace: Trace | None = None) -> Trace:
    """The trace that gives the network's own answer to these pictures.

    Raises:
        TraceRefused: where there is none.
    """
    trace = traced(model, tuple(images.shape)) if trace is None else trace
    try:
        check_agreement(model, trace, images)
    except TraceRefused:
        if trace.shape is not None:
            raise
        with_sizes = _agreeing_with_sizes(model, images)
        if with_sizes is None:
            raise
        prefer_sizes(model)
        return with_sizes
    return trace


def _agreeing_with_sizes(model: nn.Module, images: Tensor) -> Trace | None:
    try:
        trace = traced_with_sizes(model, tuple(images.shape))
        check_agreement(model, trace, images)
    except TraceRefused:
        return None
    return trace


def _as_taken(model: nn.Module, images: Tensor) -> Tensor:
    parameter = next(model.parameters(), None)
    if parameter is None:
        return images.detach()
    if parameter.is_meta and not images.is_meta:
        raise TraceRefused("The network has no weights, only shapes (device “meta”); load weights into it first.")
    return images.detach().to(parameter.device, parameter.dtype)


def check_shape(shape: tuple[int, ...]) -> None:
    """Raises TraceRefused for what is not the shape of one picture."""
    if len(shape) != 4 or shape[0] != 1 or min(shape) < 1:
        raise TraceRefused("One picture of shape (1, C, H, W) is needed, not {shape}.", shape=shape)


@torch.no_grad()
def stream(model: nn.Module, images: Tensor, layers: Iterable[str]) -> Iterator[tuple[str, Tensor]]:
    """The outputs of `layers` for a batch of pictures, each with its layer, in the order in which they are computed.

    Nothing is kept: a value is dropped after the last operation that reads it, and the pass ends with the last layer.

    Args:
        images: (N, C, H, W); moved to the device and the precision of the model's parameters.

    Raises:
        TraceRefused: as `record`; or for values that are not finite.
    """
    images = _as_taken(model, images)
    trace = _agreeing(model, images)
    wanted = {trace[layer] for layer in layers}
    steps = [node for node in trace.graph.nodes if wanted and node <= max(wanted)]
    no_longer_read = last_uses(steps)
    writing = {node for node in overwrites(steps, model) if not wanted.intersection(node.all_input_nodes)}
    recording = Recording(model, trace, images, {}, {})
    for node in steps:
        execute(node, recording, with_switches=False, may_overwrite=node in writing)
        if node in wanted:
            check_finite(recording.values[node], trace.names[node])
            yield trace.names[node], recording.values[node]
        for read in no_longer_read[node]:
            del recording.values[read]
