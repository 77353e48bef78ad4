"""The weights of a 1×1 layer as a matrix, and one of them seen closely."""

import numpy as np
import streamlit as st

from models import Loaded
from models.options import Phrase
from pages.common import address, cache
from pages.common.panels import bullets, legend, tiles
from pages.common.session import Selection, keep
from pages.common.text import _
from pages.common.words import network_in_words, range_of_weights
from pages.look.filters.choices import opened, part, sorted_by
from vis.figures.numbers import significant
from vis.figures.pictures import enlarged, signed
from vis.filters import Convolution

LARGEST = 8  # weights that are listed


def matrix(chosen: Selection, loaded: Loaded, convolution: Convolution) -> None:
    """Draws the weights of a 1×1 layer, an output map a row and an input map a column."""
    layer = convolution.name
    by = sorted_by(st, convolution, "index", "norm")
    place = f"weight {chosen.network} {chosen.weights} {layer}"
    cell = opened(place, chosen, layer, output=convolution.outputs, input=convolution.inputs)
    row, column = cell or (None, None)
    address.note(output=row, input=column)
    weights = cache.matrix(chosen, layer)  # (K, C)
    outputs, inputs = (_order(each, by) for each in (weights, weights.T))
    limit = float(np.abs(weights).max())
    left, right = st.columns([3, 2], gap="medium")
    with left:
        outputs = outputs[part(chosen, layer, "rows", Phrase("Output maps"), len(outputs))]
        inputs = inputs[part(chosen, layer, "columns", Phrase("Input maps"), len(inputs))]
        shown = weights[np.ix_(outputs, inputs)]
        height, width = shown.shape
        is_there = cell and row in outputs and column in inputs
        selected = np.flatnonzero(outputs == row)[0] * width + np.flatnonzero(inputs == column)[0] if is_there else None
        pixels = enlarged(signed(shown[None], limit), 480)
        clicked = tiles(
            pixels,
            width,
            f"matrix {layer}",
            cells=shown.size,
            loaded=loaded,
            template=_("row {row}, column {column}: click for its weight"),
            selected=selected,
            alt=_("Weights of {name}", name=layer),
            width=min(720, round(600 * width / height)) if height > width / 2 else None,
        )
        words = [
            network_in_words(loaded),
            _(
                "{layer}: the {outputs}×{inputs} weights of a 1×1 layer, one row per output map, one column per input "
                "map",
                layer=layer,
                outputs=convolution.outputs,
                inputs=convolution.inputs,
            ),
            _("rows and columns with the largest norm first") if by == "norm" else _("ordered by number"),
            range_of_weights(limit),
        ]
        legend(words, pixels, f"{loaded.architecture.name}-{layer}.png", "matrix png", loaded=loaded)
    with right:
        if cell is None:
            st.caption(_("Click a weight to read it."))
        else:
            _weight(weights, row, column)
    if clicked is not None:
        row, column = divmod(clicked, width)
        keep(place, (int(outputs[row]), int(inputs[column])))
        st.rerun()


def _order(weights: np.ndarray, by: str) -> np.ndarray:
    """The numbers of the rows, in their order or the largest norm first."""
    return np.argsort(-np.linalg.norm(weights, axis=1), kind="stable") if by == "norm" else np.arange(len(weights))


def _weight(weights: np.ndarray, row: int, column: int) -> None:
    """One weight of a matrix, beside the largest of its row and its column."""
    with st.container(border=True):
        st.markdown(f"## {_('Output map {row}, input map {column}', row=row, column=column)}")
        lines = [_("weight {value}", value=significant(weights[row, column], 4, sign="+"))]
        by_row = _("strongest inputs of output map {row}", row=row)
        by_column = _("output maps that weight input map {column} most", column=column)
        for name, values in ((by_row, weights[row]), (by_column, weights[:, column])):
            largest = np.argsort(-np.abs(values), kind="stable")[:LARGEST]
            entries = ", ".join(f"{i} ({significant(values[i], 2, sign='+')})" for i in largest)
            norm = _("norm {norm}", norm=significant(np.linalg.norm(values)))
            lines.append(f"{name}: {entries} – {norm}")
        bullets(lines)
