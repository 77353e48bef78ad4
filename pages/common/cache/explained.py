"""Why a network takes a picture for what it does: attributions, what covering does, and jobs that take turns."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from PIL import Image

from models import Loaded
from models.device import OutOfMemory
from models.loaded import predicted
from models.refusals import Refused
from models.server import server
from pages.common.cache.networks import in_turn, opened_network, remembered
from pages.common.cache.pictures import picture
from pages.common.cache.turns import Line, Place, turn
from pages.common.jobs import Job
from pages.common.session import Selection
from vis.attribution import METHODS, Attribution, Question, Target, attributions, question
from vis.attribution.figure7 import AsItIs, figure7
from vis.attribution.partial import covered
from vis.deconvnet import Box, Projection

AT_MOST = server().budget.explaining  # seconds of work of one explanation; others' turns are not counted
A_DAY = 86_400
PROBING, MOST_PROBES = 0.5, 12  # seconds and passes in which the time of one is found
MOST_CLASSES = 100_000

explanations = Line(seconds=2, most=200)


@dataclass(frozen=True)
class Asked:
    """What an attribution is of, and by which method."""

    method: str
    target: Target
    layer: str | None = None  # of the CAM family; None: the last one that has positions
    probability: bool = False
    negative: bool = False  # of a network with one output: why it says no
    options: tuple[tuple[str, object], ...] = ()

    def of(self, loaded: Loaded, given: Image.Image) -> Question:
        """The question that is asked of the network about a picture."""
        image = loaded.classifier_input(given)
        return question(loaded.model, image, self.target, self.layer, self.probability, self.negative)


@dataclass(frozen=True, eq=False)
class Explained:
    """What a method found, as NumPy arrays."""

    map: np.ndarray  # (H, W), signed
    score: float
    fidelity: str
    residual: float | None
    passes: tuple[int, int]
    seconds: float
    part: float = 1.0  # of the work that is done
    layer: str | None = None  # whose maps were weighed, of the CAM family


def explained(found: Attribution) -> Explained:
    """What a method found, without its tensors."""
    return Explained(
        found.map.float().cpu().numpy(),
        found.score,
        found.fidelity,
        found.residual,
        found.passes,
        found.seconds,
        found.part,
        found.layer,
    )


@remembered
def pixels_explained(selection: Selection) -> np.ndarray:
    """The picture as the network classifies it, (H, W, 3) uint8, on whose grid attributions are."""
    preprocess = opened_network(selection)[0].classifier_input
    return preprocess.for_the_eye(preprocess(picture(selection)))


@remembered
def probabilities(selection: Selection) -> tuple[np.ndarray, bool]:
    """Of all classes (C,), and whether the CPU had to do it.

    Raises:
        Refused: where the network gives none, or none that are finite.
    """
    given = picture(selection)

    def work(loaded: Loaded) -> np.ndarray:
        found = predicted(loaded, loaded.classifier_input(given), k=MOST_CLASSES)
        return np.array([probability for _number, probability in sorted(found)])

    return in_turn(selection, work)


@remembered
def seconds_of_a_pass(selection: Selection) -> float:
    """How long a pass forward and back takes for one picture of this network: the shortest of at least two.

    Short passes are repeated for half a second, for it is remembered, and other visitors may have slowed one down.
    """
    given = picture(selection)

    def work(loaded: Loaded) -> float:
        asked = question(loaded.model, loaded.classifier_input(given), 0)
        asked.scores(asked.image)  # the first pass finds out what the network does
        times: list[float] = []
        while len(times) < 2 or (sum(times) < PROBING and len(times) < MOST_PROBES):
            begun = time.perf_counter()
            asked.gradients()
            times.append(time.perf_counter() - begun)
        return min(times)

    return in_turn(selection, work)[0]


@remembered
def refusal(selection: Selection, asked: Asked) -> Refused | None:
    """Why a method does not apply here; None where it does. Nothing is computed for it."""
    about = asked.of(opened_network(selection)[0], picture(selection))
    try:
        METHODS[asked.method].applies(about)
    except Refused as refused:
        return refused.alone()
    return None


@remembered
def cost(selection: Selection, asked: Asked) -> tuple[tuple[int, int], float]:
    """How many pictures go forward and back for an attribution, and about how many seconds that takes.

    A pass back takes about twice as long as one forward.
    """
    how = METHODS[asked.method]
    about = asked.of(opened_network(selection)[0], picture(selection))
    forward, back = how.passes(about, **how.chosen(dict(asked.options), min(about.image.shape[2:])))
    return (forward, back), seconds_of_passes(selection, forward, back)


def seconds_of_passes(selection: Selection, forward: int, back: int = 0) -> float:
    """About how long so many pictures take."""
    return (forward + 2 * back) / 3 * seconds_of_a_pass(selection)


@remembered
def attribution(selection: Selection, asked: Asked) -> tuple[Explained, bool]:
    """What a method finds, and whether the CPU had to do it.

    Raises:
        Refused: see `vis.attribution.attribute`.
    """
    given = picture(selection)

    def work(loaded: Loaded) -> Explained:
        *_, whole = attributions(asked.of(loaded, given), asked.method, **dict(asked.options))
        return explained(whole)

    return in_turn(selection, work)


# What takes long --------------------------------------------------------------------------------------------------

Step = TypeVar("Step")


class InTurns(Job[tuple[Step, ...]]):
    """A job that makes the steps of an iterator, each in turn with those of others; what it gives are all of them.

    Args:
        steps: called in the job's thread.
        part: of the work that is done, by the steps so far.
        most: steps that are kept, the newest.
    """

    def __init__(
        self,
        steps: Callable[[], Iterator[Step]],
        part: Callable[[tuple[Step, ...]], float],
        most: int | None = None,
    ):
        self.known: tuple[Step, ...] = ()  # so far
        self.place: Place | None = None  # in the line of all explanations

        def work(report: Callable[[float], None], stopped: Callable[[], bool]) -> tuple[Step, ...] | None:
            with explanations.place(object()) as self.place:
                for step in _in_turns(steps(), self.place, stopped):
                    self.known = (*self.known, step)[-most if most else None :]
                    report(part(self.known))
            return None if stopped() else self.known

        super().__init__(work, A_DAY, may_wait=True)


def explanation(loaded: Loaded, given: Image.Image, asked: Asked) -> InTurns[Explained]:
    """A job that finds an attribution from coarse to fine."""

    def steps() -> Iterator[Explained]:
        return map(explained, attributions(asked.of(loaded, given), asked.method, **dict(asked.options)))

    return InTurns(steps, lambda known: known[-1].part, most=1)


@dataclass(frozen=True, eq=False)
class Grids:
    """What is known so far of the four pictures of Zeiler & Fergus's figure 7: see `vis.attribution.figure7`."""

    channel: int
    activation: np.ndarray  # (rows, columns), as the next two
    probability: np.ndarray
    best: np.ndarray  # −1 where it is not known
    projection: Projection
    before: AsItIs
    boxes: list[list[Box]]  # the pixels that the square covers, by row and column
    part: float


def grids(loaded: Loaded, given: Image.Image, target: int, layer: str, size: int, stride: int) -> InTurns[Grids]:
    """A job that slides a grey square over the picture, from coarse to fine."""

    def steps() -> Iterator[Grids]:
        image = loaded.classifier_input(given)
        for known in figure7(loaded.model, image, target, layer, size, stride):
            rows, columns = known.best.shape
            yield Grids(
                known.channel,
                *(values.cpu().numpy() for values in (known.activation, known.probability, known.best)),
                replace(known.projection, pixels=known.projection.pixels.cpu()),
                known.before,
                [[known.box(row, column) for column in range(columns)] for row in range(rows)],
                known.part,
            )

    return InTurns(steps, lambda known: known[-1].part, most=1)


@remembered
def seen_covered(selection: Selection, box: Box) -> tuple[np.ndarray, list[tuple[int, float]]]:
    """The picture with this part of it covered, (H, W, 3) uint8, and the most probable classes."""
    given = picture(selection)

    def work(loaded: Loaded) -> tuple[np.ndarray, list[tuple[int, float]]]:
        image = covered(loaded.classifier_input(given), [box])
        return loaded.classifier_input.for_the_eye(image), predicted(loaded, image)

    return in_turn(selection, work)[0]


def _in_turns(steps: Iterator[Step], place: Place, stopped: Callable[[], bool]) -> Iterator[Step]:
    """What the steps give, each made when it is its turn, until they are stopped.

    Raises:
        Refused: if the GPU has no room for a step, or all of them take too long.
    """
    worked = 0.0
    while place.wait(stopped):
        with turn:
            begun = time.monotonic()
            try:
                found = next(steps, None)
            except OutOfMemory as error:
                raise Refused("The GPU ran out of memory; choose fewer steps, or the CPU.") from error
            worked += time.monotonic() - begun
        if found is None:
            return
        if worked > AT_MOST:
            raise Refused("It took longer than {minutes} minutes; choose fewer steps.", minutes=AT_MOST // 60)
        yield found
        if place.is_over:
            place.again()
