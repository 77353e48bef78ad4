"""Your number and the paper's: what is counted here beside what was published."""

from collections.abc import Mapping

import streamlit as st

from models import ARCHITECTURES
from models.architecture import Architecture
from models.weights import card
from pages.common.cache import Built
from pages.common.panels import wrapped
from pages.common.text import _, plain, spoken
from pages.common.words import operations_in_words
from vis.cost.count import Counting
from vis.figures.numbers import grouped, percent, rewritten
from vis.graph import COUNTED, ROOT, Graph


def tables(shown: Mapping[str, Built], graphs: Mapping[str, Graph], counting: Counting) -> None:
    """A table for every network that is shown, one below the other, for they are too wide to stand side by side."""
    has_paper = any(ARCHITECTURES[built.network].paper for built in shown.values())
    st.header(_("Numbers here and in the paper") if has_paper else _("Numbers"), anchor="numbers")
    for place, built in shown.items():
        if len(shown) > 1:
            st.markdown(f"**{spoken(ARCHITECTURES[built.network].title)}**")
        _table(place, ARCHITECTURES[built.network], graphs[place], built, counting)


def _table(place: str, architecture: Architecture, graph: Graph, built: Built, counting: Counting) -> None:
    """Parameters, MACs and errors, counted and published, with a line on every difference."""
    published = architecture.published_of(dict(built.options), built.side)
    printed = published or architecture.published
    unused = sum(graph.unused.values())
    rows = [
        (_("parameters"), grouped(graph.params() + unused), printed.parameters),
        (_("MACs of convolutions and linear layers"), _counted(graph), printed.macs),
    ]
    if counting != COUNTED:
        rows.append((_("counted as selected above"), _counted(graph, counting), None))
    is_usual = built.side == architecture.input_shape[1] and not built.options
    error = error5 = None
    if is_usual and (ours := card(architecture.name)):
        whose = _("shipped weights, on their own validation pictures")
        if ours.package:  # others trained them
            whose = _(
                "shipped weights, on {count} photographs of as many ImageNet classes", count=ours.validation_pictures
            )
        reached = ours.at()
        error, error5 = (f"{percent(1 - top / 100, 2)} ({whose})" for top in (reached.top1, reached.top5))
    elif is_usual and architecture.accuracy is not None:
        whose = _("torchvision's weights") if architecture.accuracy_of == "torchvision" else _("the paper")
        error = f"{percent(1 - architecture.accuracy / 100, 2)} ({whose})"
    rows += [(_("top-1 error"), error, printed.top1_error), (_("top-5 error"), error5, printed.top5_error)]
    columns = [_("quantity"), _("here"), _("in the paper")]
    cells = [[name, here or "–", rewritten(paper) if paper else "–"] for name, here, paper in rows]
    if not architecture.paper:
        columns, cells = columns[:2], [[name, here] for name, here, _paper in rows if here]
    wrapped(columns, cells, place)
    notes = [architecture.paper] if architecture.paper else []
    if architecture.differs:
        notes.append(_("This version: {differs}.", differs=_(architecture.differs)))
    if printed.remark:
        notes.append(_(printed.remark))
    if published is None and architecture.paper:
        notes.append(_("Counted with the picture size and options chosen above, which differ from the paper's."))
    if graph.left_out():
        notes.append(
            _("The products of these layers are not counted: {names}.", names=plain(", ".join(graph.left_out())))
        )
    if graph.unused:
        names = plain(", ".join(graph.unused))
        notes.append(
            _(
                "{number} parameters belong to parts used only in training: {names}.",
                number=grouped(unused),
                names=names,
            )
        )
    st.caption("  \n".join(notes))


def _counted(graph: Graph, counting: Counting = COUNTED) -> str | None:
    return None if graph.counted(counting=counting) is None else operations_in_words(graph, ROOT, counting)
