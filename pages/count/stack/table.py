"""The rows of a stack with all that is computed of them, as a table."""

from collections.abc import Mapping

import streamlit as st

from pages.common.text import _
from pages.common.widgets import is_on_a_telephone
from pages.count.columns import Column, count, draw_table, parts, text
from vis.cost.layer import Field
from vis.cost.stack import Stack
from vis.figures.numbers import side, sizes
from vis.figures.stack import settings_of

MOST_SHOWN = 20  # rows without scrolling


def stack_table(stack: Stack, kinds: Mapping[str, str], quantity: str, is_short: bool) -> None:
    """One row per layer: what comes out, what it sees, and what it costs.

    Args:
        quantity: whose shares are shown, "macs", "params" or "activation_bytes": a laptop has no room for all three. A
            telephone has room for the layer, its output and that quantity; the file below has everything.
    """
    layers, fields = [step.layer for step in stack.steps], [step.field for step in stack.steps]
    all_columns = {
        _("row"): Column(range(1, len(layers) + 1), st.column_config.NumberColumn(width=40, pinned=True)),
        _("layer"): text([f"{kinds[each.kind]} {settings_of(each)}".strip() for each in layers], 154),
        _("output"): Column([sizes(each.shape) for each in layers]),
        _("receptive field"): text([field_in_words(field) for field in fields], 102),
        _("jump"): text([field and side(field.jump) for field in fields], is_right=True),
    }
    names = {"macs": _("MACs"), "params": _("parameters"), "activation_bytes": _("activations, bytes")}
    for of, name in names.items():
        all_columns[name] = count([getattr(each, of) for each in layers], is_short)
        if of == quantity:
            all_columns[_("share")] = parts(layers, of, getattr(stack, of))
    shown = [_("layer"), _("output"), names[quantity]] if is_on_a_telephone() else all_columns
    draw_table({name: all_columns[name] for name in shown}, MOST_SHOWN)


def field_in_words(field: Field | None) -> str:
    return _("the whole picture") if field is None else sizes(field.size)
