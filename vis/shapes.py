"""The shape of everything a network computes, found without computing it and without memory for weights."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import torch
from torch import Tensor, nn

from vis.trace import Recording, Trace, TraceRefused, check_shape, record_onto, traced, without_numbers

SMALLEST, LARGEST = 1, 1024  # sides between which the smallest picture of a network is looked for
MOST_TRIED = 256  # of the sides that are tried one by one


def record_shapes(model: nn.Module, input_shape: tuple[int, int, int, int]) -> Recording:
    """A recording of a picture of `input_shape` (1, C, H, W) whose values have shapes but no numbers.

    The model may be on any device, "meta" included; it is neither run nor changed.

    Raises:
        TraceRefused: see `vis.trace.traced`; for what is no shape of a picture; or for a picture that the network
            cannot take, naming the smallest side that will do.
    """
    check_shape(tuple(input_shape))
    trace = traced(model, input_shape)
    recorded = partial(_recorded, without_numbers(model), trace)
    try:
        return recorded(input_shape)
    except TraceRefused as refusal:
        if trace.shape is not None:
            raise
        side, takes_larger = _smallest_side(recorded, input_shape[1])
        if side is None or (takes_larger and min(input_shape[2:]) >= side):
            raise
        height, width = input_shape[2:]
        if takes_larger:
            raise TraceRefused(
                "A {width}×{height} picture is too small for this network; it needs at least {side}×{side}.",
                width=width,
                height=height,
                side=side,
            ) from refusal
        raise TraceRefused(
            "The network cannot process a {width}×{height} picture; {side}×{side} works.",
            width=width,
            height=height,
            side=side,
        ) from refusal


def shapes_so_far(model: nn.Module, input_shape: tuple[int, int, int, int]) -> dict[str, torch.Size]:
    """The shapes of all that gives a tensor, by name, up to the first operation that cannot take such a picture."""
    recording = _empty(without_numbers(model), traced(model, input_shape), input_shape)
    with suppress(TraceRefused):
        record_onto(recording)
    names = recording.trace.names
    return {names[node]: value.shape for node, value in recording.values.items() if isinstance(value, Tensor)}


def _recorded(model: nn.Module, trace: Trace, shape: tuple[int, ...]) -> Recording:
    return record_onto(_empty(model, trace, shape))


def _empty(model: nn.Module, trace: Trace, shape: tuple[int, ...]) -> Recording:
    return Recording(model, trace, torch.empty(shape, device="meta", dtype=_dtype(model)), {}, {})


def _dtype(model: nn.Module) -> torch.dtype:
    parameter = next(model.parameters(), None)
    return torch.float32 if parameter is None else parameter.dtype


def _smallest_side(recorded: Callable[[tuple[int, ...]], Recording], channels: int) -> tuple[int | None, bool]:
    """The smallest side of a square picture that the network takes, None for none; and whether it takes larger ones."""

    def fits(side: int) -> bool:
        try:
            recorded((1, channels, side, side))
        except TraceRefused:
            return False
        return True

    too_small, enough = SMALLEST - 1, LARGEST
    if not fits(enough):  # it may take a few sides alone, as a fully connected layer behind no pool does
        return next((side for side in range(SMALLEST, MOST_TRIED + 1) if fits(side)), None), False
    while enough - too_small > 1:
        side = (too_small + enough) // 2
        too_small, enough = (too_small, side) if fits(side) else (side, enough)
    return enough, True
