"""One unit seen closely: its feature map over the picture, three ways to project it, and the deconvnet step by step."""

from dataclasses import astuple

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import Loaded
from pages.common import cache
from pages.common.opened import Opened, open_unit
from pages.common.panels import close_up, picture, picture_file, tiles
from pages.common.presenting import for_a_room
from pages.common.session import Selection
from pages.common.text import _, plain, spoken
from pages.common.widgets import computed
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
from vis.deconvnet import Projection
from vis.figures.numbers import fixed, significant
from vis.figures.pictures import enlarged, heat_over, montage, signed, with_box
from vis.responses import StagePicture, UnitResponse, cosine, limit_of

PLACE = "layers"  # where the opened unit is kept


def inspector(chosen: Selection, loaded: Loaded, pixels: np.ndarray, operation: str, unit: Opened) -> None:
    """Draws everything about the opened unit."""
    found = computed(
        _("Projecting the unit …"), lambda: cache.unit_response(chosen, operation, unit.channel, unit.position)
    )
    title = f"{_('Layer {layer}', layer=unit.layer)} · {unit_in_words(found.unit)}"
    with close_up(title, f"{unit.layer} {unit.channel}", lambda: open_unit(PLACE, None), is_beside=True):
        with for_a_room("unit"):
            st.caption(f"{plain(network_in_words(loaded))} · {plain(name_of(chosen.picture))}")
        deconvnet, guided, gradient = (found.projections[method] for method in ("deconvnet", "guided", "gradient"))
        box = deconvnet.box
        left, right = _pair("where")
        with left:
            _activation_map(loaded, found, pixels, unit)
        picture(_("What the unit can see"), with_box(pixels, astuple(box), 448), box_in_words(box), place=right)
        left, right = _pair("what")
        with left:
            _one_method(chosen, loaded, deconvnet, deconvnet)
        picture(_("That part of the picture"), _squared(box.part_of(pixels)), place=right)
        for place, projection in zip(_pair("other methods"), (guided, gradient), strict=True):
            with place:
                _one_method(chosen, loaded, projection, deconvnet)
        if all(cosine(projection, deconvnet) > 0.9999 for projection in found.projections.values()):
            st.caption(
                _("All three agree here: no ReLU lies between this unit and the picture, or none has an effect.")
            )
        with st.expander(_("Step by step, from the unit down to the picture"), icon=":material/stairs:"):
            _steps(loaded, found.steps)


def _pair(key: str) -> list[DeltaGenerator]:
    """Two places side by side, on a phone too."""
    return st.container(key=f"pair {key}").columns(2, gap="medium", wrap=False)


def _activation_map(loaded: Loaded, found: UnitResponse, pixels: np.ndarray, unit: Opened) -> None:
    values = found.activations.numpy()
    rows, columns = values.shape
    limit = max(float(values.max()), 0.0)
    st.caption(f"**{_('The feature map over the picture')}**")
    clicked = tiles(
        heat_over(values, enlarged(pixels, 448), limit),
        columns,
        f"map {unit.layer}",
        labels=values,
        loaded=loaded,
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
    if clicked is not None:
        open_unit(PLACE, Opened(unit.layer, unit.channel, divmod(clicked, columns)))
        st.rerun()
    if unit.position and st.button(_("Back to the strongest"), icon=":material/undo:", key="strongest"):
        open_unit(PLACE, Opened(unit.layer, unit.channel))
        st.rerun()


def _one_method(chosen: Selection, loaded: Loaded, projection: Projection, deconvnet: Projection) -> None:
    limit, method, unit = limit_of(projection.pixels), projection.method, projection.unit
    shown = signed(projection.pixels.numpy(), limit)
    lines = [
        fidelity_in_words(projection.fidelity) + empty_in_words(projection),
        range_in_words(limit),
        _("cosine to the deconvnet: {cosine}", cosine=fixed(cosine(projection, deconvnet), 3)),
    ]
    picture(spoken(METHODS[method]), _squared(shown), *lines, loaded=loaded)
    words = projection_in_words(loaded, chosen.picture, projection, limit)
    file = f"{loaded.architecture.name}-{unit.layer}-{unit.channel}-{unit.row}-{unit.column}-{method}.png"
    picture_file(st, shown, words, file, f"png {method}", loaded=loaded)


def _squared(pixels: np.ndarray) -> np.ndarray:
    """The pixels enlarged on a clear square, so that pictures of units at the border stand level with the others."""
    return montage([pixels], 1, side=336, gap=0)


def _steps(loaded: Loaded, steps: tuple[StagePicture, ...]) -> None:
    st.markdown(
        _(
            "Each step down undoes one operation of the forward pass: **unpool** puts the signal where the maximum "
            "was, **rectify** keeps what is positive, **filter** applies the transposed filters. Each step shows the "
            "feature maps that carry most of the signal."
        )
    )
    for i, step in enumerate(steps):
        if i % 2 == 0:  # a row at a time, so that the order holds on a narrow screen too
            columns = _pair(f"step {i}")
        limit = limit_of(step.maps)
        framed = (np.pad(m, 1) for m in step.maps.numpy())  # the zeros around the window
        words = _(
            "maps {channels} of {shape}, rows {top}–{bottom}, columns {left}–{right}; ±{limit}",
            channels=", ".join(map(str, step.channels)),
            shape="×".join(map(str, step.shape)),
            top=step.box.top,
            bottom=step.box.bottom - 1,
            left=step.box.left,
            right=step.box.right - 1,
            limit=significant(limit),
        )
        sheet = montage([signed(m[None], limit) for m in framed], 4, side=48)
        title, layer = f"{i}. {_(step.step)}", f"`{step.layer}`"
        picture(title, sheet, words, of=layer, loaded=loaded, place=columns[i % 2])
