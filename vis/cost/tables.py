"""What is counted and what is measured, as rows for a spreadsheet: what is not known is None, not 0."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vis.cost.layer import POOLS, Layer
from vis.cost.roofline import Roof, Standing
from vis.cost.stack import Stack
from vis.figures.numbers import side, sizes

COSTS = ("macs", "weights", "params", "activation_bytes")


def filter_shape(layer: Layer) -> str:
    """As in MobileNet's Table 1: 3×3×32×64, one filter per map 3×3×32 dw, the matrix of a classifier 1024×1000."""
    if layer.kind == "linear":
        return f"{layer.given[0]}×{layer.channels}"
    if not layer.is_convolution:
        return f"pool {sizes(layer.kernel if layer.kind in POOLS else layer.given[1:])}"
    if layer.kind == "depthwise":
        return f"{sizes(layer.kernel)}×{layer.channels} dw"
    return f"{sizes(layer.kernel)}×{layer.given[0] // layer.groups}×{layer.channels}"


def layer_rows(layers: Mapping[str, Layer]) -> Iterator[dict[str, Any]]:
    """Layers by their names, of a block or of a MobileNet."""
    for name, each in layers.items():
        yield {
            "layer": name,
            "kind": each.kind,
            "filter": filter_shape(each),
            **{setting: side(getattr(each, setting)) for setting in ("stride", "padding", "dilation")},
            "groups": each.groups,
            "input": sizes(each.given),
            "output": sizes(each.shape),
            **{cost: getattr(each, cost) for cost in COSTS},
        }


def stack_rows(stack: Stack) -> Iterator[dict[str, Any]]:
    """The rows of a stack; a field without end is None."""
    for number, step in enumerate(stack.steps, 1):
        layer, field = step.layer, step.field
        yield {
            "row": number,
            "kind": layer.kind,
            **{setting: sizes(getattr(layer, setting)) for setting in ("kernel", "stride", "padding", "dilation")},
            "groups": layer.groups,
            "input": sizes(layer.given),
            "output": sizes(layer.shape),
            "receptive_field": field and sizes(field.size),
            "jump": field and sizes(field.jump),
            **{cost: getattr(layer, cost) for cost in COSTS},
        }


def standing_rows(layers: Sequence[Standing], roof: Roof | None) -> Iterator[dict[str, Any]]:
    """Measured layers beside what they count; without a roof nothing is said of what is attainable."""
    for each in layers:
        work, times = each.work, each.times
        attainable = roof.attainable(work.intensity) if roof and work.intensity is not None else None
        yield {
            "layer": work.name,
            **{of: getattr(work, of) for of in ("kind", "macs", "read_bytes", "weight_bytes", "written_bytes")},
            "macs_per_byte": work.intensity,
            **{of: getattr(times, of) for of in ("median_ms", "spread_ms", "rounds")},
            "macs_per_second": each.rate,
            "attainable_macs_per_second": attainable,
        }
