"""Dropout on 24 units: a mask, both ways through it, both ways of scaling, and the mean of many passes."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from models.options import Choice, Number, Phrase
from pages.common import address, panels
from pages.common.asking import ask, ask_one, come_back, fragment, key_of, standing
from pages.common.components.following import Shown, follow
from pages.common.components.sheets import Cells, Line, draw_sheets
from pages.common.session import set_to
from pages.common.text import _
from pages.learn.cells import choose_cell, chosen_cell
from pages.learn.lesson import MODE, Question, predicted
from vis.concepts.dropout import (
    expected_error,
    inference,
    inference_backward,
    mask,
    running_means,
    training,
    training_backward,
)
from vis.concepts.examples import units
from vis.figures.numbers import fixed, grouped, significant
from vis.figures.passes import error_of_mean

SCALES = Question(
    "dropout",
    Phrase("PyTorch drops each unit with p = 0.5 while training. What does it do to their outputs at inference?"),
    (Phrase("it halves them"), Phrase("nothing at all"), Phrase("it drops half of them")),
    2,
    Phrase("It scales while training: what is kept is divided by 1 − p, so that the expectation stays the same."),
)
PASSES = Question(
    "passes",
    Phrase("The outputs of many passes are averaged, each with a new mask. How many passes halve the error?"),
    (Phrase("twice as many"), Phrase("four times as many"), Phrase("ten times as many")),
    2,
    Phrase("The error of a mean of independent passes shrinks with 1/√passes: four times as many halve it."),
)
RATE = Choice("p", Phrase("Dropout probability p"), (0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9), 0.5, shown_as="scale")
SCALING = Choice(
    "scaling",
    Phrase("Scaling"),
    {"inverted": Phrase("÷ (1 − p) while training: PyTorch, Keras"), "2012": Phrase("× (1 − p) at inference: AlexNet")},
)
MOST_MASKS, MOST_PASSES = 999, 1024
SEED = Number("mask", Phrase("Mask"), 1, 1, MOST_MASKS)
COUNT = Choice("averaged", Phrase("Passes averaged"), tuple(2**n for n in range(11)), 16, shown_as="scale")


@fragment
def masks() -> None:
    """The question, both ways through the mask, the arithmetic of a chosen unit, and the mean of many passes."""
    predicted(SCALES)
    drawing, words = st.container(), st.container()
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of dropout"):
        mode, scaling = ask_one(st, MODE), ask_one(st, SCALING)
        seed = _seed()
        p = ask_one(st, RATE, width=340)
    x, gradient = units()
    is_inverted, is_training = scaling == "inverted", mode == "training"
    place, masks_of = _unit(x), {each: mask((MOST_PASSES, *x.shape), each, seed) for each in RATE.values}
    kept = masks_of[p]
    ways = {each: _ways(x, gradient, masks_of[each][0], each, is_inverted, is_training) for each in RATE.values}
    with drawing:
        _draw(ways, p, place)
    said = {
        each: _arithmetic(x, gradient, ways[each][1], place, int(masks_of[each][0].sum()) if is_training else None)
        for each in RATE.values
    }
    words.container(key="words of masks").markdown(said[p])
    follow("masks", {key_of(RATE.name): [{"words of masks": each} for each in said.values()]})
    _mean(x, kept, p, is_inverted)


def _ways(
    x: Tensor, gradient: Tensor, kept: Tensor, p: float, is_inverted: bool, is_training: bool
) -> tuple[Tensor, ...]:
    """What goes in, its factors and what comes out; and the gradients the other way round."""
    if is_training:
        forward, backward = training(x, kept, p, is_inverted), training_backward(gradient, kept, p, is_inverted)
        factors = training(torch.ones_like(x), kept, p, is_inverted)
    else:
        forward, backward = inference(x, p, is_inverted), inference_backward(gradient, p, is_inverted)
        factors = inference(torch.ones_like(x), p, is_inverted)
    return x, factors, forward, backward, factors, gradient


def _seed() -> int:
    """The number of the mask, with a button for another one."""
    key, page = key_of(SEED.name), address.drawn()
    come_back(SEED, key)
    seed = standing(SEED, page)
    st.button(
        _("Draw another mask"),
        icon=":material/casino:",
        key="another mask",
        on_click=set_to,
        args=(key, seed % MOST_MASKS + 1),
    )
    return seed


def _unit(x: Tensor) -> tuple[int, int]:
    """The chosen unit: row, column."""
    return chosen_cell("unit", Phrase("Unit"), x.shape, "1,2")


def _draw(ways: Mapping[float, Sequence[Tensor]], p: float, place: tuple[int, int]) -> None:
    """What goes in, its factors and what comes out; below them, the other way round, the gradients."""
    columns, size = ways[p][0].shape[1], ways[p][0].numel()
    lines = {
        _("Forward →"): [_("Input"), _("factor"), _("Output")],
        _("← Backward"): [_("gradient of the input"), _("factor"), _("gradient of the output")],
    }
    titles = [title for titles in lines.values() for title in titles]
    lit = np.zeros((len(titles), *ways[p][0].shape), bool)
    lit[:, *place] = True

    def drawn(sheets: Sequence[Tensor]) -> Cells:
        values = [value for sheet in sheets for value in sheet.ravel().tolist()]
        names = [f"{title}, {_('unit {number}', number=number)}" for title in titles for number in range(1, size + 1)]
        return Cells(
            [(sheet / max(1, float(sheet.abs().max()))).numpy() for sheet in sheets],
            [f"{name}: {significant(value)}" for name, value in zip(names, values, strict=True)],
            [significant(value) for value in values],
            lit,
        )

    def choose(cell: int) -> None:
        row, column = divmod(cell % size, columns)
        choose_cell("unit", (row, column))

    here = drawn(ways[p])
    draw_sheets(
        [Line(titles, line) for line, titles in lines.items()],
        here.shades,
        here.labels,
        "dropout",
        alt=_("24 units: their outputs, what each is multiplied by, and what comes out; below, their gradients."),
        numbers=here.numbers,
        lit=lit,
        reach={key_of(RATE.name): [drawn(each) for each in ways.values()]},
        chosen=2 * size + place[0] * columns + place[1],
        is_flat=True,
        on_click=choose,
    )


def _arithmetic(x: Tensor, gradient: Tensor, factors: Tensor, place: tuple[int, int], kept: int | None) -> str:
    """Both products of the chosen unit, and how many units are kept, Markdown."""
    products = [
        f"{significant(float(of[place]))} · {significant(float(factors[place]))} = "
        f"**{significant(float((of * factors)[place]))}**"
        for of in (x, gradient)
    ]
    line = _("Output of the chosen unit: {output}; its gradient: {gradient}.", output=products[0], gradient=products[1])
    if kept is not None:
        line += " " + _("**{kept} of {all} units** are kept.", kept=kept, all=x.numel())
    return line


# Many passes -----------------------------------------------------------------------------------------------------


def _mean(x: Tensor, kept: Tensor, p: float, is_inverted: bool) -> None:
    """The mean of some passes beside the expectation; once predicted, how its error shrinks."""
    st.header(_("The mean of many passes"), anchor="mean")
    is_answered = predicted(PASSES)
    drawing = st.container()
    count = ask(st, COUNT)["averaged"]
    means = list(running_means(training(x, each, p, is_inverted) for each in kept))
    exact = inference(x, p, is_inverted)
    errors = [float((mean - exact).square().mean().sqrt()) for mean in means]
    expected = expected_error(x, p, torch.arange(1, MOST_PASSES + 1), is_inverted).tolist()
    shown = {each: _errors(errors, expected, each, is_answered) for each in COUNT.values}
    with drawing:
        left, right = st.columns([1, 1], gap="large")
        with left:
            _beside_exact(means, exact, count)
        with right:
            if is_answered:
                alt = _("How far the mean is from the expectation, falling with the number of passes.")
                panels.chart(shown[count]["error of mean"], "error of mean", alt)
            else:
                st.caption(_("How the error falls: shown once you have predicted."))
    st.container(key="words of error").markdown(shown[count]["words of error"])
    follow("error", {key_of(COUNT.name): [*shown.values()]})


def _errors(errors: Sequence[float], expected: Sequence[float], count: int, with_chart: bool) -> Shown:
    """How far the mean of so many passes is from the expectation, and how far it is expected to be."""
    words = {
        "found": _("error of the mean"),
        "expected": _("expected: falls with 1/√passes"),
        "axis": _("root mean square error"),
        "across": _("passes"),
    }
    said = _(
        "After **{count}** passes the mean is off by **{error}**; {expected} is expected.",
        count=grouped(count),
        error=significant(errors[count - 1], 2),
        expected=significant(expected[count - 1], 2),
    )
    return {"words of error": said} | (
        {"error of mean": error_of_mean(errors, expected, count, words)} if with_chart else {}
    )


def _beside_exact(means: Sequence[Tensor], exact: Tensor, count: int) -> None:
    def drawn(count: int) -> Cells:
        titles = [_("mean of {count} passes", count=grouped(count)), _("expectation = what inference gives")]
        sheets = [each.numpy() for each in (means[count - 1], exact)]
        most = max(float(sheet.max()) for sheet in sheets)
        return Cells(
            [sheet / most for sheet in sheets],
            [
                f"{title}, {_('unit {number}', number=number)}: {significant(value)}"
                for title, sheet in zip(titles, sheets, strict=True)
                for number, value in enumerate(sheet.ravel().tolist(), 1)
            ],
            [fixed(value, 1) for sheet in sheets for value in sheet.ravel().tolist()],
            titles=titles,
        )

    here = drawn(count)
    draw_sheets(
        [Line([title]) for title in here.titles],
        here.shades,
        here.labels,
        "mean of passes",
        alt=_("The mean of the outputs of 24 units over some passes, and their expectation."),
        numbers=here.numbers,
        is_flat=True,
        reach={key_of(COUNT.name): [drawn(each) for each in COUNT.values]},
    )
