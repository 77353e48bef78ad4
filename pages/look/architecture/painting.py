"""What the colours of one layer graph's boxes mean, and the drawing with them as its canvas takes it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import inf

from pages.common import cache
from pages.common.cache import Built
from pages.common.text import _, spoken
from pages.common.words import KINDS, quantity_in_words, summary_of
from pages.look.architecture import timing
from pages.look.architecture.thumbnails import InBoxes
from pages.look.architecture.view import called
from vis.comparison import Status
from vis.cost.count import Counting
from vis.figures import graph as figure
from vis.graph import Graph
from vis.layered import HEADER
from vis.layout import Box, Drawing


@dataclass(frozen=True)
class Look:
    """What the colours of the boxes mean, and what counts as an operation."""

    colour: str  # "kind", or one of vis.figures.graph.QUANTITIES
    counting: Counting
    together: bool = False  # whether two graphs move and open together
    differences: bool = False  # whether it is marked in what two graphs differ
    thumbnails: bool = False  # whether boxes show their strongest map

    @property
    def mode(self) -> str:
        """Whether colours mean kinds, or values."""
        return "kind" if self.colour == "kind" else "value"


@dataclass(frozen=True)
class Painting:
    """The colours of all boxes, the quantities behind them, and what they mean."""

    paints: Mapping[str, figure.Paint]
    quantities: Mapping[str, float | None]  # empty where colours mean kinds
    range: str  # from where to where the colours go, in words
    legend: list[tuple]  # words, a colour for light and for dark, and that of an edge where there is one


def quantities(built: Built, drawn: Drawing, look: Look) -> dict[str, float | None]:
    """What is to be seen in the colours, by boxes; empty where they mean kinds."""
    if look.colour == "kind":
        return {}
    graph, times = cache.graph(built), timing.milliseconds(built)
    return {box.name: figure.quantity(graph, box.name, look.colour, look.counting, times) for box in drawn.boxes}


def painted(
    graph: Graph,
    drawn: Drawing,
    look: Look,
    quantities: Mapping[str, float | None],
    most: float,
    statuses: Mapping[str, Status] | None,
) -> Painting:
    """The colours of all boxes, on a scale that ends at `most`.

    Args:
        statuses: of the boxes, in a comparison whose differences are to be seen.
    """
    painting = _coloured(graph, drawn, look, quantities, most)
    if statuses is None:
        return painting
    paints = {name: figure.compared(paint, statuses[name]) for name, paint in painting.paints.items()}
    neutral = figure.paint(figure.FILLS["block"])
    words = {"same": _("the same in both"), "differs": _("differs"), "alone": _("only in this network")}
    edges = [(word, figure.compared(neutral, status)) for status, word in words.items()]
    legend = [(word, paint.fill, *([paint.frame] if paint.frame else [])) for word, paint in edges]
    return replace(painting, paints=paints, legend=[*legend, *painting.legend])


def _coloured(
    graph: Graph, drawn: Drawing, look: Look, quantities: Mapping[str, float | None], most: float
) -> Painting:
    if look.colour == "kind":
        names = [box.name for box in drawn.boxes]
        kinds = dict.fromkeys(figure.kind_of(graph, name) for name in names)
        legend = [(spoken(KINDS[kind]), figure.FILLS[kind]) for kind in figure.FILLS if kind in kinds]
        return Painting(figure.painted_by_kind(graph, names), {}, "", legend)
    shares = (0, 0.25, 0.5, 0.75, 1)
    words_of = [quantity_in_words(look.colour, most * share, look.counting) for share in shares]
    fills = figure.painted_by_quantity({share: most * share for share in shares}, most)
    legend = [(words, fills[share].fill) for words, share in zip(words_of, shares, strict=True)] if most else []
    if legend and any(value == inf for value in quantities.values()):
        legend[-1] = (f"{legend[-1][0]} · {_('the whole picture')}", legend[-1][1])
    if None in quantities.values():
        legend.append((quantity_in_words(look.colour, None, look.counting), figure.NOT_COUNTED))
    ends = f"{words_of[0]} – {words_of[-1]}"
    return Painting(figure.painted_by_quantity(quantities, most), quantities, ends, legend)


def data_of(
    built: Built, drawn: Drawing, painting: Painting, look: Look, twins: Mapping[str, str], seen: InBoxes | None
) -> dict:
    """The drawing, as `layer_canvas` takes it.

    Args:
        twins: of the boxes, their like on the other canvas.
        seen: the pictures in boxes that have room for them; None while these are not there yet.
    """
    graph, names = cache.graph(built), called(built)
    return {
        "width": drawn.width,
        "height": drawn.height,
        "header": HEADER,
        "boxes": [
            _box(graph, box, names[box.name], painting, look) | _pictured(box, seen) | {"twin": twins.get(box.name)}
            for box in drawn.boxes
        ],
        "lines": [asdict(line) for line in drawn.lines],
        "legend": painting.legend,
    }


def _box(graph: Graph, box: Box, name: str, painting: Painting, look: Look) -> dict:
    title, subtitle, note = (*box.texts, "", "")[:3]
    paint = painting.paints[box.name]
    label = summary_of(graph, box.name, look.counting, painting.quantities.get(box.name), look.colour)
    return {
        "id": box.name,
        "x": box.left,
        "y": box.top,
        "width": box.width,
        "height": box.height,
        "title": title,
        "subtitle": subtitle,
        "note": note,
        "openable": box.opened is not None,
        "open": bool(box.opened),
        "count": graph.blocks[box.name].count if box.name in graph.blocks else 1,
        "value": painting.quantities.get(box.name),
        "fill": paint.fill,
        "ink": paint.ink,
        "frame": paint.frame,
        "label": name + label.removeprefix(box.name),
    }


def _pictured(box: Box, seen: InBoxes | None) -> dict:
    if not box.picture:
        return {}
    about = {"about": seen.words(box.name), "picture": seen.picture(box.name)} if seen else {}
    return {"room": box.picture, **about}
