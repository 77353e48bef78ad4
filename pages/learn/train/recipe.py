"""How a network is to learn: what can be set, and the training that comes of it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import streamlit as st
from torch import nn

from models import load
from models.cards import read
from models.learners import CIFAR_LEARNERS, HELD_OUT, LEARNED, LEARNERS, Examples, Learner, digits
from models.loading import skeleton
from models.options import Choice, Number, Option, Phrase, Switch
from models.refusals import Refused
from models.train.recipes import RECIPES
from models.training import MOMENTUM, MOST_EPOCHS, Recipe, Training
from models.weights import SHIPPED
from pages.common import address, cache
from pages.common.asking import ask_one
from pages.common.routes import OWN_STACK
from pages.common.session import kept
from pages.common.text import _, plain, spoken
from pages.learn.cifar10 import say_where_to_get_it
from vis.cost.design import Design, as_code, from_code
from vis.cost.presets import PRESETS
from vis.cost.trainable import classifier
from vis.figures.numbers import duration, grouped, percent, rewritten
from vis.own import STACK, name_of, own

USUAL = Recipe()
DIGITS, CIFAR10 = "digits", "cifar10"
DATA = Choice("data", Phrase("Pictures"), {DIGITS: Phrase("MNIST digits"), CIFAR10: "CIFAR-10"})
OWN = MappingProxyType({STACK: Phrase("your own stack")})
LEARNER = Choice(
    "learner",
    Phrase("Network that learns"),
    {name: learner.title for name, learner in LEARNERS.items()} | OWN,
    shown_as="list",
)
BEGINS = Choice(
    "begins", Phrase("Begins with"), {"random": Phrase("random weights"), "shipped": Phrase("trained weights")}
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
    {
        "momentum": Phrase("SGD with momentum"),
        "nesterov": Phrase("SGD with Nesterov momentum"),
        "sgd": Phrase("SGD"),
        "adam": Phrase("Adam"),
        "adamw": Phrase("AdamW"),
    },
    USUAL.optimiser,
    shown_as="list",
)
NORM = Switch("norm", Phrase("Batch norm"), USUAL.batch_norm)
DROPOUT = Choice("dropout", Phrase("Dropout"), (0.0, 0.1, 0.2, 0.3, 0.5, 0.7), USUAL.dropout, shown_as="scale")
EPOCHS = Number("epochs", Phrase("Epochs"), USUAL.epochs, 1, MOST_EPOCHS, shown_as="slider")
SCHEDULE = Choice(
    "schedule",
    Phrase("Learning rate over time"),
    {"cosine": Phrase("falls to 0"), "constant": Phrase("stays"), "cycle": Phrase("one cycle")},
    USUAL.schedule,
)
DECAY = Choice("decay", Phrase("Weight decay"), (0.0, 1e-4, 5e-4, 5e-3, 0.05), USUAL.weight_decay, shown_as="scale")
SMOOTHING = Choice("smoothing", Phrase("Label smoothing"), (0.0, 0.1, 0.2), USUAL.smoothing)
SHIFT = Choice("shift", Phrase("Random shifts, pixels"), (0, 1, 2, 4), USUAL.shift)
MIRRORED = Switch("mirrored", Phrase("Mirrored at random"), USUAL.mirrored)
SEED = Number("seed", Phrase("Seed"), USUAL.seed, 0, 9999)
ARENA = {"SGD, Nesterov": "nesterov", "AdamW": "adamw"}  # what the arena's optimisers are called here


def ask_recipe() -> Recipe:
    """What the visitor chose."""
    first = st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of learners")
    data = ask_one(first, DATA)
    linked = {"is_linked": address.opened_with().get(DATA.name, DIGITS) == data}
    net = ask_one(first, learner_option(data), of=of_data(data), width=190, **linked)
    begins = ask_one(first, BEGINS, of=net, **linked) if net in CIFAR_LEARNERS else USUAL.begins
    usual = usual_recipe(data, net, begins)

    def ask(place, option: Option, value: object, of: str = "", **look) -> object:
        of = of if data == DIGITS else f"{net} {begins}"
        return ask_one(place, replace(option, usual=value), of=of, **linked, **look)

    rate = ask(first, RATE, usual.learning_rate, of=net, width=180)
    batch = ask(first, BATCH, usual.batch, width=140)
    second = st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of recipes")
    optimiser = ask(second, OPTIMISER, usual.optimiser, width=230)
    norm = ask(second, NORM, usual.batch_norm) if net == STACK or _known(net).has_norm else False
    dropout = ask(second, DROPOUT, usual.dropout, width=190)
    with second.popover(_("More settings"), icon=":material/tune:"):
        epochs, schedule = ask(st, EPOCHS, usual.epochs), ask(st, SCHEDULE, usual.schedule)
        decay, smoothing = ask(st, DECAY, usual.weight_decay), ask(st, SMOOTHING, usual.smoothing)
        shift = ask(st, SHIFT, usual.shift)
        mirrored = ask(st, MIRRORED, usual.mirrored) if data == CIFAR10 else False  # a mirrored 3 is no 3
        seed = ask(st, SEED, usual.seed)
    stack = _own_stack(data) if net == STACK else ""
    if data == CIFAR10:
        _about_cifar10(net, begins)
    chosen = (net, stack, data, norm, dropout, optimiser, rate, schedule, batch, shift, epochs, seed)
    return Recipe(*chosen, decay, smoothing, mirrored, begins)


def of_data(data: str) -> str:
    """What a choice belongs to that is another one for other pictures."""
    return "" if data == DIGITS else data


def learner_option(data: str) -> Choice:
    """The networks that can learn from these pictures: of the arena's those that were trained there."""
    return LEARNER if data == DIGITS else replace(LEARNER, values=_trained() | OWN, usual=next(iter(_trained())))


def _trained() -> Mapping[str, str]:
    known = CIFAR_LEARNERS.items()
    return {name: learner.title for name, learner in known if (SHIPPED / f"{name}.json").is_file()}


def _known(net: str) -> Learner:
    return (LEARNERS | CIFAR_LEARNERS)[net]


def usual_recipe(data: str, net: str, begins: str = USUAL.begins) -> Recipe:
    """The recipe until something is set: the arena's for its networks, where they go on with a tenth of its rate."""
    if net not in CIFAR_LEARNERS:
        rate = LEARNERS[net].rate if net in LEARNERS else USUAL.learning_rate
        return replace(USUAL, net=net, data=data, learning_rate=rate, mirrored=data == CIFAR10)
    arena, goes_on = RECIPES[net], begins != USUAL.begins
    own = [part.p for part in skeleton(net).modules() if isinstance(part, nn.Dropout)]
    return Recipe(
        net,
        data=data,
        dropout=max(own, default=0.0),
        optimiser=ARENA[arena.optimiser],
        learning_rate=arena.learning_rate / 10 if goes_on else arena.learning_rate,
        schedule="cosine" if goes_on else "cycle",
        batch=arena.batch,
        shift=arena.shift,
        epochs=arena.epochs,
        weight_decay=arena.weight_decay,
        smoothing=arena.label_smoothing,
        mirrored=True,
        begins=begins,
    )


def _about_cifar10(net: str, begins: str) -> None:
    """Which pictures these are, or where to get them; what an epoch takes, and what the weights have learned before."""
    if not is_there(CIFAR10):
        say_where_to_get_it(_("CIFAR-10's pictures do not ship with the app, and are not on this machine yet."))
    lines = [
        _(
            "{learned} of CIFAR-10's 50,000 training pictures; held out are {held_out} of its test pictures.",
            learned=grouped(LEARNED),
            held_out=grouped(HELD_OUT),
        )
    ]
    if net in CIFAR_LEARNERS:
        card = read(SHIPPED / f"{net}.json")
        seconds = card.core_seconds[-1] / len(card.log) / card.pictures_an_epoch * LEARNED
        lines.append(
            _(
                "An epoch takes {network} about {seconds} on one core, as its training in the arena did ({device}).",
                network=_known(net).title,
                seconds=duration(max(seconds, 1)),
                device=plain(card.machine["device"]),
            )
        )
        if begins != USUAL.begins:
            lines.append(
                _(
                    "The trained weights have seen all 50,000 for {epochs} epochs, and are right on {right} of the "
                    "test pictures as they were coded for the arena.",
                    epochs=len(card.log),
                    right=percent(card.top1 / 100),
                )
            )
    st.caption(" ".join(lines))


def examples_of(data: str) -> Examples | None:
    """The pictures; None where they are not on this machine.

    Raises:
        Refused: for those that are damaged.
    """
    return digits() if data == DIGITS else cache.cifar10_examples()


def is_there(data: str) -> bool:
    """Whether the pictures are on this machine, damaged or not."""
    return data == DIGITS or cache.has_cifar10()


def _own_stack(data: str) -> str:
    """The rows of the visitor's own stack, or the link's; LeNet-5's where there are neither."""
    rows = kept(OWN_STACK, _of_link).rows
    code = as_code(rows) or ""
    address.note(stack=code)
    st.caption(
        _(
            "Your stack from “A stack of your own”: {layers} layers, for pictures of {channels}×32×32. A linear layer "
            "is added unless it ends in one with 10 outputs, and ReLUs unless it has some.",
            layers=len(rows),
            channels=1 if data == DIGITS else 3,
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
        Refused: for a stack that cannot be trained, and for pictures that are not on this machine.
    """
    examples = examples_of(recipe.data)
    if examples is None:
        raise Refused("CIFAR-10 is not on this machine.")
    classes = len(examples.categories)
    if recipe.net == STACK:
        shape = tuple(examples.images.shape[1:])
        stack = Design(from_code(recipe.stack), shape, True, recipe.batch_norm).stack()
        return Training(recipe, partial(classifier, stack, classes), examples)
    learner = _known(recipe.net)
    norm = {"batch_norm": recipe.batch_norm} if learner.has_norm else {}
    first = load(recipe.net, "shipped", "cpu").model.state_dict() if recipe.begins == "shipped" else None
    return Training(recipe, partial(learner.build, classes, channels=examples.channels, **norm), examples, first)


def opens(recipe: Recipe) -> str:
    """The network of the app that such weights fit: of the list, or one that its name says.

    Raises:
        Refused: for a stack that the other pages cannot show.
    """
    known = () if recipe.net == STACK else _known(recipe.net).opens
    return known[recipe.batch_norm] if known else own(name_of(recipe)).name


def title_of(recipe: Recipe) -> str:
    """The network, with batch norm if it was given it; and what it learns, where that is not digits."""
    title = spoken(OWN[STACK] if recipe.net == STACK else _known(recipe.net).title)
    title = f"{title} + {spoken(NORM.label)}" if recipe.batch_norm else title
    return title if recipe.data == DIGITS else f"{title}, {spoken(DATA.called(recipe.data))}"


def recipe_in_words(recipe: Recipe) -> str:
    """What else was set."""
    optimiser = spoken(OPTIMISER.called(recipe.optimiser))
    has_momentum = recipe.optimiser in ("momentum", "nesterov") and recipe.schedule != "cycle"  # which moves it, too
    parts = [
        f"{optimiser} {rewritten(str(MOMENTUM))}" if has_momentum else optimiser,
        _("rate {rate}", rate=rewritten(str(recipe.learning_rate))),
        _("batch {batch}", batch=recipe.batch),
    ]
    if recipe.dropout:
        parts.append(_("dropout {p}", p=rewritten(str(recipe.dropout))))
    if recipe.schedule != USUAL.schedule:
        parts.append(_("rate stays") if recipe.schedule == "constant" else _("one cycle"))
    if recipe.weight_decay:
        parts.append(_("weight decay {decay}", decay=rewritten(str(recipe.weight_decay))))
    if recipe.smoothing:
        parts.append(_("label smoothing {smoothing}", smoothing=rewritten(str(recipe.smoothing))))
    if recipe.mirrored:
        parts.append(_("mirrored"))
    if recipe.shift != USUAL.shift:
        parts.append(_("shifts {shift}", shift=recipe.shift))
    if recipe.begins != USUAL.begins:
        parts.append(_("from trained weights"))
    if recipe.seed:
        parts.append(_("seed {seed}", seed=recipe.seed))
    return " · ".join(parts)
