"""What was measured while two networks learnt CIFAR-10, one without and one with shortcuts."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from models.cards import Card, cards
from models.options import Choice, Number, Phrase
from models.registry import ARCHITECTURES
from pages.common import panels
from pages.common.asking import ask_live, ask_one, fragment
from pages.common.components.sliders import Frame, Results
from pages.common.text import _, language
from pages.learn.lesson import Question, predicted
from vis.figures.numbers import fixed, rewritten, significant
from vis.figures.profiles import decades, profile

QUESTION = Question(
    "cifar",
    Phrase(
        "Plain-20 and ResNet-20 learnt CIFAR-10 under one recipe, both with batch norm. They differ in the shortcuts "
        "alone. How many more test pictures of 100 does ResNet-20 get right after 12 epochs?"
    ),
    (Phrase("2"), Phrase("12"), Phrase("22")),
    1,
    Phrase("With batch norm and He's start, 20 layers train without shortcuts, too; the gap grows with depth."),
)
PAIRS = {depth: (f"cifar_plain{depth}", f"cifar_resnet{depth}") for depth in (20, 32)}
STAGES = ("conv1", "layer1", "layer2", "layer3", "linear")
EPOCHS = 12
EPOCH = Number("epoch", Phrase("Epoch"), 1, 1, EPOCHS, marks=(1, 4, 8, 12))


@fragment
def on_cifar() -> None:
    """The question; once predicted, gradients by stage from epoch to epoch, the accuracies, and the paper's numbers."""
    st.header(_("Real networks: a measured log"), anchor="measured")
    if not predicted(QUESTION):
        st.caption(_("The log of both trainings: shown once you have predicted."))
        return
    known = cards()
    pair = PAIRS[_depth(known)]
    names, logs = [ARCHITECTURES[name].short_title for name in pair], [known[name].log for name in pair]
    scale = decades(entry.gradient[stage] for log in logs for entry in log for stage in STAGES)

    def frame(values: Mapping[str, Any]) -> Frame:
        now = [log[values["epoch"] - 1] for log in logs]
        readings = [
            [f"{fixed(entry.top1, 1)} %", _("right; training loss {loss}", loss=significant(entry.loss)), []]
            for entry in now
        ]
        chart = profile([[entry.gradient[stage] for stage in STAGES] for entry in now], scale, len(STAGES))
        places = [[i / (len(STAGES) - 1), stage] for i, stage in enumerate(STAGES)]
        return {"readings": readings, "curves": [chart | {"places": places}]}

    charts = [{"title": _("Mean norm of each stage's gradient in this epoch"), "across": _("stage")}]
    look = {"label": _("Results"), "readings": names, "curves": {"charts": charts}}
    ask_live(st.container(), EPOCH, of="epoch", results=Results(look, frame, ("logs", pair, language()), "epoch"))
    st.caption(
        _(
            "Not computed now, but logged when the weights that ship were trained: models/weights/{plain}.json "
            "and {residual}.json. Accuracy is of the 10,000 test pictures.",
            plain=pair[0],
            residual=pair[1],
        )
    )
    _on_imagenet()


def _depth(known: Mapping[str, Card]) -> int:
    """Of the depths of which both networks were trained, the chosen one; there may be but one."""
    depths = tuple(
        depth for depth, pair in PAIRS.items() if all(name in known and len(known[name].log) == EPOCHS for name in pair)
    )
    return ask_one(st, Choice("pair", Phrase("Layers"), depths)) if len(depths) > 1 else depths[0]


def _on_imagenet() -> None:
    """What He et al. found on ImageNet with 18 and 34 layers."""
    st.subheader(_("The paper's networks, on ImageNet"))
    columns = [_("layers"), _("plain: top-1 error"), _("with shortcuts: top-1 error")]
    errors = {depth: [published(f"plain{depth}"), published(f"resnet{depth}", shortcut="A")] for depth in (18, 34)}
    panels.wrapped(columns, [[str(depth), *both] for depth, both in errors.items()], "on imagenet")
    st.caption(
        _(
            "He et al. 2015, table 2: validation, ten crops, shortcuts without parameters. The plain network of 34 "
            "layers has a higher training error than that of 18, too (figure 4 there)."
        )
    )


def published(network: str, **options: str) -> str:
    """The top-1 error that the paper prints."""
    architecture = ARCHITECTURES[network]
    printed = architecture.published_with[frozenset(options.items())] if options else architecture.published
    return rewritten(printed.top1_error)
