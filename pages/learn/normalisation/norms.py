"""Batch, layer, group and instance norm on one cube: which entries share a mean."""

import numpy as np
import streamlit as st
import torch

from models.options import Choice, Phrase
from pages.common.asking import ask_one, fragment
from pages.common.components.sheets import Line, draw_sheets
from pages.common.text import _
from pages.learn.cells import choose_cell, chosen_cell
from pages.learn.lesson import Question, predicted
from vis.concepts.examples import batch
from vis.concepts.normalisation import means, sets_of, standardised
from vis.figures.numbers import fixed, significant

QUESTION = Question(
    "norms",
    Phrase("You train with one picture at a time. Which norm does exactly what batch norm then does?"),
    (Phrase("layer norm"), Phrase("group norm with two groups"), Phrase("instance norm")),
    3,
    Phrase("With one picture, the entries of a channel in the whole batch are those of the channel in this picture."),
)
SHAPE = (3, 6, 2, 2)
KIND = Choice(
    "norm",
    Phrase("Norm"),
    {
        "batch": "batch norm",
        "layer": "layer norm",
        "group": "group norm",
        "instance": "instance norm",
    },
    "group",
)
GROUPS = Choice("groups", Phrase("Groups"), (1, 2, 3, 6), 2)
USUAL_ENTRY = "0,1,0,0"


@fragment
def shared_means() -> None:
    """The question, and the cube with the entries that share a mean in one colour."""
    st.header(_("Which entries share a mean"), anchor="norms")
    predicted(QUESTION)
    drawing = st.container()
    with st.container(horizontal=True, gap="medium", key="row of norms"):
        kind = ask_one(st, KIND)
        groups = ask_one(st, GROUPS) if kind == "group" else 1
    x, sets = batch(1, SHAPE[0], SHAPE[2], SHAPE[1]), sets_of(kind, SHAPE, groups)
    place = _entry()
    with drawing:
        _draw(x, sets, place)
    _in_words(x, sets, place)


def _entry() -> tuple[int, ...]:
    """The chosen entry: picture, channel, row, column."""
    return chosen_cell("entry", Phrase("Cell"), SHAPE, USUAL_ENTRY)


def _draw(x: torch.Tensor, sets: torch.Tensor, place: tuple[int, ...]) -> None:
    maps, numbers = x.flatten(0, 1).numpy(), sets.flatten(0, 1).numpy()  # (N·C, h, w)
    pictures, channels = SHAPE[:2]
    labels = [
        _("channel {channel}, picture {picture}", channel=c, picture=n + 1)
        + f": {fixed(float(x[n, c, row, column]), 2)} · "
        + _("set {number}", number=int(sets[n, c, row, column]) + 1)
        for n, c, row, column in np.ndindex(SHAPE)
    ]

    def choose(number: int) -> None:
        choose_cell("entry", np.unravel_index(number, SHAPE))

    draw_sheets(
        [
            Line([_("channel {number}", number=c) for c in range(channels)], _("Picture {number}", number=n + 1))
            for n in range(pictures)
        ],
        np.abs(maps) / np.abs(maps).max(),
        labels,
        "norms",
        alt=_("The maps of three pictures; entries that share a mean have one colour, the chosen cell's stand out."),
        sets=numbers,
        lit=numbers == numbers.reshape(SHAPE)[place],
        numbers=[fixed(value, 1) for value in maps.ravel().tolist()],
        chosen=int(np.ravel_multi_index(place, SHAPE)),
        on_click=choose,
    )


def _in_words(x: torch.Tensor, sets: torch.Tensor, place: tuple[int, ...]) -> None:
    """How the chosen entry is normalised."""
    mean = float(means(x, sets)[place])
    shared = x[sets == sets[place]]
    st.markdown(
        _(
            "The chosen cell, {value}, shares its mean **{mean}** and variance **{variance}** with {count} others: "
            "**{result}** comes out. There are {sets} sets.",
            value=fixed(float(x[place]), 2),
            mean=significant(mean),
            variance=significant(float(shared.var(correction=0))),
            count=shared.numel() - 1,
            result=fixed(float(standardised(x, sets)[place]), 2),
            sets=int(sets.max()) + 1,
        )
    )
