"""Whether a recorded pass is the pass of the network itself: both are asked for their answer, once for each shape.

torch.fx follows the code of a network through its maps alone. What happens besides, such as a change through memory
that two tensors share, or something kept from the last pass, it does not see.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_leaves

from models.device import OutOfMemory
from vis.trace.execution import Recording, execute, last_uses
from vis.trace.nodes import Trace
from vis.trace.refusals import RAISED, TraceRefused, first_line
from vis.trace.twins import copied, twin_of

MOST_SHAPES = 64  # of pictures, for which it is remembered that they agree
TRUSTED = (
    "torch.nn",
    "torchvision",
    "models",
)  # whose code is compared by the tests, for every network of the registry


def is_foreign(model: nn.Module) -> bool:
    """Whether code takes part in a forward pass that is neither torch's nor of the networks shown here."""
    return any(
        not _is_trusted(type(module).__module__)
        or "forward" in vars(module)
        or module._forward_hooks
        or module._forward_pre_hooks
        for module in model.modules()
    )


@lru_cache(maxsize=1024)
def _is_trusted(home: str) -> bool:
    return f"{home}.".startswith(tuple(f"{package}." for package in TRUSTED))


def check_agreement(model: nn.Module, trace: Trace, images: Tensor) -> None:
    """Lets the network and its trace answer to the same pictures, the first that come in this shape; cheap afterwards.

    The network's own code runs on a twin, so that whatever it changes, it changes there. Two answers agree if no value
    differs by more than √ε of the largest, ε being the precision: 3·10⁻⁴ in float32, 1.5·10⁻⁸ in float64.

    Args:
        images: (N, C, H, W), as the network takes them.

    Raises:
        TraceRefused: where they differ, saying by how much, or where one of them changes maps unseen.
    """
    state, shape = trace.agreement, tuple(images.shape)
    with state.lock:
        if shape not in state.refusals:
            if state.is_needed is None:
                state.is_needed = is_foreign(model)
            if images.is_meta or not state.is_needed:
                return
            try:
                if not _compare(model, trace, _telling(images)):
                    return
                refusal = None
            except TraceRefused as refused:
                refusal = refused.template, refused.values_said
            if len(state.refusals) >= MOST_SHAPES:
                state.refusals.pop(next(iter(state.refusals)))
            state.refusals[shape] = refusal
        refusal = state.refusals[shape]
    if refusal is not None:
        template, values = refusal
        raise TraceRefused(template, **values)


def _telling(images: Tensor) -> Tensor:
    """The pictures, or noise in the place of pictures that are of one colour and would let most things agree."""
    if images.amin() != images.amax():
        return images.clone()
    generator = torch.Generator().manual_seed(0)
    return torch.randn(images.shape, generator=generator).to(images.device, images.dtype)


@torch.no_grad()
def _compare(model: nn.Module, trace: Trace, images: Tensor) -> bool:
    """Whether there was something to compare: where neither takes such pictures, there is not."""
    try:
        own: Any = twin_of(model, copied)(images.clone())
        failed = None
    except RAISED as error:
        if isinstance(error, OutOfMemory):
            raise
        failed = first_line(error)
    try:
        recorded = _answer(Recording(model, trace, images, {}, {}))
    except TraceRefused:
        if failed is not None:
            return False
        raise
    if failed is not None:
        raise TraceRefused("The network itself cannot process this picture: {reason}", reason=failed)
    difference = _difference(recorded, own)
    if difference is not None:
        raise TraceRefused(
            "The recorded pass differs from the network itself by {difference} of the largest value: its code draws "
            "random numbers, writes to shared memory, or keeps values between passes.",
            difference=difference,
        )
    return True


def _answer(recording: Recording) -> Any:
    """What the trace gives in the end; nothing else is kept."""
    (output,) = (node for node in recording.trace.graph.nodes if node.op == "output")
    steps = [node for node in recording.trace.graph.nodes if node is not output]
    no_longer_read = last_uses([*steps, output])
    for node in steps:
        read = [value for n in node.all_input_nodes for value in _maps(recording.values[n])]
        versions = [value._version for value in read]
        execute(node, recording, with_switches=False)
        if versions != [value._version for value in read]:
            raise TraceRefused(
                "“{layer}” changes its input in a way that cannot be followed; give it a clone.",
                layer=recording.trace.names[node],
            )
        for unread in no_longer_read[node]:
            del recording.values[unread]
    return fx.node.map_arg(output.args[0], recording.values.__getitem__)


def _maps(value: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor) and not leaf.is_inference()]


def _difference(recorded: Any, own: Any) -> str | None:
    """By how much two answers differ, relative to the largest value; None if that is rounding."""
    ours, theirs = (_maps(answer) for answer in (recorded, own))
    if [value.shape for value in ours] != [value.shape for value in theirs]:
        return f"{[tuple(v.shape) for v in ours]} ≠ {[tuple(v.shape) for v in theirs]}"
    for a, b in zip(ours, theirs, strict=True):
        exact = torch.finfo(b.dtype).eps ** 0.5 if b.is_floating_point() else 0.0
        a, b = a.cpu().double(), b.cpu().double()
        apart = torch.where((a == b) | (a.isnan() & b.isnan()), 0.0, (a - b).abs())
        if not apart.numel():
            continue
        largest = torch.where(b.isfinite(), b.abs(), 0.0).max()
        if not (apart <= exact * largest).all():
            return f"{(apart.max() / largest).item():.1e}"
    return None
