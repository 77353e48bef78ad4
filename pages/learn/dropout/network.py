"""Dropout that stays switched on: how far the answers of a trained network scatter over many masks."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from torch import nn

from models import ARCHITECTURES, Loaded
from models.options import Choice, Phrase
from models.samples import SAMPLES
from pages.common import cache, panels
from pages.common.asking import ask_one, fragment, key_of
from pages.common.chooser import sample_of
from pages.common.components.following import Shown, follow
from pages.common.session import selection
from pages.common.text import _, plain
from pages.learn.lesson import Question, predicted
from vis.figures.numbers import percent, rewritten
from vis.figures.passes import scattered

QUESTION = Question(
    "scatter",
    Phrase("After training, dropout is left on, and one picture is shown 50 times. What does the network answer?"),
    (Phrase("50 times the same"), Phrase("answers that scatter around the usual one"), Phrase("pure chance")),
    2,
    Phrase("Each mask leaves another, thinner network. Their mean is close to the answer without dropout."),
)
NETWORKS = ("alexnet_mini", "zfnet_mini")
NETWORK = Choice("trained", Phrase("Network"), {name: ARCHITECTURES[name].title for name in NETWORKS})
PHOTOGRAPH = Choice(
    "photograph",
    Phrase("Picture"),
    {name: sample.title for name, sample in SAMPLES.items() if sample.kind != "digit"},
    shown_as="list",
)
RATE = Choice("rate", Phrase("p in the network"), (0.1, 0.3, 0.5, 0.7, 0.9), 0.3, shown_as="scale")
PASSES, SEED, MOST_CLASSES = 50, 1, 5


@fragment
def in_a_network() -> None:
    """The question, and once predicted the answers of one network about one picture."""
    st.header(_("In a trained network"), anchor="network")
    is_answered = predicted(QUESTION)
    drawing = st.container()
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of networks"):
        network, photograph = ask_one(st, NETWORK), ask_one(st, PHOTOGRAPH, width=230)
        p = ask_one(st, RATE, width=300)
    if not is_answered:
        drawing.caption(_("The answers of 50 passes: shown once you have predicted."))
        return
    chosen = replace(selection(), network=network, weights="shipped", picture=sample_of(photograph))
    loaded, _on_cpu = cache.opened_network(chosen)
    answers = {each: cache.answers_with_dropout(chosen, each, PASSES, SEED) for each in RATE.values}
    shown = {each: _scattered(loaded, usual, found) for each, (usual, *found) in answers.items()}
    with drawing:
        alt = _("The probabilities of five classes in 50 passes with dropout, their mean, and those without dropout.")
        panels.chart(shown[p]["scattered"], "scattered", alt)
        st.container(key="words of scattered").markdown(shown[p]["words of scattered"])
        _how_trained(loaded)
        follow("scattered", {key_of(RATE.name): [*shown.values()]})


def _scattered(loaded: Loaded, usual: np.ndarray, found: Sequence[np.ndarray]) -> Shown:
    """The classes that are most probable without dropout, with all passes; and how often the answer is the same."""
    found, best = np.stack(found), np.argsort(-usual)[:MOST_CLASSES]
    names = [loaded.categories[number] for number in best]
    words = {
        "pass": _("a pass with a mask of its own"),
        "mean": _("mean of the passes"),
        "usual": _("without dropout"),
        "across": _("probability"),
    }
    top = found[:, best[0]]
    sentence = _(
        "**{same} of {all} passes** answer “{name}” as without dropout: {usual} there, {mean} ± {spread} here.",
        same=int((found.argmax(1) == best[0]).sum()),
        all=len(found),
        name=plain(names[0]),
        usual=percent(usual[best[0]]),
        mean=percent(top.mean()),
        spread=percent(top.std()),
    )
    return {"scattered": scattered(found[:, best], usual[best], names, words), "words of scattered": sentence}


def _how_trained(loaded: Loaded) -> None:
    (dropout,) = (part for part in loaded.model.modules() if isinstance(part, nn.Dropout))
    st.caption(
        _(
            "The network was trained with p = {p}, on what goes into its first fully connected layer. Only what comes "
            "after the mask is computed 50 times; ± is the standard deviation.",
            p=rewritten(str(dropout.p)),
        )
    )
