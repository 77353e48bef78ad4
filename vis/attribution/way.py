"""What lies between a picture and what is explained of it: known from shapes, so that nothing has to be computed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from torch import fx

from models.refusals import Refused
from vis.attribution.question import Inside, Question
from vis.deconvnet import check_way
from vis.maps import gives_maps, layer_maps
from vis.operations import maps_of
from vis.shapes import record_shapes
from vis.trace import Recording, Trace


@dataclass(frozen=True)
class Way:
    """The layers between a picture and what is explained, and whether a walk leads back."""

    maps: Mapping[str, tuple[int, int, int]]  # (K, h, w) of the layers with maps that the score depends on
    last: str | None  # of them whose maps have positions; None where there is none
    no_walk: Mapping[str, Refused]  # why not, by the methods of `vis.deconvnet` that cannot be walked back

    def check_walk(self, method: str) -> None:
        """Raises NoRule where this method of `vis.deconvnet` cannot be walked back."""
        if method in self.no_walk:
            raise self.no_walk[method].alone()


def way_of(asked: Question) -> Way:
    """The way from a question's picture to its score, found once for all pictures of this size and all classes.

    Raises:
        TraceRefused: as `vis.shapes.record_shapes`.
        Refused: for a network without classes.
    """
    shape = tuple(asked.image.shape)
    known, key = _remembered.setdefault(asked.trace, {}), (shape, asked.end(asked.trace))
    found = known.get(key)
    if found is None:
        if len(known) >= MOST:
            known.clear()
        found = known[key] = _found(asked, record_shapes(asked.model, shape))
    return found


WALKS = ("deconvnet", "guided")
MOST = 32  # that are remembered of one network
_remembered: WeakKeyDictionary[Trace, dict[tuple, Way]] = WeakKeyDictionary()


def _found(asked: Question, known: Recording) -> Way:
    if not isinstance(asked.target, Inside):  # which class it is, or unit, matters to its score alone
        replace(asked, target=0).scores_in(known)  # refuses what has no classes
    end, names = asked.end(known.trace), known.trace.names
    layers = [node for node in signals(known, end) if gives_maps(known.values[node])]
    maps = {names[node]: tuple(layer_maps(known, names[node]).shape) for node in layers}
    wide = [names[node] for node in layers if node.op != "placeholder" and max(maps[names[node]][1:]) > 1]
    no_walk = {}
    for method in WALKS:
        try:
            check_way(known, names[end], method)
        except Refused as refusal:
            no_walk[method] = refusal.alone()
    return Way(maps, wide[-1] if wide else None, no_walk)


def signals(known: Recording, end: fx.Node | None) -> list[fx.Node]:
    """The operations that `end` is made of and that give maps which the picture can change, in their order."""
    seen, waiting = set(), [end]
    while waiting:
        node = waiting.pop()
        if node not in seen and is_signal(node, known):
            seen.add(node)
            waiting += node.all_input_nodes
    return [node for node in known.trace.graph.nodes if node in seen]


def is_signal(node: fx.Node | None, known: Recording) -> bool:
    """Whether it is a map that the picture can change; the size of a map is none."""
    return node in known.trace.from_picture and bool(maps_of(known.values[node]))
