"""What of a layer graph can be taken away: the drawing as SVG and PNG, the layers as CSV and JSON."""

from collections.abc import Mapping

import streamlit as st

from models import ARCHITECTURES
from models.options import Phrase
from pages.common import cache
from pages.common.cache import Built
from pages.common.export import download, table
from pages.common.panels import folded, numbers
from pages.common.text import _, spoken
from pages.common.words import KINDS, TERMS
from pages.look.architecture import timing
from pages.look.architecture.thumbnails import InBoxes
from vis.cost.count import Counting
from vis.figures.graph import Paint, settings_in_short
from vis.figures.graph_files import png, svg
from vis.figures.numbers import grouped, significant
from vis.graph import Graph, Node
from vis.layout import Drawing
from vis.table import as_json, rows

WIDTHS = {  # of the table's columns, in pixels: with all of them it fits beside the sidebar of a laptop
    **{"layer": 138, "kind": 130, "settings": 72, "output": 90, "params": 88, "macs": 108, "flops": 108},
    **{"activation_bytes": 88, "receptive_field": 62, "milliseconds": 62},
}
WIDTHS_BESIDE_TIMES = WIDTHS | {"layer": 128, "kind": 78}
SHORT = {  # what heads a column, where that is not the whole term
    "settings": TERMS["kernel_size"],
    "activation_bytes": Phrase("memory, B"),
    "receptive_field": Phrase("field, px"),
    "milliseconds": Phrase("time, ms"),
}


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
    picture = f"{_('picture')} {'×'.join(map(str, graph.input_shape[1:]))}"
    about = [
        " · ".join(filter(None, (spoken(architecture.title), architecture.paper, picture))),
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

    def draw() -> None:
        widths = WIDTHS_BESIDE_TIMES if times else WIDTHS
        shown = [row | _on_screen(graph.nodes[row["layer"]]) for row in rows(graph, counting, times)]
        columns = [name for name in widths if name in shown[0]]
        names = {name: spoken(SHORT.get(name, TERMS.get(name))) for name in columns}
        look = {
            names[name]: st.column_config.Column(
                width=widths[name],
                pinned=name == "layer",
                alignment="left" if name in ("layer", "kind", "settings", "output") else "right",
            )
            for name in columns
        }
        cells = [[_cell(row[name]) for name in columns] for row in shown]
        numbers([*names.values()], cells, height=420, width="content", column_config=look)
        st.caption(
            _("Memory is that of the activations; the field is the receptive field. Every setting: Download, CSV.")
        )

    folded(_("All layers as a table"), "table", "layers", draw)


def _on_screen(node: Node) -> dict[str, str]:
    """What the table says in words, and in short."""
    return {"kind": spoken(KINDS[node.kind]), "settings": settings_in_short(node) or "–"}


def _cell(value: str | float | None) -> str:
    """A value of the table; what is not counted or does not apply is a dash, never 0."""
    if value is None:
        return "–"
    return grouped(value) if isinstance(value, int) else significant(value) if isinstance(value, float) else value
