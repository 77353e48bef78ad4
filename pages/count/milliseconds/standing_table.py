"""The layers of a network as a table: what they count beside what they take."""

from collections.abc import Mapping, Sequence

from pages.common.text import _
from pages.count.columns import Column, count, draw_table, number, share, text
from vis.cost.roofline import Roof, Standing
from vis.figures.costs import COLOURS

MOST_ROWS = 20  # that are seen at once


def standing_table(layers: Sequence[Standing], roof: Roof | None, kinds: Mapping[str, str], is_short: bool) -> None:
    """One row per layer, with a bar each for its share of the multiply-adds and of the time.

    Args:
        roof: None where it is not known; then nothing is said of what is attainable.
    """
    macs, times = [s.work.macs for s in layers], [s.times.median_ms for s in layers]
    all_macs, whole_time = sum(filter(None, macs)), sum(times)
    of_macs = [n and 100 * n / all_macs for n in macs]
    of_time = [100 * ms / whole_time for ms in times]
    reached = [roof and roof.reached(s) for s in layers]
    longest = max(filter(None, of_macs + of_time))
    columns = {
        _("layer"): text([s.work.name for s in layers], 170),
        _("kind"): Column([kinds[s.work.kind] for s in layers]),
        _("MACs"): count(macs, is_short),
        _("of all MACs"): share(of_macs, longest, "#808080"),
        _("of the time"): share(of_time, longest, COLOURS["pointwise"]),
        _("ms, median"): number(times, 3),
        _("± ms"): number([s.times.spread_ms / 2 for s in layers], 3),
        _("GMAC/s"): number([s.rate and s.rate / 1e9 for s in layers]),
        _("MACs per byte"): number([s.work.intensity for s in layers]),
        _("of the attainable rate"): number([part and 100 * part for part in reached], 0, " %"),
    }
    draw_table(columns, MOST_ROWS)
