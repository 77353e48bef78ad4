"""The rows of a stack with all that is computed of them, as a table and as a file."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import streamlit as st

from pages.common.text import _
from pages.count.layer_table import ROW, counted
from vis.cost.layer import Field
from vis.cost.stack import Stack
from vis.figures.numbers import side, sizes
from vis.figures.stack import settings_of

MOST_SHOWN = 20  # rows without scrolling


def stack_table(stack: Stack, kinds: Mapping[str, str], is_short: bool) -> None:
    """One row per layer: what comes out, what it sees, and what it costs, with bars for its shares."""
    layers = [step.layer for step in stack.steps]
    cells: dict[str, list] = {
        _("row"): list(range(1, len(layers) + 1)),
        _("layer"): [f"{kinds[each.kind]} {settings_of(each)}".strip() for each in layers],
        _("output"): [sizes(each.shape) for each in layers],
        _("receptive field"): [field_in_words(step.field) for step in stack.steps],
        _("jump"): [None if step.field is None else side(step.field.jump) for step in stack.steps],
    }
    look: dict[str, object] = {
        _("row"): st.column_config.NumberColumn(width=45, pinned=True),
        _("layer"): st.column_config.TextColumn(width=190),
        _("jump"): st.column_config.TextColumn(alignment="right"),
    }
    for quantity, names in {
        "macs": (_("MACs"), _("of all MACs")),
        "params": (_("parameters"), _("of all parameters")),
        "activation_bytes": (_("activation memory, bytes"), _("of all activations")),
    }.items():
        columns, looks = counted(layers, quantity, getattr(stack, quantity), names, is_short)
        cells |= columns
        look |= looks
    height = (min(len(layers), MOST_SHOWN) + 1) * ROW + 3
    st.dataframe(pa.table(cells), hide_index=True, column_config=look, height=height, placeholder="–")


def field_in_words(field: Field | None) -> str:
    return _("the whole picture") if field is None else sizes(field.size)


def rows_of(stack: Stack) -> Iterator[dict[str, Any]]:
    """The table for a spreadsheet: what is not counted, and a field without end, are None."""
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
            **{cost: getattr(layer, cost) for cost in ("macs", "weights", "params", "activation_bytes")},
        }
