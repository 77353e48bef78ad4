"""Layer graphs and their drawings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import ARCHITECTURES
from models.loading import skeleton
from models.synonyms import OtherNames, alike, other_names
from pages.common.cache.remembering import shared
from vis.cost.count import Counting
from vis.figures import thumbnails
from vis.receptive import ReceptiveField, fields_of
from vis.shapes import record_shapes
from vis.trace import Recording

if TYPE_CHECKING:
    from vis.comparison import Compared
    from vis.figures.graph import Words
    from vis.graph import Graph
    from vis.layout import Drawing


@dataclass(frozen=True)
class Built:
    """A network as its layer graph needs it: how it is built and the side of its pictures. Weights do not matter."""

    network: str
    side: int
    options: tuple[tuple[str, object], ...] = ()


@shared()
def shapes(built: Built) -> Recording:
    """The shapes of everything that the network computes.

    Raises:
        Refused: for a picture that is too small.
    """
    channels = ARCHITECTURES[built.network].input_shape[0]
    return record_shapes(skeleton(built.network, **dict(built.options)), (1, channels, built.side, built.side))


@shared()
def fields(built: Built) -> dict[str, ReceptiveField]:
    """The receptive fields of all operations; raises as `shapes` does."""
    return fields_of(shapes(built))


# What draws graphs is imported where it is needed: networkx takes a quarter of a second, and the first screen has none.


@shared()
def graph(built: Built) -> "Graph":
    """The layer graph; raises as `shapes` does."""
    from vis.graph import graph_of

    return graph_of(shapes(built))


@shared()
def names(built: Built) -> dict[str, OtherNames]:
    """What operations and blocks are called elsewhere; raises as `shapes` does."""
    known, architecture = graph(built), ARCHITECTURES[built.network]
    kinds = {node.name: node.kind for node in known.nodes.values()}
    blocks = {name: [node.name for node in known.operations(name)] for name in known.blocks if name}
    return other_names(architecture, architecture.layers_of(dict(built.options)), kinds, blocks)


@shared()
def pictured(built: Built) -> dict[str, str]:
    """By box, the operation whose strongest map it can show; raises as `shapes` does."""
    return thumbnails.pictured(graph(built), shapes(built))


@shared()
def drawing(
    built: Built, opened: frozenset[str], counting: Counting, words: "Words", aspect: float, with_pictures: bool = False
) -> "Drawing":
    """The layer graph with these blocks open, laid out for a canvas that is so much wider than high.

    Args:
        with_pictures: boxes have room for those of their maps.
    """
    from vis.figures.graph import texts
    from vis.layout import drawing

    known = names(built)

    def written(graph: "Graph", name: str) -> tuple[str, ...]:
        title, *rest = texts(graph, name, counting, words)
        paper = known[name].paper if name in known else None
        return (title if paper is None or alike(name, paper) else f"{title} = {paper}", *rest)

    return drawing(graph(built), opened, written, aspect=aspect, pictured=pictured(built) if with_pictures else ())


@shared()
def comparison(left: Built, right: Built) -> "Compared":
    """Two layer graphs, layer by layer and box by box."""
    from vis.comparison import compared

    return compared(graph(left), graph(right))
