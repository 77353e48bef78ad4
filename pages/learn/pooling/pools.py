"""Pooling a small map window by window, and back again: unpooling by addition and by overwriting."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from models.options import Choice, Phrase
from pages.common.asking import ask, ask_one, fragment, key_of
from pages.common.components.sheets import Cells, Line, draw_sheets
from pages.common.text import _
from pages.learn.cells import cell_labels, choose_cell, chosen_cell
from pages.learn.lesson import Question, predicted
from vis.concepts.examples import numbers
from vis.concepts.pooling import average_pool, max_pool, shared, subsample, unpool_add, unpool_overwrite
from vis.figures.numbers import fixed, percent, significant

OVERLAPPING = Question(
    "pool",
    Phrase("3×3 windows move on by 2, as in AlexNet. In how many outputs can one number be the maximum?"),
    (Phrase("in one"), Phrase("in two"), Phrase("in four")),
    3,
    Phrase(
        "A number that four windows share can win in all of them, as 97 does here. "
        "Windows of 2×2 with stride 2 share none."
    ),
)
UNPOOLING = Question(
    "unpool",
    Phrase("Two windows share their maximum. What does PyTorch's MaxUnpool2d write at that place?"),
    (Phrase("the sum of both"), Phrase("one of the two"), Phrase("their mean")),
    2,
    Phrase(
        "On a CPU the later one overwrites the other. "
        "Max pooling's backward pass, and with it the deconvnet, adds them."
    ),
)
KIND = Choice(
    "pooling",
    Phrase("Pooling"),
    {"max": Phrase("max"), "average": Phrase("average"), "lenet": Phrase("LeNet's subsampling")},
)
WINDOWS = {"3/2": (3, 2), "2/2": (2, 2), "3/3": (3, 3)}
SLIDING = Choice(
    "sliding",
    Phrase("Window and stride"),
    {
        "3/2": Phrase("3×3, stride 2: overlapping"),
        "2/2": Phrase("2×2, stride 2"),
        "3/3": Phrase("3×3, stride 3"),
    },
)
COEFFICIENT = Choice("coefficient", Phrase("Trained coefficient"), (0.1, 0.25, 0.5, 1.0), 0.25, shown_as="scale")
BIAS = Choice("bias", Phrase("Trained bias"), (-20.0, 0.0, 20.0), 0.0, shown_as="scale")
MOST = 4  # rows and columns that come out


@fragment
def pools() -> None:
    """The question, the map with a window and what comes out, and the way back."""
    is_answered = predicted(OVERLAPPING)
    drawing, words = st.container(), st.container()
    with st.container(horizontal=True, gap="medium", key="row of pooling"):
        kind = ask_one(st, KIND)
        kernel, stride = (2, 2) if kind == "lenet" else WINDOWS[ask_one(st, SLIDING)]
    x = numbers()
    if kind == "lenet":
        values = ask(st.columns(2, gap="medium"), COEFFICIENT, BIAS)
        y = _subsampled(x, values)
        reach = {
            key_of(option.name): [_subsampled(x, values | {option.name: stop}) for stop in option.values]
            for option in (COEFFICIENT, BIAS)
        }
    else:
        values, y = {}, average_pool(x, kernel, stride) if kind == "average" else max_pool(x, kernel, stride)[0]
        reach = {}
    _max, switches = max_pool(x, kernel, stride)
    at = _output(y)
    is_told = is_answered or kind != "max"
    with drawing:
        _draw(x, y, switches if kind == "max" else None, at, (kernel, stride), reach, is_told)
    with words:
        st.markdown(_sum(x, float(y[0, 0][at]), kind, at, (kernel, stride), values))
        _left_out(x, y, kernel, stride)
        if not is_told:
            st.caption(_("The other outputs, and the way back, appear once you have predicted."))
    if kind == "max" and is_told:
        _way_back(x, kernel, stride)


def _subsampled(x: Tensor, values: Mapping[str, float]) -> Tensor:
    one = torch.ones(1, dtype=torch.float64)
    return subsample(x, values["coefficient"] * one, values["bias"] * one)


def _output(y: Tensor) -> tuple[int, int]:
    """The chosen output: row, column."""
    row, column = chosen_cell("output", Phrase("Output"), (MOST, MOST), "1,1")
    return min(row, y.shape[2] - 1), min(column, y.shape[3] - 1)


def _draw(
    x: Tensor,
    y: Tensor,
    switches: Tensor | None,
    at: tuple[int, int],
    pool: tuple[int, int],
    reach: Mapping[str, Sequence[Tensor]],
    is_told: bool,
) -> None:
    """The map and what comes out of it; unless it `is_told`, of that the chosen number alone."""
    (kernel, stride), given, made = pool, x[0, 0].numpy(), y[0, 0].numpy()
    lit_given, lit_made = np.zeros(given.shape, bool), np.zeros(made.shape, bool)
    top, left = at[0] * stride, at[1] * stride
    lit_given[top : top + kernel, left : left + kernel] = True
    lit_made[at] = True

    def choose(cell: int) -> None:
        row, column = divmod(cell, given.shape[1])
        if cell < given.size:
            place = min(row // stride, made.shape[0] - 1), min(column // stride, made.shape[1] - 1)
        else:
            place = divmod(cell - given.size, made.shape[1])
        choose_cell("output", place)

    names = _("Input"), _("Output")
    chosen = given.size + at[0] * made.shape[1] + at[1] if switches is None else int(switches[0, 0][at])
    lit = np.concatenate([lit_given.ravel(), lit_made.ravel()])

    def drawn(y: Tensor) -> Cells:
        made, told = y[0, 0].numpy(), lit_made | is_told
        largest = max(np.abs(given).max(), np.abs(made).max())
        labels = [
            label if is_known else label.rpartition(": ")[0]  # without the number
            for label, is_known in zip(cell_labels(names[1], made), told.ravel(), strict=True)
        ]
        numbers = (fixed(v, 0 if v == round(v) else 1) for v in made.ravel())
        return Cells(
            [given / largest, np.where(told, made / largest, 0)],
            [*cell_labels(names[0], given), *labels],
            [*map(fixed, given.ravel()), *np.where(told.ravel(), [*numbers], "").tolist()],
            lit,
        )

    here = drawn(y)
    draw_sheets(
        [Line(names)],
        here.shades,
        here.labels,
        "pool",
        alt=_("A map and the pooled one; the window of the chosen output stands out, and its maximum most of all."),
        numbers=here.numbers,
        lit=lit,
        chosen=chosen,
        is_flat=True,
        on_click=choose,
        reach={key: [drawn(each) for each in stops] for key, stops in reach.items()},
    )


def _sum(
    x: Tensor, result: float, kind: str, at: tuple[int, int], pool: tuple[int, int], values: dict[str, float]
) -> str:
    """How the chosen output comes about, with its numbers."""
    kernel, stride = pool
    looked = x[0, 0, at[0] * stride :, at[1] * stride :][:kernel, :kernel]
    written = [fixed(value) for value in looked.ravel().tolist()]
    made = f"**{significant(result, 4)}**"
    if kind == "max":
        return f"max({', '.join(written)}) = {made}"
    together = f"({' + '.join(written)})"
    if kind == "average":
        return f"{together} / {kernel * kernel} = {made}"
    return f"{significant(values['coefficient'])} · {together} + {significant(values['bias'])} = {made}"


def _left_out(x: Tensor, y: Tensor, kernel: int, stride: int) -> None:
    read = (y.shape[2] - 1) * stride + kernel
    if read < x.shape[2]:
        st.caption(_("The last row and column fill no whole window: they are not read."))


# The way back ----------------------------------------------------------------------------------------------------


def _way_back(x: Tensor, kernel: int, stride: int) -> None:
    """Where the maxima were, and the pooled map put back there in both ways."""
    st.header(_("Unpooling"), anchor="unpooling")
    is_answered = predicted(UNPOOLING)
    y, switches = max_pool(x, kernel, stride)
    size = x.shape[2:]
    count = shared(switches, size)[0, 0].numpy()
    added, overwritten = (unpool(y, switches, size)[0, 0].numpy() for unpool in (unpool_add, unpool_overwrite))
    sheets = {_("windows won"): count, _("unpooled, added"): added}
    if is_answered:
        sheets[_("unpooled, overwritten")] = overwritten
    draw_sheets(
        [Line([*sheets])],
        [sheet / max(sheet.max(), 1) for sheet in sheets.values()],
        [label for name, sheet in sheets.items() for label in cell_labels(name, sheet)],
        "unpool",
        alt=_("How many windows have their maximum where, and the pooled map put back; shared maxima stand out."),
        numbers=[fixed(value) if value else "" for sheet in sheets.values() for value in sheet.ravel()],
        lit=np.concatenate([(count > 1).ravel()] * len(sheets)),
        is_flat=True,
    )
    shares = int(count[count > 1].sum())
    st.markdown(
        _(
            "**{shares} of {all} windows** share their maximum with another one ({percent}).",
            shares=shares,
            all=y.numel(),
            percent=percent(shares / y.numel()),
        )
    )
    if is_answered and shares:
        cosine = float((added * overwritten).sum() / np.linalg.norm(added) / np.linalg.norm(overwritten))
        st.caption(_("The two maps have a cosine of {cosine}.", cosine=significant(cosine, 2)))
