"""A network run operation by operation, so that everything it computes is there to be looked at."""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from models.device import OutOfMemory
from models.refusals import Refused
from vis.trace.in_place import on_a_copy
from vis.trace.nodes import MAX_POOLS, Trace, module_at, operation, source
from vis.trace.refusals import RAISED, TraceRefused, first_line


@dataclass(frozen=True, eq=False)
class Recording:
    """What every operation gave for one picture: `values[node]`, and the switches of every max pool."""

    model: nn.Module
    trace: Trace
    image: Tensor  # (1, C, H, W)
    values: dict[fx.Node, Any]  # of some perhaps no more than the shape, on device "meta"
    switches: dict[fx.Node, Tensor]  # (1, C, h, w): where in its H·W input positions each maximum was

    def module(self, node: fx.Node) -> nn.Module:
        """The module that is called there."""
        return module_at(node.target, self.model)

    def of(self, layer: str) -> Tensor:
        """The output of `layer`, (1, C, h, w) or (1, K).

        Raises:
            TraceRefused: for a layer that the network does not have, or the numbers of which were not recorded.
        """
        value = self.shaped_as(layer)
        if isinstance(value, Tensor) and value.is_meta and not self.image.is_meta:
            raise _not_recorded(layer)
        return value

    def shaped_as(self, layer: str) -> Tensor:
        """As `of`, for whom its shape and its type will do."""
        node = self.trace[layer]
        if node not in self.values:
            raise _not_recorded(layer)
        return self.values[node]


def _not_recorded(layer: str) -> TraceRefused:
    return TraceRefused("The layer “{layer}” was not recorded; name it when recording.", layer=layer)


Reads = Callable[[Recording, fx.Node], Iterable[fx.Node]]
"""Of what an operation has just read, the results whose numbers are asked for again when all has been recorded."""


def record_onto(recording: Recording, wanted: Iterable[fx.Node] | None = None, reads: Reads | None = None) -> Recording:
    """`recording`, filled operation by operation until all of `wanted` are there (by default to the end).

    Values remember what they are made of only where the recorded picture requires a gradient.

    Args:
        reads: of what is neither wanted nor read later, only the shape is kept; by default everything is.
    """
    steps = [node for node in recording.trace.graph.nodes if node.op != "output"]
    if wanted is not None:
        last = max(wanted, default=None)
        steps = [node for node in steps if last is not None and node <= last]
    kept = set(steps if wanted is None else wanted)
    unread = last_uses(steps) if reads else {}
    with torch.set_grad_enabled(torch.is_grad_enabled() and recording.image.requires_grad):
        for node in steps:
            execute(node, recording)
            if reads:
                kept.update(reads(recording, node))
                for read in unread[node]:
                    if read not in kept and read in recording.trace.from_picture and read.op != "placeholder":
                        recording.values[read] = _outline(recording.values[read])
    return recording


def _outline(value: Any) -> Any:
    """A result without its numbers, or a list of them; what is no map, such as a size, is kept."""
    if isinstance(value, Tensor) and value.is_floating_point():
        return torch.empty_like(value, device="meta")
    return type(value)(map(_outline, value)) if type(value) in (tuple, list) else value


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
            "With these weights, layer “{layer}” gives non-finite values; choose other weights.",
            layer=layer,
        )


def overwrites(steps: Sequence[fx.Node], model: nn.Module) -> set[fx.Node]:
    """Of these operations, in the order of execution, those that may write over what they read, where the results of
    operations are dropped after their last use: it is no view of anything, and nothing reads it later.
    """
    unread = last_uses(steps)
    return {
        node
        for node in steps
        for given in node.all_input_nodes[:1]
        if given in unread[node] and operation(given, model) in (nn.Conv2d, nn.BatchNorm2d, operator.add)
    }


def execute(node: fx.Node, recording: Recording, with_switches: bool = True, may_overwrite: bool = False) -> None:
    """Adds to `recording` what this operation gives; what it reads must be there.

    Args:
        with_switches: of max pools; without, these are run as the network itself runs them.
        may_overwrite: what it reads: see `overwrites`. A module that works in place, or a sum, does.

    Raises:
        TraceRefused: for a picture that is too small for the network, or a network that wants more than a picture.
    """
    try:
        _execute(node, recording, with_switches, may_overwrite)
    except RAISED as error:  # not a `with`: there are many small operations
        say_where(node, recording, error)


@contextmanager
def saying_where(node: fx.Node, recording: Recording) -> Iterator[None]:
    """A `with` in which this operation is done: what it raises becomes a refusal that names its layer."""
    try:
        yield
    except RAISED as error:
        say_where(node, recording, error)


def say_where(node: fx.Node, recording: Recording, error: Exception) -> NoReturn:
    """Raises what an operation raised as a refusal that names its layer."""
    if isinstance(error, (OutOfMemory, Refused)):
        raise error
    raise TraceRefused(
        "The network cannot process a {width}×{height} picture: “{layer}” says {reason}",
        width=recording.image.shape[3],
        height=recording.image.shape[2],
        layer=recording.trace.names.get(node, node.name),
        reason=first_line(error),
    ) from error


def _execute(node: fx.Node, recording: Recording, with_switches: bool, may_overwrite: bool) -> None:
    if node.op == "placeholder":
        if recording.values:
            raise TraceRefused(
                "Only networks with one input are supported; this one also needs “{name}”.", name=node.name
            )
        recording.values[node] = recording.image
    elif with_switches and is_max_pool(node, recording.model):
        parameters = max_pool_parameters(node, recording)
        pooled, switches = F.max_pool2d(recording.values[source(node)], **parameters, return_indices=True)
        recording.values[node], recording.switches[node] = pooled, switches
    elif node.target in recording.trace.constants:
        recording.values[node] = recording.trace.constants[node.target].to(recording.image.device)
    elif recording.image.is_meta and _keeps_the_shape(node, recording):
        recording.values[node] = torch.empty_like(recording.values[source(node)])
    else:
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), recording.values.__getitem__)
        if recording.image.is_meta or recording.trace.shape is not None:  # a trace with sizes names devices, too
            args, kwargs = fx.node.map_aggregate((args, kwargs), lambda a: _device_of(a, recording.image))
        recording.values[node] = apply(node, recording.model, args, kwargs, may_overwrite)


def _device_of(value: Any, image: Tensor) -> Any:
    return image.device if isinstance(value, torch.device) else value


def _keeps_the_shape(node: fx.Node, recording: Recording) -> bool:
    """Whether it is a batch norm of which no more than the shape is asked for, which takes torch long to work out."""
    if operation(node, recording.model) is not nn.BatchNorm2d:
        return False
    given, norm = recording.values[source(node)], recording.module(node)
    return isinstance(given, Tensor) and given.dim() == 4 and given.shape[1] == norm.num_features


def apply(node: fx.Node, model: nn.Module, args: tuple, kwargs: dict, may_overwrite: bool = False) -> Any:
    """What the operation of `node` makes of these arguments; not in place, so that recorded values stay true."""
    if node.op == "get_attr":
        return operator.attrgetter(node.target)(model)
    if node.op == "call_module":
        module = module_at(node.target, model)
        if vars(module).get("inplace") and not may_overwrite:  # a module takes long to say what it does not have
            args = tuple(a.clone() if isinstance(a, Tensor) else a for a in args)
        return module(*args, **kwargs)
    if may_overwrite and node.target is operator.add and len(source(node).users) == 1 and _is_like(*args):
        return operator.iadd(*args)  # a view of what it writes over would be a second reader
    called, args, kwargs = on_a_copy(node.target, args, kwargs)
    if node.op == "call_method":
        return getattr(args[0], called)(*args[1:], **kwargs)
    return called(*args, **kwargs)


def _is_like(one: Any, other: Any) -> bool:
    """Whether a sum of the two has the shape and type of the first."""
    both = isinstance(one, Tensor) and isinstance(other, Tensor)
    return both and one.shape == other.shape and one.dtype == other.dtype


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


def is_max_pool(node: fx.Node, model: nn.Module) -> bool:
    if node.op not in ("call_module", "call_function") or operation(node, model) not in MAX_POOLS:
        return False
    gives_a_pair = node.op == "call_module" and module_at(node.target, model).return_indices
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
