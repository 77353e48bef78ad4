"""One operation on the way down, and the paper's three steps: unpool, rectify, filter.

A step gets the signal that arrives at the output of an operation and returns, for each input, what goes on from
there. Sliding operations work on windows, the others on whole maps.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, fx
from torch.nn import functional as F

from models.refusals import Refused
from vis.operations import plain_name
from vis.trace import Recording, apply, argument, max_pool_parameters, operation, parameter, source
from vis.windows import Sliding, Windows


@dataclass(frozen=True, eq=False)
class Step:
    """One operation on the way down, and how it went on the way up."""

    recording: Recording
    node: fx.Node
    method: str  # "deconvnet", "guided" or "gradient"
    unpooling: str  # "add" or "overwrite"

    @property
    def operation(self) -> str:
        """Its plain name, as `RULES` has it."""
        return plain_name(self.node, self.recording.model)

    @property
    def name(self) -> str:
        return self.recording.trace.names[self.node]

    @property
    def source(self) -> fx.Node:
        """The first input."""
        return source(self.node)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """All that the call was given, by position or by name, as it stands in the graph."""
        return *self.node.args, *self.node.kwargs.values()

    def argument(self, position: int, name: str) -> Any:
        return argument(self.node, position, name)

    def value(self, node: fx.Node) -> Tensor:
        """What this operation gave; of some no more than the shape was recorded."""
        return self.recording.values[node]

    def stand_in(self, node: fx.Node) -> Tensor:
        """The value of `node`, or where only its shape was recorded no numbers, which show where they are asked for."""
        value = self.value(node)
        if not value.is_meta or self.recording.image.is_meta:
            return value
        return torch.full_like(value, torch.nan, device=self.recording.image.device)

    @property
    def input_shape(self) -> torch.Size:
        return self.value(self.source).shape

    def parameter(self, names: str, **defaults: Any) -> dict[str, Any]:
        return parameter(self.node, self.recording, names, **defaults)

    @cached_property
    def signals(self) -> list[fx.Node]:
        """The inputs that are maps which the picture can change, each once; maps, where it reads the pieces of a list.

        An input that is a list of maps (the pieces of `chunk`) is looked through to the maps it was made from.
        """
        return self._read_by((*self._lists, self.node))

    @property
    def is_plain(self) -> bool:
        """Whether what goes in and comes out has one picture in its first dimension, as rules take it."""
        maps = [self.value(node) for node in (self.node, *self.signals)]
        return all(m.dim() > 1 and len(m) == 1 for m in maps if isinstance(m, Tensor))

    def differentiable(
        self, to: Sequence[fx.Node] | None = None, replayed: Sequence[fx.Node] = ()
    ) -> tuple[Callable[..., Tensor], list[fx.Node]]:
        """The operation as a function of its inputs that are maps, and these inputs.

        Args:
            to: of these inputs alone; the others are held at their values.
            replayed: operations before this one, in their order, that belong to the function.
        """
        done = (*self._lists, *replayed, self.node)
        inputs = self._read_by(done) if to is None else list(to)

        def run(*maps: Tensor) -> Tensor:
            given = {**self.recording.values, **dict(zip(inputs, maps, strict=True))}
            for n in done:
                args, kwargs = fx.node.map_arg((n.args, n.kwargs), given.__getitem__)
                given[n] = apply(n, self.recording.model, args, kwargs)
            return given[self.node]

        return run, inputs

    @property
    def _lists(self) -> list[fx.Node]:
        return [n for n in self.node.all_input_nodes if is_list_of_maps(self.value(n))]

    def _read_by(self, done: Sequence[fx.Node]) -> list[fx.Node]:
        """What these operations read, each once, that the picture can change and that none of them makes."""
        read = dict.fromkeys(n for node in done for n in node.all_input_nodes if n not in done)
        maps = (n for n in read if n in self.recording.trace.from_picture and isinstance(self.value(n), Tensor))
        return [n for n in maps if self.value(n).is_floating_point()]

    def slope(self, signal: Windows, replayed: Sequence[fx.Node] = ()) -> Tensor:
        """The derivative of an elementwise operation at the values recorded on the way up, in the signal's windows."""
        before = self.value(self.source)
        if self.operation == "relu" and not replayed and before.dim() == 4 and len(before) == 1:
            return signal.cut_from(before).gt(0).to(before.dtype)  # autograd's, without a pass over the whole maps
        run, (source,) = self.differentiable(replayed=replayed)
        x = self.value(source).detach().requires_grad_()
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(run(x).sum(), x)
        return signal.cut_from(slope) if slope.dim() == 4 and len(slope) == 1 else slope


def is_list_of_maps(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and any(isinstance(v, Tensor) for v in value)


Down = Callable[[Step, Windows], dict[fx.Node, Windows]]


class NoRule(Refused):
    """An operation through which no signal can be sent back."""


def no_rule(step: Step, node: fx.Node | None = None) -> NoRule:
    """The refusal of this operation, or of another one."""
    missing = operation(node or step.node, step.recording.model)
    return NoRule(
        "The {method} has no rule for “{operation}” at “{layer}”; choose a layer below it, or the gradient.",
        method=step.method,
        operation=getattr(missing, "__name__", missing),
        layer=step.recording.trace.names[node or step.node],
    )


# The three steps of the paper -------------------------------------------------------------------------------------


def unpool(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Each signal goes back to where its maximum was: the switches recorded on the way up."""
    pool = max_pool_parameters(step.node, step.recording)
    sliding = Sliding.by(pool["kernel_size"], pool["stride"], pool["padding"], pool["dilation"])
    switches = step.recording.switches[step.node]
    values = signal.values
    if step.unpooling == "overwrite":
        values = values * signal.cut_from(last_writers(switches, step.input_shape))

    height, width = sliding.size_below(signal.size)
    places = signal.cut_from(switches)  # row · W + column, from here on row · width + column inside the window
    places = places - places.div(step.input_shape[3], rounding_mode="floor") * (step.input_shape[3] - width)
    (rows, columns), (above, before) = sliding.stride, sliding.padding
    corner = (signal.top * rows - above) * width + signal.left * columns - before
    places = places - corner.to(values.device).view(-1, 1, 1, 1)
    # Windows that reach over the border carry no signal there, so wherever these zeros are put does not matter.
    places = places.clamp_(0, height * width - 1).expand(values.shape)
    below = values.new_zeros(*values.shape[:2], height * width)
    below.scatter_add_(2, places.flatten(2), values.flatten(2))
    below = below.view(*values.shape[:2], height, width)
    return {step.source: signal.below(below, sliding, step.input_shape)}


def last_writers(switches: Tensor, shape: torch.Size) -> Tensor:
    """1 for the windows that, in reading order, are the last to have their maximum where it is; 0 for the others.

    Args:
        switches: (1, C, h, w), positions in maps of `shape` (1, C, H, W); of any number of dimensions.
    """
    order = torch.arange(switches[0, 0].numel(), device=switches.device).expand_as(switches.flatten(2))
    last = order.new_full((*switches.shape[:2], math.prod(shape[2:])), -1)
    last.scatter_reduce_(2, switches.flatten(2), order, "amax")
    return (last.gather(2, switches.flatten(2)) == order).view_as(switches)


def rectify(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """The only difference between the three methods: keep what is positive coming down, going up, or both."""
    values = signal.values
    if step.method in ("deconvnet", "guided"):
        values = values.clamp(min=0)  # Zeiler & Fergus 2013, section 2.1
    if step.method in ("gradient", "guided"):
        values = values * step.slope(signal)  # Springenberg et al. 2015, figure 1
    return {step.source: signal.with_values(values)}


MOSTLY_FILLED = 0.8  # share of its window a unit sees, from which one call for all units beats a smaller one for each


def filter_transposed(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """The layer's own filters, transposed; biases are dropped."""
    conv = step.parameter(
        "weight bias stride padding dilation groups", bias=None, stride=1, padding=0, dilation=1, groups=1
    )
    module = step.recording.module(step.node) if step.node.op == "call_module" else None
    if isinstance(conv["padding"], str) or getattr(module, "padding_mode", "zeros") != "zeros":
        return transpose(step, signal)
    sliding = Sliding.by(conv["weight"].shape[2:], conv["stride"], conv["padding"], conv["dilation"])

    def filtered(values: Tensor) -> Tensor:
        return transposed_convolution(values, conv["weight"], sliding.stride, sliding.dilation, conv["groups"])

    if signal.filled() > MOSTLY_FILLED:
        values = filtered(signal.values)
    else:  # units at the border see little of their window: filter that little
        size = sliding.size_below(signal.size)
        values = signal.values.new_zeros(len(signal.values), step.input_shape[1], *size)
        down, right = sliding.stride
        for i in range(len(values)):
            (top, left, _, _), part = signal.of_unit(i)
            if not part.numel():
                continue
            part = filtered(part[None])[0]
            y, x = (top - int(signal.top[i])) * down, (left - int(signal.left[i])) * right
            values[i, :, y : y + part.shape[1], x : x + part.shape[2]] = part
    return {step.source: signal.below(values, sliding, step.input_shape)}


def transposed_convolution(
    values: Tensor, weight: Tensor, stride: tuple[int, int], dilation: tuple[int, int], groups: int
) -> Tensor:
    """Transposed convolution of `values` (U, K, h, w) with `weight` (K, C / groups, kh, kw), without padding.

    Libraries are slow at large strides into few maps, such as AlexNet's 11×11 stride 4 into three colours. There it is
    done as a convolution with stride 1 that makes all stride² pixels of a cell at once (Shi et al. 2016, section 3.2).
    """
    size, maps = stride[0], weight.shape[1]
    if size == 1 or stride != (size, size) or dilation != (1, 1) or groups > 1 or maps > 8:
        return F.conv_transpose2d(values, weight, None, stride, 0, 0, groups, dilation)
    (h, w), (kh, kw) = values.shape[2:], weight.shape[2:]
    cells = -(-kh // size), -(-kw // size)  # that one filter reaches over
    cut = F.pad(weight, (0, cells[1] * size - kw, 0, cells[0] * size - kh))
    cut = cut.unflatten(2, (cells[0], size)).unflatten(4, (cells[1], size))  # (K, C, cell, in it, cell, in it)
    filters = cut.permute(1, 3, 5, 0, 2, 4).flatten(0, 2).flip(2, 3)  # (C·size², K, cells, cells)
    dense = F.pixel_shuffle(F.conv2d(values, filters, padding=(cells[0] - 1, cells[1] - 1)), size)
    return dense[:, :, : (h - 1) * size + kh, : (w - 1) * size + kw]


# Anything else ----------------------------------------------------------------------------------------------------


def keep(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """Dropout does nothing at test time; a conversion gives the signal the precision of its input."""
    return {step.source: signal.with_values(signal.values.to(step.value(step.source).dtype))}


def transpose(step: Step, signal: Windows, to: Sequence[fx.Node] | None = None) -> dict[fx.Node, Windows]:
    """Any operation that is linear in its maps, or in these of them, by its transpose, from autograd on whole maps."""
    run, inputs = step.differentiable(to)
    maps = [step.stand_in(n).detach().requires_grad_() for n in inputs]
    with torch.enable_grad():
        result = run(*maps)
    if not inputs or not result.requires_grad:
        return {}  # it asks its inputs for their shapes alone
    whole = signal.on_whole(result.shape).values
    rows = [
        torch.autograd.grad(result, maps, value.reshape(result.shape), retain_graph=True, allow_unused=True)
        for value in whole
    ]
    below = zip(inputs, *rows, strict=True)
    return {n: Windows.whole(torch.stack([_of_unit(g) for g in found])) for n, *found in below if found[0] is not None}


def _of_unit(gradient: Tensor) -> Tensor:
    """Without the dimension of the one picture; of what has none, such as groups in the batch, everything."""
    return gradient[0] if gradient.dim() > 1 and len(gradient) == 1 else gradient


def transpose_across_maps(step: Step, signal: Windows) -> dict[fx.Node, Windows]:
    """An operation at every position by itself, such as contrast normalisation, by its transpose in the windows."""
    run, _ = step.differentiable()
    maps = signal.cut_from(step.value(step.source)).expand(signal.values.shape).detach().requires_grad_()
    with torch.enable_grad():
        (values,) = torch.autograd.grad(run(maps), maps, signal.values)
    return {step.source: signal.with_values(values)}
