"""One unit seen closely: its feature map over the picture, three ways to project it, and the deconvnet step by step."""

import numpy as np
import streamlit as st

from models import Loaded
from models.images import png
from pages.common import cache
from pages.common.components.grid import clickable_grid
from pages.common.components.reveal import reveal
from pages.common.export import download
from pages.common.opened import Opened, open_unit
from pages.common.session import Selection
from pages.common.text import _, spoken
from pages.common.widgets import computed, honest_png, warning_of
from pages.common.words import (
    METHODS,
    box_in_words,
    empty_in_words,
    fidelity_in_words,
    projection_in_words,
    range_in_words,
    unit_in_words,
)
from vis.deconvnet import Box, Projection
from vis.figures.pictures import captioned, enlarged, heat_over, montage, signed, with_box
from vis.responses import StagePicture, UnitResponse, cosine, limit_of

PLACE = "layers"  # where the opened unit is kept


def inspector(chosen: Selection, loaded: Loaded, pixels: np.ndarray, operation: str, close_up: Opened) -> None:
    """Draws everything about the opened unit."""
    found = computed(
        _("Projecting the unit …"),
        lambda: cache.unit_response(chosen, operation, close_up.channel, close_up.position),
    )
    with st.container(border=True):
        reveal(f"{close_up.layer} {close_up.channel}", key="reveal")
        title, close = st.columns([6, 1], vertical_alignment="center")
        words = unit_in_words(found.unit)
        title.markdown(f"#### {_('Layer {layer}', layer=close_up.layer)} · {words}")
        if close.button(_("Close"), icon=":material/close:", key="close", width="stretch"):
            open_unit(PLACE, None)
            st.rerun()
        deconvnet = found.projections["deconvnet"]
        place, whole, part = st.columns(3, gap="medium")
        with place:
            _activation_map(loaded, found, pixels, close_up)
        with whole:
            _receptive_field(pixels, deconvnet.box)
        with part:
            box = deconvnet.box
            st.caption(f"**{_('That part of the picture')}**")
            st.image(png(_squared(pixels[box.top : box.bottom, box.left : box.right])), width="stretch")
        for column, (method, projection) in zip(st.columns(3, gap="medium"), found.projections.items(), strict=True):
            with column:
                _one_method(chosen, loaded, method, projection, deconvnet)
        if all(cosine(projection, deconvnet) > 0.9999 for projection in found.projections.values()):
            st.caption(
                _("All three agree here: no ReLU lies between this unit and the picture, or none has an effect.")
            )
        with st.expander(_("Step by step, from the unit down to the picture"), icon=":material/stairs:"):
            _steps(loaded, found.steps)


def _activation_map(loaded: Loaded, found: UnitResponse, pixels: np.ndarray, close_up: Opened) -> None:
    values = found.activations.numpy()
    rows, columns = values.shape
    limit = max(float(values.max()), 0.0)
    st.caption(f"**{_('The feature map over the picture')}**")
    shown = heat_over(values, enlarged(pixels, 448), limit)
    clicked = clickable_grid(
        honest_png(loaded, shown),
        rows,
        columns,
        key=f"map {close_up.layer}",
        labels=values,
        template=_("row {row}, column {column}: {label}"),
        selected=found.unit.row * columns + found.unit.column,
        alt=_("The feature map over the picture"),
        height=len(shown),
    )
    st.caption(
        _(
            "{h}×{w} units; dark is 0 or less, bright is {limit}. Click another to project it.",
            h=rows,
            w=columns,
            limit=f"{limit:.3g}",
        )
    )
    if clicked is not None:
        open_unit(PLACE, Opened(close_up.layer, close_up.channel, divmod(clicked, columns)))
        st.rerun()
    if close_up.position and st.button(_("Back to the strongest"), icon=":material/undo:", key="strongest"):
        open_unit(PLACE, Opened(close_up.layer, close_up.channel))
        st.rerun()


def _receptive_field(pixels: np.ndarray, box: Box) -> None:
    st.caption(f"**{_('What the unit can see')}**")
    st.image(png(with_box(pixels, (box.top, box.left, box.bottom, box.right), 448)), width="stretch")
    st.caption(box_in_words(box))


def _one_method(chosen: Selection, loaded: Loaded, method: str, projection: Projection, deconvnet: Projection) -> None:
    limit = limit_of(projection.pixels)
    shown = signed(projection.pixels.numpy(), limit)
    st.caption(f"**{spoken(METHODS[method])}**")
    st.image(honest_png(loaded, _squared(shown)), width="stretch")
    lines = [fidelity_in_words(projection.fidelity) + empty_in_words(projection), range_in_words(limit)]
    lines.append(_("cosine to the deconvnet: {cosine}", cosine=f"{cosine(projection, deconvnet):.3f}"))
    st.caption("  \n".join(lines))
    unit, warning = projection.unit, warning_of(loaded)
    words = projection_in_words(loaded, chosen.picture, projection, limit)
    file = f"{loaded.architecture.name}-{unit.layer}-{unit.channel}-{unit.row}-{unit.column}-{method}.png"
    download(st, "PNG", lambda: captioned(shown, words, banner=warning), file, f"png {method}")


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
        if i % 4 == 0:  # a row at a time, so that the order holds on a narrow screen too
            columns = st.columns(4)
        limit = limit_of(step.maps)
        with columns[i % 4]:
            st.caption(f"**{i}. {_(step.step)}** · `{step.layer}`")
            framed = (np.pad(m, 1) for m in step.maps.numpy())  # the zeros around the window
            tiles = [signed(m[None], limit) for m in framed]
            st.image(honest_png(loaded, montage(tiles, 4, side=48)), width="stretch")
            st.caption(
                _(
                    "maps {channels} of {shape}, rows {top}–{bottom}, columns {left}–{right}; ±{limit}",
                    channels=", ".join(map(str, step.channels)),
                    shape="×".join(map(str, step.shape)),
                    top=step.box.top,
                    bottom=step.box.bottom - 1,
                    left=step.box.left,
                    right=step.box.right - 1,
                    limit=f"{limit:.3g}",
                )
            )
