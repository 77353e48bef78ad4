"""Classes of functions, nested and not: why a deeper net should contain the shallower one."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from models.options import Number, Phrase
from pages.common import panels
from pages.common.asking import ask_live, fragment
from pages.common.components.sliders import Frame, Results
from pages.common.text import _, language
from pages.learn.lesson import Question, predicted
from vis.concepts.classes import MOST, POINTS, best, distance, equal, nested, target
from vis.figures.classes import regions
from vis.figures.numbers import fixed, grouped, significant

QUESTION = Question(
    "classes",
    Phrase("One class of functions is larger than another. Is its best function closer to what is to be learnt?"),
    (Phrase("always"), Phrase("only if it contains the other class"), Phrase("never")),
    2,
    Phrase(
        "Three equal pieces do worse here than two: none of their cuts is at the jump. A class that keeps all cuts of "
        "the one before never does worse."
    ),
)
PIECES = Number("pieces", Phrase("Pieces"), 3, 1, MOST, marks=(1, 2, 3, 5, 10))
EVERY = 40  # of the points that are drawn


@fragment
def classes() -> None:
    """The question, a sketch; once predicted, two sequences of classes and how close each of them comes."""
    st.header(_("Nested classes of functions"), anchor="classes")
    is_answered = predicted(QUESTION)
    alt = _("Regions that grow: on the left each lies beside the one before, on the right each contains it.")
    panels.chart(regions([_("not nested"), _("nested")]), "regions", alt)
    if is_answered:
        _closer()
    st.markdown(
        _(
            "A residual block with F = 0 is the identity. So a net with one more block can do all that the net without "
            "it does: their classes are **nested**. A plain layer would have to learn the identity first."
        )
    )


def _closer() -> None:
    f, ways = target(), (equal, nested)
    found = {(way, n): best(f, way(n)) for way in ways for n in range(1, MOST + 1)}
    errors = {key: distance(f, g) for key, g in found.items()}
    most = max(errors.values())

    def frame(values: Mapping[str, Any]) -> Frame:
        pieces = values["pieces"]
        readings = [[_("target"), _("what is to be learnt"), []]]
        readings += [
            [significant(errors[way, pieces]), _("off from f*"), [round(errors[way, pieces] / most, 3)]] for way in ways
        ]
        drawn = [each[::EVERY].tolist() for each in (f, *(found[way, pieces] for way in ways))]
        functions = {
            "lines": [[round(value, 3) for value in line] for line in drawn],
            "range": [-0.05, 1.35],
            "ticks": [[value, fixed(value, 1)] for value in (0, 0.5, 1)],
            "places": [[0, "0"], [0.5, significant(0.5)], [1, "1"]],
        }
        known = [[errors[way, n] if n <= pieces else None for n in range(1, MOST + 1)] for way in ways]
        over = {
            "lines": [[], *([None if e is None else round(e, 4) for e in line] for line in known)],
            "range": [0, 0.6],
            "ticks": [[value, fixed(value, 1)] for value in (0, 0.2, 0.4, 0.6)],
            "places": [[(n - 1) / (MOST - 1), str(n)] for n in (1, 2, 3, 4, 6, 8, 10)],
        }
        return {"readings": readings, "curves": [functions, over]}

    charts = [
        {"title": _("f* and the best function of each class"), "across": "x"},
        {"title": _("How far the best function is off"), "across": _("pieces")},
    ]
    names = ["f*", _("equal pieces: not nested"), _("one more cut each time: nested")]
    look = {"label": _("Results"), "readings": names, "curves": {"charts": charts}}
    results = Results(look, frame, ("classes of functions", language()), "pieces")
    ask_live(st.container(), PIECES, of="classes", results=results)
    st.caption(
        _(
            "Functions that are constant in each piece; the best one has the mean of f* there. How far it is off is "
            "the root mean square of the difference at {points} points.",
            points=grouped(POINTS),
        )
    )
