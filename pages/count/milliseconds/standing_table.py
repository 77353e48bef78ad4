"""The layers of a network as a table: what they count beside what they take."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from pages.common.text import _
from pages.count.layer_table import BAR, ROW
from pages.count.style import Style
from vis.cost.roofline import Roof, Standing
from vis.figures.costs import COLOURS

MOST_ROWS = 20  # that are seen at once


def standing_table(layers: Sequence[Standing], roof: Roof | None, kinds: Mapping[str, str], style: Style) -> None:
    """One row per layer, with a bar each for its share of the multiply-adds and of the time.

    Args:
        roof: None where it is not known; then nothing is said of what is attainable.
    """
    macs, time = (sum(parts) for parts in zip(*((s.work.macs or 0, s.times.median_ms) for s in layers), strict=True))
    shares = {
        _("of all MACs"): [s.work.macs and 100 * s.work.macs / macs for s in layers],
        _("of the time"): [100 * s.times.median_ms / time for s in layers],
    }
    longest = max(number for column in shares.values() for number in column if number)
    bar = {"width": BAR, "format": "%.2f %%", "min_value": 0, "max_value": longest}
    of_macs, of_time = shares
    reached = [roof and roof.reached(s) for s in layers]
    cells = {
        _("layer"): [s.work.name for s in layers],
        _("kind"): [kinds[s.work.kind] for s in layers],
        _("MACs"): [s.work.macs and style.number(s.work.macs) if style.is_short else s.work.macs for s in layers],
        of_macs: shares[of_macs],
        of_time: shares[of_time],
        _("ms, median"): [s.times.median_ms for s in layers],
        _("± ms"): [s.times.spread_ms / 2 for s in layers],
        _("GMAC/s"): [s.rate and s.rate / 1e9 for s in layers],
        _("MACs per byte"): [s.work.intensity for s in layers],
        _("of the attainable rate"): [part and 100 * part for part in reached],
    }
    look = {
        _("layer"): st.column_config.TextColumn(width=170),
        _("MACs"): st.column_config.TextColumn(alignment="right")
        if style.is_short
        else st.column_config.NumberColumn(format="%,d"),
        of_macs: st.column_config.ProgressColumn(**bar, color="#808080"),
        of_time: st.column_config.ProgressColumn(**bar, color=COLOURS["pointwise"]),
        _("ms, median"): st.column_config.NumberColumn(format="%.3f"),
        _("± ms"): st.column_config.NumberColumn(format="%.3f"),
        _("GMAC/s"): st.column_config.NumberColumn(format="%.2f"),
        _("MACs per byte"): st.column_config.NumberColumn(format="%.2f"),
        _("of the attainable rate"): st.column_config.NumberColumn(format="%.0f %%"),
    }
    height = (min(len(layers), MOST_ROWS) + 1) * ROW + 3
    st.dataframe(pa.table(cells), hide_index=True, column_config=look, height=height, placeholder="–")


def rows_of(layers: Sequence[Standing], roof: Roof | None) -> Iterator[dict[str, Any]]:
    """The table for a spreadsheet: what is not known is None, not 0."""
    for each in layers:
        work, times = each.work, each.times
        attainable = roof.attainable(work.intensity) if roof and work.intensity is not None else None
        yield {
            "layer": work.name,
            **{of: getattr(work, of) for of in ("kind", "macs", "read_bytes", "weight_bytes", "written_bytes")},
            "macs_per_byte": work.intensity,
            **{of: getattr(times, of) for of in ("median_ms", "spread_ms", "rounds")},
            "macs_per_second": each.rate,
            "attainable_macs_per_second": attainable,
        }
