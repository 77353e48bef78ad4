"""The shape of everything a network computes, found without computing it and without memory for weights."""

import copy
from functools import partial

import torch
from torch import nn

from vis.trace import Recording, TraceRefused, record_onto, traced

SMALLEST, LARGEST = 1, 1024  # sides between which the smallest picture of a network is looked for


def record_shapes(model: nn.Module, input_shape: tuple[int, int, int, int]) -> Recording:
    """A recording of a picture of `input_shape` (1, C, H, W) whose values have shapes but no numbers.

    The model may be on any device, "meta" included; it is neither run nor changed.

    Raises:
        TraceRefused: see `vis.trace.traced`; or for a picture that is too small, naming the smallest side that will do.
    """
    recorded = partial(_recorded, _without_numbers(model), traced(model))
    try:
        return recorded(input_shape)
    except TraceRefused as refusal:
        side = _smallest_side(recorded, input_shape[1])
        if side is None or min(input_shape[2:]) >= side:
            raise
        raise TraceRefused(
            "A picture of {width}×{height} is too small for this network; it needs {side}×{side} at least.",
            width=input_shape[3],
            height=input_shape[2],
            side=side,
        ) from refusal


def _recorded(model: nn.Module, trace, shape: tuple[int, ...]) -> Recording:
    image = torch.empty(shape, device="meta", dtype=_dtype(model))
    return record_onto(Recording(model, trace, image, {}, {}))


def _dtype(model: nn.Module) -> torch.dtype:
    parameter = next(model.parameters(), None)
    return torch.float32 if parameter is None else parameter.dtype


def _without_numbers(model: nn.Module) -> nn.Module:
    """The same modules with weights that have a shape alone."""
    tensors = (*model.parameters(), *model.buffers())
    if all(t.is_meta for t in tensors):
        return model
    memo = {id(p): nn.Parameter(p.detach().to("meta"), requires_grad=False) for p in model.parameters()}
    memo |= {id(b): b.detach().to("meta") for b in model.buffers()}
    return copy.deepcopy(model, memo)


def _smallest_side(recorded, channels: int) -> int | None:
    """The smallest side of a square picture that the network takes; None where it takes none."""

    def fits(side: int) -> bool:
        try:
            recorded((1, channels, side, side))
        except TraceRefused:
            return False
        return True

    too_small, enough = SMALLEST - 1, LARGEST
    if not fits(enough):
        return None
    while enough - too_small > 1:
        side = (too_small + enough) // 2
        too_small, enough = (too_small, side) if fits(side) else (side, enough)
    return enough
