"""The networks for CIFAR-10: what their trainings cost, and what all of them take a picture for."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from models import Loaded, load
from models.cards import cards
from models.cifar import NETWORKS
from models.device import or_on_cpu
from models.refusals import Refused
from models.weights import SHIPPED
from pages.common.cache.networks import remembered
from pages.common.cache.pictures import picture
from pages.common.cache.remembering import shared
from pages.common.cache.room import weight_of
from pages.common.cache.top9 import kept, pictures_in_dataset
from pages.common.cache.turns import turn
from pages.common.session import Selection
from vis.cost.training import Entrant, entrant
from vis.mistakes import Answers, answers_to, joined

if TYPE_CHECKING:
    from models.learners import Examples
    from models.picture_sets import PictureSet

BATCH = 200


def entrants() -> list[Entrant]:
    """Those that are trained, in the order of all networks."""
    files = [SHIPPED / f"{name}.json" for name in NETWORKS]
    return _entrants(tuple((file.name, file.stat().st_mtime_ns) for file in files if file.is_file()))


@shared()
def _entrants(known: tuple[tuple[str, int], ...]) -> list[Entrant]:
    """Counted anew when a card is: `known` are names and times of files."""
    return [entrant(training) for training in cards().values()]


@shared(weight_of)
def _small(name: str, device: str) -> Loaded:
    return load(name, "shipped", device)


@remembered
def votes(selection: Selection, names: tuple[str, ...]) -> dict[str, list[float]]:
    """The probabilities of all classes for the selection's picture, by network."""
    given = picture(selection)

    def on(device: str) -> dict[str, list[float]]:
        found = {}
        for name in names:
            loaded = _small(name, device)
            with turn, torch.no_grad():
                logits = loaded.model(loaded.classifier_input(given).to(loaded.device))
                found[name] = logits[0].softmax(0).tolist()
        return found

    return or_on_cpu(on, selection.device)[0]


# On the test pictures, which do not ship --------------------------------------------------------------------------


def has_cifar10() -> bool:
    """Whether CIFAR-10 was downloaded to where the app keeps its data sets."""
    return (kept() / "datasets" / "cifar-10-batches-py").is_dir()


def cifar10_pictures() -> "PictureSet | None":
    """CIFAR-10's original ones, if they are there; nothing is fetched.

    Raises:
        Refused: if they are damaged.
    """
    return pictures_in_dataset("CIFAR10") if has_cifar10() else None


def cifar10_examples() -> "Examples | None":
    """A part of these pictures, and of those that are learned from; None where they are not.

    Raises:
        Refused: if they are damaged.
    """
    try:
        return _cifar10_examples(str(kept() / "datasets")) if has_cifar10() else None
    except RuntimeError as error:
        raise Refused("CIFAR-10 on this machine is damaged or incomplete; download it again.") from error


@shared()
def _cifar10_examples(root: str) -> "Examples":
    from models.learners import cifar10

    return cifar10(Path(root))


def answered(
    name: str, device: str, pictures: "PictureSet", report: Callable[[float], None], stopped: Callable[[], bool]
) -> Answers | None:
    """What a network answers to all of these pictures; None where it was stopped."""
    loaded, count = _small(name, device), len(pictures.ids)
    found = []
    for start in range(0, count, BATCH):
        if stopped():
            return None
        images = torch.cat([loaded.preprocess(pictures.open(id)) for id in pictures.ids[start : start + BATCH]])
        with turn:
            found.append(answers_to(loaded.model, images.to(loaded.device)))
        report(min(1.0, (start + BATCH) / count))
    return joined([loaded.categories.index(name) for name in pictures.classes], found)
