"""What a stack costs and sees: its totals, its two charts, and the arithmetic of one row."""

from collections.abc import Mapping

import streamlit as st

from models.options import Choice, Phrase
from pages.common.asking import ask_one
from pages.common.panels import bullets, formula
from pages.common.text import _, spoken
from pages.count.stack.table import field_in_words
from pages.count.style import Style, draw_number
from vis.cost.derivation import derived
from vis.cost.stack import Stack
from vis.figures.numbers import byte_size, side, sizes
from vis.figures.stack import fields, row_costs

BARS = Choice(
    "bars",
    Phrase("Bars"),
    {"macs": Phrase("MACs"), "params": Phrase("parameters"), "activation_bytes": Phrase("activations")},
)


def derivation(stack: Stack, place: int) -> None:
    """The formulas of the chosen row, with its numbers put in."""
    with st.expander(_("How the numbers of this row are computed"), icon=":material/function:"):
        if place >= len(stack.steps):
            st.markdown(_("Not computed: this row or one before it is impossible."))
            return
        names = {
            "height": _("height"),
            "width": _("width"),
            "field": _("receptive field"),
            "jump": _("jump"),
            "weights": _("weights"),
            "params": _("parameters"),
            "macs": _("MACs"),
            "activation_bytes": _("activation memory, bytes"),
        }
        bullets(
            f"{names[found.quantity]} = {formula(found.symbols, found.numbers, found.value)}"
            for found in derived(stack, place)
        )
        if stack.steps[place].field is None:
            st.caption(_("Its units see the whole picture, so there is no jump."))


def totals(stack: Stack, style: Style) -> None:
    """What the whole stack costs, and what comes out at its end."""
    field = stack.steps[-1].field if stack.steps else None
    a, b, c = st.columns([9, 10, 7])
    draw_number(a, _("Multiply-adds (MACs)"), style.number(stack.macs))
    weights = _("including {number} weights", number=style.number(stack.weights))
    draw_number(b, _("Parameters"), style.number(stack.params), weights)
    draw_number(c, _("Activation memory"), byte_size(stack.activation_bytes))
    a, b, c = st.columns([9, 10, 7])
    draw_number(a, _("Output"), sizes(stack.shape))
    draw_number(b, _("Receptive field"), field_in_words(field) if stack.steps else "–")
    draw_number(c, _("Jump"), side(field.jump) if field else "–")


def charts(stack: Stack, kinds: Mapping[str, str], style: Style) -> str:
    """What every row costs, and what its units see; comes back which of its costs is shown, one of BARS."""
    left, right = st.columns(2, gap="large")
    with left:
        st.header(_("Cost of each row"), anchor="costs")
        quantity = ask_one(st, BARS, label_visibility="collapsed")
        is_memory = quantity == "activation_bytes"
        axis = _("activation memory, bytes") if is_memory else spoken(BARS.called(quantity))
        style.draw_chart(
            row_costs(stack, quantity, kinds | {"other": _("without weights")}, axis, _("row")),
            "stack costs",
            "stack-costs",
            _("The cost of each row as a bar; the table below has the same numbers."),
        )
    with right:
        st.header(_("Receptive fields"), anchor="fields")
        if any(step.field is None for step in stack.steps):
            st.caption(_("A diamond means the whole picture."))
        words = kinds | {
            "field": _("receptive field"),
            "jump": _("jump"),
            "whole": _("the whole picture"),
            "picture": _("the picture itself"),
            "side": _("side of the picture"),
            "pixels": _("pixels"),
            "row": _("row"),
        }
        style.draw_chart(
            fields(stack, words),
            "stack fields",
            "stack-fields",
            _("How the receptive field grows from row to row; the table below has the same numbers."),
        )
    return quantity
