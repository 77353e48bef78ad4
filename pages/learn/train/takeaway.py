"""What a training leaves behind: a file of its weights, its log, and the network on the other pages."""

import json
from dataclasses import asdict
from functools import partial

import streamlit as st

from models import ARCHITECTURES
from models.refusals import Refused
from models.server import server
from models.training import Point, Recipe, Training, weights_file
from pages.common.asking import FRAME, key_of
from pages.common.chooser import say_no_weights
from pages.common.export import download, table
from pages.common.learning import Run
from pages.common.made_file import MadeFile
from pages.common.routes import ACTIVATIONS, ATTRIBUTION, FILTERS, GRAPH, LAYERS, OCCLUSION, Route, go
from pages.common.session import WEIGHTS_FILE, set_to, take_file
from pages.common.text import _, plain, said, spoken
from pages.learn.train.recipe import opens, recipe_in_words
from vis.figures.numbers import grouped, percent

PAGES = (LAYERS, FILTERS, ACTIVATIONS, GRAPH, ATTRIBUTION, OCCLUSION)  # that show a network with its weights


def takeaway(runs: tuple[Run, ...]) -> None:
    """Buttons for the newest run's weights and log, and where the app knows its network, for the pages that show it."""
    training = runs[-1].training
    row = st.container(horizontal=True, gap="small", vertical_alignment="center", key="takeaway")
    name = f"convscope-{training.recipe.net}-seed{training.recipe.seed}"
    download(
        row,
        _("Weights with their recipe (safetensors)"),
        lambda: weights_file(training),
        f"{name}.safetensors",
        "trained weights",
    )
    download(row, _("Log (CSV)"), lambda: table(log_rows(training)), f"{name}.csv", "training log")
    if not server().takes_weights:
        say_no_weights()
        return
    try:
        network = opens(training.recipe)
    except Refused as refused:
        st.caption(plain(said(refused)))
        return
    with row.popover(_("Open on another page"), icon=":material/open_in_new:", key="open trained"):
        for route in filter(lambda route: route.is_shown, PAGES):
            st.button(
                spoken(route.title),
                icon=f":material/{route.icon}:",
                key=f"open trained {route.name}",
                on_click=open_elsewhere,
                args=(training, network, route),
                width="stretch",
            )
    st.caption(
        _(
            "Other pages then show {network} with its present weights; choose other weights at the top of each page.",
            network=ARCHITECTURES[network].title,
        )
    )


def open_elsewhere(training: Training, network: str, route: Route) -> None:
    """Makes the weights the session's own file, as if they had been uploaded, and asks for the page."""
    name = f"trained-{training.recipe.net}-{training.step}.safetensors"
    about = partial(_about, training.recipe, training.step, training.held_out[-1] if training.held_out else None)
    file = MadeFile(name, weights_file(training), network, about)
    take_file(WEIGHTS_FILE, file)
    set_to(f"classes/{network} {file.file_id}", "\n".join(training.examples.categories))  # as if they had been typed
    set_to(key_of("weights", page=FRAME), "file")
    go(route, network)


def _about(recipe: Recipe, steps: int, point: Point | None) -> str:
    """How the weights were trained, and what they reach."""
    words = _("Trained here for {steps} steps: {recipe}.", steps=grouped(steps), recipe=recipe_in_words(recipe))
    if point is None:
        return words
    accuracy, measured = percent(point.accuracy), grouped(point.step)
    held_out = _("Held-out accuracy after {steps} steps: {accuracy}.", steps=measured, accuracy=accuracy)
    return f"{words} {held_out}"


def log_rows(training: Training) -> list[dict[str, object]]:
    """A row for every point of the log; what was not measured there is empty."""
    held_out = {point.step: point for point in training.held_out}
    norms_at = dict(zip([point.step for point in training.learned], training.gradients, strict=False))
    learned = {point.step: point for point in training.learned if point.step in norms_at}
    recipe = json.dumps(asdict(training.recipe))
    rows = []
    for step in sorted(held_out.keys() | learned.keys()):
        point, measured = learned.get(step), held_out.get(step)
        norms = norms_at.get(step, (None,) * len(training.layers))
        rows.append(
            {
                "step": step,
                "epoch": step / training.steps,
                "loss": point and point.loss,
                "accuracy": point and point.accuracy,
                "held_out_loss": measured and measured.loss,
                "held_out_accuracy": measured and measured.accuracy,
                "seconds": (point or measured).seconds,
                **{f"gradient_norm {name}": norm for name, norm in zip(training.layers, norms, strict=True)},
                "recipe": recipe,
            }
        )
    return rows
