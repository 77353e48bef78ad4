"""The weights of a 1×1 layer as a matrix, and one of them seen closely."""

import numpy as np
import streamlit as st

from models import Loaded
from pages.common import cache
from pages.common.components.grid import clickable_grid
from pages.common.session import Selection
from pages.common.text import _, plain
from pages.common.widgets import download, honest_png, warning_of
from pages.look.kernels import about, part, range_of_weights
from vis.figures.pictures import captioned, enlarged, signed
from vis.filters import Convolution

LARGEST = 8  # weights that are listed


def matrix(chosen: Selection, loaded: Loaded, convolution: Convolution, by: str, cell: int | None) -> int | None:
    """Draws the weights of a 1×1 layer as a matrix; the weight that was clicked, counted row by row.

    Args:
        by: "index", or "norm": rows and columns with the largest norm first.
        cell: the weight that is looked at closely.
    """
    weights = cache.matrix(chosen, convolution.name)  # (K, C)
    outputs, inputs = (_order(each, by) for each in (weights, weights.T))
    limit = float(np.abs(weights).max())
    left, right = st.columns([3, 2], gap="medium")
    with left:
        outputs = outputs[part(len(outputs), _("Output maps"), f"rows {convolution.name}")]
        inputs = inputs[part(len(inputs), _("Input maps"), f"columns {convolution.name}")]
        shown = weights[np.ix_(outputs, inputs)]
        height, width = shown.shape
        row, column = (None, None) if cell is None else divmod(cell, convolution.inputs)
        is_there = cell is not None and row in outputs and column in inputs
        selected = np.flatnonzero(outputs == row)[0] * width + np.flatnonzero(inputs == column)[0] if is_there else None
        pixels = enlarged(signed(shown[None], limit), 480)
        name = _("Weights of {name}", name=convolution.name)
        clicked = clickable_grid(
            honest_png(loaded, pixels),
            height,
            width,
            key=f"matrix {convolution.name}",
            template=_("row {row}, column {column}: click for its weight"),
            selected=selected,
            alt=name,
            width=min(720, round(600 * width / height)) if height > width / 2 else None,
            height=len(pixels),
        )
        words = [
            about(loaded),
            _(
                "{layer}: the {outputs}×{inputs} weights of a 1×1 layer, an output map a row, an input map a column",
                layer=convolution.name,
                outputs=convolution.outputs,
                inputs=convolution.inputs,
            ),
            _("rows and columns with the largest norm first") if by == "norm" else _("in the order of their numbers"),
            range_of_weights(limit),
        ]
        st.caption("  \n".join(map(plain, words)))
        warning = warning_of(loaded)
        file = f"{loaded.architecture.name}-{convolution.name}.png"
        download(st, "PNG", lambda: captioned(pixels, words, banner=warning), file, "matrix png")
    with right:
        if cell is None:
            st.caption(_("Click a weight to read it."))
        else:
            _weight(weights, row, column)
    if clicked is None or clicked >= shown.size:
        return None
    row, column = divmod(clicked, width)
    return int(outputs[row]) * convolution.inputs + int(inputs[column])


def _order(weights: np.ndarray, by: str) -> np.ndarray:
    """The numbers of the rows, in their order or the largest norm first."""
    return np.argsort(-np.linalg.norm(weights, axis=1), kind="stable") if by == "norm" else np.arange(len(weights))


def _weight(weights: np.ndarray, row: int, column: int) -> None:
    """One weight of a matrix, beside the largest of its row and its column."""
    with st.container(border=True):
        st.markdown(f"#### {_('Output map {row}, input map {column}', row=row, column=column)}")
        st.markdown(f"* {_('weight {value}', value=f'{weights[row, column]:+.4g}')}")
        by_row = _("output map {row} listens most to", row=row)
        by_column = _("input map {column} matters most to", column=column)
        for name, values in ((by_row, weights[row]), (by_column, weights[:, column])):
            largest = np.argsort(-np.abs(values), kind="stable")[:LARGEST]
            entries = ", ".join(f"{i} ({values[i]:+.2g})" for i in largest)
            norm = _("norm {norm}", norm=f"{np.linalg.norm(values):.3g}")
            st.markdown(f"* {name}: {entries} – {norm}")
