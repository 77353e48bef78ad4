"""The rows of a stack with all that is computed of them, as a table."""

from collections.abc import Mapping

import streamlit as st

from pages.common.text import _
from pages.count.columns import Column, costs, draw_table, text
from vis.cost.layer import Field
from vis.cost.stack import Stack
from vis.figures.numbers import side, sizes
from vis.figures.stack import settings_of

MOST_SHOWN = 20  # rows without scrolling


def stack_table(stack: Stack, kinds: Mapping[str, str], is_short: bool) -> None:
    """One row per layer: what comes out, what it sees, and what it costs, with bars for its shares."""
    layers, fields = [step.layer for step in stack.steps], [step.field for step in stack.steps]
    columns = {
        _("row"): Column(range(1, len(layers) + 1), st.column_config.NumberColumn(width=45, pinned=True)),
        _("layer"): text([f"{kinds[each.kind]} {settings_of(each)}".strip() for each in layers], 190),
        _("output"): Column([sizes(each.shape) for each in layers]),
        _("receptive field"): Column([field_in_words(field) for field in fields]),
        _("jump"): text([field and side(field.jump) for field in fields], is_right=True),
    }
    for quantity, names in {
        "macs": (_("MACs"), _("of all MACs")),
        "params": (_("parameters"), _("of all parameters")),
        "activation_bytes": (_("activation memory, bytes"), _("of all activations")),
    }.items():
        columns |= costs(layers, quantity, getattr(stack, quantity), names, is_short)
    draw_table(columns, MOST_SHOWN)


def field_in_words(field: Field | None) -> str:
    return _("the whole picture") if field is None else sizes(field.size)
