"""A kernel that moves over a small picture: the window of one output number, its arithmetic, and the way back."""

import numpy as np
import streamlit as st
import torch
from torch import Tensor
from torch.nn import functional as F

from models.options import Choice, Phrase, Switch
from pages.common.asking import ask_one, fragment
from pages.common.components.sheets import Line, Walk, draw_sheets
from pages.common.text import _
from pages.learn.cells import cell_labels, choose_cell, chosen_cell
from pages.learn.convolution.inputs import KERNEL, OWN, PICTURE, flip, kernel, picture, strengthen
from pages.learn.lesson import Question, predicted
from vis.concepts.convolution import Sliding, convolve, convolve_backward, looked_at
from vis.figures.numbers import fixed, grouped, significant

SIZE = Question(
    "size",
    Phrase("A 3×3 kernel moves over 8×8 pixels with stride 2, without padding. How large is the output?"),
    (Phrase("3×3"), Phrase("4×4"), Phrase("6×6")),
    1,
    Phrase("(8 − 3) / 2 = 2.5, rounded down, and one more for the first window. The last row and column are not read."),
)
ADDS = Question(
    "adds",
    Phrase("A 3×3 kernel moves with stride 1. How many windows send a gradient to a pixel inside the picture?"),
    (Phrase("one"), Phrase("three"), Phrase("nine")),
    3,
    Phrase("It stands in nine windows, in each under another weight: its gradient is a sum of nine products."),
)
STRIDE = Choice("stride", Phrase("Stride"), (1, 2, 3))
PADDING = Choice("padding", Phrase("Padding"), (0, 1, 2))
DILATION = Choice("dilation", Phrase("Dilation"), (1, 2))
SO_FAR = Switch("so_far", Phrase("Only what is computed so far"), False)
GRADIENT = Choice(
    "gradient",
    Phrase("Gradient of the output"),
    {"one": Phrase("1 at the chosen number"), "all": Phrase("1 at every number")},
)
K = 3  # rows and columns of the kernel
MOST = 14  # rows and columns of the output


@fragment
def windows() -> None:
    """The question, the padded picture with a window, the kernel, what comes out, its arithmetic, and the gradients."""
    predicted(SIZE)
    drawing, words = st.container(), st.container()
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of convolution"):
        stepping = st.container(horizontal=True, width="content", gap="small")
        name, edge = ask_one(st, PICTURE, width=210), ask_one(st, KERNEL, width=170)
        of = Sliding(ask_one(st, STRIDE), ask_one(st, PADDING), ask_one(st, DILATION))
        is_so_far = ask_one(st, SO_FAR)
    x, weights = picture(name), kernel(edge)
    y = convolve(x, weights, of)
    at = _output(y)
    with stepping:
        _step(y, at)
    with drawing:
        _draw(x, weights, y, at, of, name == OWN, is_so_far)
    with words:
        with st.container(key="sum of the window", gap="small"):
            _arithmetic(x, weights, y, at, of)
        hints = [
            _(
                "**Click** a number of the output or **drag** over them to move the window; a click on a weight raises "
                "it by 1."
            )
        ]
        if name == OWN:
            hints.append(_("Click pixels to draw."))
        st.caption(" ".join(hints))
    _gradients(x, weights, y, at, of)


def _output(y: Tensor) -> tuple[int, int]:
    """The chosen output number: row, column."""
    row, column = chosen_cell("output", Phrase("Output"), (MOST, MOST), "1,1")
    return min(row, y.shape[2] - 1), min(column, y.shape[3] - 1)


def _move(row: int, column: int) -> None:
    choose_cell("output", (row, column))


def _step(y: Tensor, at: tuple[int, int]) -> None:
    """Buttons for the window before and the one after, in reading order, from the last on to the first."""
    columns, count = y.shape[3], y[0, 0].numel()
    here = at[0] * columns + at[1]
    for name, icon, to in (("back", "arrow_back", here - 1), ("on", "arrow_forward", here + 1)):
        label = _("Step back") if name == "back" else _("Step")
        place = divmod(to % count, columns)
        st.button(label, icon=f":material/{icon}:", key=f"step {name}", on_click=_move, args=place)


def _draw(
    x: Tensor, weights: Tensor, y: Tensor, at: tuple[int, int], of: Sliding, is_drawn: bool, is_so_far: bool
) -> None:
    given, moved, made = F.pad(x, [of.padding] * 4)[0, 0].numpy(), weights[0, 0].numpy(), y[0, 0].numpy()
    rows, columns = (looked_at(place, K, of) for place in at)
    lit_given, lit_made = np.zeros(given.shape, bool), np.zeros(made.shape, bool)
    lit_given[np.ix_(rows, columns)] = True
    lit_made[at] = True
    done = np.arange(made.size) <= at[0] * made.shape[1] + at[1]
    known = np.ones(given.shape, bool), np.ones(moved.shape, bool), done.reshape(made.shape) | (not is_so_far)
    titles = _("Input") if of.padding == 0 else _("Input, padded with zeros"), _("Kernel"), _("Output")
    numbers = [fixed(value) for value in made.ravel().tolist()]

    def click(cell: int) -> None:
        if cell >= given.size + moved.size:
            _move(*divmod(cell - given.size - moved.size, made.shape[1]))
        elif cell >= given.size:
            strengthen(weights, cell - given.size)
        else:
            _look_at(cell)

    def _look_at(cell: int) -> None:
        row, column = divmod(cell, given.shape[1])
        inside = row - of.padding, column - of.padding
        if is_drawn and all(0 <= place < side for place, side in zip(inside, x.shape[2:], strict=True)):
            flip(x, inside[0] * x.shape[3] + inside[1])
            return
        middle = (round((place - of.dilation * (K // 2)) / of.stride) for place in (row, column))
        _move(*(max(0, min(place, side - 1)) for place, side in zip(middle, made.shape, strict=True)))

    draw_sheets(
        [Line(titles)],
        [_shades(given), _shades(moved), _shades(np.where(done.reshape(made.shape) | (not is_so_far), made, 0))],
        [
            f"{title}, {_('row {row}, column {column}', row=row, column=column)}{told}"
            for title, sheet, is_known in zip(titles, (given, moved, made), known, strict=True)
            for (row, column), value in np.ndenumerate(sheet)
            for told in [f": {significant(value, 4)}" if is_known[row, column] else ""]
        ],
        "convolution",
        alt=_("A small picture, a kernel and what comes out; the window of the chosen output number stands out."),
        numbers=[
            *(fixed(value) for sheet in (given, moved) for value in sheet.ravel().tolist()),
            *(number if is_done or not is_so_far else "" for number, is_done in zip(numbers, done, strict=True)),
        ],
        lit=np.concatenate([lit_given.ravel(), np.ones(moved.size, bool), lit_made.ravel()]),
        chosen=given.size + moved.size + at[0] * made.shape[1] + at[1],
        is_flat=True,
        on_click=click,
        walk=_walk(given, moved, made, of, is_so_far),
    )


def _walk(given: np.ndarray, moved: np.ndarray, made: np.ndarray, of: Sliding, is_so_far: bool) -> Walk:
    """What each output number is made from, and its sum."""
    windows, sums = [], []
    for (row, column), value in np.ndenumerate(made):
        rows, columns = looked_at(row, K, of), looked_at(column, K, of)
        windows.append([r * given.shape[1] + c for r in rows for c in columns])
        sums.append(f"{_terms(given[np.ix_(rows, columns)], moved)} = {fixed(float(value))}")
    numbers, shades = [fixed(value) for value in made.ravel().tolist()], _shades(made).round(3).ravel().tolist()
    grows = {"numbers": numbers, "shades": shades}
    always = range(given.size, given.size + moved.size)
    return Walk(windows, [*always], sums, grows if is_so_far else {}, _("Play"), _("Pause"))


def _terms(window: np.ndarray, weights: np.ndarray) -> str:
    """Each number times its weight."""
    pairs = zip(window.ravel().tolist(), weights.ravel().tolist(), strict=True)
    return " + ".join(f"{fixed(value)}·{fixed(w) if w >= 0 else f'({fixed(w)})'}" for value, w in pairs)


def _shades(sheet: np.ndarray) -> np.ndarray:
    return sheet / max(np.abs(sheet).max(), 1)


def _arithmetic(x: Tensor, weights: Tensor, y: Tensor, at: tuple[int, int], of: Sliding) -> None:
    """How the chosen output number comes about, and how many multiplications that and all before it took."""
    rows, columns = (looked_at(place, K, of) for place in at)
    window = F.pad(x, [of.padding] * 4)[0, 0][rows][:, columns]
    st.markdown(f"{_terms(window.numpy(), weights[0, 0].numpy())} = **{fixed(float(y[0, 0][at]))}**")
    number = at[0] * y.shape[3] + at[1] + 1
    st.markdown(
        _(
            "Window {number} of {rows}×{columns}: **{done}** of {all} multiplications.",
            number=number,
            rows=y.shape[2],
            columns=y.shape[3],
            done=grouped(number * K * K),
            all=grouped(y.numel() * K * K),
        )
    )


# The way back ----------------------------------------------------------------------------------------------------


def _gradients(x: Tensor, weights: Tensor, y: Tensor, at: tuple[int, int], of: Sliding) -> None:
    """The gradients of the kernel and of the picture, for one output number or for all."""
    st.header(_("The way back"), anchor="back")
    predicted(ADDS)
    drawing = st.container()
    if ask_one(st, GRADIENT) == "all":
        gradient = torch.ones_like(y)
    else:
        gradient = torch.zeros_like(y)
        gradient[0, 0][at] = 1
        st.caption(_("The kernel's gradient is the window, and the window's gradient is the kernel."))
    of_x, of_weights = convolve_backward(x, weights, gradient, of)
    titles = _("gradient of the input"), _("gradient of the kernel"), _("gradient of the output")
    sheets = [each[0, 0].numpy() for each in (of_x, of_weights, gradient)]
    with drawing:
        draw_sheets(
            [Line(titles)],
            [_shades(sheet) for sheet in sheets],
            [label for title, sheet in zip(titles, sheets, strict=True) for label in cell_labels(title, sheet)],
            "gradients",
            alt=_("The gradients of the picture and of the kernel, and that of the output from which they come."),
            numbers=[fixed(value) if value else "" for sheet in sheets for value in sheet.ravel().tolist()],
            is_flat=True,
        )
