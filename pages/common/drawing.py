"""A digit of one's own, for the networks that read digits: drawn, classified as one draws, and taken as the picture."""

import numpy as np
import streamlit as st

from models import Loaded
from models.digits import Strokes, digit_picture
from models.images import png
from models.loaded import predicted
from pages.common.asking import fragment
from pages.common.cache.networks import in_turn
from pages.common.components.drawing import ClassProbability, drawing_field
from pages.common.made_file import MadeFile
from pages.common.session import PICTURE_FILE, Selection, keep, kept, take_file
from pages.common.text import _
from pages.common.widgets import refusals_said

DRAWING = "drawing"  # under which the session keeps the strokes


def offer_drawing(chosen: Selection, loaded: Loaded) -> None:
    """A field to draw a digit in, where the network reads digits; nothing for other networks.

    Args:
        chosen: with what its weights turned out to be.
    """
    if loaded.architecture.reads_digits:
        draw_digit(chosen, loaded)


@fragment
def draw_digit(chosen: Selection, loaded: Loaded) -> None:
    """A field to draw a digit in, its classes' probabilities as one draws, and a button that makes it the picture."""
    strokes: Strokes = kept(DRAWING, tuple)
    picture = digit_picture(strokes)
    image = loaded.preprocess(picture)  # (1, 1, 32, 32)
    probabilities = []
    if loaded.weights.predicts:
        names = loaded.categories or [str(number) for number in range(10)]
        with refusals_said():
            classes, _on_cpu = in_turn(chosen, lambda there: predicted(there, there.classifier_input(picture), 10))
        probabilities = [
            ClassProbability(names[number], share if strokes else None) for number, share in sorted(classes)
        ]
    used = drawing_field(
        strokes,
        probabilities,
        png(loaded.preprocess.for_the_eye(image)),
        "drawing field",
        words={
            "field": _("Field to draw a digit in"),
            "hint": _("Draw a digit here, with mouse, finger or pen"),
            "undo": _("Undo"),
            "clear": _("Clear"),
            "use": _("Use this picture"),
            "seen": _(
                "As {network} sees it: {side}×{side} pixels, scaled and centred like MNIST's digits",
                network=loaded.architecture.title,
                side=image.shape[-1],
            ),
        },
        note="" if loaded.weights.predicts else _("With random weights there is no prediction."),
        on_drawn=lambda strokes: keep(DRAWING, strokes),
    )
    if used:
        take_file(PICTURE_FILE, MadeFile("digit.png", png(np.asarray(digit_picture(used)))))
        st.rerun()
