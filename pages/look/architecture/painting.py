"""What the colours of one layer graph's boxes mean, and the drawing with them as its canvas takes it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf

from pages.common import cache
from pages.common.cache import Built
from pages.common.text import _, spoken
from pages.common.words import KINDS, TERMS, quantity_in_words, summary_of
from pages.look.architecture import timing
from pages.look.architecture.thumbnails import InBoxes
from pages.look.architecture.view import called
from vis.comparison import Compared, Status
from vis.cost.count import Counting
from vis.figures import graph as figure
from vis.figures.numbers import grouped, shape
from vis.graph import Graph
from vis.layered import HEADER
from vis.layout import Box, Drawing

OF_SHAPE = ("channels", "size")


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


def differences_in_words(graphs: Sequence[Graph], compared: Compared, side: int) -> dict[str, str]:
    """What of the operations and blocks of one of two networks (0 or 1) is not as in the other one, by their names."""
    here, there = graphs[side], graphs[1 - side]
    statuses, words = compared.statuses[side], {}
    twins = {other: name for name, other in compared.twins.items()} if side else compared.twins
    for name, status in statuses.items():
        if status == "alone":
            words[name] = _("only in this network")
        elif status == "differs" and name in here.blocks:
            inside = [statuses[node.name] for node in here.operations(name)]
            alike, count = grouped(inside.count("same")), grouped(len(inside))
            words[name] = (
                _("all operations in it are in both networks; the other one has more here")
                if alike == count
                else _("{alike} of {count} operations in it are the same in both", alike=alike, count=count)
            )
        elif status == "differs" and (twin := twins.get(name)):
            shapes = [shape(node.output_shape) for node in (here.nodes[name], there.nodes[twin])]
            differs = [term for term in compared.differs.get(twin if side else name, ()) if term not in OF_SHAPE]
            differences = [spoken(TERMS[term]) for term in differs]
            differences += [f"{spoken(TERMS['output'])} {' ≠ '.join(shapes)}"] if shapes[0] != shapes[1] else []
            words[name] = _("unlike {layer}: {differences}", layer=twin, differences=", ".join(differences))
    return words


def data_of(
    built: Built,
    drawn: Drawing,
    painting: Painting,
    look: Look,
    twins: Mapping[str, str],
    seen: InBoxes | None,
    differences: Mapping[str, str] | None = None,
) -> dict:
    """The drawing, as `layer_canvas` takes it.

    Args:
        twins: of the boxes, their like on the other canvas.
        seen: the pictures in boxes that have room for them; None while these are not there yet.
        differences: what of boxes is not as on the other canvas, in words.
    """
    differences = differences or {}
    graph, names = cache.graph(built), called(built)
    return {
        "width": drawn.width,
        "height": drawn.height,
        "header": HEADER,
        "boxes": [
            _box(graph, box, names[box.name], painting, look, differences.get(box.name))
            | _pictured(box, seen)
            | {"twin": twins.get(box.name)}
            for box in drawn.boxes
        ],
        "lines": [asdict(line) for line in drawn.lines],
        "legend": painting.legend,
    }


def _box(graph: Graph, box: Box, name: str, painting: Painting, look: Look, differs: str | None) -> dict:
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
        "label": name + label.removeprefix(box.name) + (f"\n{differs}" if differs else ""),
    }


def _pictured(box: Box, seen: InBoxes | None) -> dict:
    if not box.picture:
        return {}
    about = {"about": seen.words(box.name), "picture": seen.picture(box.name)} if seen else {}
    return {"room": box.picture, **about}
