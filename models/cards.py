"""How the networks for CIFAR-10 were trained, epoch by epoch: all that stands on their cards."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from models import cifar
from models.weights import SHIPPED

PICTURES = 50_000  # to train on


@dataclass(frozen=True)
class Epoch:
    """What a log says of one epoch; accuracies in percent of the test pictures, after it."""

    epoch: int
    loss: float
    top1: float
    top5: float
    seconds: float  # by the clock
    core_seconds: float  # of all processor cores together
    gradient: Mapping[str, float]  # the mean norm, by the stages of the network in their order


@dataclass(frozen=True)
class Card:
    """One training, and how good the stored weights are.

    Args:
        sha256: of the file of weights, which ships for seed 0 only.
        confusion: by the right class and then by the answer, how many test pictures; None where it was not counted.
    """

    network: str
    made: str
    data: str
    command: str
    recipe: Mapping[str, object]
    machine: Mapping[str, object]
    versions: Mapping[str, str]
    sha256: str
    top1: float
    top5: float
    categories: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...] | None
    log: tuple[Epoch, ...]

    @property
    def seed(self) -> int:
        return self.recipe["seed"]

    @property
    def pictures_an_epoch(self) -> int:
        """How many a network learns from in each epoch: an incomplete last batch is left out."""
        return PICTURES // self.recipe["batch"] * self.recipe["batch"]

    @property
    def core_seconds(self) -> tuple[float, ...]:
        """What training had taken after 0, 1, 2 … epochs, without the tests in between."""
        return tuple(accumulate((epoch.core_seconds for epoch in self.log), initial=0.0))

    def top1_after(self, epochs: int) -> float:
        """As it was measured then; after the last epoch that of the stored weights, in half precision."""
        return self.top1 if epochs == len(self.log) else self.log[epochs - 1].top1


def cards(folder: Path = SHIPPED) -> dict[str, Card]:
    """Those whose weights ship, by their networks, in the order of these; the others are not finished."""
    return {name: read(file) for name in cifar.NETWORKS if (file := folder / f"{name}.json").is_file()}


def with_other_seeds(network: str, folder: Path = SHIPPED) -> list[Card]:
    """All trainings of a network, by their seeds; only that of seed 0 left weights that ship."""
    files = [folder / f"{network}.json", *(folder / "seeds").glob(f"{network}.seed*.json")]
    return sorted((read(file) for file in files if file.is_file()), key=lambda training: training.seed)


def read(card: Path) -> Card:
    """What a card says."""
    said = json.loads(card.read_text(encoding="utf-8"))
    last = max(said["files"], key=lambda file: file["epoch"])
    return Card(
        network=said["architecture"],
        **{key: said[key] for key in ("made", "data", "command", "recipe", "machine", "versions")},
        **{key: last[key] for key in ("sha256", "top1", "top5")},
        categories=tuple(said["categories"]),
        confusion=tuple(map(tuple, said["confusion"])) if "confusion" in said else None,
        log=tuple(Epoch(**entry) for entry in said["log"]),
    )
