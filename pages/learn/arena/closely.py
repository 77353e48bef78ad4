"""One network closely: what it takes for what, the gradients of its stages, and how it was trained."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from models import ARCHITECTURES
from models.options import Choice, Phrase
from pages.common.asking import ask_one, key_of
from pages.common.panels import chart, figures, row_that_wraps, wrapped
from pages.common.routes import GRAPH, TRAIN, go
from pages.common.session import set_to
from pages.common.text import _, plain
from pages.learn.arena.confusion import confusion
from vis.cost.training import Entrant
from vis.figures.arena import gradients
from vis.figures.numbers import duration, percent, rewritten, short

CLOSELY, USUAL = "closely", "cifar_resnet20"


def closely(entrants: Sequence[Entrant]) -> Entrant:
    """Shows the chosen network, and gives it back; a click in the chart above chooses one, too."""
    st.header(_("One network closely"), anchor="closely")
    titles = {entrant.name: entrant.title for entrant in entrants}
    option = Choice(CLOSELY, Phrase("Network"), titles, USUAL if USUAL in titles else None, shown_as="list")
    row = st.container(horizontal=True, vertical_alignment="bottom", key="row of one network")
    name = ask_one(row, option, width=300)
    (entrant,) = (entrant for entrant in entrants if entrant.name == name)
    row.button(
        _("Open its layer graph"), icon=":material/account_tree:", key="graph of it", on_click=go, args=(GRAPH, name)
    )
    for begins, label in (("random", _("Train it here")), ("shipped", _("Go on training it here"))):
        icon, key = f":material/{TRAIN.icon}:", f"train it {begins}"
        row.button(label, icon=icon, key=key, on_click=_train, args=(name, begins))
    _facts(entrant)
    left, right = row_that_wraps("closely", 2)
    with left:
        confusion(entrant)
    with right:
        _classes(entrant)
        _gradients(entrant)
    _made(entrant)
    return entrant


def _train(name: str, begins: str) -> None:
    """Opens the page of trainings with this network chosen; it begins there, when its visitor starts it."""
    set_to(key_of("data", page=TRAIN.name), "cifar10")
    set_to(key_of("learner", of="cifar10", page=TRAIN.name), name)
    set_to(key_of("begins", of=name, page=TRAIN.name), begins)
    go(TRAIN)


def _facts(entrant: Entrant) -> None:
    training = entrant.training
    figures(
        [
            (_("top-1 accuracy"), percent(training.top1 / 100, 2)),
            (_("parameters"), short(entrant.parameters)),
            (_("MACs"), short(entrant.macs)),
            (_("training on one core"), duration(training.core_seconds[-1])),
            (_("training compute"), f"{short(entrant.flop[-1])}FLOP"),
        ]
    )
    architecture = ARCHITECTURES[entrant.name]
    if architecture.differs:
        st.caption(_("This version: {differs}.", differs=_(architecture.differs)))


def _classes(entrant: Entrant) -> None:
    """Per class, how many are found, and how often the answer is right."""
    if entrant.training.confusion is None:
        return
    counts = np.array(entrant.training.confusion)
    found, right = counts.diagonal() / counts.sum(1), counts.diagonal() / counts.sum(0).clip(1)
    st.markdown(f"**{_('Class by class')}**")
    wrapped(
        [_("class"), _("recognised"), _("answer is right")],
        [
            [name, percent(share), percent(precision)]
            for name, share, precision in zip(entrant.training.categories, found, right, strict=True)
        ],
        "classes",
    )


# How it was trained ----------------------------------------------------------------------------------------------


def _gradients(entrant: Entrant) -> None:
    st.markdown(f"**{_('Gradients while it learnt')}**")
    words = {"across": _("Epochs"), "axis": _("Norm of the gradient, mean over the batches")}
    chart(
        gradients(entrant, words),
        "gradients",
        _("The mean norm of the loss's gradient with respect to the weights of each stage, epoch by epoch."),
    )


def _made(entrant: Entrant) -> None:
    """What the numbers rest on."""
    training = entrant.training
    recipe, machine = training.recipe, training.machine
    st.caption(
        _(
            "Trained with “{command}”, seed {seed}: {optimiser}, one cycle up to a learning rate of {rate}, weight "
            "decay {decay}, label smoothing {smoothing}, batches of {batch}, pictures moved by up to {shift} pixels "
            "and mirrored at random.",
            command=plain(training.command),
            seed=training.seed,
            optimiser=recipe["optimiser"],
            rate=rewritten(str(recipe["learning_rate"])),
            decay=rewritten(str(recipe["weight_decay"])),
            smoothing=rewritten(str(recipe["label_smoothing"])),
            batch=recipe["batch"],
            shift=recipe["shift"],
        )
        + "  \n"
        + _(
            "On {device}, {threads} thread, {versions}, {made}. Weights in half precision, sha256 {sha256}….",
            device=plain(machine["device"]),
            threads=machine["threads"],
            versions=plain(", ".join(f"{name} {version}" for name, version in training.versions.items())),
            made=training.made,
            sha256=training.sha256[:16],
        )
    )
