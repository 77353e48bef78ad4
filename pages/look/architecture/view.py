"""What of a layer graph is open, and what is looked at closely, in each of the two places for graphs."""

from dataclasses import dataclass

from pages.common import address
from pages.common.session import keep, kept

EVERYTHING = "*"
NETWORK_OF = {"left": "network", "right": "compare"}  # by place, what the link calls its network


@dataclass(frozen=True)
class GraphView:
    """What is open of a graph."""

    opened: frozenset[str] = frozenset()  # names of blocks; EVERYTHING for all there are
    selected: str | None = None


def graph_view(place: str, network: str) -> GraphView:
    """What is open of this network in a place; at first what the link says."""

    def first() -> GraphView:
        link = address.opened_with()
        if link.get(NETWORK_OF[place]) != network:
            return GraphView()
        opened = link.get(f"open_{place}", "").split(",")
        return GraphView(frozenset(filter(None, opened)), link.get(f"node_{place}"))

    return kept(f"graph {place} {network}", first)


def show_graph(place: str, network: str, view: GraphView) -> None:
    """Makes this what is open of a network in a place."""
    keep(f"graph {place} {network}", view)
