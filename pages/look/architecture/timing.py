"""Measured times of every operation, for this session."""

from collections.abc import Collection

from pages.common.cache import Built
from pages.common.measuring import begin, is_asked, keep_measured, keep_only, measured, on_device, settled
from pages.common.session import selection
from pages.common.text import _
from vis.cost.latency import Times, layer_times

ROUNDS = 7
PLACE = "layer graph"


def measure_all(shown: Collection[Built]) -> None:
    """Measures what this session has not measured before; meanwhile says how far it is, with a way to stop it.

    What is measured for this session and no longer shown is stopped; shown again, it is measured anew.
    """
    device = selection().device
    wanted = {(built, device): built for built in shown}
    keep_only(PLACE, wanted)
    words = _("Measuring every operation on this machine, one measurement at a time …")
    for key, built in wanted.items():
        if not measured(key) and not is_asked(PLACE, key):
            begin(PLACE, key, lambda report, stopped, b=built: _times(b, device, report, stopped))
        if found := settled(PLACE, key, lambda part: words, _("Select the colours again to measure.")):
            keep_measured(key, found)


def _times(built: Built, device: str, report, stopped) -> dict[str, Times]:
    return layer_times(*on_device(built, device), ROUNDS, stopped, report)


def times(built: Built) -> dict[str, Times]:
    """What was measured, by the names of operations; empty before that."""
    return measured((built, selection().device)) or {}


def milliseconds(built: Built) -> dict[str, float]:
    """The medians of what was measured."""
    return {name: found.median_ms for name, found in times(built).items()}
