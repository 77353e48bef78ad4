"""What each layer of a network responds to in one picture: the paper's figure 2 for a single picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor, nn

from vis.deconvnet import (
    METHODS,
    Box,
    Projection,
    Stage,
    Unit,
    project,
    ranked_by,
    recorded,
    stages,
    strongest_units,
    unit_at,
)
from vis.maps import layer_maps
from vis.receptive import ReceptiveField, remembered_field
from vis.trace import Recording, check_finite


@dataclass(frozen=True, eq=False)
class LayerResponse:
    """One layer's units with their projections, the shape (K, h, w) of its maps and what each of their units sees."""

    operation: str
    shape: tuple[int, int, int]
    projections: tuple[Projection, ...]
    field: ReceptiveField
    ranked_by: str  # the operation whose values say which units are the strongest

    @property
    def units(self) -> tuple[Unit, ...]:
        return tuple(projection.unit for projection in self.projections)

    def limits(self, own: bool) -> tuple[float, ...]:
        """The range of each projection: its own largest absolute value, or the largest of all of them."""
        each = tuple(limit_of(projection.pixels) for projection in self.projections)
        return each if own else (max(each, default=0.0),) * len(each)


def limit_of(values: Tensor) -> float:
    """The largest absolute value; 0 where there are none, as for a unit that sees nothing but padding."""
    return float(values.abs().max()) if values.numel() else 0.0


def responses(
    model: nn.Module,
    image: Tensor | Recording,
    layers: Mapping[str, str],
    k: int = 9,
    channels: Mapping[str, Sequence[int]] | None = None,
    method: str = "deconvnet",
) -> dict[str, LayerResponse]:
    """For each layer the `k` feature maps that respond most, projected to the picture.

    Args:
        image: (1, C, H, W), or a recording of it up to the highest of these layers, such as by
            `vis.deconvnet.record_for` for them and this method.
        layers: a layer's short name to its operation in the trace, such as {"1": "features.relu1"}.
        channels: by short name, the feature maps to show instead of the strongest.

    Raises:
        TraceRefused: see `vis.deconvnet.project`.
    """
    recording = recorded(model, image, layers.values(), method)
    for operation in layers.values():
        check_finite(layer_maps(recording, operation), operation)
    units = {
        name: strongest_units(model, recording, operation, k, (channels or {}).get(name))
        for name, operation in layers.items()
    }
    projections = iter(project(model, recording, [unit for group in units.values() for unit in group], method))
    return {
        name: LayerResponse(
            operation,
            tuple(layer_maps(recording, operation).shape),
            tuple(_on_cpu(next(projections)) for _ in units[name]),
            remembered_field(recording, operation),
            ranked_by(recording.trace, model, operation),
        )
        for name, operation in layers.items()
    }


@dataclass(frozen=True, eq=False)
class StagePicture:
    """One step of a unit's way down, by the few feature maps that carry the most of the signal there."""

    layer: str
    step: str
    shape: tuple[int, ...]  # of the whole maps
    box: Box
    channels: tuple[int, ...]
    maps: Tensor  # (len(channels), h, w)


@dataclass(frozen=True, eq=False)
class UnitResponse:
    """One unit in full: the map it belongs to, and its projection by every method."""

    unit: Unit
    activations: Tensor  # (h, w): what every unit of the same feature map answers
    projections: Mapping[str, Projection]  # by method
    cosines: Mapping[str, float]  # of each method's projection to the deconvnet's


def unit_in_full(
    model: nn.Module, image: Tensor | Recording, layer: str, channel: int, position: tuple[int, int] | None = None
) -> UnitResponse:
    """A unit's map and what it saw by every method; by default it is the strongest of its feature map.

    Args:
        image: as of `responses`; a recording is for all of `METHODS`.
        position: (row, column) of the unit in its map.

    Raises:
        TraceRefused: for a layer, a channel or a position that does not exist.
    """
    recording, unit = _recorded_unit(model, image, layer, channel, position, METHODS)
    projections = {method: _on_cpu(project(model, recording, [unit], method)[0]) for method in METHODS}
    return UnitResponse(
        unit,
        layer_maps(recording, layer)[channel].cpu(),
        projections,
        {method: cosine(projection, projections["deconvnet"]) for method, projection in projections.items()},
    )


def unit_step_by_step(
    model: nn.Module,
    image: Tensor | Recording,
    layer: str,
    channel: int,
    position: tuple[int, int] | None = None,
    maps: int = 8,
) -> tuple[StagePicture, ...]:
    """The deconvnet's way down from one unit to the picture; arguments as of `unit_in_full`.

    Args:
        maps: how many feature maps of every step are kept.
    """
    recording, unit = _recorded_unit(model, image, layer, channel, position)
    return tuple(_strongest_maps(stage, maps) for stage in stages(model, recording, unit))


def _recorded_unit(
    model: nn.Module,
    image: Tensor | Recording,
    layer: str,
    channel: int,
    position: tuple[int, int] | None,
    methods: Sequence[str] = ("deconvnet",),
) -> tuple[Recording, Unit]:
    recording = recorded(model, image, [layer], *methods)
    if position is None:
        (unit,) = strongest_units(model, recording, layer, channels=[channel])
        return recording, unit
    return recording, unit_at(model, recording, layer, channel, *position)


def _strongest_maps(stage: Stage, count: int) -> StagePicture:
    strength = stage.maps.abs().sum((1, 2))
    carrying = max(1, int((strength > 0).sum()))
    channels = strength.topk(min(count, carrying)).indices.sort().values
    return StagePicture(
        stage.layer, stage.step, stage.shape, stage.box, tuple(channels.tolist()), stage.maps[channels].cpu()
    )


def cosine(one: Projection, other: Projection) -> float:
    """How alike two projections are in direction: 1 the same, 0 unrelated; 0 where one is all zeros."""
    a, b = (p.on_canvas().flatten().double() for p in (one, other))
    lengths = a.norm() * b.norm()
    return float(a @ b / lengths) if lengths > 0 else 0.0


def _on_cpu(projection: Projection) -> Projection:
    return replace(projection, pixels=projection.pixels.cpu())
