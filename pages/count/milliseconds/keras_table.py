"""Published latencies of the ResNets beside those that are measured here."""

from dataclasses import dataclass

import streamlit as st

from models import ARCHITECTURES
from pages.common.measuring import begin, in_words, keep_measured, measure_each, measured, settled
from pages.common.text import _
from pages.count.columns import Column, draw_table, number, text
from vis.cost.latency import Times
from vis.figures.numbers import fixed

PLACE = "published"


@dataclass(frozen=True)
class Printed:
    """A row of the table on Keras' page of its networks."""

    title: str
    megabytes: int
    top1: float  # percent, ImageNet's validation pictures
    top5: float
    parameters: float  # millions
    depth: int
    cpu_ms: float
    gpu_ms: float


# By our names. Their V1 are these networks; their V2 halve the maps in the last block of a stage, these in the first of
# the next, which costs somewhat more.
PRINTED = {
    "resnet50_v1": Printed("ResNet50", 98, 74.9, 92.1, 25.6, 107, 58.2, 4.6),
    "resnet50_v2": Printed("ResNet50V2", 98, 76.0, 93.0, 25.6, 103, 45.6, 4.4),
    "resnet101_v1": Printed("ResNet101", 171, 76.4, 92.8, 44.7, 209, 89.6, 5.2),
    "resnet101_v2": Printed("ResNet101V2", 171, 77.2, 93.8, 44.7, 205, 72.7, 5.4),
    "resnet152_v1": Printed("ResNet152", 232, 76.6, 93.1, 60.4, 311, 127.4, 6.5),
    "resnet152_v2": Printed("ResNet152V2", 232, 78.0, 94.2, 60.4, 307, 107.5, 6.6),
}


def keras_table(device: str) -> None:
    """The table, and a button that measures its networks here."""
    key = (PLACE, device)
    if st.button(_("Measure these six here"), icon=":material/timer:", key="measure published"):
        begin(PLACE, key, lambda report, stopped: measure_each(tuple(PRINTED), device, report, stopped))
    names = list(PRINTED)

    def words(part: float) -> str:
        place = min(int(part * len(names)), len(names) - 1)
        title = ARCHITECTURES[names[place]].title
        return _("Measuring {network}, {number} of {all} …", network=title, number=place + 1, all=len(names))

    if found := settled(PLACE, key, words, _("Press the button to measure again.")):
        keep_measured(key, found)
    times, where = measured(key) or ({}, None)
    _table(times)
    theirs = _(
        "All columns but the last are **Keras' own**, from keras.io/api/applications: accuracy of their weights; time "
        "per step on a 92-core AMD EPYC and on a Tesla A100, batch size 32."
    )
    ours = (
        _(
            "The last column is measured here: {conditions}, one picture at a time, random weights; median ± half the "
            "interquartile range. Keras' V2 halve the maps one block earlier than the paper's, which are measured "
            "here.",
            conditions=in_words(where),
        )
        if where
        else _("The last column is not measured yet.")
    )
    st.caption(f"{theirs} {ours}")


def _table(times: dict[str, Times]) -> None:
    rows = list(PRINTED.values())
    here = (times.get(name) for name in PRINTED)
    columns = {
        "Keras": Column([row.title for row in rows]),
        "MB": Column([row.megabytes for row in rows]),
        "top-1": number([row.top1 for row in rows], 1, " %"),
        "top-5": number([row.top5 for row in rows], 1, " %"),
        _("parameters, M"): number([row.parameters for row in rows], 1),
        _("depth"): Column([row.depth for row in rows]),
        _("their CPU, ms"): number([row.cpu_ms for row in rows], 1),
        _("their GPU, ms"): number([row.gpu_ms for row in rows], 1),
        _("here, ms"): text(
            [f"{fixed(t.median_ms, 1)} ± {fixed(t.spread_ms / 2, 1)}" if t else "–" for t in here], is_right=True
        ),
    }
    draw_table(columns)
