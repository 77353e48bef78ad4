"""Local response normalisation, cell by cell, and as libraries read the same numbers in four ways."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
import torch

from models.options import Choice, Phrase
from pages.common import panels
from pages.common.asking import ask, ask_one, fragment, key_of
from pages.common.components.sheets import Cells, Line, draw_sheets
from pages.common.text import _, spoken
from pages.learn.cells import choose_cell, chosen_cell
from pages.learn.lesson import Question, predicted
from vis.concepts.examples import activations
from vis.concepts.normalisation import CONVENTIONS, LRN, lrn, window_of
from vis.figures.conventions import side_by_side
from vis.figures.numbers import fixed, grouped, significant

QUESTION = Question(
    "lrn",
    Phrase(
        "AlexNet's paper sets n = 5, k = 2, α = 0.0001, β = 0.75. You give PyTorch the same four numbers. "
        "What comes out?"
    ),
    (Phrase("the same as in the paper"), Phrase("larger numbers"), Phrase("smaller numbers")),
    2,
    Phrase(
        "PyTorch divides α by n, so the squares count five times less and less is divided away. "
        "Only α = 0.0005 gives what the paper means."
    ),
)
SIZE = Choice("n", Phrase("Window n"), (1, 3, 5, 7, 9), 5, shown_as="scale")
K = Choice("k", "k", (0.5, 1.0, 2.0, 4.0), 2.0, shown_as="scale")
ALPHA = Choice("alpha", "α", (0.0001, 0.0002, 0.0005, 0.001, 0.01), 0.0001, shown_as="scale")
BETA = Choice("beta", "β", (0.25, 0.5, 0.75, 1.0), 0.75, shown_as="scale")
SLIDERS = SIZE, K, ALPHA, BETA  # each called as LRN calls it
WINDOW = Choice(
    "window",
    Phrase("Window"),
    {"across": Phrase("across channels"), "within": Phrase("within a channel")},
)
NAMES = {
    "paper": Phrase("AlexNet's paper, MatConvNet"),
    "torch": "PyTorch, Caffe, ONNX",
    "tensorflow": "TensorFlow, MindSpore",
    "both": Phrase("both at once, which no library here does"),
}
CONVENTION = Choice("convention", Phrase("n and α as in"), NAMES, shown_as="list")
USUAL_CELL = "4,1,2"
WRITTEN = 12  # squares of a sum that are written out


@fragment
def local_response() -> None:
    """The question, the cube with a chosen cell and its window, the arithmetic, and the four conventions."""
    is_answered = predicted(QUESTION)
    drawing = st.container()
    of = _settings()
    x = activations()
    y = lrn(x, of)[0]
    place = _cell(x.shape[1:])
    with drawing:
        _draw(x, place, of)
    _arithmetic(x[0].numpy(), float(y[place]), place, of)
    if is_answered:
        _conventions(x, place, of)
    else:
        st.caption(_("The same numbers under four readings: shown once you have predicted."))


def _settings() -> LRN:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of lrn"):
        window, convention = ask_one(st, WINDOW), ask_one(st, CONVENTION, width=230)
    places = st.columns(4, gap="medium")
    values = ask(places, *SLIDERS)
    return LRN(values["n"], values["alpha"], values["beta"], values["k"], CONVENTIONS[convention], window == "within")


def _cell(shape: Sequence[int]) -> tuple[int, int, int]:
    """The chosen cell: channel, row, column."""
    return chosen_cell("cell", Phrase("Cell"), shape, USUAL_CELL)


def _draw(images: torch.Tensor, place: tuple[int, int, int], of: LRN) -> None:
    """The maps that go in, with the cell and its window, and below them those that come out."""
    x = images[0].numpy()
    names = [_("channel {number}", number=number) for number in range(len(x))]
    sides = _("Input"), _("Output")
    cells = [_cell_in_words(cell) for cell in np.ndindex(x.shape)]
    given = [f"{sides[0]}, {cell}: {significant(value)}" for cell, value in zip(cells, x.ravel().tolist(), strict=True)]
    in_cells = [grouped(int(value)) if value else "" for value in x.ravel()]

    def drawn(of: LRN) -> Cells:
        y = lrn(images, of)[0].numpy()
        lit = np.zeros((2, *x.shape), bool)
        lit[(0, *window_of(place, x.shape, of))] = True
        lit[(1, *place)] = True
        made = zip(cells, y.ravel().tolist(), strict=True)
        return Cells(
            np.concatenate([np.sqrt(maps / maps.max()) for maps in (x, y)]),  # or a loud cell would leave others white
            [*given, *(f"{sides[1]}, {cell}: {significant(value)}" for cell, value in made)],
            [*in_cells, *_written(y)],
            lit.reshape(-1, *x.shape[1:]),
        )

    def choose(number: int) -> None:
        cell = np.unravel_index(number % x.size, x.shape)
        choose_cell("cell", cell)

    here = drawn(of)
    draw_sheets(
        [Line(names, sides[0]), Line(names, sides[1])],
        here.shades,
        here.labels,
        "lrn",
        alt=_("Eight maps before and after local response normalisation; the chosen cell's window stands out."),
        numbers=here.numbers,
        lit=here.lit,
        chosen=int(np.ravel_multi_index(place, x.shape)),
        is_tubed=not of.is_within,
        on_click=choose,
        reach={
            key_of(option.name): [drawn(replace(of, **{option.name: value})) for value in option.values]
            for option in SLIDERS
        },
    )


def _written(y: np.ndarray) -> list[str]:
    return [fixed(value, 1 if value < 10 else 0) if value else "" for value in y.ravel().tolist()]


def _arithmetic(x: np.ndarray, result: float, place: tuple[int, int, int], of: LRN) -> None:
    """How the output of the chosen cell comes about, with its numbers."""
    values = [int(value) for value in x[window_of(place, x.shape, of)].ravel()]
    squares, a = sum(value * value for value in values), int(x[place])
    written = " + ".join(f"{value}²" for value in values[:WRITTEN]) + (" + …" if len(values) > WRITTEN else "")
    scale = of.k + of.share * squares
    alpha, symbol = significant(of.alpha, 6), r"\alpha"
    if of.convention.is_divided:
        alpha, symbol = f"{alpha} / {of.entries}", rf"\frac{{\alpha}}{{{of.entries}}}"
    s, b = significant(scale, 4), significant(result, 4)
    lines = [
        _("Squares in its window: {sum}", sum=f"{written} = **{grouped(squares)}**"),
        rf"$s = k + {symbol} \sum a^2$ = {significant(of.k)} + {alpha} · {grouped(squares)} = **{s}**",
        rf"$b = a / s^{{\beta}} = {a} / {_in_formula(s)}^{{{_in_formula(significant(of.beta))}}}$ = **{b}**",
    ]
    st.markdown(_("**The chosen cell, {a}**: click another one.", a=a))
    panels.bullets(lines)


def _cell_in_words(cell: tuple[int, ...]) -> str:
    channel, row, column = cell
    return _("channel {channel}, row {row}, column {column}", channel=channel, row=row, column=column)


def _in_formula(number: str) -> str:
    """A number whose comma is no pause between two."""
    return number.replace(",", "{,}")


def _conventions(x: torch.Tensor, place: tuple[int, int, int], of: LRN) -> None:
    """The same input and numbers under the four conventions."""
    st.header(_("The same four numbers under four readings"), anchor="conventions")
    read = {name: replace(of, convention=each) for name, each in CONVENTIONS.items()}
    outputs = {name: lrn(x, each)[0] for name, each in read.items()}
    shown = {spoken(NAMES[name]): y[:, place[1], place[2]].tolist() for name, y in outputs.items()}
    words = {"axis": _("output"), "across": _("channel, at row {row}, column {column}", row=place[1], column=place[2])}
    alt = _("The outputs of all channels at the chosen position, in a colour for each convention.")
    panels.chart(side_by_side(shown, words), "conventions", alt)
    active = x[0] > 0
    ratios = {name: y[active] / outputs["paper"][active] for name, y in outputs.items()}
    rows = [
        [
            spoken(NAMES[name]),
            _window(each),
            f"α / {each.entries}" if each.convention.is_divided else "α",
            significant(float(outputs[name][place]), 4),
            f"{fixed(float(ratios[name].min()), 2)} – {fixed(float(ratios[name].max()), 2)} ×",
        ]
        for name, each in read.items()
    ]
    columns = _("reading"), _("window"), _("weight of a²"), _("output of the cell"), _("all outputs, of the paper's")
    panels.wrapped(columns, rows, "conventions")
    st.caption(
        _(
            "TensorFlow's n is the depth radius: n channels to either side. The part of a window beyond the border "
            "counts as 0. Caffe's own k is 1 unless it is set."
        )
    )
    if of.is_within:
        st.caption(
            _(
                "Of these only Caffe has LRN within a channel, where its k is always 1; the others show how they would "
                "read n and α."
            )
        )


def _window(of: LRN) -> str:
    side = sum(of.reach) + 1
    return f"{side}×{side}" if of.is_within else f"{side}"
