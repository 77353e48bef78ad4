"""A page of nothing but our components, for test_components.py.

`?grids=15` adds so many more grids, `?striped=1` one with a strip below its cells.
"""

from io import BytesIO

import numpy as np
import streamlit as st
from PIL import Image

from pages.common.components.grid import clickable_grid

TILE, ROWS, COLUMNS = 12, 3, 4
LONG = "A long description of what this feature map answers to. " * 3 + "Unbroken" * 4
LABELS = [
    "map 0",
    "<b>bold</b>",
    "<script>document.title = 'broken'</script>",
    LONG,
    *(f"map {n}" for n in range(4, 11)),
]


def png(pixels: np.ndarray) -> bytes:
    """The picture (H, W, 3) as a PNG."""
    file = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def montage() -> bytes:
    """Noise in tiles with black gaps, like feature maps."""
    pixels = np.random.default_rng(0).normal(size=(ROWS, COLUMNS, TILE, TILE)).cumsum(-1).cumsum(-2)
    pixels = 255 * (pixels - pixels.min((2, 3), keepdims=True)) / np.ptp(pixels, (2, 3), keepdims=True)
    pixels = np.pad(pixels, ((0, 0), (0, 0), (1, 1), (1, 1)))
    pixels.reshape(ROWS * COLUMNS, -1)[len(LABELS) :] = 0
    return png(pixels.transpose(0, 2, 1, 3).reshape(ROWS * (TILE + 2), -1)[..., None].repeat(3, -1))


def striped() -> bytes:
    """The same with a strip below it, as high as a row, that is no cell."""
    tiles = np.asarray(Image.open(BytesIO(montage())))
    return png(np.pad(tiles, ((0, TILE + 2), (0, 0), (0, 0)), constant_values=200))


def photograph(size: int = 220) -> bytes:
    """A smooth picture, like a photograph."""
    y, x = np.mgrid[:size, :size] / size
    return png(np.stack([200 * x, 180 * y, 255 * np.hypot(x - 0.5, y - 0.5)], -1))


st.session_state.runs = st.session_state.get("runs", 0) + 1
st.button("Run again")
st.markdown(f"run `{st.session_state.runs}`")

if st.button("Take away"):
    st.stop()

left, right = st.columns(2)
with left:
    tiles = clickable_grid(
        montage(),
        ROWS,
        COLUMNS,
        "tiles",
        labels=LABELS,
        selected=st.session_state.get("tile"),
        alt="Eleven feature maps",
    )
with right:
    position = clickable_grid(
        photograph(),
        55,
        55,
        "positions",
        labels=np.sin(np.arange(55 * 55) / 7).reshape(55, 55),
        template="row {row}, column {column}: {label}",
        alt="An activation map over a photograph",
        width=300,
        pixelated=False,
    )

if tiles is not None:
    st.session_state.tile = tiles
    st.session_state.clicked = f"tile {tiles}"
    st.rerun()
if position is not None:
    st.session_state.clicked = f"position {position}"
st.markdown(f"clicked `{st.session_state.get('clicked', 'nothing')}`, now `{position}`")

if "striped" in st.query_params:
    clicked = clickable_grid(
        striped(),
        ROWS,
        COLUMNS,
        "striped",
        labels=LABELS,
        selected=st.session_state.get("tile"),
        alt="With a strip below",
        height=ROWS * (TILE + 2),
    )
    if clicked is not None:
        st.session_state.tile = clicked
        st.session_state.clicked = f"striped {clicked}"
        st.rerun()

for number in range(int(st.query_params.get("grids", 0))):
    clickable_grid(montage(), ROWS, COLUMNS, f"more{number}", labels=LABELS, alt="More feature maps", width=200)
