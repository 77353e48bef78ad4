"""A training step by step, which can be watched: nothing of it is global, neither seeds nor files nor threads."""

import inspect
import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from models.learners import Examples
from models.skeletons import bare

MOST_EPOCHS = 50
POINTS, MEASUREMENTS = 8, 2  # of an epoch: entries of the log, and how often what is held out is looked at
MOST_FILTERS = 64  # of the first layer that are kept on the way
KEPT = (0, 1, 2, 4, 8, 16, 32)  # epochs after which all weights are kept, and after the last one
MOST_KEPT = 300_000  # numbers of a network whose weights are
AT_ONCE = 250  # held-out pictures
MOMENTUM = 0.9
CYCLE = (0.85, 0.95)  # the least and the most momentum of a cycle
OPTIMISERS: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "momentum": lambda groups, rate: torch.optim.SGD(groups, rate, MOMENTUM),
    "nesterov": lambda groups, rate: torch.optim.SGD(groups, rate, MOMENTUM, nesterov=True),
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


@dataclass(frozen=True)
class Recipe:
    """How a network learns: trained twice by one recipe, it has the same weights, bit for bit.

    Args:
        net: one of LEARNERS, or "stack".
        stack: the rows of a stack, as a link says them; empty for other networks.
        optimiser: one of OPTIMISERS.
        dropout: probability, in the network's own dropout layers; where it has none, of what its last linear layer is
            given.
        schedule: of the learning rate: "cosine" falls to 0 along half of one (Loshchilov & Hutter 2016), "constant"
            stays, "cycle" rises first, while the momentum falls, if there is one (Smith & Topin 2018).
        shift: pixels by which every picture is moved at random, at most.
        weight_decay: of kernels and matrices; norms and biases are left free.
        smoothing: of the labels.
        mirrored: whether every other picture is, at random.
        begins: "random", or "shipped" for the weights that ship with the app.
    """

    net: str = "lenet5"
    stack: str = ""
    data: str = "digits"
    batch_norm: bool = False
    dropout: float = 0.0
    optimiser: str = "momentum"
    learning_rate: float = 0.05
    schedule: str = "cosine"
    batch: int = 64
    shift: int = 2
    epochs: int = 20
    seed: int = 0
    weight_decay: float = 0.0
    smoothing: float = 0.0
    mirrored: bool = False
    begins: str = "random"


@dataclass(frozen=True)
class Point:
    """Where a training stood after some steps.

    Args:
        loss, accuracy: means of the batches since the point before, as they were before each step learned from them;
            of held-out pictures, of all of them.
        seconds: that all steps took until then.
    """

    step: int
    loss: float
    accuracy: float
    seconds: float


class Training:
    """One training; `advance` makes a step, from one thread at a time, and all else may be read from any.

    Args:
        build: makes the network; its weights are drawn from the recipe's seed, whatever it draws itself.
        first: the weights to begin with, where these are not drawn.
    """

    def __init__(
        self,
        recipe: Recipe,
        build: Callable[[], nn.Module],
        examples: Examples,
        first: Mapping[str, Tensor] | None = None,
    ):
        draws, self._order, self._masks = (torch.Generator().manual_seed(3 * recipe.seed + i) for i in range(3))
        with _DrawnFrom(draws):
            self.net = build()
        if first:
            self.net.load_state_dict(first)
        self.recipe, self.examples = recipe, examples
        kernels = {name: part for name, part in self.net.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)}
        self.layers = tuple(kernels)  # the names of those with kernels or matrices, in the order of the network
        self._kernels = [part.weight for part in kernels.values()]
        self._drop_in(*(part for part in self.net.modules() if isinstance(part, nn.Dropout)))
        self._optimizer = OPTIMISERS[recipe.optimiser](self._groups(), recipe.learning_rate)
        self.steps = max(1, len(examples.labels) // recipe.batch)  # of an epoch
        self._cycle = self._schedule() if recipe.schedule == "cycle" else None
        self.step, self.seconds, self.diverged = 0, 0.0, False
        self.learned: list[Point] = []
        self.gradients: list[tuple[float, ...]] = []  # norm of each layer's, mean of the steps since the point before
        self.held_out: list[Point] = []
        self.filters: list[tuple[int, np.ndarray]] = []  # after so many steps, (K, C, h, w), of the first convolution
        self.snapshots: dict[int, dict[str, Tensor]] = {}  # after so many steps, all weights; of small networks
        self._build, self._is_small = build, sum(part.numel() for part in self.net.parameters()) <= MOST_KEPT
        self._batches = torch.empty(0, recipe.batch, dtype=torch.long)
        self._since: list[tuple[float, int, tuple[float, ...]]] = []
        self._lock = threading.Lock()

    @property
    def total(self) -> int:
        """Steps of the whole training."""
        return self.recipe.epochs * self.steps

    @property
    def epoch(self) -> float:
        """Epochs that are done, and the part of this one."""
        return self.step / self.steps

    @property
    def is_over(self) -> bool:
        return self.diverged or self.step >= self.total

    def advance(self) -> None:
        """One step; nothing when it is over."""
        if self.is_over:
            return
        with self._lock:
            if not self.held_out:
                self._measure()
            begun = time.perf_counter()
            self._learn()
            self.seconds += time.perf_counter() - begun
            if self._is_due(POINTS):
                self._note()
            if self._is_due(MEASUREMENTS):
                self._measure()

    def weights(self) -> dict[str, Tensor]:
        """A copy of all tensors, between two steps."""
        with self._lock:
            return {name: values.clone() for name, values in self.net.state_dict().items()}

    def net_after(self, step: int) -> nn.Module:
        """A network of its own with the weights of a snapshot, in evaluation mode."""
        net = bare(self._build, {})
        net.load_state_dict(self.snapshots[step], assign=True)
        return net.requires_grad_(False)

    # A step --------------------------------------------------------------------------------------------------------

    def _learn(self) -> None:
        images, labels = self._next_batch()
        if not self._cycle:
            for group in self._optimizer.param_groups:
                group["lr"] = self.rate
        self.net.train()
        scores = self.net(images)
        loss = F.cross_entropy(scores, labels, label_smoothing=self.recipe.smoothing)
        self._optimizer.zero_grad()
        loss.backward()
        norms = tuple(weight.grad.norm().item() for weight in self._kernels)
        self._since.append((loss.item(), int((scores.argmax(1) == labels).sum()), norms))
        self.diverged = not math.isfinite(self._since[-1][0])
        self._optimizer.step()
        if self._cycle:
            self._cycle.step()
        self.step += 1

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        if self._cycle:
            return self._optimizer.param_groups[0]["lr"]
        part = (1 + math.cos(math.pi * self.step / self.total)) / 2 if self.recipe.schedule == "cosine" else 1.0
        return self.recipe.learning_rate * part

    def _schedule(self) -> torch.optim.lr_scheduler.OneCycleLR:
        least, most = CYCLE
        return torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer,
            self.recipe.learning_rate,
            total_steps=self.total,
            cycle_momentum=self.recipe.optimiser != "sgd",
            base_momentum=least,
            max_momentum=most,
        )

    def _groups(self) -> list[dict[str, Any]]:
        parameters, decay = list(self.net.parameters()), self.recipe.weight_decay
        return [
            {"params": [each for each in parameters if each.dim() > 1], "weight_decay": decay},
            {"params": [each for each in parameters if each.dim() <= 1], "weight_decay": 0.0},
        ]

    def _next_batch(self) -> tuple[Tensor, Tensor]:
        """Every epoch has all pictures in another order, but for the few that fill no batch."""
        place = self.step % self.steps
        if place == 0:
            order = torch.randperm(len(self.examples.labels), generator=self._order)
            self._batches = order[: self.steps * self.recipe.batch].view(self.steps, -1)
        rows = self._batches[place]
        images = shifted(self.examples.images[rows], self.recipe.shift, self._order)
        if self.recipe.mirrored:
            flipped = torch.rand(len(rows), generator=self._order) < 0.5
            images[flipped] = images[flipped].flip(-1)
        return images, self.examples.labels[rows]

    def _drop_in(self, *own: nn.Dropout) -> None:
        """Lets numbers drop as the recipe says; those layers' own masks would be drawn from all threads' generator."""
        for layer in own:
            layer.p = 0.0
        if self.recipe.dropout:
            *_, last = (part for part in self.net.modules() if isinstance(part, nn.Linear))
            for layer in own or (last,):
                layer.register_forward_pre_hook(self._drop)

    def _drop(self, layer: nn.Module, given: tuple[Tensor]) -> tuple[Tensor] | None:
        if not layer.training:
            return None
        p = self.recipe.dropout
        return (given[0] * (torch.rand(given[0].shape, generator=self._masks) >= p) / (1 - p),)

    # The log -------------------------------------------------------------------------------------------------------

    def _is_due(self, times: int) -> bool:
        """Whether something that comes so often in an epoch comes after this step."""
        place = (self.step - 1) % self.steps + 1
        return self.is_over or place * times // self.steps > (place - 1) * times // self.steps

    def _note(self) -> None:
        losses, hits, norms = zip(*self._since, strict=True)
        seen = len(hits) * len(self._batches[0])
        self.gradients.append(tuple(sum(each) / len(norms) for each in zip(*norms, strict=True)))
        self.learned.append(Point(self.step, sum(losses) / len(losses), sum(hits) / seen, self.seconds))
        self._since = []

    @torch.no_grad()
    def _measure(self) -> None:
        self.net.eval()
        images, labels = self.examples.held_out, self.examples.held_out_labels
        loss = hits = 0.0
        for start in range(0, len(labels), AT_ONCE):
            part = labels[start : start + AT_ONCE]
            scores = self.net(images[start : start + AT_ONCE])
            loss += F.cross_entropy(scores, part, reduction="sum").item()
            hits += int((scores.argmax(1) == part).sum())
        self.held_out.append(Point(self.step, loss / len(labels), hits / len(labels), self.seconds))
        if self._is_small and (self.is_over or self.step in {epoch * self.steps for epoch in KEPT}):
            self.snapshots[self.step] = {name: values.clone() for name, values in self.net.state_dict().items()}
        if self._kernels and self._kernels[0].dim() == 4:
            self.filters.append((self.step, self._kernels[0][:MOST_FILTERS].numpy().copy()))


def shifted(images: Tensor, by: int, generator: torch.Generator) -> Tensor:
    """The pictures (N, C, H, W), each moved at random by up to `by` pixels; its border goes on outside of it."""
    n, _, h, w = images.shape
    rows, columns = torch.randint(0, 2 * by + 1, (2, n, 1), generator=generator)  # drawn even where nothing moves
    if not by:
        return images
    padded = F.pad(images, (by, by, by, by), mode="replicate")
    rows, columns = (rows + torch.arange(h))[:, None, :, None], (columns + torch.arange(w))[:, None, None, :]
    return padded[torch.arange(n)[:, None, None, None], torch.arange(images.shape[1])[:, None, None], rows, columns]


class _DrawnFrom(TorchFunctionMode):
    """Random numbers of this thread's new networks come from a generator of their own, and not from that of all."""

    DRAWING = frozenset({Tensor.normal_, Tensor.uniform_})

    def __init__(self, generator: torch.Generator):
        super().__init__()
        self.generator = generator

    def __torch_function__(
        self, function: Callable, types: tuple[type, ...], args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        is_first_value = getattr(function, "__module__", None) == nn.init.__name__
        if function in self.DRAWING or (is_first_value and "generator" in inspect.signature(function).parameters):
            kwargs = kwargs | {"generator": self.generator}
        return function(*args, **kwargs)


# A file ------------------------------------------------------------------------------------------------------------


def weights_file(training: Training) -> bytes:
    """The weights as safetensors, with the recipe and what they reach beside them."""
    point = training.held_out[-1] if training.held_out else None
    about = {
        "recipe": json.dumps(asdict(training.recipe)),
        "step": str(training.step),
        "held_out_accuracy": str(point and point.accuracy),
        "torch": torch.__version__,
    }
    return save({name: values.contiguous() for name, values in training.weights().items()}, metadata=about)
