"""A stack of layers: what one number after the last of them depends on, layer by layer down to the picture."""

import numpy as np
import streamlit as st

from models.options import Choice, Phrase
from pages.common.asking import ask_one, fragment
from pages.common.components.sheets import Line, draw_sheets
from pages.common.text import _
from pages.learn.cells import choose_cell, chosen_cell
from pages.learn.lesson import Question, predicted
from vis.concepts.convolution import Sliding, depends_on, field_of, sides

QUESTION = Question(
    "field",
    Phrase("Three 3×3 convolutions in a row: how many pixels does one output number depend on?"),
    (Phrase("3×3"), Phrase("7×7"), Phrase("9×9")),
    2,
    Phrase(
        "Each layer adds a pixel on every side: 3, 5, 7. For each pair of channels they have 27 weights, one 7×7 "
        "kernel 49."
    ),
)
SIDE = 11  # pixels of the picture: four maps beside one another are seen at once on a laptop
STACKS = {
    "three": [(3, Sliding(padding=1))] * 3,
    "seven": [(7, Sliding(padding=3))],
    "strided": [(3, Sliding(stride=2, padding=1)), (3, Sliding(padding=1)), (3, Sliding(padding=1))],
    "dilated": [(3, Sliding(padding=gap, dilation=gap)) for gap in (1, 2, 2)],
    "gaps": [(3, Sliding(padding=2, dilation=2))] * 2,
}
STACK = Choice(
    "stack",
    Phrase("Layers"),
    {
        "three": Phrase("three of 3×3"),
        "seven": Phrase("one of 7×7"),
        "strided": Phrase("three of 3×3, the first with stride 2"),
        "dilated": Phrase("three of 3×3, dilation 1, 2, 2"),
        "gaps": Phrase("two of 3×3, dilation 2"),
    },
    shown_as="list",
)


@fragment
def stacked() -> None:
    """The question, and the maps of a stack with all that one number depends on."""
    st.header(_("Receptive field"), anchor="field")
    is_answered = predicted(QUESTION)
    drawing, words = st.container(), st.container()
    layers = STACKS[ask_one(st, STACK, width=330)]
    place = _place(sides(SIDE, layers)[-1])
    found = [each.numpy() for each in depends_on(SIDE, layers, place)]
    with drawing:
        _draw(found if is_answered else [*(np.zeros_like(each) for each in found[:-1]), found[-1]], place)
    if not is_answered:
        words.caption(_("What the number depends on: shown once you have predicted."))
        return
    side, count = field_of(layers), int(found[0].sum())
    words.markdown(
        _(
            "The chosen number depends on **{count} pixels**; its receptive field is **{side}×{side}**. The layers "
            "have {weights} weights for each pair of channels.",
            count=count,
            side=side,
            weights=sum(kernel**2 for kernel, _of in layers),
        )
    )
    rows, columns = (np.flatnonzero(found[0].any(axis)) for axis in (1, 0))
    height, width = (int(at[-1] - at[0]) + 1 for at in (rows, columns))
    if (height, width) != (side, side):
        words.caption(_("The border cuts the field off: what lies beyond is padding."))
    if count < height * width:
        words.caption(_("Dilation leaves gaps: pixels inside the field that cannot change the number."))


def _place(side: int) -> tuple[int, int]:
    """The chosen number of the last map: row, column; at first that in the middle."""
    row, column = chosen_cell("number", Phrase("Output"), (SIDE, SIDE), None) or (side // 2, side // 2)
    return min(row, side - 1), min(column, side - 1)


def _draw(found: list[np.ndarray], place: tuple[int, int]) -> None:
    titles = [_("picture"), *(_("after layer {number}", number=number) for number in range(1, len(found)))]
    starts = np.cumsum([0, *(each.size for each in found)]).tolist()
    last = found[-1].shape[0]

    def choose(cell: int) -> None:
        number = int(np.searchsorted(starts, cell, side="right")) - 1
        side = found[number].shape[0]
        row, column = (at * last // side for at in divmod(cell - starts[number], side))
        choose_cell("number", (row, column))

    draw_sheets(
        [Line(titles)],
        [each * 0.5 for each in found],
        [
            f"{title}, {_('row {row}, column {column}', row=row, column=column)}"
            for title, each in zip(titles, found, strict=True)
            for row, column in np.ndindex(each.shape)
        ],
        "field",
        alt=_("The picture and the map after each layer; all that the chosen number depends on stands out."),
        lit=np.concatenate([each.ravel() for each in found]),
        chosen=starts[-2] + place[0] * last + place[1],
        on_click=choose,
    )
