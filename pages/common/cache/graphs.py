"""Layer graphs, their drawings and their measured times."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
import torch

from models import ARCHITECTURES, load
from models.loading import skeleton
from pages.common.cache.turns import turn
from vis.cost.count import Counting
from vis.cost.latency import Times, layer_times
from vis.receptive import ReceptiveField, fields_of
from vis.shapes import record_shapes
from vis.trace import Recording

if TYPE_CHECKING:
    from vis.graph import Graph
    from vis.layout import Drawing


@dataclass(frozen=True)
class Built:
    """A network as its layer graph needs it: how it is built and the side of its pictures. Weights do not matter."""

    network: str
    side: int
    options: tuple[tuple[str, object], ...] = ()


@st.cache_resource(max_entries=32, show_spinner=False)
def shapes(built: Built) -> Recording:
    """The shapes of everything that the network computes.

    Raises:
        Refused: for a picture that is too small.
    """
    channels = ARCHITECTURES[built.network].input_shape[0]
    return record_shapes(skeleton(built.network, **dict(built.options)), (1, channels, built.side, built.side))


@st.cache_resource(max_entries=32, show_spinner=False)
def fields(built: Built) -> dict[str, ReceptiveField]:
    """The receptive fields of all operations; raises as `shapes` does."""
    return fields_of(shapes(built))


# What draws graphs is imported where it is needed: networkx takes a quarter of a second, and the first screen has none.


@st.cache_resource(max_entries=32, show_spinner=False)
def graph(built: Built) -> "Graph":
    """The layer graph; raises as `shapes` does."""
    from vis.graph import graph_of

    return graph_of(shapes(built))


@st.cache_resource(max_entries=128, show_spinner=False)
def drawing(built: Built, opened: frozenset[str], counting: Counting) -> "Drawing":
    """The layer graph with these blocks open, laid out."""
    from vis.figures.graph import texts
    from vis.layout import drawing

    return drawing(graph(built), opened, lambda graph, name: texts(graph, name, counting))


def measure(
    built: Built, device: str, rounds: int, report: Callable[[float], None], stopped: Callable[[], bool]
) -> dict[str, Times]:
    """The time of every operation on the device, one measurement at a time; it is not remembered here."""
    while not _measuring.acquire(timeout=0.1):
        if stopped():
            return {}
    try:
        report(0.0)  # its time begins
        loaded = load(built.network, "random", device, **dict(built.options))  # time does not depend on the weights
        picture = torch.zeros(1, loaded.architecture.input_shape[0], built.side, built.side)
        with turn:
            return layer_times(loaded.model, picture, rounds, stopped, report)
    finally:
        _measuring.release()


_measuring = threading.Lock()
