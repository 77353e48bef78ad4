"""What of a layer graph is open, and what is looked at closely, in each of the two places for graphs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from models.trained import AS_USUAL
from pages.common import address, cache
from pages.common.cache import Built
from pages.common.session import PUBLIC_WEIGHTS, Selection, keep, kept, selection
from pages.common.text import _

EVERYTHING = "*"
NETWORK_OF = {"left": "network", "right": "compare"}  # by place, what the link calls its network


@dataclass(frozen=True)
class GraphView:
    """What is open of a graph."""

    opened: frozenset[str] = frozenset()  # names of blocks; EVERYTHING for all there are
    selected: str | None = None


def graph_view(place: str, network: str) -> GraphView:
    """What is open of this network in a place: at first the link's; after Back or Forward, the address's."""
    if (link := address.returned()) is not None:
        show_graph(place, network, _of_link(link, place, network))
    return kept(f"graph {place} {network}", lambda: _of_link(address.opened_with(), place, network))


def _of_link(link: Mapping[str, str], place: str, network: str) -> GraphView:
    if link.get(NETWORK_OF[place]) != network:
        return GraphView()
    opened = link.get(f"open_{place}", "").split(",")
    return GraphView(frozenset(filter(None, opened)), link.get(f"node_{place}"))


def show_graph(place: str, network: str, view: GraphView) -> None:
    """Makes this what is open of a network in a place."""
    keep(f"graph {place} {network}", view)


def selection_of(network: str) -> Selection:
    """The selection, for this network; a file of weights belongs to the chosen network alone."""
    chosen = selection()
    if network == chosen.network:
        return chosen
    if chosen.weights in PUBLIC_WEIGHTS:
        return replace(chosen, network=network)
    return replace(chosen, network=network, weights="auto", trained=AS_USUAL)


def called(built: Built) -> dict[str, str]:
    """Every operation and block by all its names: “layer2 = conv3_x = stage 3 = layer 3”, “features.0 = conv1_1”."""
    graph, others = cache.graph(built), cache.names(built)

    def names_of(name: str) -> Iterator[str]:
        yield name
        if (other := others.get(name)) is None:
            return
        if other.paper and other.paper != name:
            yield other.paper
        if other.stage:
            yield _("stage {number}", number=other.stage)
        around = [others[block].layer for block in graph.ancestors(name) if block != name and block in others]
        if other.layer and name in graph.blocks and other.layer not in around:  # what is inside is a part of its layer
            yield _("layer {number}", number=other.layer)

    return {name: " = ".join(names_of(name)) for name in (*graph.nodes, *graph.blocks)}
