"""“Build it”: a MobileNet of any width and resolution, built and run on this machine, beside what was counted of it."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from models import ARCHITECTURES
from models.refusals import Refused
from pages.common import address, cache
from pages.common.chooser import choose_picture
from pages.common.export import download, table
from pages.common.measuring import begin, doubt, in_words, keep_measured, keep_only, measured, settled
from pages.common.session import Selection, selection
from pages.common.text import _
from pages.common.widgets import say
from pages.count.columns import Column, draw_table, number
from pages.count.style import draw_number
from vis.cost.measured import BATCHES, BUILT, Run, run_of, run_rows
from vis.cost.mobilenet import MobileNet
from vis.figures.numbers import byte_size, grouped, milliseconds, short, significant, spread

PLACE = "built"
MOST = 12  # networks that are remembered


def build_it(network: MobileNet) -> None:
    """A button that builds and runs the network, what came of it, and what was built before in this session."""
    st.header(_("Build it"), anchor="build")
    st.markdown(
        _(
            "Multiply-adds are counted, milliseconds are **measured**: the network with this α and ρ is built with "
            "random weights and run on this picture, once alone and once in a batch of 16."
        )
    )
    before: tuple[Run, ...] = measured(PLACE) or ()
    key = (PLACE, selection().device)
    is_held = address.is_held()
    keep_only(PLACE, () if is_held else (key,))  # to count it anew while it is measured would make it slower
    label = _("Build and run {network}", network=title(network))
    row = st.container(horizontal=True, vertical_alignment="center")
    picture = choose_picture(row, selection().network)
    if picture.sha256 != selection().picture.sha256:  # chosen in this fragment: the frame and the address follow
        st.rerun()
    chosen = replace(selection(), picture=picture)
    if row.button(label, icon=":material/construction:", key="build", disabled=is_held):
        _begin(key, network, chosen)
    words, again = _("Building and running the network …"), _("Press the button again.")
    if new := settled(PLACE, key, lambda part: words, again):
        others = [run for run in before if (run.network, run.conditions) != (new.network, new.conditions)]
        before = (new, *others)[:MOST]
        keep_measured(PLACE, before)
    if here := next((run for run in before if run.network == network), None):
        _beside_the_counts(here)
    if before:
        _all(before)


def title(network: MobileNet) -> str:
    """As the paper names them: 0.75 MobileNet-160, 1.0 MobileNet-224."""
    return f"{float(network.width)} MobileNet-{network.resolution}"


def _begin(key: tuple, network: MobileNet, chosen: Selection) -> None:
    preprocess = ARCHITECTURES[BUILT].preprocess_of({"resolution": network.resolution})
    try:
        image = preprocess(cache.picture(chosen))  # (1, 3, ρ, ρ)
    except Refused as refusal:
        say(refusal)
        return
    begin(PLACE, key, lambda report, stopped: run_of(network, image, chosen.device, report, stopped))


# What came of it -------------------------------------------------------------------------------------------------


def _beside_the_counts(run: Run) -> None:
    one, many = BATCHES
    alone, together = run.times[one], run.times[many]
    rate = f"{spread(alone.spread_ms)} · {short(1e3 * run.network.macs / alone.median_ms)}MAC/s"
    each = _("{time} ms per picture", time=significant(together.median_ms / many))
    peak = _("Peak memory, computed") if run.is_memory_computed else _("Peak memory, measured")
    batch = _("{memory} for a batch of {batch}", memory=byte_size(run.memory[many]), batch=many)
    a, b, c, d = st.columns(4)
    draw_number(a, _("Latency, one picture"), milliseconds(alone.median_ms), rate)
    latency = _("Latency, batch of {batch}", batch=many)
    draw_number(b, latency, milliseconds(together.median_ms), f"{spread(together.spread_ms)} · {each}")
    draw_number(c, peak, byte_size(run.memory[one]), batch)
    draw_number(d, _("Size on disk"), byte_size(run.disk), _("{params} parameters", params=grouped(run.params)))
    memory = (
        _(
            "A CPU does not report how much memory a network uses, so it is **computed**: the weights plus the "
            "largest sum of maps still to be read."
        )
        if run.is_memory_computed
        else _("Memory is the peak reported by the device, including the weights.")
    )
    st.caption(
        _(
            "{conditions}. Median ± half the interquartile range of {rounds} and {rounds_many} passes after warm-up. "
            "On disk: a .safetensors file with its header and batch norm's statistics.",
            conditions=in_words(run.conditions),
            rounds=alone.rounds,
            rounds_many=together.rounds,
        )
        + f" {memory}"
    )
    doubt(*run.times.values())


def _all(runs: Sequence[Run]) -> None:
    """What was built in this session, the last first."""
    one, many = BATCHES
    kinds = {True: _("depthwise separable"), False: _("full 3×3")}
    depths = {False: _("13 blocks"), True: _("8 blocks")}
    networks, alone = [run.network for run in runs], [run.times[one] for run in runs]
    each = _("ms per picture, batch of {batch}", batch=many)
    columns = {
        _("network"): Column([title(network) for network in networks]),
        _("Convolutions"): Column([kinds[network.separable] for network in networks]),
        _("Depth"): Column([depths[network.shallow] for network in networks]),
        _("Classes"): number([network.num_classes for network in networks], 0),
        _("MACs"): number([network.macs for network in networks], 0),
        _("ms, median"): number([times.median_ms for times in alone]),
        _("± ms"): number([times.spread_ms / 2 for times in alone]),
        each: number([run.times[many].median_ms / many for run in runs]),
        _("GMAC/s"): number([run.network.macs / run.times[one].median_ms / 1e6 for run in runs]),
    }
    st.markdown(_("**Built in this session**, newest first; the last {most} are kept.", most=MOST))
    draw_table(columns)
    download(st, _("Built networks (CSV)"), lambda: table(run_rows(runs)), "convscope-mobilenet-built.csv", "built csv")
