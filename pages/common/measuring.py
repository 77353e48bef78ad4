"""Measurements of this session: in the whole process one at a time, each watched by the page that asked for it."""

from collections.abc import Callable, Container, Hashable, Sequence
from typing import Any

import streamlit as st
import torch
from torch import Tensor, nn

from models import ARCHITECTURES, load
from models.device import OutOfMemory
from models.refusals import Refused
from pages.common.cache import Built, Place, measuring
from pages.common.cache.room import entered
from pages.common.jobs import Job, Result
from pages.common.progress import watch
from pages.common.session import keep_among, kept
from pages.common.text import _, plain, said
from vis.cost.latency import Conditions, Times, conditions, pass_times

UNSTEADY = 0.3  # of the median, from which on a spread is too large to be believed
AT_MOST = 240  # seconds of a measurement, its waiting apart
MOST_KEPT = 8  # results of a session

Work = Callable[[Callable[[float], None], Callable[[], bool]], Result]


class Measurement(Job[Result]):
    """A job that first waits until nothing else is being measured.

    Stopped before its turn, or left alone, it leaves the line; and however it ends, the next one has its turn.
    """

    def __init__(self, work: Work[Result], limit: float = AT_MOST):
        self.place: Place | None = None

        def in_turn(report: Callable[[float], None], stopped: Callable[[], bool]) -> Result | None:
            with measuring(stopped, self._wait) as is_its_turn:
                if not is_its_turn:
                    return None
                report(0.0)  # its time begins
                try:
                    return work(report, stopped)
                except OutOfMemory as error:
                    raise Refused(
                        "The GPU ran out of memory; measure a smaller batch or picture, or choose the CPU."
                    ) from error

        super().__init__(in_turn, limit, may_wait=True)

    def _wait(self, place: Place) -> None:
        self.place = place


# Of this session -------------------------------------------------------------------------------------------------


def measured(key: Hashable) -> Any:
    """What this session measured before under this key; None for nothing."""
    return kept("measured", dict).get(key)


def keep_measured(key: Hashable, result: Any) -> None:
    """Keeps what was measured, and of the others those that were kept last."""
    keep_among("measured", key, result, MOST_KEPT)


def _under_way(place: str) -> dict[Hashable, Measurement]:
    """What is being measured for one of the places that measure, by what it will be kept under."""
    return kept("measurements", dict).setdefault(place, {})


def begin(place: str, key: Hashable, work: Work[Any]) -> None:
    """Starts a measurement of this session, unless it is under way; `settled` tells what became of it."""
    if not is_running(place, key):
        _under_way(place)[key] = Measurement(work)


def is_asked(place: str, key: Hashable) -> bool:
    """Whether it was begun, and has not given its result yet."""
    return key in _under_way(place)


def is_running(place: str, key: Hashable) -> bool:
    return is_asked(place, key) and _under_way(place)[key].running


def keep_only(place: str, keys: Container[Hashable]) -> None:
    """Stops and forgets the measurements of this place that are none of these: no page shows them any more."""
    for key in [key for key in _under_way(place) if key not in keys]:
        _under_way(place).pop(key).stop()


def settled(place: str, key: Hashable, words: Callable[[float], str], again: str) -> Any:
    """What a measurement gave, once; None while there is nothing, and then the page says how far it is or why not.

    Args:
        words: what is being measured, by the part that is done.
        again: how to repeat it.
    """
    job = _under_way(place).get(key)
    if job is None:
        return None
    if job.running:
        watch(lambda: job, lambda now: _waiting(now.place) or words(now.part), f"stop {place} {key}", lambda: None)
    elif job.refused:
        st.error(plain(said(job.refused)), icon=":material/error:")
    elif job.failed:
        st.error(_("The measurement failed.") + f" {again}", icon=":material/error:")
    elif job.result:
        return _under_way(place).pop(key).result
    else:
        st.info(_("Stopped before anything was measured.") + f" {again}", icon=":material/stop_circle:")
    return None


def _waiting(place: Place | None) -> str | None:
    """That it is not its turn yet; None while it is."""
    if not (place and place.before):
        return None
    return _(
        "Another measurement is running; only one runs at a time. You are number {number} in the queue …",
        number=place.before,
    )


# What several places need ----------------------------------------------------------------------------------------


def on_device(built: Built, device: str, batch: int = 1) -> tuple[nn.Module, Tensor]:
    """The network with random weights, on which its time does not depend, and noise for it to look at."""
    loaded = load(built.network, "random", device, **dict(built.options))
    model = loaded.model
    entered(loaded)  # of which the network alone goes on, and is counted
    shape = (batch, loaded.architecture.input_shape[0], built.side, built.side)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))  # what others draw goes on as before
    return model, noise.to(loaded.device)


def doubt(*measured: Times | None) -> None:
    """Says so where what was measured differs much from round to round."""
    if any(times and times.spread_ms > UNSTEADY * times.median_ms for times in measured):
        st.warning(
            _(
                "Timings vary a lot between rounds: something else is using this machine. Measure again when it is "
                "idle."
            ),
            icon=":material/warning:",
        )


def in_words(conditions: Conditions) -> str:
    """Where it was measured, and with what."""
    return _(
        "{device}: {name}, {threads} threads, float32, torch {version}",
        device=conditions.device.upper(),
        name=plain(conditions.name),
        threads=conditions.threads,
        version=plain(conditions.torch),
    )


def measure_each(
    names: Sequence[str], device: str, report: Callable[[float], None], stopped: Callable[[], bool]
) -> tuple[dict[str, Times], Conditions] | None:
    """The times of some networks, one after another; of those that were done before it was stopped."""
    found: dict[str, Times] = {}
    where = None
    for place, name in enumerate(names):
        if stopped():
            break
        model, image = on_device(Built(name, ARCHITECTURES[name].input_shape[1]), device)
        where = conditions(image.device)
        times = pass_times(
            model, image, stop=stopped, progress=lambda part, p=place: report((p + 0.999 * part) / len(names))
        )
        if times:
            found[name] = times
    return (found, where) if found else None
