"""Internal covariate shift: two LeNets learn the same batches, and the numbers that a layer is given move."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from models.options import Choice, Number, Phrase, Switch
from pages.common import address, panels
from pages.common.asking import ask_one, come_back, fragment, key_of, standing
from pages.common.components.following import Shown, follow
from pages.common.learning import Run, apart, begin_apart, forget_apart, under_way
from pages.common.progress import watch
from pages.common.session import set_to
from pages.common.text import _, plain, said
from pages.learn.lesson import Question, predicted
from pages.learn.normalisation.compared import DIGITS, EVERY, LAYERS, RECIPE, Compared, Moved
from vis.figures.numbers import percent, significant
from vis.figures.shift import bands, bars

QUESTION = Question(
    "covariate",
    Phrase(
        "LeNet-5 learns digits for two epochs, without batch norm. How does the range change that holds the middle "
        "90 % of the inputs of C5's ReLU?"
    ),
    (Phrase("it stays about as wide"), Phrase("it becomes about three times as wide"), Phrase("more than ten times")),
    3,
    Phrase("All layers below C5 learn, too, and each lets the numbers above it grow. Train both networks to see it."),
)
LAYER = Choice("relu", Phrase("Input of the ReLU after"), LAYERS, "features.relu5")
IS_ASKED = Switch("train", Phrase("Train"), False)
SEED = Number("seed", Phrase("Seed"), RECIPE.seed, 0, 9999)
COLOURS = ("0, 114, 178", "0, 158, 115")  # of Okabe & Ito's


@fragment
def covariate_shift() -> None:
    """The question; once predicted, a training of both networks and how the input of a layer moved in it."""
    st.header(_("Internal covariate shift"), anchor="shift")
    if not predicted(QUESTION):
        st.caption(_("Trained here and now: once you have predicted."))
        return
    compared = _compared()
    if compared:
        _show(compared)
    st.markdown(
        _(
            "**Is this why batch norm helps?** Ioffe and Szegedy (2015) thought so. Santurkar et al. (2018) shifted "
            "and scaled the numbers at random after every batch norm: layers' inputs moved more than without any norm, "
            "and the network still learned about as well as with batch norm. They see the reason in a smoother loss. "
            "The question is not settled; this experiment shows *that* the inputs move, not that it hurts."
        )
    )


# The training ------------------------------------------------------------------------------------------------------


def _compared() -> Compared | None:
    """Both trainings, when they are over; while they go on, how far they are. None where none was asked for.

    Where another seed is chosen, they begin anew.
    """
    key, page = key_of(IS_ASKED.name), address.drawn()
    seed = ask_one(st, SEED, comes_back=True, width=125)
    come_back(IS_ASKED, key)
    if not standing(IS_ASKED, page):
        forget_apart()
        _ask(key)
        return None
    run = apart()
    if run and run.training.recipe.seed != seed:
        forget_apart()
        run = None
    if run is None and under_way():  # a link asks for it
        _ask(key)
        return None
    if run is None or run.left_alone:
        with st.spinner(_("Reading the digits …")):
            run = begin_apart(Compared(replace(RECIPE, seed=seed)))
    if run.running:
        watch(lambda: run, _how_far, "stop shift", partial(set_to, key, False))
        if not run.running:
            st.rerun()
        return None
    if run.training.is_over:
        return run.training
    if run.refused:
        st.error(plain(said(run.refused)), icon=":material/error:")
    elif run.failed:
        st.error(_("It failed; start it again to retry."), icon=":material/error:")
    _ask(key)
    return None


def _ask(key: str) -> None:
    """A button that begins the training, unless another one is under way."""
    is_busy = under_way() is not None
    label = _("Train both networks")
    st.button(
        label, icon=":material/play_arrow:", key="train both", on_click=_begin_anew, args=(key,), disabled=is_busy
    )
    if is_busy:
        st.caption(_("Your training on “Train live” is under way: this one can begin when it has ended."))
        return
    st.caption(
        _(
            "A few seconds: LeNet-5 without and with batch norm, {epochs} epochs of 4,000 digits, the same seed and "
            "the same batches.",
            epochs=RECIPE.epochs,
        )
    )


def _begin_anew(key: str) -> None:
    forget_apart()
    set_to(key, True)


def _how_far(run: Run) -> str:
    if run.before:
        return _(
            "Other trainings are running, as many as this server has cores. You are number {number} in the queue …",
            number=run.before,
        )
    return percent(run.part, 0)


# What is shown of it -----------------------------------------------------------------------------------------------


def _show(compared: Compared) -> None:
    """The bands of both networks, and their histograms at one moment."""
    drawing, steps = st.container(), compared.steps
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of shift"):
        layer = ask_one(st, LAYER)
        step = ask_one(
            st, Number("step", Phrase("Training step"), steps[-1], 0, steps[-1], step=EVERY, shown_as="slider")
        )
    both, edges = compared.moved[layer], compared.edges[layer].tolist()
    names, titles = ("without", "with"), (_("Without batch norm"), _("With batch norm"))
    shown = [_at(moment, steps, both, edges, names, titles) for moment in range(len(steps))]
    here = shown[max(place for place, known in enumerate(steps) if known <= step)]
    for name, place, title in zip(names, drawing.columns(2, gap="medium"), titles, strict=True):
        with place:
            st.markdown(f"**{title}**")
            alt = _("The quantiles of what the layer's ReLU is given, over the steps of the training.")
            panels.chart(here[f"bands {name}"], f"bands {name}", alt)
    for name, place in zip(names, st.columns(2, gap="medium"), strict=True):
        with place:
            st.container(key=f"title of bars {name}").markdown(here[f"title of bars {name}"])
            alt = _("How often each number is what the layer's ReLU is given, after the chosen step.")
            panels.chart(here[f"bars {name}"], f"bars {name}", alt)
    follow("shift", {key_of("step"): shown})
    _in_words(compared, layer)


def _at(
    moment: int,
    steps: Sequence[int],
    both: Sequence[Moved],
    edges: Sequence[float],
    names: Sequence[str],
    titles: Sequence[str],
) -> Shown:
    """The charts of both networks at one of the moments, and what the histograms are called."""
    limits, most = (edges[0], edges[-1]), max(float(of.shares[moment].max()) for of in both)
    words = {
        "median": _("median"),
        "half": _("middle 50 %"),
        "most": _("middle 90 %"),
        "axis": _("input of the ReLU"),
        "across": _("training step"),
    }
    below = {"axis": _("share"), "across": _("input of the ReLU")}
    shown = {}
    for name, title, of, rgb in zip(names, titles, both, COLOURS, strict=True):
        shown |= {
            f"bands {name}": bands(steps, of.quantiles.tolist(), steps[moment], limits, rgb, words),
            f"bars {name}": bars(edges, of.shares[moment].tolist(), most, rgb, below),
            f"title of bars {name}": _("{title}, after {step} steps", title=title, step=steps[moment]),
        }
    return shown


def _in_words(compared: Compared, layer: str) -> None:
    """How wide the middle 90 % are at the beginning and at the end, and how well both networks learned."""
    lines = []
    for title, moved, training in zip(
        (_("Without batch norm"), _("With batch norm")), compared.moved[layer], compared.trainings, strict=True
    ):
        before, after = (float(moved.quantiles[moment, -1] - moved.quantiles[moment, 0]) for moment in (0, -1))
        lines.append(
            _(
                "{title}: the middle 90 % span {before} before the first step and **{after}** after the last, "
                "{times} times as much; {right} of the held-out digits are right.",
                title=title,
                before=significant(before),
                after=significant(after),
                times=significant(after / before),
                right=percent(training.held_out[-1].accuracy),
            )
        )
    panels.bullets(lines)
    st.caption(
        _(
            "Of all channels and positions together, for the same {digits} held-out digits at every moment, as in "
            "training: batch norm uses their own means and variances. It holds each channel's mean at β and its "
            "deviation at |γ|, so bands that stand still are its doing by construction, while β, γ and the shape may "
            "move. Both networks' charts have one range; at most 1 % of the numbers at a moment lie outside.",
            digits=DIGITS,
        )
    )
