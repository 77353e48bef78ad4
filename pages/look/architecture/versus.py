"""Two networks side by side: in what they differ."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from models.options import Phrase, Switch
from pages.common.asking import ask_one
from pages.common.panels import bullets, wrapped
from pages.common.text import _, spoken
from pages.common.words import KINDS, TERMS, operations_in_words, unit_of
from vis.comparison import Pair
from vis.cost.count import Counting
from vis.figures.graph import settings_in_short
from vis.figures.numbers import grouped, shape, significant
from vis.graph import ROOT, Graph, Node

EQUAL = Switch("equal", Phrase("Also show identical layers"))
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
    "cifar_alexnet": "cifar_zfnet",
    "cifar_zfnet": "cifar_alexnet",
    "cifar_plain20": "cifar_resnet20",
    "cifar_resnet20": "cifar_plain20",
    "vgg16": "mobilenet_v1",
    "mobilenet_v1": "vgg16",
    "efficientnet_b0": "efficientnet_lite0",
    "efficientnet_lite0": "efficientnet_b0",
}


def table(titles: list[str], left: Graph, right: Graph, found: Sequence[Pair], counting: Counting) -> None:
    """The totals of both, and their layers beside each other with the differences named."""
    st.header(_("The differences"), anchor="differences")
    titles = titles if len(set(titles)) == len(titles) else [f"{title} ({i})" for i, title in enumerate(titles, 1)]
    wrapped(["", *titles, _("ratio")], totals(left, right, counting), "totals")
    everything = ask_one(st, EQUAL)
    rows = [_row(pair) for pair in found if everything or pair.differs or pair.is_alone]
    alike = sum(1 for pair in found if not (pair.is_alone or pair.differs))
    st.caption(
        _(
            "{alike} of {all} layer pairs are identical. Convolutions, linear layers, normalisations, pooling and "
            "joins are compared, aligned by the longest common sequences.",
            alike=alike,
            all=len(found),
        )
    )
    bullets(_in_short(titles, found))
    if rows:
        wrapped([*titles, _("difference")], rows, "differences")


def totals(left: Graph, right: Graph, counting: Counting) -> list[list[str]]:
    """Rows of a name, both numbers and their ratio; what is counted only in part has none."""
    both = (left, right)
    whole = {
        _("parameters"): [graph.params() + sum(graph.unused.values()) for graph in both],
        _("activation memory, bytes"): [graph.activation_bytes() for graph in both],
        _("operations in the graph"): [len(graph.nodes) for graph in both],
    }
    parameters, *rest = ([name, *map(grouped, values), _ratio(*values)] for name, values in whole.items())
    counts = [None if graph.left_out() else graph.counted(counting=counting) for graph in both]
    words = [operations_in_words(graph, ROOT, counting) for graph in both]
    return [parameters, [unit_of(counting), *words, "–" if None in counts else _ratio(*counts)], *rest]


def _ratio(one: int, other: int) -> str:
    return significant(one / other) if other else "–"


def _in_short(titles: list[str], found: list[Pair]) -> list[str]:
    """What one network has more than the other, and in what the rest is unlike, the most frequent first."""
    lines = []
    for title, here, there in zip(titles, ("left", "right"), ("right", "left"), strict=True):
        alone = [getattr(pair, here) for pair in found if getattr(pair, there) is None and not pair.differs]
        lines += [_("Only in {network}: {layers}.", network=title, layers=_kinds(alone))] if alone else []
    moved = [pair.left for pair in found if "order" in pair.differs and pair.left]
    lines += [_("In both, but in a different order: {layers}.", layers=_kinds(moved))] if moved else []
    unlike = Counter(name for pair in found if pair.left for name in pair.differs if name != "order")
    differences = ", ".join(f"{spoken(TERMS[name])} ×{count}" for name, count in unlike.most_common())
    if differences:
        lines.append(_("Pairs that differ, by kind of difference: {differences}.", differences=differences))
    return lines


def _kinds(layers: list[Node]) -> str:
    counts = Counter(node.kind for node in layers)
    return ", ".join(f"{spoken(KINDS[kind])} ×{count}" for kind, count in counts.most_common())


def _row(pair: Pair) -> list[str]:
    differs = ", ".join(spoken(TERMS[name]) for name in pair.differs)
    return [_layer(pair.left), _layer(pair.right), differs or (_("only here") if pair.is_alone else "")]


def _layer(node: Node | None) -> str:
    if node is None:
        return "–"
    kind = " ".join(filter(None, (spoken(KINDS[node.kind]), settings_in_short(node))))
    return f"{node.name}: {kind} → {shape(node.output_shape)}"
