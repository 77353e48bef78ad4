"""Two LeNets that learn the same batches, without and with batch norm, and what their layers are given meanwhile."""

from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from models.learners import LEARNERS, digits
from models.training import Recipe, Training
from vis.concepts.shift import QUANTILES, histogram, inputs_of, quantiles

RECIPE = Recipe(epochs=2)
EVERY = 4  # steps
DIGITS = RECIPE.batch  # held out, as many as a batch has
BINS = 48
OUTER = (0.005, 0.995)  # between which the charts reach: a few far numbers would squeeze all others
LAYERS = {"features.relu1": "C1", "features.relu3": "C3", "features.relu5": "C5"}


@dataclass(frozen=True, eq=False)
class Moved:
    """What one layer of one network was given, at each of some moments."""

    quantiles: Tensor  # (moments, 5)
    shares: Tensor  # (moments, bins)


class Compared:
    """Two trainings step by step in turn, without and with batch norm; then what their layers were given."""

    def __init__(self, recipe: Recipe = RECIPE):
        self.recipe, examples, learner = recipe, digits(), LEARNERS[recipe.net]
        self.trainings = [
            Training(recipe, partial(learner.build, len(examples.categories), has_norm), examples)
            for has_norm in (False, True)
        ]
        self.images = examples.held_out[:: len(examples.held_out) // DIGITS][:DIGITS]  # of all classes, in their order
        self.steps: list[int] = []  # after which they were looked at
        self.moved: dict[str, list[Moved]] = {}  # by the layers: of both networks; when all is over
        self.edges: dict[str, Tensor] = {}  # of the bins
        self._nets: tuple[list[nn.Module], list[nn.Module]] = ([], [])
        self._quantiles: tuple[list[Tensor], list[Tensor]] = ([], [])

    @property
    def step(self) -> int:
        return sum(training.step for training in self.trainings)

    @property
    def total(self) -> int:
        return sum(training.total for training in self.trainings)

    @property
    def is_over(self) -> bool:
        return bool(self.moved)

    def advance(self) -> None:
        """One step of both; after the last one, all is looked at."""
        if not self.steps:
            self._look()
        for training in self.trainings:
            training.advance()
        is_last = all(training.is_over for training in self.trainings)
        if is_last or self.trainings[0].step % EVERY == 0:
            self._look()
        if is_last:
            self._sum_up()

    def _look(self) -> None:
        """What the layers are given now: its quantiles; the networks are kept until the histograms' range is known."""
        self.steps.append(self.trainings[0].step)
        for training, nets, found in zip(self.trainings, self._nets, self._quantiles, strict=True):
            nets.append(deepcopy(training.net))
            given = inputs_of(nets[-1], LAYERS, self.images)
            found.append(torch.stack([quantiles(given[name], (*OUTER, *QUANTILES)) for name in LAYERS]))

    def _sum_up(self) -> None:
        both = torch.stack([torch.stack(found) for found in self._quantiles])  # (2, moments, layers, 7)
        lows, highs = both[..., 0].amin((0, 1)).tolist(), both[..., 1].amax((0, 1)).tolist()
        self.edges = {
            name: torch.linspace(low, high, BINS + 1, dtype=torch.float64)
            for name, low, high in zip(LAYERS, lows, highs, strict=True)
        }
        shares = torch.stack([torch.stack([self._shares(net) for net in nets]) for nets in self._nets])
        self._nets = ([], [])  # they are large, and no longer asked
        self.moved = {
            name: [Moved(both[n, :, place, 2:], shares[n, :, place]) for n in range(2)]
            for place, name in enumerate(LAYERS)
        }

    def _shares(self, net: nn.Module) -> Tensor:
        given = inputs_of(net, LAYERS, self.images)
        return torch.stack([histogram(given[name], self.edges[name]) for name in LAYERS])
