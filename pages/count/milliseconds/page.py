"""MACs are not milliseconds: the layers of a network, measured on this machine and under its measured roof."""

from pathlib import Path

import streamlit as st

from models import ARCHITECTURES
from models.options import Choice, Phrase
from models.refusals import Refused
from pages.common import cache
from pages.common.asking import ask_one
from pages.common.cache import Built
from pages.common.code import network_code, the_code
from pages.common.export import download, table
from pages.common.measuring import (
    begin,
    doubt,
    in_words,
    is_running,
    keep_measured,
    keep_only,
    measured,
    on_device,
    settled,
)
from pages.common.panels import reading
from pages.common.session import selection
from pages.common.text import _
from pages.common.widgets import say
from pages.count.milliseconds.keras_table import keras_table
from pages.count.milliseconds.standing_table import standing_table
from pages.count.style import Style, chosen_style, draw_number, kind_names
from vis.cost.measured import PASSES_DONE, Measured, under_roof
from vis.cost.roofline import Roof, Standing, standings, works_of
from vis.cost.tables import standing_rows
from vis.figures.numbers import milliseconds, percent, short, significant, spread
from vis.figures.roofline import roofline, shares, shares_of_work_and_time

TEXTS = Path(__file__).parent / "texts"
PLACE = "milliseconds"
CODE = """\
import torch
from vis.cost.measured import under_roof
from vis.cost.roofline import standings, works_of
from vis.shapes import record_shapes

shape = loaded.architecture.input_shape  # (C, H, W)
found = under_roof(loaded.model, torch.randn({batch}, *shape, device=loaded.device))
for layer in standings(works_of(record_shapes(loaded.model, (1, *shape)), {batch}), found.layers):
    print(layer.work.name, layer.work.macs, layer.times.median_ms, found.roof.reached(layer))
print(found.passes.median_ms, "±", found.passes.spread_ms / 2, "ms")
"""
BATCH = Choice("batch", Phrase("Batch size"), (1, 4, 16))


def page() -> None:
    st.title(_("MACs are not milliseconds"))
    st.markdown(
        _(
            "A multiply-add is counted once, wherever it occurs. How long it takes depends on how much data must be "
            "fetched for it. Here the layers of a network are **measured on this machine**, beside the machine's "
            "measured peak."
        )
    )
    name = selection().network
    architecture = ARCHITECTURES[name]
    row = st.container(horizontal=True, gap="medium")
    batch, style = ask_one(row, BATCH), chosen_style(row)
    built = Built(name, architecture.input_shape[1])
    try:
        recording = cache.shapes(built)
    except Refused as refusal:
        say(refusal)
        return
    found = _measurement(built, batch)
    if found:
        _result(built, batch, found, standings(works_of(recording, batch), found.layers), style)
    st.header(_("Comparison with a published table"), anchor="published")
    keras_table(selection().device)
    the_code(CODE, network_code(name, "random", device=selection().device), batch=batch)
    reading(_("How this is measured, and what it does not say"), TEXTS, "milliseconds")


# Measuring -------------------------------------------------------------------------------------------------------


def _measurement(built: Built, batch: int) -> Measured | None:
    """What this session measured of the network, with a button for it."""
    device, title = selection().device, ARCHITECTURES[built.network].title
    key = (PLACE, built, batch, device)
    keep_only(PLACE, (key,))
    found = measured(key)
    label = _("Measure again") if found else _("Measure {network}", network=title)
    if st.button(label, type="secondary" if found else "primary", icon=":material/timer:", key="measure"):
        begin(PLACE, key, lambda report, stopped: under_roof(*on_device(built, device, batch), report, stopped))

    def phase(part: float) -> str:
        if part < PASSES_DONE:
            return _("Measuring whole passes of {network} …", network=title)
        return _("Measuring every layer of {network} and, in between, the machine's peak …", network=title)

    if new := settled(PLACE, key, phase, _("Press the button to measure again.")):
        keep_measured(key, new)
        st.rerun()  # so that the button knows of it
    if not found and not is_running(PLACE, key):
        st.caption(
            _(
                "This takes from a few seconds to some minutes; nothing else is measured on this server meanwhile. "
                "The results are kept for this session."
            )
        )
    return found


# What was measured -----------------------------------------------------------------------------------------------


def _result(built: Built, batch: int, found: Measured, layers: list[Standing], style: Style) -> None:
    _totals(batch, found, layers, style)
    st.header(_("Roofline of this machine"), anchor="roofline")
    try:
        _under_the_roof(built, found.roof, layers, style)
        roof = found.roof
    except Refused as refusal:  # then nothing that rests on the roof is said
        say(refusal)
        roof = None
    st.header(_("Share of work, share of time"), anchor="shares")
    names = {"share of macs": _("of all MACs"), "share of time": _("of the time")}
    style.draw_chart(
        shares_of_work_and_time(layers, kind_names(), names),
        "shares",
        f"{built.network}-shares",
        _("By kind of layer, its share of all multiply-adds beside its share of the measured time."),
    )
    st.caption(_in_short(layers))
    st.header(_("Layer by layer"), anchor="layers")
    standing_table(layers, roof, kind_names(), style.is_short)
    file = f"convscope-{built.network}-milliseconds-{batch}.csv"
    download(st, _("Table of layers (CSV)"), lambda: table(standing_rows(layers, roof)), file, "layers csv")


def _under_the_roof(built: Built, roof: Roof, layers: list[Standing], style: Style) -> None:
    """The roofline; a `Refused` where a layer outruns it."""
    words = {
        "macs": _("MACs"),
        "time": _("time"),
        "rate": _("MACs per second"),
        "intensity": _("arithmetic intensity, MACs per byte"),
        "reached": _("of the attainable rate"),
        "roof": _("measured roof: {peak}, {bandwidth}"),
    }
    style.draw_chart(
        roofline(layers, roof, kind_names(), words),
        "roofline",
        f"{built.network}-roofline",
        _("Every layer with multiply-adds as a point under the measured roof; the table has the same numbers."),
    )
    st.caption(
        _(
            "Left of {ridge} MACs per byte, under the slope, memory limits a layer; under the flat part, arithmetic "
            "does. A point above the slope had its data in a cache, which is faster than memory.",
            ridge=significant(roof.ridge),
        )
    )


def _totals(batch: int, found: Measured, layers: list[Standing], style: Style) -> None:
    """The whole network, and under which conditions it was measured."""
    macs = sum(each.work.macs or 0 for each in layers)
    total, passes = sum(each.times.median_ms for each in layers), found.passes
    peak, bandwidth = found.roof.peak, found.roof.bandwidth
    whole, rate = "–", None
    if passes:
        whole = milliseconds(passes.median_ms)
        rate = f"{spread(passes.spread_ms)} · {short(1e3 * macs / passes.median_ms)}MAC/s"
    highest = f"{short(peak.rate)}MAC/s"
    reached = f"± {percent(peak.spread / 2, 0)} · {short(bandwidth.rate)}B/s ± {percent(bandwidth.spread / 2, 0)}"
    if found.roof.outrun_by(layers):
        highest, reached = "–", _("exceeded by a layer")
    a, b, c, d = st.columns(4)
    draw_number(a, _("Multiply-adds (MACs)"), style.number(macs), _of_pictures(batch))
    draw_number(b, _("One pass"), whole, rate)
    draw_number(c, _("Sum of its layers"), milliseconds(total), _("{count} layers, one by one", count=len(layers)))
    draw_number(d, _("Measured peak"), highest, reached)
    st.caption(
        _(
            "{conditions}; {batch}; after warm-up, {passes} whole passes and {rounds} layer by layer. Medians ± half "
            "the interquartile range. The device is synchronised after every layer and nothing is computed in place, "
            "so the layers usually add up to more than one pass.",
            conditions=in_words(found.conditions),
            batch=_of_pictures(batch),
            rounds=min(each.times.rounds for each in layers),
            passes=passes.rounds if passes else 0,
        )
    )
    doubt(passes, peak.times, bandwidth.times)


def _of_pictures(batch: int) -> str:
    return _("for one picture") if batch == 1 else _("for a batch of {batch} pictures", batch=batch)


def _in_short(layers: list[Standing]) -> str:
    """What the shares say, of the kind whose share of the time is furthest above its share of the work."""
    kind, (work, time) = max(shares(layers).items(), key=lambda part: part[1][1] - part[1][0])
    return _(
        "Largest gap: {kind}, with {work} of the multiply-adds but {time} of the time.",
        kind=kind_names()[kind],
        work=percent(work),
        time=percent(time),
    )


page()
