"""A network with its weights, made when it is asked for first, and what it answers."""

import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from models.architecture import Architecture
from models.images import Preprocess
from models.refusals import Refused
from models.skeletons import bare
from models.weights import Weights


class Made:
    """What `make` gives: made when it is asked for first, and the same for everybody.

    Args:
        again: makes the same once more, after `rest`; without it, what was made is kept.
    """

    def __init__(self, make: Callable[[], nn.Module], again: Callable[[], nn.Module] | None):
        self._make, self._again, self._lock = make, again, threading.Lock()
        self._kept: nn.Module | None = None
        self._used: Callable[[], nn.Module | None] = lambda: None

    @property
    def made(self) -> nn.Module | None:
        """It, if it is there."""
        return self._kept or self._used()

    def __call__(self) -> nn.Module:
        with self._lock:
            made = self.made
            if made is None:
                made, self._make = self._make(), self._again  # and what it was made from is let go
                self._used = weakref.ref(made)
            self._kept = made
        return made

    def rest(self) -> None:
        """Lets it go as soon as nobody uses it, if it can be made again; it waits for nobody."""
        if self._lock.acquire(blocking=False):  # else it is being made, for somebody who is about to use it
            try:
                if self._again:
                    self._kept = None
            finally:
                self._lock.release()


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network with its weights: in evaluation mode, on its device, no ReLU in place, no parameter to be trained."""

    architecture: Architecture
    _model: Made
    weights: Weights
    preprocess: Preprocess  # PIL.Image -> Tensor (1, C, H, W)
    device: torch.device
    refused: Refused | None = None  # why "auto" had to take random weights
    options: Mapping[str, object] = field(default_factory=dict)  # with which it was built

    @property
    def model(self) -> nn.Module:
        """The network itself. Random weights are drawn when it is asked for first, half a second for AlexNet."""
        return self._model()

    @property
    def made(self) -> nn.Module | None:
        """The network itself, if its numbers have been made and take memory."""
        return self._model.made

    @property
    def is_there(self) -> bool:
        """Whether the network's numbers have been made, and take memory."""
        return self.made is not None

    def rest(self) -> None:
        """Lets the network go as soon as nobody computes with it; whoever asks for it later has the same made again.

        Not one with weights of a visitor's own, whose file is not here any more.
        """
        self._model.rest()

    @property
    def outline(self) -> nn.Module:
        """The network itself if it is there already, else its skeleton: for what does not need its numbers."""
        return self.made or self._skeleton

    @cached_property
    def _skeleton(self) -> nn.Module:
        return bare(self.architecture.build, self.options)

    @property
    def categories(self) -> tuple[str, ...] | None:
        """The names of the classes in the order of the outputs, where they are known."""
        return self.weights.categories

    @property
    def layers(self) -> Mapping[str, str]:
        """ "1" … "5", or the paper's own names, to the operation of the trace where that layer ends."""
        return self.architecture.layers_of(self.options)

    @property
    def classifier_input(self) -> Preprocess:
        """As `preprocess`, but at the size the weights were trained at, where pictures are shown larger than that."""
        side, shown_at = self.architecture.classify_at, self.architecture.preprocess_of(self.options).crop
        if not side or self.preprocess.crop != shown_at:  # weights of one's own say themselves at which
            return self.preprocess
        return replace(self.preprocess, resize=side, crop=side)


@torch.no_grad()
def predicted(loaded: Loaded, image: Tensor, k: int = 5) -> list[tuple[int, float]]:
    """The `k` most probable classes of a picture (1, C, H, W), as (class number, probability), best first.

    The probability of a single output is its sigmoid.
    """
    answers = loaded.model(image.to(loaded.device))[0]
    probabilities = answers.softmax(0) if len(answers) > 1 else answers.sigmoid()
    if not probabilities.isfinite().all():
        raise Refused("With these weights, the network's output is not finite; choose other weights.")
    best = probabilities.topk(min(k, len(probabilities)))
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
