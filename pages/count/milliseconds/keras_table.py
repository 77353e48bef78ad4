"""Published latencies of the ResNets beside those that are measured here."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import streamlit as st

from models import ARCHITECTURES
from pages.common.cache import Built
from pages.common.measuring import begin, in_words, is_running, keep_measured, measured, on_device, settled
from pages.common.text import _
from vis.cost.latency import Conditions, Times, conditions, pass_times

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

Found = tuple[dict[str, Times], Conditions]


def keras_table(device: str) -> None:
    """The table, and a button that measures its networks here."""
    key = (PLACE, device)
    if st.button(_("Measure these six here"), icon=":material/timer:", key="measure published") and (
        not is_running(PLACE, key)
    ):
        begin(PLACE, key, lambda report, stopped: _measured(device, report, stopped))
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


def _measured(device: str, report: Callable[[float], None], stopped: Callable[[], bool]) -> Found | None:
    """One network after another; those that were done before it was stopped."""
    found: dict[str, Times] = {}
    where = None
    for place, name in enumerate(PRINTED):
        if stopped():
            break
        model, image = on_device(Built(name, ARCHITECTURES[name].input_shape[1]), device)
        where = conditions(image.device)
        times = pass_times(
            model, image, stop=stopped, progress=lambda part, p=place: report((p + 0.999 * part) / len(PRINTED))
        )
        if times:
            found[name] = times
    return (found, where) if found else None


def _table(times: dict[str, Times]) -> None:
    rows, here = list(PRINTED.values()), _("here, ms")
    cells = {
        "Keras": [row.title for row in rows],
        "MB": [row.megabytes for row in rows],
        "top-1": [row.top1 for row in rows],
        "top-5": [row.top5 for row in rows],
        _("parameters, M"): [row.parameters for row in rows],
        _("depth"): [row.depth for row in rows],
        _("their CPU, ms"): [row.cpu_ms for row in rows],
        _("their GPU, ms"): [row.gpu_ms for row in rows],
        here: [
            f"{times[name].median_ms:.1f} ± {times[name].spread_ms / 2:.1f}" if name in times else "–"
            for name in PRINTED
        ],
    }
    percent = st.column_config.NumberColumn(format="%.1f %%")
    one = st.column_config.NumberColumn(format="%.1f")
    look = {
        **{"top-1": percent, "top-5": percent, _("parameters, M"): one, _("their CPU, ms"): one},
        **{_("their GPU, ms"): one, here: st.column_config.TextColumn(alignment="right")},
    }
    st.dataframe(pa.table(cells), hide_index=True, column_config=look)
