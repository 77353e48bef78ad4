"""What of a layer graph can be taken away: the drawing as SVG and PNG, the layers as CSV and JSON."""

from collections.abc import Mapping

import streamlit as st

from models import ARCHITECTURES
from pages.common import cache
from pages.common.cache import Built
from pages.common.export import download, table
from pages.common.panels import numbers
from pages.common.text import _, spoken
from pages.common.words import KINDS, TERMS
from pages.look.architecture import timing
from pages.look.architecture.thumbnails import InBoxes
from vis.cost.count import Counting
from vis.figures.graph import Paint
from vis.figures.graph_files import png, svg
from vis.figures.numbers import grouped, significant
from vis.graph import Graph
from vis.layout import Drawing
from vis.table import as_json, rows

# Of the table's columns those that fit on a laptop's screen, and their widths in pixels.
WIDTHS = {
    **{"layer": 165, "kind": 115, "output": 105, "params": 95, "macs": 110, "flops": 110},
    **{"activation_bytes": 110, "milliseconds": 95, "kernel_size": 70},
}
FIRST = tuple(WIDTHS)


def offer(
    place: str,
    built: Built,
    drawn: Drawing,
    paints: Mapping[str, Paint],
    colours: str,
    counting: Counting,
    seen: InBoxes | None,
) -> None:
    """A menu of four files, which are made when one is chosen, outside the run, so their words are found before.

    Args:
        colours: what the colours mean, in words.
        seen: the pictures in the boxes; None where there are none.
    """
    architecture, graph, times = ARCHITECTURES[built.network], cache.graph(built), timing.milliseconds(built)
    about = [
        f"{architecture.title} · {architecture.paper} · {_('picture')} {'×'.join(map(str, graph.input_shape[1:]))}",
        f"{_('Colour by')} {colours}",
    ]
    if built.options:
        about[0] += " · " + ", ".join(f"{name} {value}" for name, value in built.options)
    pictures = {}
    if seen:
        about += seen.about
        found = {box.name: seen.picture(box.name) for box in drawn.boxes if box.picture}
        pictures = {name: file for name, file in found.items() if file}
    facts = {
        "network": built.network,
        "title": architecture.title,
        "paper": architecture.paper,
        "options": dict(built.options),
        "parameters": graph.params(),
        "macs": graph.counted(),
        "not_counted": graph.left_out(),
    }
    files = {
        "svg": (_("Drawing (SVG)"), lambda: svg(drawn, paints, about, pictures=pictures)),
        "png": (_("Drawing (PNG)"), lambda: png(drawn, paints, about, pictures=pictures)),
        "csv": (_("Table of layers (CSV)"), lambda: table(rows(graph, counting, times))),
        "json": (_("Graph (JSON)"), lambda: as_json(graph, facts)),
    }
    with st.popover(_("Download"), icon=":material/download:", key=f"files {place}"):
        for kind, (name, make) in files.items():
            file = f"convscope-{built.network}.{kind}"
            download(st, name, make, file, f"{name} {place}", icon=None, width="stretch")


def layer_table(graph: Graph, counting: Counting, times: Mapping[str, float]) -> None:
    """Every operation with its numbers, on request: a long table."""
    with st.expander(_("All layers as a table"), icon=":material/table:"):
        shown = [row | {"kind": spoken(KINDS[row["kind"]])} for row in rows(graph, counting, times)]
        first = [name for name in FIRST if name in shown[0]]
        columns = [*first, *(name for name in shown[0] if name not in first)]  # what does not fit is not what matters
        names = [spoken(TERMS[name]) for name in columns]
        cells = [[_cell(row[name]) for name in columns] for row in shown]
        narrow = {names[columns.index(name)]: st.column_config.Column(width=WIDTHS[name]) for name in first}
        numbers(names, cells, height=420, column_config=narrow)


def _cell(value: str | float | None) -> str:
    """A value of the table; what is not counted or does not apply is a dash, never 0."""
    if value is None:
        return "–"
    return grouped(value) if isinstance(value, int) else significant(value) if isinstance(value, float) else value
