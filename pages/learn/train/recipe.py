"""How a network is to learn: what can be set, and the training that comes of it."""

from dataclasses import replace
from functools import partial

import streamlit as st

from models.learners import LEARNERS, digits
from models.options import Choice, Number, Phrase, Switch
from models.refusals import Refused
from models.training import MOMENTUM, MOST_EPOCHS, Recipe, Training
from pages.common import address
from pages.common.asking import ask_one
from pages.common.routes import OWN_STACK
from pages.common.session import kept
from pages.common.text import _, spoken
from vis.cost.design import Design, as_code, from_code
from vis.cost.presets import PRESETS
from vis.cost.trainable import classifier
from vis.figures.numbers import rewritten

STACK = "stack"  # the name of the visitor's own
USUAL = Recipe()
LEARNER = Choice(
    "learner",
    Phrase("Network that learns"),
    {name: learner.title for name, learner in LEARNERS.items()} | {STACK: Phrase("your own stack")},
    shown_as="list",
)
RATE = Choice(
    "rate",
    Phrase("Learning rate"),
    (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
    USUAL.learning_rate,
    shown_as="scale",
)
BATCH = Choice("batch", Phrase("Batch size"), (8, 16, 32, 64, 128, 256), USUAL.batch, shown_as="scale")
OPTIMISER = Choice(
    "optimiser",
    Phrase("Optimiser"),
    {"momentum": Phrase("SGD with momentum"), "sgd": Phrase("SGD"), "adam": Phrase("Adam")},
    USUAL.optimiser,
)
NORM = Switch("norm", Phrase("Batch norm"), USUAL.batch_norm)
DROPOUT = Choice("dropout", Phrase("Dropout"), (0.0, 0.1, 0.2, 0.3, 0.5, 0.7), USUAL.dropout, shown_as="scale")
EPOCHS = Number("epochs", Phrase("Epochs"), USUAL.epochs, 1, MOST_EPOCHS, shown_as="slider")
DECAY = Switch("decay", Phrase("Learning rate falls to 0"), USUAL.decays)
SHIFT = Choice("shift", Phrase("Random shifts, pixels"), (0, 1, 2, 4), USUAL.shift)
SEED = Number("seed", Phrase("Seed"), USUAL.seed, 0, 9999)


def ask_recipe() -> Recipe:
    """What the visitor chose."""
    first = st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of learners")
    net = ask_one(first, LEARNER, width=210)
    usual = LEARNERS[net].rate if net in LEARNERS else USUAL.learning_rate
    rate = ask_one(first, replace(RATE, usual=usual), of=net, width=260)
    batch = ask_one(first, BATCH, width=200)
    second = st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of recipes")
    optimiser = ask_one(second, OPTIMISER)
    has_norm = net == STACK or LEARNERS[net].has_norm
    norm = ask_one(second, NORM) if has_norm else False
    dropout = ask_one(second, DROPOUT, width=190)
    with second.popover(_("More settings"), icon=":material/tune:"):
        epochs, decays = ask_one(st, EPOCHS), ask_one(st, DECAY)
        shift, seed = ask_one(st, SHIFT), ask_one(st, SEED)
    stack = _own_stack() if net == STACK else ""
    return Recipe(net, stack, "digits", norm, dropout, optimiser, rate, decays, batch, shift, epochs, seed)


def _own_stack() -> str:
    """The rows of the visitor's own stack, or the link's; LeNet-5's where there are neither."""
    rows = kept(OWN_STACK, _of_link).rows
    code = as_code(rows) or ""
    address.note(stack=code)
    st.caption(
        _(
            "Your stack from “A stack of your own”: {layers} layers, for 1×32×32 digits. A linear layer is added "
            "unless it ends in one with 10 outputs, and ReLUs unless it has some.",
            layers=len(rows),
        )
    )
    return code


def _of_link() -> Design:
    try:
        return replace(PRESETS["lenet5"], rows=from_code(address.opened_with()["stack"]))
    except (KeyError, Refused):
        return PRESETS["lenet5"]


def training_of(recipe: Recipe) -> Training:
    """A training by this recipe, at its beginning.

    Raises:
        Refused: for a stack that cannot be trained.
    """
    examples = digits()
    classes = len(examples.categories)
    if recipe.net == STACK:
        shape = tuple(examples.images.shape[1:])
        stack = Design(from_code(recipe.stack), shape, True, recipe.batch_norm).stack()
        return Training(recipe, partial(classifier, stack, classes), examples)
    learner = LEARNERS[recipe.net]
    norm = {"batch_norm": recipe.batch_norm} if learner.has_norm else {}
    return Training(recipe, partial(learner.build, classes, channels=examples.channels, **norm), examples)


def title_of(recipe: Recipe) -> str:
    """The network, with batch norm if it has it."""
    title = spoken(LEARNER.called(recipe.net))
    return f"{title} + {spoken(NORM.label)}" if recipe.batch_norm else title


def recipe_in_words(recipe: Recipe) -> str:
    """What else was set."""
    optimiser = spoken(OPTIMISER.called(recipe.optimiser))
    parts = [
        f"{optimiser} {rewritten(str(MOMENTUM))}" if recipe.optimiser == "momentum" else optimiser,
        _("rate {rate}", rate=rewritten(str(recipe.learning_rate))),
        _("batch {batch}", batch=recipe.batch),
    ]
    if recipe.dropout:
        parts.append(_("dropout {p}", p=rewritten(str(recipe.dropout))))
    if not recipe.decays:
        parts.append(_("rate stays"))
    if recipe.shift != USUAL.shift:
        parts.append(_("shifts {shift}", shift=recipe.shift))
    if recipe.seed:
        parts.append(_("seed {seed}", seed=recipe.seed))
    return " · ".join(parts)
