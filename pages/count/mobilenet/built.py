"""“Build it”: a MobileNet of any width and resolution, built and run on this machine, beside what was counted of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import streamlit as st
from torch import Tensor

from models import ARCHITECTURES, load
from models.device import with_peak
from models.loading import skeleton
from models.refusals import Refused
from pages.common import address, cache
from pages.common.export import download, table
from pages.common.measuring import begin, doubt, in_words, is_running, keep_measured, keep_only, measured, settled
from pages.common.session import selection
from pages.common.text import _
from pages.common.widgets import say
from vis.cost.footprint import bytes_on_disk, most_live_bytes, weight_bytes
from vis.cost.latency import Conditions, Times, conditions, pass_times
from vis.cost.mobilenet import MobileNet
from vis.figures.numbers import grouped, milliseconds, short, spread
from vis.shapes import record_shapes

PLACE = "built"
NAME = "mobilenet_v1"
BATCHES = (1, 16)
MOST = 12  # networks that are remembered


@dataclass(frozen=True)
class Run:
    """What was measured of a network that was really built."""

    network: MobileNet
    params: int
    times: dict[int, Times]  # by the number of pictures that go through it together
    memory: dict[int, int]  # bytes at the peak, the weights included; likewise
    is_memory_computed: bool  # where the device does not tell
    disk: int  # bytes of its .safetensors file
    conditions: Conditions


def build_it(network: MobileNet) -> None:
    """A button that builds and runs the network, what came of it, and what was built before in this session."""
    st.subheader(_("Build it"), anchor="build")
    st.markdown(
        _(
            "Multiply-adds are counted, milliseconds are **measured**: the network with this α and ρ is built with "
            "random weights and run on the sidebar's picture, once alone and once in a batch of 16."
        )
    )
    before: tuple[Run, ...] = measured(PLACE) or ()
    key = (PLACE, selection().device)
    keep_only(PLACE, (key,))
    is_held = address.is_held()
    label = _("Build and run {network}", network=title(network))
    if st.button(label, icon=":material/construction:", key="build", disabled=is_held) and not is_running(PLACE, key):
        _begin(key, network)
    if is_held:  # to count it anew while it is measured would make it slower
        keep_only(PLACE, ())
    new: Run | None = settled(
        PLACE, key, lambda part: _("Building and running the network …"), _("Press the button again.")
    )
    if new:
        before = (new, *(run for run in before if (run.network, run.conditions) != (new.network, new.conditions)))[
            :MOST
        ]
        keep_measured(PLACE, before)
    here = next((run for run in before if run.network == network), None)
    if here:
        _beside_the_counts(here)
    if before:
        _all(before)


def title(network: MobileNet) -> str:
    """As the paper names them: 0.75 MobileNet-160, 1.0 MobileNet-224."""
    return f"{float(network.width)} MobileNet-{network.resolution}"


def _begin(key: tuple, network: MobileNet) -> None:
    chosen = selection()
    preprocess = ARCHITECTURES[NAME].preprocess_of({"resolution": network.resolution})
    try:
        image = preprocess(cache.picture(chosen))  # (1, 3, ρ, ρ)
    except Refused as refusal:
        say(refusal)
        return
    begin(PLACE, key, lambda report, stopped: run_of(network, image, chosen.device, report, stopped))


def options_of(network: MobileNet) -> dict[str, object]:
    """What the builder of the network is given; its resolution is that of the picture."""
    return {
        "width": float(network.width),
        "separable": network.separable,
        "shallow": network.shallow,
        "num_classes": network.num_classes,
    }


def run_of(
    network: MobileNet, image: Tensor, device: str, report: Callable[[float], None], stopped: Callable[[], bool]
) -> Run | None:
    """The network, built and run; None where it was stopped before everything was measured.

    Args:
        image: (1, 3, ρ, ρ), prepared.
    """
    options = options_of(network)
    loaded = load(NAME, "random", device, **options)
    recording = record_shapes(skeleton(NAME, **options), tuple(image.shape))
    weights, times, memory, is_computed = weight_bytes(loaded.model), {}, {}, False
    for place, batch in enumerate(BATCHES):
        images = image.expand(batch, -1, -1, -1).contiguous()

        def measure(images: Tensor = images, place: int = place) -> Times | None:
            return pass_times(
                loaded.model, images, stop=stopped, progress=lambda part: report((place + part) / len(BATCHES))
            )

        found, peak = with_peak(measure, loaded.device)
        if found is None or stopped():
            return None
        is_computed |= peak is None
        times[batch] = found
        memory[batch] = weights + (most_live_bytes(recording, batch) if peak is None else peak)
    return Run(
        network,
        sum(p.numel() for p in loaded.model.parameters()),
        times,
        memory,
        is_computed,
        bytes_on_disk(loaded.model),
        conditions(loaded.device),
    )


# What came of it -------------------------------------------------------------------------------------------------


def _beside_the_counts(run: Run) -> None:
    one, many = BATCHES
    columns = st.columns(4)
    grey = {"delta_color": "off", "delta_arrow": "off"}
    columns[0].metric(
        _("Latency, one picture"),
        milliseconds(run.times[one].median_ms),
        f"{spread(run.times[one].spread_ms)} · {short(1e3 * run.network.macs / run.times[one].median_ms)}MAC/s",
        **grey,
    )
    columns[1].metric(
        _("Latency, batch of {batch}", batch=many),
        milliseconds(run.times[many].median_ms),
        f"{spread(run.times[many].spread_ms)} · "
        + _("{time} ms per picture", time=f"{run.times[many].median_ms / many:.3g}"),
        **grey,
    )
    columns[2].metric(
        _("Peak memory, computed") if run.is_memory_computed else _("Peak memory, measured"),
        _megabytes(run.memory[one]),
        _("{memory} for a batch of {batch}", memory=_megabytes(run.memory[many]), batch=many),
        **grey,
    )
    columns[3].metric(
        _("Size on disk"),
        _megabytes(run.disk),
        _("{params} parameters", params=grouped(run.params)),
        **grey,
    )
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
            rounds=run.times[one].rounds,
            rounds_many=run.times[many].rounds,
        )
        + f" {memory}"
    )
    doubt(*run.times.values())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.3g} MB"


def _all(runs: Sequence[Run]) -> None:
    """What was built in this session, the last first."""
    one, many = BATCHES
    kinds = {True: _("depthwise separable"), False: _("full 3×3")}
    depths = {False: _("13 blocks"), True: _("8 blocks")}
    ms, off, each = _("ms, median"), _("± ms"), _("ms per picture, batch of {batch}", batch=many)
    cells = {
        _("network"): [title(run.network) for run in runs],
        _("Convolutions"): [kinds[run.network.separable] for run in runs],
        _("Depth"): [depths[run.network.shallow] for run in runs],
        _("Classes"): [run.network.num_classes for run in runs],
        _("MACs"): [run.network.macs for run in runs],
        ms: [run.times[one].median_ms for run in runs],
        off: [run.times[one].spread_ms / 2 for run in runs],
        each: [run.times[many].median_ms / many for run in runs],
        _("GMAC/s"): [run.network.macs / run.times[one].median_ms / 1e6 for run in runs],
    }
    number = st.column_config.NumberColumn(format="%.2f")
    look = dict.fromkeys((ms, off, each, _("GMAC/s")), number)
    look |= dict.fromkeys((_("MACs"), _("Classes")), st.column_config.NumberColumn(format="%,d"))
    st.markdown(_("**Built in this session**, newest first; the last {most} are kept.", most=MOST))
    st.dataframe(pa.table(cells), hide_index=True, column_config=look)
    file = "convscope-mobilenet-built.csv"
    download(st, _("Built networks (CSV)"), lambda: table(rows_of(runs)), file, "built csv")


def rows_of(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """The list for a spreadsheet, with all that was counted and measured."""
    for run in runs:
        network = run.network
        row = {of: getattr(network, of) for of in ("width", "resolution", "separable", "shallow")}
        row |= {"classes": network.num_classes, "macs": network.macs, "params": run.params}
        for batch, times in run.times.items():
            row |= {f"{of}_{batch}": getattr(times, of) for of in ("median_ms", "spread_ms", "rounds")}
            row[f"peak_memory_bytes_{batch}"] = run.memory[batch]
        row["peak_memory_is"] = "computed" if run.is_memory_computed else "measured"
        yield row | {"disk_bytes": run.disk} | asdict(run.conditions)
