"""A stack of your own: layers in a table, and what each of them makes of the picture, sees, and costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.options import Number, Phrase, Switch
from models.refusals import Refused
from pages.common import address
from pages.common.asking import first_value, fragment, key_of, note
from pages.common.code import the_code
from pages.common.export import download, table
from pages.common.panels import reading
from pages.common.routes import OWN_STACK, TRAIN, go
from pages.common.session import keep, kept, set_to, value_of
from pages.common.text import _, language, plain, said, spoken
from pages.common.widgets import is_on_a_telephone
from pages.count.columns import height_of
from pages.count.stack.costs import charts, derivation, totals
from pages.count.stack.editing import FIRST, Editing, added, doubled, moved, without
from pages.count.stack.table import stack_table
from pages.count.style import Style, chosen_style, kind_names
from vis.cost.design import Design, as_code, cells, from_code, picture_code, picture_from_code
from vis.cost.layer import MOST_CHANNELS, MOST_SIDE, SETTINGS
from vis.cost.presets import PRESETS, USUAL
from vis.cost.sequential import as_torch
from vis.cost.stack import MOST_ROWS, Row, Stack
from vis.cost.tables import stack_rows
from vis.figures.numbers import sizes
from vis.figures.stack_shapes import stack_shapes

TEXTS = Path(__file__).parent / "texts"
MOST_SHOWN, ROOM = 18, 3  # rows of the table without scrolling, and free ones below those that it is made with
KIND, LETTER = 142, 56  # pixels of a column; all of them fit beside the menu of a tablet
LETTERS = {"channels": "C", "kernel": "K", "stride": "s", "padding": "p", "dilation": "d", "groups": "g"}
ACROSS, ON_A_TELEPHONE = 840, 350  # pixels of the drawing
STARTS = {
    "alexnet": Phrase("AlexNet's features (torchvision)"),
    "lenet5": Phrase("LeNet-5 (modern)"),
    "zfnet": Phrase("ZFNet's features"),
    "vgg11": Phrase("VGG-11's features"),
    "vgg16": Phrase("VGG-16's features"),
    "context": Phrase("dilated context module (Yu & Koltun)"),
    "mobilenet": Phrase("MobileNet V1's first four blocks"),
    "empty": Phrase("no layers"),
}
CODE = """\
from vis.cost.count import layer_costs
from vis.receptive import receptive_fields

stack.eval()
costs, fields = layer_costs(stack, {shape}), receptive_fields(stack, {shape})
for cost in costs:
    print(cost.name, cost.output_shape, fields[cost.name].size, cost.macs, cost.params)
print(sum(cost.macs or 0 for cost in costs), "MACs,", sum(cost.params for cost in costs), "parameters")
"""
BIAS = Switch("bias", Phrase("Biases"), PRESETS[USUAL].bias)
NORM = Switch("norm", Phrase("Batch norm after convolutions"), PRESETS[USUAL].norm)


def page() -> None:
    st.title(_("A stack of your own"))
    st.markdown(
        _(
            "Stack layers and see at once each layer's output shape, receptive field and cost. **Edit the cells**; "
            "kernel, stride, padding and dilation may also be 1×7, rows × columns."
        )
    )
    _workbench()
    reading(_("How shapes, receptive fields and jumps are computed"), TEXTS, "stack")


@fragment
def _workbench() -> None:
    """The table that is edited, and all that is computed of it."""
    editing = kept("stack", _of_link)
    editing.listen(language())
    style = _bar(editing)
    if editing.refused and not editing.past:
        st.warning(plain(said(editing.refused)), icon=":material/link_off:")
    above = st.container()  # for the drawing and for what is wrong with a row, in sight of the table
    _picture(editing)
    kinds = kind_names(SETTINGS)
    _table(editing, kinds)
    _note(editing.now)
    keep(OWN_STACK, editing.now)
    stack = editing.now.stack()
    _row(editing, kinds)
    with above:
        _drawing(stack, editing.row if editing.now.rows else None, kinds)
        _impossible(editing.now, stack, kinds)
    if editing.now.rows:
        derivation(stack, editing.row)
    totals(stack, style)
    if stack.steps:
        quantity = charts(stack, kinds, style)
        st.header(_("Layer by layer"), anchor="layers")
        stack_table(stack, kinds, quantity, style.is_short)
        row = st.container(horizontal=True, gap="small")
        download(row, _("Table of layers (CSV)"), lambda: table(stack_rows(stack)), "convscope-stack.csv", "stack csv")
        row.button(_("Train it on digits"), icon=f":material/{TRAIN.icon}:", key="train stack", on_click=_train)
        the_code(CODE, as_torch(stack), shape=(1, *stack.picture))


def _train() -> None:
    """Goes to the page on which the stack can learn."""
    set_to(key_of("learner", page=TRAIN.name), "stack")
    go(TRAIN)


# Links ------------------------------------------------------------------------------------------------------------


def _of_link() -> Editing:
    """The stack of the link, or else the usual one."""
    design, refused = PRESETS[USUAL], None
    code, size = (address.opened_with().get(name) for name in ("stack", "picture"))
    try:
        design = Design(
            design.rows if code is None else from_code(code),
            design.picture if size is None else picture_from_code(size),
            first_value(BIAS),
            first_value(NORM),
        )
    except Refused as reason:
        refused = reason.alone()
    return Editing(design, design, language(), first_value(_places(design.rows)) - 1, refused=refused)


def _places(rows: Sequence[Row]) -> Number:
    """The rows, one of which is chosen."""
    return Number("row", Phrase("Row"), 1, 1, max(len(rows), 1))


def _note(design: Design) -> None:
    usual, code = PRESETS[USUAL], as_code(design.rows)
    if code is None:
        st.caption(_("This stack is too long for a link; a link holds at most {most} rows.", most=MOST_ROWS))
    address.note(
        stack=code if design.rows != usual.rows else None,
        picture=picture_code(design.picture) if design.picture != usual.picture else None,
    )
    note(BIAS, design.bias)
    note(NORM, design.norm)


# What is set ------------------------------------------------------------------------------------------------------


def _bar(editing: Editing) -> Style:
    """Where to begin, and back; and how numbers are written."""
    row = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    row.menu_button(
        _("Start from"),
        list(STARTS),
        key="stack preset",
        icon=":material/stacks:",
        format_func=lambda name: spoken(STARTS[name]),
        on_click=_do,
        args=(editing, lambda: editing.put(PRESETS[value_of("stack preset", USUAL)])),
    )
    usual = PRESETS[USUAL]
    _button(row, editing, "undo", _("Undo"), "undo", bool(editing.past), editing.undo)
    _button(row, editing, "again", _("Reset"), "restart_alt", editing.now != usual, lambda: editing.put(usual))
    return chosen_style(row)


def _button(
    place: DeltaGenerator, editing: Editing, key: str, label: str, icon: str, is_possible: bool, deed: Callable
) -> None:
    place.button(
        label,
        key=f"stack {key}",
        icon=f":material/{icon}:",
        disabled=not is_possible,
        on_click=_do,
        args=(editing, deed),
    )


def _do(editing: Editing, deed: Callable[[], None]) -> None:
    """Does it to what the table says by now: a cell that was left for the button is heard first."""
    editing.listen(language())
    deed()


def _picture(editing: Editing) -> None:
    line = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    names = {"C": _("Input channels"), "H": _("Height"), "W": _("Width")}
    for (name, label), value in zip(names.items(), editing.made_with.picture, strict=True):
        most = MOST_CHANNELS if name == "C" else MOST_SIDE
        line.number_input(label, 1, most, value, key=editing.key(name), width=140)
    line.toggle(spoken(BIAS.label), editing.made_with.bias, key=editing.key(BIAS.name))
    line.toggle(spoken(NORM.label), editing.made_with.norm, key=editing.key(NORM.name))


def _table(editing: Editing, kinds: Mapping[str, str]) -> None:
    """The rows, to be edited; what they say is read by `Editing.listen`."""
    rows = editing.made_with.rows
    labels = {
        "channels": _("channels (C)"),
        "kernel": _("kernel (K)"),
        "stride": _("stride (s)"),
        "padding": _("padding (p)"),
        "dilation": _("dilation (d)"),
        "groups": _("groups (g)"),
    }
    first = cells(FIRST)
    look = {
        "kind": st.column_config.SelectboxColumn(
            _("kind"), width=KIND, required=True, default=FIRST.kind, options=list(SETTINGS), format_func=kinds.get
        )
    }
    for name, label in labels.items():
        look[name] = st.column_config.TextColumn(
            LETTERS[name], width=LETTER, help=label, default=first[name], alignment="right"
        )
    st.caption(" · ".join(labels.values()))
    st.data_editor(
        pd.DataFrame([cells(row) for row in rows], pd.RangeIndex(1, len(rows) + 1), list(look), dtype="string"),
        num_rows="dynamic",
        hide_index=False,
        column_config=look,
        height=height_of(min(len(rows) + ROOM, MOST_SHOWN)),
        placeholder="",
        key=editing.key("rows"),
        alt=_("The layers of the stack (editable)"),
    )
    if not editing.now.rows:
        st.info(_("There are no layers yet. Add a row, or start from a known network."), icon=":material/add:")


def _row(editing: Editing, kinds: Mapping[str, str]) -> None:
    """The row that is chosen, with what can be done to it."""
    rows, last = editing.now.rows, len(editing.now.rows) - 1
    line = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    if rows:
        _choose_row(line, editing, kinds)
    place = editing.row if rows else -1
    for key, label, icon, is_possible, deed, by in (
        ("up", _("Up"), "arrow_upward", place > 0, partial(moved, by=-1), -1),
        ("down", _("Down"), "arrow_downward", place < last, partial(moved, by=1), 1),
        ("double", _("Duplicate"), "content_copy", bool(rows), doubled, 1),
        ("add", _("Add a row"), "add", True, added, 1),
        ("remove", _("Remove"), "delete", bool(rows), without, 0),
    ):
        _button(line, editing, key, label, icon, is_possible, partial(_with_row, editing, place, deed, by))


def _choose_row(line: DeltaGenerator, editing: Editing, kinds: Mapping[str, str]) -> None:
    """A list of the rows; the one that is chosen stays chosen while others come and go."""
    rows, option = editing.now.rows, _places(editing.now.rows)
    key = key_of(option.name)
    editing.row = min(value_of(key, editing.row), len(rows) - 1)
    set_to(key, editing.row)
    line.selectbox(
        spoken(option.label),
        range(len(rows)),
        key=key,
        format_func=lambda place: f"{place + 1} · {kinds.get(rows[place].kind, '–')}",
        width=230,
    )
    note(option, editing.row + 1)


def _with_row(editing: Editing, place: int, deed: Callable[..., Sequence[Row]], by: int) -> None:
    """Does something to the row, and goes with it."""
    rows = editing.now.rows
    if place >= len(rows):  # it was deleted in the table just now
        return
    after = deed(rows, place)
    editing.put(replace(editing.now, rows=after))
    editing.row = max(0, min(place + by, len(after) - 1))
    set_to(key_of("row"), editing.row)


# What is computed -------------------------------------------------------------------------------------------------


def _drawing(stack: Stack, selected: int | None, kinds: Mapping[str, str]) -> None:
    """The shapes along the stack."""
    across = ON_A_TELEPHONE if is_on_a_telephone() else ACROSS
    drawn = stack_shapes(stack, _("picture"), kinds, selected, across, dark=st.context.theme.type == "dark")
    shapes = ", ".join(sizes(shape) for shape in (stack.picture, *(step.layer.shape for step in stack.steps)))
    st.image(drawn, alt=_("The shapes along the stack: {shapes}", shapes=shapes))
    st.caption(_("Height: the side of the maps, to scale. Width: how many there are, as a logarithm."))


def _impossible(design: Design, stack: Stack, kinds: Mapping[str, str]) -> None:
    if stack.refused:
        number = len(stack.steps) + 1
        st.error(
            _(
                "Row {number}, {kind}: {why}",
                number=number,
                kind=kinds.get(design.rows[number - 1].kind, "–"),
                why=plain(said(stack.refused)),
            )
            + (" " + _("The rows before it are computed.") if stack.steps else ""),
            icon=":material/error:",
        )


page()
