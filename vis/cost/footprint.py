"""The room that a network takes: in memory while it runs, and on disk."""

from safetensors.torch import save
from torch import fx, nn

from vis.cost.count import storage
from vis.operations import maps_of
from vis.trace import Recording, last_uses


def most_live_bytes(recording: Recording, batch: int = 1) -> int:
    """The most bytes of maps that a forward pass has to hold at once, the picture's included; computed, not measured.

    What an operation reads and what it gives are there at the same time, and a map is given up after the last
    operation that reads it; what is only another view of a map takes no room. A library's own working memory is not
    in it, nor what Python happens to hold longer.

    Args:
        recording: of one picture, with everything that was computed; numbers are not needed, shapes are.
        batch: pictures that go through the network together.
    """
    steps = [node for node in recording.trace.graph.nodes if node.op not in ("output", "get_attr")]
    no_longer_read = last_uses(steps)
    held: dict[int, dict[fx.Node, int]] = {}  # by block of memory, the results that lie in it, and its bytes
    most = 0
    for node in steps:
        for made in maps_of(recording.values[node]):
            held.setdefault(storage(made), {})[node] = made.untyped_storage().nbytes()
        most = max(most, sum(max(results.values()) for results in held.values()))
        for block in list(held):
            for read in no_longer_read[node]:
                held[block].pop(read, None)
            if not held[block]:
                del held[block]
    return most * batch


def weight_bytes(model: nn.Module) -> int:
    """Of parameters and of buffers, such as the statistics of batch norm."""
    return sum(t.nbytes for t in (*model.parameters(), *model.buffers()))


def bytes_on_disk(model: nn.Module) -> int:
    """The size of the network's `.safetensors` file, which is made for it."""
    return len(save({name: t.contiguous() for name, t in model.state_dict().items()}))
