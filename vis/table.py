"""The layer graph as a table: one row an operation, for a spreadsheet (CSV) or a program (JSON)."""

import json
from collections.abc import Mapping
from typing import Any

from vis.cost.count import Counting
from vis.figures.numbers import shape
from vis.graph import COUNTED, Graph


def rows(
    graph: Graph, counting: Counting = COUNTED, times: Mapping[str, float] | None = None
) -> list[dict[str, str | int | float | None]]:
    """Every operation with its numbers, in the order of execution; None is not counted, or does not apply.

    Args:
        times: measured milliseconds by the names of operations.
    """
    table = []
    for node in graph.nodes.values():
        field = node.receptive_field
        row = {
            "layer": node.name,
            "block": node.parent,
            "kind": node.kind,
            "operation": node.operation,
            **{name: _setting(node.settings.get(name)) for name in ("kernel_size", "stride", "padding", "dilation")},
            "groups": node.settings.get("groups"),
            "output": shape(node.output_shape),
            "params": node.params,
            "flops" if counting.flops else "macs": counting.of(node.cost),
            "activation_bytes": node.activation_bytes,
            "receptive_field": field.size,
            "jump": field.jump,
            "start": field.start,
        }
        table.append({**row, "milliseconds": times.get(node.name)} if times else row)
    return table


def _setting(value: Any) -> str | None:
    return "×".join(map(str, value)) if isinstance(value, tuple) else None if value is None else str(value)


def as_json(graph: Graph, about: Mapping[str, Any]) -> str:
    """The whole graph as JSON: operations, the connections between them, and the blocks they stand in.

    Args:
        about: which network this is; stands before everything else.
    """
    content = {
        **about,
        "input_shape": graph.input_shape,
        "nodes": [{**row, "settings": dict(graph.nodes[row["layer"]].settings)} for row in rows(graph)],
        "edges": [[edge.source, edge.target] for edge in graph.edges],
        "blocks": [
            {"name": b.name, "operation": b.operation, "parent": b.parent, "folded": b.folded, "children": b.children}
            for b in graph.blocks.values()
        ],
        "unused_parameters": dict(graph.unused),
    }
    return json.dumps(content, ensure_ascii=False, indent=1)
