"""A picture whose cells can be pointed at and clicked: a montage of feature maps, a map of activations."""

import base64
import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from pages.common.components import component
from pages.common.session import value_of
from vis.figures.numbers import significant

_grid = component("grid")


def clickable_grid(
    picture: bytes,
    rows: int,
    columns: int,
    key: str,
    *,
    alt: str,
    labels: Sequence[str] | Sequence[float] | np.ndarray | None = None,
    cells: int | None = None,
    template: str = "{label}",
    selected: int | None = None,
    width: int | None = None,
    pixelated: bool = True,
    height: int | None = None,
    on_click: Callable[[int], None] | None = None,
) -> int | None:
    """The number of the cell that was clicked since the last run, counted row by row from 0; None when none was.

    Every cell has an equal share of the picture, so the gaps of a montage belong to its tiles: half a gap on each side.

    Args:
        picture: a PNG or a WebP. It is scaled to the width of its column and keeps its proportions.
        key: identifies the picture on its page; focus and hover stay with it from run to run.
        alt: what the picture shows, for those who do not see it.
        labels: one for each cell, a text or a number (shown with four digits). Where there are fewer than cells, the
            rest of the grid is empty and cannot be clicked. Never read as HTML; a line break is kept.
        cells: how many there are where they have no labels; by default as many as the grid has places.
        template: what a cell is called, with {label}, {row}, {column} (both from 0, as in `Unit`) and {cell} in it.
        selected: the cell with a ring.
        width: pixels; the picture grows no wider than that.
        pixelated: sharp pixels, as befits feature maps; False for a photograph.
        height: rows of the picture's pixels that the cells share; by default all. What is below them, such as the
            banner of random weights, is shown and cannot be clicked.
        on_click: is called with the cell that was clicked, before the script runs again.

    Raises:
        ValueError: if the labels, the selected cell or the height do not fit.
        PIL.UnidentifiedImageError: if the picture is neither.
    """
    if rows < 1 or columns < 1:
        raise ValueError(f"Grid {key!r} has {rows} rows and {columns} columns; both have to be at least 1.")
    texts = None if labels is None else [_shown(label) for label in np.ravel(labels).tolist()]
    cells = (cells or rows * columns) if texts is None else len(texts)
    if not 1 <= cells <= rows * columns:
        raise ValueError(f"Grid {key!r} has {cells} labels for {rows} × {columns} cells.")
    if selected is not None and not 0 <= selected < cells:
        raise ValueError(f"Cell {selected} of grid {key!r} cannot be selected; its cells are 0 to {cells - 1}.")
    header = Image.open(io.BytesIO(picture), formats=("PNG", "WEBP"))
    size = header.size
    if height is not None and not 1 <= height <= size[1]:
        raise ValueError(f"The cells of grid {key!r} cannot share {height} of the picture's {size[1]} rows of pixels.")

    data = {
        "kind": header.format.lower(),
        "picture": base64.b64encode(picture).decode("ascii"),
        "size": size,
        "share": 1 if height is None else height / size[1],
        "rows": int(rows),
        "columns": int(columns),
        "cells": cells,
        "labels": texts,
        "template": template,
        "selected": None if selected is None else int(selected),  # an integer of NumPy is no JSON
        "alt": alt,
        "width": width,
        "pixelated": pixelated,
    }

    def known(clicked: object) -> int | None:
        return clicked if type(clicked) is int and 0 <= clicked < cells else None  # it comes from a browser

    def act() -> None:
        if on_click and (clicked := known(getattr(value_of(key), "clicked", None))) is not None:
            on_click(clicked)

    return known(_grid(key=key, data=data, on_clicked_change=act).clicked)


def _shown(label: str | float) -> str:
    """The label as text: numbers with four digits."""
    return label if isinstance(label, str) else significant(label, 4)
