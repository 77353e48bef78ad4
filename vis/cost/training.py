"""What the trainings of several networks cost, and which of them no other beats."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from models import ARCHITECTURES
from models.cards import Card
from models.loading import skeleton
from vis.cost.count import layer_costs

PASSES = 3  # one forward, and a backward one that costs two: for the maps, and for the weights


@dataclass(frozen=True)
class Entrant:
    """A network that was trained, with what it costs; multiply-adds are those of one picture."""

    training: Card
    title: str
    parameters: int
    macs: int

    @property
    def name(self) -> str:
        return self.training.network

    @cached_property
    def flop(self) -> tuple[int, ...]:
        """Operations of training after 0, 1, 2 … epochs: a multiply-add is two, a backward pass two forward ones."""
        each = PASSES * 2 * self.macs * self.training.pictures_an_epoch
        return tuple(each * epochs for epochs in range(len(self.training.log) + 1))

    @property
    def spent(self) -> Mapping[str, Sequence[float]]:
        """What training had taken after 0, 1, 2 … epochs, by what is counted."""
        return {
            "epochs": range(len(self.training.log) + 1),
            "core_seconds": self.training.core_seconds,
            "flop": self.flop,
        }

    def epochs_within(self, limit: float, of: str) -> int:
        """How many epochs were finished when so many "core_seconds" or "flop" were spent."""
        return bisect_right(self.spent[of], limit) - 1


def entrant(training: Card) -> Entrant:
    """The network of a training, counted in its trace."""
    architecture = ARCHITECTURES[training.network]
    net = skeleton(architecture.name)
    macs = sum(layer.macs or 0 for layer in layer_costs(net, (1, *architecture.input_shape)))
    return Entrant(training, architecture.short_title, sum(values.numel() for values in net.parameters()), macs)


def front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """The names of those that no other beats, the cheapest first.

    One is beaten by another that costs no more and is no worse, and is better in one of the two.

    Args:
        points: cost and merit by name.
    """
    best, found = float("-inf"), []
    for name, (cost, merit) in sorted(points.items(), key=lambda point: (point[1][0], -point[1][1])):
        if merit > best or (found and points[found[-1]] == (cost, merit)):
            found.append(name)
            best = merit
    return found


def rows(entrants: Iterable[Entrant], milliseconds: Mapping[str, float]) -> list[dict[str, object]]:
    """A table to be taken away: of every network its costs, its accuracy and where these come from.

    Args:
        milliseconds: of a pass on this machine, by network, where it was measured.
    """
    return [
        {
            "network": entrant.name,
            "title": entrant.title,
            "parameters": entrant.parameters,
            "macs": entrant.macs,
            "top1_percent": entrant.training.top1,
            "top5_percent": entrant.training.top5,
            "epochs": len(entrant.training.log),
            "training_core_seconds": round(entrant.training.core_seconds[-1], 2),
            "training_pflop": entrant.flop[-1] / 1e15,
            "pass_ms_here": milliseconds.get(entrant.name),
            "optimiser": entrant.training.recipe["optimiser"],
            "seed": entrant.training.seed,
            "command": entrant.training.command,
            "data": entrant.training.data,
            "machine": ", ".join(f"{key} {value}" for key, value in entrant.training.machine.items()),
            "versions": ", ".join(f"{key} {value}" for key, value in entrant.training.versions.items()),
            "made": entrant.training.made,
            "sha256": entrant.training.sha256,
        }
        for entrant in entrants
    ]


def epoch_rows(entrants: Iterable[Entrant]) -> list[dict[str, object]]:
    """A table to be taken away: every epoch of every network, as its log has it."""
    return [
        {
            "network": entrant.name,
            "seed": entrant.training.seed,
            "epoch": epoch.epoch,
            "loss": epoch.loss,
            "top1_percent": epoch.top1,
            "top5_percent": epoch.top5,
            "core_seconds": round(entrant.training.core_seconds[epoch.epoch], 2),
            "pflop": entrant.flop[epoch.epoch] / 1e15,
        }
        for entrant in entrants
        for epoch in entrant.training.log
    ]
