"""Accuracy against what it costs, of all networks that are trained; at an equal budget where one is chosen."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import streamlit as st

from models import ARCHITECTURES
from models.cifar import NETWORKS
from models.options import Choice, Phrase
from pages.common.asking import ask_one, key_of
from pages.common.export import download, table
from pages.common.measuring import begin, doubt, in_words, is_asked, keep_measured, measure_each, measured, settled
from pages.common.panels import chart
from pages.common.session import selection, set_to, value_of
from pages.common.text import _, plain, spoken
from pages.learn.arena.closely import CLOSELY
from pages.learn.lesson import Question, predicted
from vis.cost.latency import Times
from vis.cost.training import Entrant, epoch_rows, rows
from vis.figures.arena import Point, against_cost, hover
from vis.figures.numbers import duration, fixed, milliseconds, percent, short

MARGIN = 196 * (0.85 * 0.15 / 10_000) ** 0.5  # 95 % of samples of so many pictures
PLACE, FIGURE = "arena", "accuracy against cost"
QUESTION = Question(
    "small",
    Phrase(
        "After the same 12 epochs, by how much does ResNet-20 beat MobileNet V1 of half the width, which multiplies a "
        "seventh as often?"
    ),
    (Phrase("by about 1 point"), Phrase("by about 5 points"), Phrase("by about 20 points")),
    2,
    Phrase("The last points of accuracy are the expensive ones."),
)
ASKED_ABOUT = "cifar_resnet20", "cifar_mobilenet_half"
MEASURED = "milliseconds"
COSTS = {
    "macs": Phrase("Multiply-adds (MACs)"),
    "parameters": Phrase("Parameters"),
    "core_seconds": Phrase("Training time"),
    "flop": Phrase("Training compute"),
    MEASURED: Phrase("Time here"),
}
AXES = COSTS | {
    "core_seconds": Phrase("Training time on one core, seconds"),
    "flop": Phrase("Training compute, PFLOP"),
    MEASURED: Phrase("Time per picture on this machine, ms"),
}
AXIS = Choice("axis", Phrase("Horizontal axis"), AXES, shown_as="list")
WHOLE, USUAL = "epochs", "SGD, Nesterov"
BUDGET = Choice(
    "budget",
    Phrase("Compared after"),
    {
        WHOLE: Phrase("all 12 epochs"),
        "core_seconds": Phrase("equal training time"),
        "flop": Phrase("equal training compute"),
    },
    shown_as="list",
)
MINUTES = Choice("minutes", Phrase("Minutes on one core"), (0.5, 1, 2, 5, 10, 15), 5, shown_as="scale")
PFLOP = Choice("pflop", Phrase("PFLOP"), (0.002, 0.005, 0.01, 0.02, 0.05, 0.1), 0.02, shown_as="scale")


def accuracy_against_cost(entrants: Sequence[Entrant]) -> bool:
    """The question, the chart with its choices, and the tables to be taken away; whether the answer may be shown."""
    is_answered = predicted(QUESTION)
    drawing = st.container()
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of costs"):
        axis, budget = ask_one(st, AXIS, width=330), ask_one(st, BUDGET, width=220)
        limit = _limit(budget)
    times = _times(entrants) if axis == MEASURED else _measured_before()
    points = _points(entrants, axis, budget, limit, times)
    if points:
        words = {
            "across": spoken(AXES[axis]),
            "axis": _("Top-1 accuracy on the test pictures"),
            "front": _("best at this cost"),
        }
        best = max(points, key=lambda point: point.accuracy)
        alt = _(
            "Accuracy of {count} networks against {cost}; the best is {network} with {accuracy}. The tables have all "
            "numbers.",
            count=len(points),
            cost=spoken(AXES[axis]),
            network=best.title,
            accuracy=percent(best.accuracy / 100),
        )
        saved = {"toImageButtonOptions": {"format": "svg", "filename": "convscope-cifar10"}}
        with drawing:
            figure = against_cost(points, words, is_answered, ASKED_ABOUT)
            chart(figure, FIGURE, alt, saved, on_select=_open, selection_mode="points")
    _notes(entrants, points, axis, budget, limit, is_answered)
    _files(entrants, times)
    return is_answered


def _limit(budget: str) -> float | None:
    """What each may spend, in core-seconds or operations."""
    if budget == "core_seconds":
        return 60 * ask_one(st, MINUTES, width=300)
    return 1e15 * ask_one(st, PFLOP, width=300) if budget == "flop" else None


def _points(
    entrants: Sequence[Entrant], axis: str, budget: str, limit: float | None, times: Mapping[str, Times]
) -> list[Point]:
    """Of those that had finished an epoch by then, and whose cost is known."""
    found = []
    for entrant in entrants:
        epochs = len(entrant.training.log) if limit is None else entrant.epochs_within(limit, budget)
        costs = _costs(entrant, epochs, times)
        if not epochs or axis not in costs:
            continue
        accuracy = entrant.training.top1_after(epochs)
        lines = {
            _("accuracy"): percent(accuracy / 100),
            _("after epochs"): str(epochs),
            **{spoken(COSTS[cost]): written for cost, (_value, written) in costs.items()},
        }
        family = ARCHITECTURES[entrant.name].family
        said = hover(entrant.title, lines)
        found.append(Point(entrant.name, entrant.title, family, costs[axis][0], accuracy, said, _is_apart(entrant)))
    return found


def _is_apart(entrant: Entrant) -> bool:
    return entrant.training.recipe["optimiser"] != USUAL


def _costs(entrant: Entrant, epochs: int, times: Mapping[str, Times]) -> dict[str, tuple[float, str]]:
    """Each cost as it is drawn, and as it is written."""
    seconds, flop = entrant.training.core_seconds[epochs], entrant.flop[epochs]
    costs = {
        "macs": (entrant.macs, short(entrant.macs)),
        "parameters": (entrant.parameters, short(entrant.parameters)),
        "core_seconds": (seconds, duration(seconds)),
        "flop": (flop / 1e15, f"{short(flop)}FLOP"),
    }
    if entrant.name in times:
        median = times[entrant.name].median_ms
        costs[MEASURED] = median, milliseconds(median)
    return costs


def _open() -> None:
    """Shows the network closely whose point was clicked."""
    names = [point["customdata"][0] for point in value_of(FIGURE).selection.points if "customdata" in point]
    if names:
        set_to(key_of(CLOSELY), names[0])


# What is to be said ----------------------------------------------------------------------------------------------


def _notes(
    entrants: Sequence[Entrant], points: Sequence[Point], axis: str, budget: str, limit: float | None, is_answered: bool
) -> None:
    """How the chart is to be read, and who is not in it."""
    if not is_answered:
        st.caption(_("The names appear once you have predicted."))
    elif asked := [point for point in points if point.name in ASKED_ABOUT]:
        st.caption(" · ".join(f"{point.title}: **{percent(point.accuracy / 100)}**" for point in asked))
    lines = [
        _(
            "Trained here, all by the same recipe on 50,000 pictures and tested on 10,000 others, whose sampling alone "
            "gives 85 % a margin of ± {margin} points: smaller differences mean little. The dotted line is the best at "
            "this cost; a click on a point shows its network closely below.",
            margin=fixed(MARGIN, 1),
        )
    ]
    if apart := [entrant for entrant in entrants if _is_apart(entrant)]:
        lines.append(
            _(
                "◆ not trained with SGD, which their papers do not use either: {networks}.",
                networks=", ".join(f"{each.title} ({each.training.recipe['optimiser']})" for each in apart),
            )
        )
    if "core_seconds" in (axis, budget):
        machines = {entrant.training.machine["device"] for entrant in entrants}
        lines.append(_("Training time was measured on: {machines}.", machines=plain(", ".join(sorted(machines)))))
    if budget != WHOLE:
        lines.append(
            _(
                "Each network stands where its last finished epoch left it, as it was measured then. The learning rate "
                "falls over 12 epochs, so a training planned for this budget might come further."
            )
        )
        if behind := [entrant.title for entrant in entrants if not entrant.epochs_within(limit, budget)]:
            lines.append(_("Not one epoch finished by then: {networks}.", networks=", ".join(behind)))
    shown = {point.name for point in points}
    finished = [each for each in entrants if limit is None or each.epochs_within(limit, budget)]
    if unmeasured := [each.title for each in finished if each.name not in shown]:
        lines.append(_("Not measured on this machine yet: {networks}.", networks=", ".join(unmeasured)))
    trained = {entrant.name for entrant in entrants}
    if missing := [title_of(name) for name in NETWORKS if name not in trained]:
        lines.append(_("Not trained yet, so not in the chart: {networks}.", networks=", ".join(missing)))
    st.caption("  \n".join(lines))


def title_of(name: str) -> str:
    """What a network is called here."""
    return ARCHITECTURES[name].short_title


def _files(entrants: Sequence[Entrant], times: Mapping[str, Times]) -> None:
    """The tables behind the chart, with what their numbers rest on."""
    here = {name: found.median_ms for name, found in times.items()}

    def whole() -> str:
        made = [
            row | {"recipe": dict(entrant.training.recipe), "log": [asdict(epoch) for epoch in entrant.training.log]}
            for row, entrant in zip(rows(entrants, here), entrants, strict=True)
        ]
        return json.dumps(made, ensure_ascii=False, indent=1)

    row = st.container(horizontal=True, key="row of files")
    download(row, _("Networks (CSV)"), lambda: table(rows(entrants, here)), "convscope-cifar10.csv", "arena csv")
    download(row, _("Epochs (CSV)"), lambda: table(epoch_rows(entrants)), "convscope-cifar10-epochs.csv", "epochs csv")
    download(row, _("All of it (JSON)"), whole, "convscope-cifar10.json", "arena json")


# Measured here ---------------------------------------------------------------------------------------------------


def _key(device: str) -> tuple[str, str]:
    return PLACE, device


def _measured_before() -> Mapping[str, Times]:
    return (measured(_key(selection().device)) or ({}, None))[0]


def _times(entrants: Sequence[Entrant]) -> Mapping[str, Times]:
    """What a pass of each network takes on this machine, with a button that measures it."""
    device = selection().device
    key, names = _key(device), [entrant.name for entrant in entrants]
    found = measured(key)
    label = _("Measure again") if found else _("Measure these {count} here", count=len(names))
    if st.button(label, type="secondary" if found else "primary", icon=":material/timer:", key="measure arena"):
        begin(PLACE, key, lambda report, stopped: measure_each(names, device, report, stopped))

    def words(part: float) -> str:
        place = min(int(part * len(names)), len(names) - 1)
        return _(
            "Measuring {network}, {number} of {all} …", network=title_of(names[place]), number=place + 1, all=len(names)
        )

    if new := settled(PLACE, key, words, _("Press the button to measure again.")):
        keep_measured(key, new)
        st.rerun()  # so that the button knows of it
    if not found:
        if not is_asked(PLACE, key):
            st.caption(_("The chart appears when each network has been measured on this machine, in some seconds."))
        return {}
    times, where = found
    st.caption(_("Measured here: {conditions}, one picture at a time.", conditions=in_words(where)))
    doubt(*times.values())
    return times
