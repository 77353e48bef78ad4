"""One unit seen closely: its feature map over the picture, three ways to project it, and the deconvnet step by step."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import Loaded
from pages.common import cache
from pages.common.components.grid import clickable_grid
from pages.common.opened import Opened, open_unit
from pages.common.panels import close_up, folded, picture, picture_file
from pages.common.presenting import for_a_room
from pages.common.session import Selection
from pages.common.text import _, plain, spoken
from pages.common.widgets import computed, warning_of
from pages.common.words import (
    METHODS,
    box_in_words,
    empty_in_words,
    fidelity_in_words,
    name_of,
    network_in_words,
    projection_in_words,
    range_in_words,
    unit_in_words,
)
from pages.look.layers import drawn
from vis.figures.numbers import fixed, significant
from vis.figures.pictures import signed
from vis.responses import StagePicture, UnitResponse, limit_of

PLACE = "layers"  # where the opened unit is kept


def inspector(chosen: Selection, loaded: Loaded, operation: str, unit: Opened) -> None:
    """Draws everything about the opened unit."""
    which = chosen, operation, unit.channel, unit.position
    found, shown = computed(
        _("Projecting the unit …"),
        lambda: (cache.unit_response(*which), drawn.close_up(*which, warning_of(loaded))),
    )
    title = f"{_('Layer {layer}', layer=unit.layer)} · {unit_in_words(found.unit)}"
    with close_up(title, f"{unit.layer} {unit.channel}", lambda: open_unit(PLACE, None), is_beside=True):
        with for_a_room("unit"):
            st.caption(f"{plain(network_in_words(loaded))} · {plain(name_of(chosen.picture))}")
        left, right = _pair("where")
        with left:
            _activation_map(found, shown, unit)
        box = found.projections["deconvnet"].box
        picture(_("What the unit can see"), shown.box, box_in_words(box), place=right)
        left, right = _pair("what")
        with left:
            _one_method(chosen, loaded, found, shown, "deconvnet")
        picture(_("That part of the picture"), shown.part, place=right)
        for place, method in zip(_pair("other methods"), ("guided", "gradient"), strict=True):
            with place:
                _one_method(chosen, loaded, found, shown, method)
        if all(cosine > 0.9999 for cosine in found.cosines.values()):
            st.caption(
                _("All three agree here: no ReLU lies between this unit and the picture, or none has an effect.")
            )
        folded(
            _("Step by step, from the unit down to the picture"),
            "stairs",
            "steps",
            lambda: _steps(
                *computed(
                    _("Projecting the unit …"),
                    lambda: (cache.unit_steps(*which), drawn.steps(*which, warning_of(loaded))),
                )
            ),
        )


def _pair(key: str) -> list[DeltaGenerator]:
    """Two places side by side, on a phone too."""
    return st.container(key=f"pair {key}").columns(2, gap="medium", wrap=False)


def _activation_map(found: UnitResponse, shown: drawn.CloseUp, unit: Opened) -> None:
    values = found.activations.numpy()
    rows, columns = values.shape
    limit = max(float(values.max()), 0.0)
    st.caption(f"**{_('The feature map over the picture')}**")

    def open_position(place: int) -> None:
        open_unit(PLACE, Opened(unit.layer, unit.channel, divmod(place, columns)))

    clickable_grid(
        shown.map,
        rows,
        columns,
        f"map {unit.layer}",
        labels=values,
        height=shown.height,
        on_click=open_position,
        template=_("row {row}, column {column}: {label}"),
        selected=found.unit.row * columns + found.unit.column,
        alt=_("The feature map over the picture"),
    )
    st.caption(
        _(
            "{h}×{w} units; dark is 0 or less, bright is {limit}. Click another to project it.",
            h=rows,
            w=columns,
            limit=significant(limit),
        )
    )
    if unit.position and st.button(_("Back to the strongest"), icon=":material/undo:", key="strongest"):
        open_unit(PLACE, Opened(unit.layer, unit.channel))
        st.rerun()


def _one_method(chosen: Selection, loaded: Loaded, found: UnitResponse, shown: drawn.CloseUp, method: str) -> None:
    projection = found.projections[method]
    limit, unit = limit_of(projection.pixels), projection.unit
    lines = [
        fidelity_in_words(projection.fidelity) + empty_in_words(projection),
        range_in_words(limit),
        _("cosine to the deconvnet: {cosine}", cosine=fixed(found.cosines[method], 3)),
    ]
    picture(spoken(METHODS[method]), shown.projections[method], *lines)
    words = projection_in_words(loaded, chosen.picture, projection, limit)
    file = f"{loaded.architecture.name}-{unit.layer}-{unit.channel}-{unit.row}-{unit.column}-{method}.png"
    picture_file(st, lambda: signed(projection.pixels.numpy(), limit), words, file, f"png {method}", loaded=loaded)


def _steps(steps: tuple[StagePicture, ...], shown: tuple[bytes, ...]) -> None:
    st.markdown(
        _(
            "Each step down undoes one operation of the forward pass: **unpool** puts the signal where the maximum "
            "was, **rectify** keeps what is positive, **filter** applies the transposed filters. Each step shows the "
            "feature maps that carry most of the signal."
        )
    )
    for i, (step, sheet) in enumerate(zip(steps, shown, strict=True)):
        if i % 2 == 0:  # a row at a time, so that the order holds on a narrow screen too
            columns = _pair(f"step {i}")
        words = _(
            "maps {channels} of {shape}, rows {top}–{bottom}, columns {left}–{right}; ±{limit}",
            channels=", ".join(map(str, step.channels)),
            shape="×".join(map(str, step.shape)),
            top=step.box.top,
            bottom=step.box.bottom - 1,
            left=step.box.left,
            right=step.box.right - 1,
            limit=significant(limit_of(step.maps)),
        )
        title, layer = f"{i}. {_(step.step)}", f"`{step.layer}`"
        picture(title, sheet, words, of=layer, place=columns[i % 2])
