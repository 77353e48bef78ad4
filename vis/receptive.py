"""Receptive fields: which pixels of the picture the units of each operation can see.

What becomes of the two sides of the picture at an operation says `vis.span_rules`, how they are counted `vis.spans`.
Where paths meet, a unit sees what it sees along any of them: from the first start to the last end.

A field is a bound: nothing outside it can change the unit; with dilation there are pixels inside that cannot, either.
What mixes all positions (a global pool, a gate that comes from one, flattened maps, group norm) sees the whole picture.
Where no rule says what an operation looks at, the whole picture is a bound all the same, and the field is not known.

A gate and the statistics of a norm may let everything in, though a unit mostly answers to its surroundings; what it
sees while they are held at their values, as the deconvnet holds them, is told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any
from weakref import WeakKeyDictionary

from torch import Tensor, fx, nn

from vis.gates import gate_of
from vis.operations import maps_of, named, plain_name
from vis.shapes import record_shapes
from vis.span_rules import JOINING, RULES, WHOLE, Call, Rule, keep, unknown
from vis.spans import Axis, Span
from vis.trace import Recording, Trace, source


@dataclass(frozen=True)
class ReceptiveField:
    """What the units of an operation see; None stands for the whole picture."""

    rows: Span | None
    columns: Span | None
    because: str = field(default="", compare=False)  # the operation from which on it is the whole, or is not known
    is_known: bool = field(default=True, compare=False)  # if not, the whole picture is only a bound
    held: "ReceptiveField | None" = field(default=None, compare=False)  # while gates and statistics are held at their
    # values; None where that changes nothing
    is_turned: bool = field(default=False, compare=False)  # the picture's rows lie along the columns of the map

    @property
    def _larger(self) -> Span | None:
        return max(self.rows, self.columns, key=lambda span: span.size) if self.rows and self.columns else None

    @property
    def size(self) -> int | None:
        return self._larger and self._larger.size

    @property
    def jump(self) -> int | Fraction | None:
        return self._larger and self._larger.jump

    @property
    def start(self) -> int | None:
        return self._larger and self._larger.start

    def box(self, row: int, column: int, shape: Sequence[int]) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) of what one unit sees of a picture of `shape` (…, H, W)."""
        height, width = shape[-2:]
        row, column = (column, row) if self.is_turned else (row, column)
        top, bottom = self.rows.of(row, height) if self.rows else (0, height)
        left, right = self.columns.of(column, width) if self.columns else (0, width)
        return top, left, bottom, right


def receptive_fields(model: nn.Module, input_shape: tuple[int, int, int, int]) -> dict[str, ReceptiveField]:
    """The receptive field of every operation on maps, by its name in the trace; nothing is computed.

    Raises:
        TraceRefused: see `vis.shapes.record_shapes`.
    """
    return fields_of(record_shapes(model, input_shape))


def fields_of(recording: Recording) -> dict[str, ReceptiveField]:
    """The receptive field of every recorded operation that the picture can change, by its name in the trace."""
    free = _sides(recording)
    held = _sides(recording, free)
    found: dict[str, ReceptiveField] = {}
    for node, sides in free.items():
        name = recording.trace.names[node]
        found[name] = _field(node, sides, recording)
        if held[node] is not sides and (less := _field(node, held[node], recording)) != found[name]:
            found[name] = replace(found[name], held=less)
    return found


def remembered_field(recording: Recording, layer: str) -> ReceptiveField:
    """The receptive field of one operation, found once for all pictures of this size; all, if none can change it."""
    found_before = _remembered.setdefault(recording.trace, {})
    picture = tuple(recording.image.shape)

    def key(name: str) -> tuple:
        return picture, name, maps_of(recording.values[recording.trace[name]])[0].shape

    if key(layer) not in found_before:
        if len(found_before) > MOST_FIELDS:
            found_before.clear()
        found_before |= {key(name): found for name, found in fields_of(recording).items()}
    return found_before.get(key(layer), EVERYTHING)


EVERYTHING = ReceptiveField(None, None)
MOST_FIELDS = 5000  # that are remembered of one network, for pictures of several sizes
_remembered: WeakKeyDictionary[Trace, dict[tuple, ReceptiveField]] = WeakKeyDictionary()


# The walk ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lost:
    """A side that is seen as a whole, or of which nobody knows what is seen."""

    because: str
    is_known: bool


Side = Axis | Lost
Sides = tuple[Side, Side]


def _field(node: fx.Node, sides: Sides, recording: Recording) -> ReceptiveField:
    """What is seen of both sides of the picture."""
    lengths = recording.image.shape[2:]
    told = [_told(node, side, length, recording) for side, length in zip(sides, lengths, strict=True)]
    lost = [side for side in told if isinstance(side, Lost)]
    because = next((side.because for side in lost), "")
    spans = (None if isinstance(side, Lost) else side.span for side in told)
    dims = [side.dim for side in told if not isinstance(side, Lost) and side.dim is not None]
    is_turned = len(dims) == 2 and dims[0] > dims[1]
    return ReceptiveField(*spans, because, all(side.is_known for side in lost), is_turned=is_turned)


def _told(node: fx.Node, side: Side, length: int, recording: Recording) -> Side:
    """A side that is folded as one of which nothing is known, unless a vector's one position sees all of it."""
    is_vector = maps_of(recording.values[node])[0].dim() <= 2
    if isinstance(side, Lost):
        return side
    if side.span is None:
        return Lost(side.because, is_vector)
    sees_all = is_vector and side.dim is None and side.span.of(0, length) == (0, length)
    return Lost(recording.trace.names[node], True) if sees_all else side


def _sides(recording: Recording, free: dict[fx.Node, Sides] | None = None) -> dict[fx.Node, Sides]:
    """Both sides of the picture on every recorded map that the picture can change.

    Args:
        free: what this gave; then gates and statistics are held. Where that changes nothing, the same is given again.
    """
    seen: dict[fx.Node, Sides] = {}
    for node, value in recording.values.items():
        if value is recording.image:
            seen[node] = free[node] if free else tuple(Axis.of_picture(dim, value.shape[dim]) for dim in (-2, -1))
        inputs = [n for n in node.all_input_nodes if n in seen]
        if not inputs or not maps_of(value):
            continue
        name = plain_name(node, recording.model)
        rule = RULES.get(name, unknown)
        if free:
            followed = _without_gate(node, inputs, recording)
            if followed == inputs and name not in STATISTICS and all(seen[n] is free[n] for n in inputs):
                seen[node] = free[node]
                continue
            inputs, rule = followed, keep if name in STATISTICS else rule
        elif rule not in JOINING and inputs != [source(node)]:  # such as filters that are made from the picture
            rule = unknown
        seen[node] = tuple(_seen(rule, node, [(n, seen[n][i]) for n in inputs], recording) for i in (0, 1))
    return seen


def _seen(rule: Rule, node: fx.Node, inputs: list[tuple[fx.Node, Side]], recording: Recording) -> Side:
    """One side of the picture, as the result of an operation sees it along all of its inputs."""
    here, together = recording.trace.names[node], None
    for n, side in inputs:
        if isinstance(side, Axis):
            answer = rule(Call(node, n, recording), side)
            if answer == WHOLE or answer is None or not _fits(answer, recording.values[node]):
                answer = Lost(here, answer == WHOLE)
            side = answer
        together = side if together is None else _joined(together, side, here)
    return together


def _fits(axis: Axis, value: Any) -> bool:
    """Whether the map has as many units there; of pieces, which are looked at one by one, nothing is asked."""
    has_units = axis.dim is not None and axis.seen is not None and isinstance(value, Tensor)
    return not has_units or value.shape[axis.dim] == axis.units


def _joined(one: Side, other: Side, here: str) -> Side:
    """What is seen along either of two paths that meet here."""
    for side in (one, other):
        if isinstance(side, Lost) and side.is_known:
            return side
    for side in (one, other):
        if isinstance(side, Lost):
            return side
    return one.joined(other) or Lost(here, False)


# What is held -----------------------------------------------------------------------------------------------------

STATISTICS = named("norm")  # they may come from all positions, as a gate may
PRODUCTS = named("multiply")


def _without_gate(node: fx.Node, inputs: list[fx.Node], recording: Recording) -> list[fx.Node]:
    """The inputs of a product without its gate, which is the one that the deconvnet holds."""
    if len(inputs) != 2 or plain_name(node, recording.model) not in PRODUCTS:
        return inputs
    gate = gate_of(inputs, node, recording)
    return [n for n in inputs if n is not gate]
