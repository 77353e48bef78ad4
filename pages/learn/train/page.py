"""Train live: a small network learns digits or photographs in front of the reader, who sets how."""

import math
from pathlib import Path

import streamlit as st

from models.options import Phrase
from models.refusals import Refused
from models.training import Recipe
from pages.common.asking import fragment
from pages.common.learning import Run, begin, forget, runs, under_way
from pages.common.progress import watch
from pages.common.session import keep, kept
from pages.common.text import _, plain, said
from pages.learn.lesson import Question, close_lesson, predicted
from pages.learn.train.recipe import ask_recipe, is_there, recipe_in_words, title_of, training_of
from pages.learn.train.shown import show
from pages.learn.train.takeaway import takeaway

TEXTS = Path(__file__).parent / "texts"
QUESTION = Question(
    "learning",
    Phrase("LeNet-5 goes 20 times through 4,000 digits. How many of 1,000 others does it get right afterwards?"),
    (Phrase("about 700"), Phrase("about 850"), Phrase("more than 950")),
    3,
    Phrase("It takes a few seconds: its 62,000 parameters see each digit in many places. Start it to see how many."),
)
AS_GOOD_AS_CHANCE = 0.2  # right, of ten classes
CODE = """\
import torch
from torch.nn.functional import cross_entropy
from models.learners import digits
from models.lenet import LeNet5

torch.manual_seed(0)
data, net = digits(), LeNet5()
optimiser = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(3):
    for rows in torch.randperm(len(data.labels)).split(64):
        loss = cross_entropy(net(data.images[rows]), data.labels[rows])
        optimiser.zero_grad()
        loss.backward()  # the gradient of every weight
        optimiser.step()
    right = (net(data.held_out).argmax(1) == data.held_out_labels).float().mean()
    print(epoch + 1, loss.item(), right.item())
"""


def page() -> None:
    st.title(_("Train live"))
    _question()
    recipe = ask_recipe()
    run = under_way()
    _controls(recipe, run)
    if refused := kept("refused training", lambda: None):
        st.error(plain(said(refused)), icon=":material/error:")
    if run:
        watch(under_way, _in_words, "stop training", None, lambda run: show(runs()), is_first=True)
    elif runs():
        _ended(runs()[-1])
        show(runs())
    elif is_there(recipe.data):
        st.info(_("Nothing has been trained yet. Press Start and watch it learn."), icon=":material/play_arrow:")
    if runs():
        takeaway(runs())
    close_lesson(CODE, TEXTS, "train")


@fragment
def _question() -> None:
    predicted(QUESTION)


# Start, pause, step, stop, reset -----------------------------------------------------------------------------------


def _controls(recipe: Recipe, run: Run | None) -> None:
    row = st.container(horizontal=True, gap="small", vertical_alignment="center", key="controls")
    is_paused = run is not None and run.is_paused
    cannot = not is_there(recipe.data)
    if run is None:
        _button(row, _("Start"), "play_arrow", "start", _start, recipe, math.inf, type="primary", disabled=cannot)
    elif is_paused:
        _button(row, _("Resume"), "play_arrow", "resume", run.go, type="primary")
    else:
        _button(row, _("Pause"), "pause", "pause", run.pause)
    if run is None:
        _button(row, _("One step"), "skip_next", "step", _start, recipe, 1, disabled=cannot)
    else:
        _button(row, _("One step"), "skip_next", "step", run.go, 1, disabled=not is_paused)
    _button(row, _("Stop"), "stop", "stop", run.stop if run else None, disabled=run is None)
    newest = runs()[-1] if runs() else None
    _button(row, _("Reset"), "restart_alt", "reset", _reset, newest, disabled=newest is None)
    if run and run.training.recipe != recipe:
        row.caption(_("Changes apply to the next run; stop this one first."))


def _button(place, label: str, icon: str, key: str, act, *args: object, **look) -> None:
    place.button(label, icon=f":material/{icon}:", key=f"training {key}", on_click=act, args=args, **look)


def _start(recipe: Recipe, steps: float) -> None:
    keep("refused training", None)
    try:
        begin(training_of(recipe), steps)
    except Refused as refused:
        keep("refused training", refused.alone())


def _reset(run: Run) -> None:
    """Forgets the newest run."""
    keep("refused training", None)
    forget(run)


# How far it is -----------------------------------------------------------------------------------------------------


def _in_words(run: Run) -> str:
    recipe = run.training.recipe
    what = f"{title_of(recipe)}: {recipe_in_words(recipe)}"
    if run.before:
        return _(
            "Other trainings are running, as many as this server has cores. You are number {number} in the queue …",
            number=run.before,
        )
    if run.is_paused:
        return _("Paused after {steps} steps · {what}", steps=run.training.step, what=what)
    return _("Step {step} of {steps} · {what}", step=run.training.step, steps=run.training.total, what=what)


def _ended(run: Run) -> None:
    """How the newest run came to its end, where that was not the end of its recipe."""
    if run.refused:
        st.error(plain(said(run.refused)), icon=":material/error:")
    elif run.failed:
        st.error(_("The training failed; start it again to retry."), icon=":material/error:")
    elif run.training.diverged:
        st.warning(
            _("The training diverged: the loss is no longer finite. Choose a lower learning rate."),
            icon=":material/warning:",
        )
    elif run.left_alone:
        st.info(_("Stopped: no browser was connected."), icon=":material/stop_circle:")
    elif run.training.is_over and run.training.held_out[-1].accuracy < AS_GOOD_AS_CHANCE:
        st.warning(
            _("It has learned next to nothing. Try a lower learning rate, batch norm, or another seed."),
            icon=":material/lightbulb:",
        )
    elif not run.training.is_over:
        st.info(_("Stopped after {steps} steps.", steps=run.training.step), icon=":material/stop_circle:")


page()
