"""What the strongest unit of one feature map sees in one picture, as the network learns."""

from dataclasses import replace

import streamlit as st
from torch import Tensor, nn

from models.images import png
from models.learners import Examples
from models.options import Choice, Number, Phrase
from models.training import Training
from pages.common.asking import ask_one
from pages.common.learning import Run
from pages.common.session import keep_among, kept
from pages.common.text import _
from pages.common.words import fidelity_in_words
from vis.deconvnet import Projection, project, strongest_units
from vis.figures.numbers import significant
from vis.figures.pictures import montage, signed
from vis.responses import limit_of

DIGIT = Choice("digit", Phrase("Digit"), tuple(range(10)), 3, shown_as="list")
CLASS = Choice("class", Phrase("Picture of the class"), tuple(range(10)), 3, shown_as="list")
MOST_REMEMBERED = 8  # maps of runs
TILE = 96  # pixels


def projections(run: Run) -> None:
    """The digit, and beside it the projection after each epoch that was kept."""
    training = run.training
    layers = [name for name, part in training.net.named_modules() if isinstance(part, nn.Conv2d)]
    if not (layers and training.snapshots):
        return
    st.markdown(f"**{_('What one feature map responds to, as it learns')}**")
    row = st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of projections")
    layer = ask_one(
        row,
        Choice("layer", Phrase("Layer"), layers, layers[min(1, len(layers) - 1)], shown_as="list"),
        of=training.recipe.net,
        width=190,
    )
    count = training.net.get_submodule(layer).out_channels
    channel = ask_one(
        row, Number("map", Phrase("Feature map"), 0, 0, count - 1), of=f"{training.recipe.net} {layer}", width=150
    )
    number = _ask_class(row, training.examples.categories)
    image = _image(training.examples, number)
    found = _found(run, layer, channel, number, image)
    limits = [limit_of(each.pixels) for each in found.values()]
    tiles = [signed(each.on_canvas().numpy(), limit) for each, limit in zip(found.values(), limits, strict=True)]
    given = signed(image[0].numpy(), float(image.abs().max()))
    pixels = montage([given, *tiles], len(tiles) + 1, TILE, gap=0.08)
    epochs = ", ".join(significant(step / training.steps, 2) for step in found)
    alt = _("A picture, and what the strongest unit of a feature map saw in it after some epochs.")
    st.image(png(pixels), alt=alt)
    st.caption(
        _(
            "First the picture as the network sees it, then the deconvnet's projection of the map's strongest unit "
            "after {epochs} epochs ({fidelity}), each with its own range.",
            epochs=epochs,
            fidelity=fidelity_in_words(next(reversed(found.values())).fidelity),
        )
    )


def _ask_class(row, categories: tuple[str, ...]) -> int:
    """The number of a class; digits are their own."""
    if categories == tuple(map(str, DIGIT.values)):
        return ask_one(row, DIGIT, width=110)
    return ask_one(row, replace(CLASS, values=dict(enumerate(categories))), width=190)


def _image(examples: Examples, number: int) -> Tensor:
    """The first held-out picture of that class, (1, C, 32, 32)."""
    place = int((examples.held_out_labels == number).nonzero()[0])
    return examples.held_out[place : place + 1]


def _found(run: Run, layer: str, channel: int, number: int, image: Tensor) -> dict[int, Projection]:
    """By the steps of the snapshots; what was found before is remembered."""
    key = (run, layer, channel, number)
    known: dict[int, Projection] = kept("projections", dict).get(key, {})
    missing = [step for step in tuple(run.training.snapshots) if step not in known]
    if missing:
        known = known | {step: projection_after(run.training, step, layer, channel, image) for step in missing}
        keep_among("projections", key, known, MOST_REMEMBERED)
    return dict(sorted(known.items()))


def projection_after(training: Training, step: int, layer: str, channel: int, image: Tensor) -> Projection:
    """What the strongest unit of the map sees in the image, with the weights after that step."""
    net = training.net_after(step)
    units = strongest_units(net, image, layer, channels=[channel])
    return project(net, image, units)[0]
