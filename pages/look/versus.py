"""Two networks side by side: in what they differ."""

import pandas as pd
import streamlit as st

from pages.common.text import _
from pages.look.words import KINDS, unit_of
from vis.comparison import Pair, pairs
from vis.cost.count import Counting
from vis.figures.graph import settings_in_short
from vis.figures.numbers import grouped, shape
from vis.graph import Graph, Node

LAYER = 320  # pixels: as wide as most layers, and the same for both networks
WORTH_COMPARING = {  # with what there is most to be learnt beside it
    "alexnet_2012": "zfnet",
    "alexnet": "alexnet_2012",
    "zfnet": "alexnet_2012",
    "zfnet_mini": "alexnet_mini",
    "plain34": "resnet34",
    "resnet34": "plain34",
    "resnet50_v1": "resnet50_v2",
    "resnet50_v2": "resnet50_v1",
    "googlenet_2014": "googlenet",
    "googlenet": "googlenet_2014",
    "vgg16": "mobilenet_v1",
    "mobilenet_v1": "vgg16",
}


def table(titles: list[str], left: Graph, right: Graph, counting: Counting) -> None:
    """The totals of both, and their layers beside each other with the differences named."""
    st.subheader(_("The differences"), anchor="differences")
    totals = {
        _("parameters"): [graph.params() + sum(graph.unused.values()) for graph in (left, right)],
        unit_of(counting): [graph.counted(counting=counting) or 0 for graph in (left, right)],
        _("activation memory, bytes"): [graph.activation_bytes() for graph in (left, right)],
        _("operations in the graph"): [len(graph.nodes) for graph in (left, right)],
    }
    st.dataframe(
        pd.DataFrame(
            [[name, *map(grouped, both), _ratio(*both)] for name, both in totals.items()],
            columns=["", *_distinct(titles), _("ratio")],
        ),
        hide_index=True,
    )
    found = pairs(left, right)
    everything = st.toggle(_("Show equal layers, too"), False, key="equal layers")
    rows = [_row(pair) for pair in found if everything or pair.differs or not (pair.left and pair.right)]
    alike = sum(1 for pair in found if pair.left and pair.right and not pair.differs)
    st.caption(
        _(
            "{alike} of {all} pairs of layers are alike. Convolutions, linear layers, normalisations, pools and joins "
            "are compared, aligned by the longest sequences that both networks have in common.",
            alike=alike,
            all=len(found),
        )
    )
    if rows:
        both = _distinct(titles)
        st.dataframe(
            pd.DataFrame(rows, columns=[*both, _("difference")]),
            hide_index=True,
            column_config={title: st.column_config.Column(width=LAYER) for title in both},
        )


def _distinct(titles: list[str]) -> list[str]:
    return titles if len(set(titles)) == len(titles) else [f"{title} ({i})" for i, title in enumerate(titles, 1)]


def _ratio(one: int, other: int) -> str:
    return f"{one / other:.3g}" if other else "–"


def _row(pair: Pair) -> list[str]:
    words = {
        "kernel_size": _("kernel"),
        "stride": _("stride"),
        "padding": _("padding"),
        "dilation": _("dilation"),
        "groups": _("groups"),
        "ceil_mode": _("rounding of the size"),
        "operation": _("operation"),
        "channels": _("number of maps"),
        "size": _("size of the maps"),
        "macs": _("MACs"),
    }
    differs = ", ".join(words[name] for name in pair.differs)
    if pair.left is None or pair.right is None:
        differs = _("only here")
    return [_layer(pair.left), _layer(pair.right), differs]


def _layer(node: Node | None) -> str:
    if node is None:
        return "–"
    kind = " ".join(filter(None, (_(KINDS[node.kind]), settings_in_short(node))))
    return f"{node.name}: {kind} → {shape(node.output_shape)}"
