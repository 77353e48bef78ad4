"""Where weights come from: loaded or refused, never silently random."""

import hashlib
import json
import math
import operator
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save, save_file
from torch import Tensor, nn

from models.refusals import Refused

SHIPPED = Path(__file__).parent / "weights"

DEAD_BELOW = 0.05

# What a file of the user may be. A pickled one is opened by a child process, which may take SPARE bytes of memory and
# COPIES times the file's own: once as read, once as copied, twice for the paper work in between.
FILE_AT_MOST = 1 << 30  # bytes, of the file and of the tensors in it
HEADER_AT_MOST = 1 << 22  # bytes
TENSORS_AT_MOST = 20_000
SPARE, COPIES = 1 << 28, 4
SECONDS_AT_MOST = 60
ANSWER, REFUSAL = "state.safetensors", "refusal.json"

NAMES_SAID = 10  # of those that do not fit, each at most
LETTERS_SAID = 80

TYPES = {  # as a safetensors file calls them
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


class WeightsRefused(Refused):
    """Weights that are damaged, dangerous, or another network's."""


@dataclass(frozen=True)
class Weights:
    """What was loaded into a network.

    Args:
        source: a file's name, or torchvision's own such as "AlexNet_Weights.IMAGENET1K_V1".
        sha256: of the file they were read from; None for random ones.
        categories: of the network's outputs in their order, where known.
    """

    kind: Literal["shipped", "imagenet", "file", "random"]
    source: str
    sha256: str | None
    trained: bool
    categories: tuple[str, ...] | None


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
    """How shipped weights were made and what they reach; `files` in the order of their epochs."""

    architecture: str
    data: str
    command: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    categories: tuple[str, ...]
    files: tuple[Checkpoint, ...]

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
    if not file.exists():
        return None
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return Card(
            **{key: said[key] for key in ("architecture", "data", "command")},
            **{key: tuple(said[key]) for key in ("mean", "std", "categories")},
            files=tuple(sorted((Checkpoint(**entry) for entry in said["files"]), key=lambda entry: entry.epoch)),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _not_as_shipped(file.name) from error


def shipped(name: str, epoch: int | None = None, folder: Path = SHIPPED) -> tuple[dict[str, Tensor], Card] | None:
    """The weights that ship for the network `name`, in float32, and their card; None if none ship.

    Raises WeightsRefused for an epoch that was not kept, and for a file that is not the one its card describes.
    """
    if not (about := card(name, folder)):
        return None
    chosen = about.at(epoch)
    try:
        content = (folder / chosen.file).read_bytes()
    except FileNotFoundError as error:
        raise _not_as_shipped(chosen.file) from error
    if hashlib.sha256(content).hexdigest() != chosen.sha256:
        raise _not_as_shipped(chosen.file)
    return {k: v.float() if v.is_floating_point() else v for k, v in load(content).items()}, about


def _not_as_shipped(file: str) -> WeightsRefused:
    return WeightsRefused(
        "{file} is missing or not as it shipped, so its weights are not used; get the app's files again.", file=file
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


# ---- a file of the user ----


def read_state_dict(path: Path, name: str | None = None) -> dict[str, Tensor]:
    """The tensors in a safetensors file or a state_dict saved by torch, on the CPU, as stored; all values are finite.

    What the file is, its content says, not its ending. A `module.` before every name (DataParallel) is taken off, and
    the wrappers in which training scripts put a state_dict are opened.

    Args:
        name: what a refusal calls the file, when its user does not know it as `path`.

    Raises WeightsRefused.
    """
    name = _text(name or path.name)
    with _opened(path, name) as file:
        start = file.read(9)  # a header's length, whose first byte may be any, and its brace
        pickled = start[8:] != b"{" and start.startswith((b"PK\x03\x04", b"\x80"))  # torch.save since 1.6, and before
        content = _converted(path, name) if pickled else start + file.read()
    state = _loaded(content, name)
    if all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): values for key, values in state.items()}
    if wrong := _not_finite(state):
        raise WeightsRefused(
            "{file} holds values that are not finite, in {names}: its training diverged or the file is damaged; "
            "choose an earlier checkpoint.",
            file=name,
            names=_listed(wrong),
        )
    return state


def _opened(path: Path, name: str) -> BinaryIO:
    if not path.is_file():
        raise WeightsRefused("There is no file {file}; check its name and folder.", file=name)
    if path.stat().st_size > FILE_AT_MOST:
        raise WeightsRefused(
            "{file} is larger than {limit} MiB; choose a smaller network's weights, or save them in half precision.",
            file=name,
            limit=FILE_AT_MOST >> 20,
        )
    return path.open("rb")


def _loaded(content: bytes, name: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, whose header is held to the limits before the library unpacks it."""
    if len(content) < 10 or content[8:9] != b"{":
        raise WeightsRefused(
            "{file} is neither a safetensors file nor one that torch.save wrote; "
            "choose a file that model.state_dict() was saved in.",
            file=name,
        )
    length = int.from_bytes(content[:8], "little")
    if length > HEADER_AT_MOST:
        raise _too_many(name)
    try:
        header = json.loads(content[8 : 8 + length])
        header.pop("__metadata__", None)
        described = {
            key: (str(entry["dtype"]), [*map(operator.index, entry["shape"])]) for key, entry in header.items()
        }
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(name) from error
    if not described:
        raise _no_tensors(name, "{}")
    if len(described) > TENSORS_AT_MOST:
        raise _too_many(name)
    if wrong := [key for key, (dtype, shape) in described.items() if not _readable(dtype, shape)]:
        raise _not_plain(name, wrong)
    try:
        return load(content)
    except SafetensorError as error:
        raise _damaged(name) from error


def _readable(dtype: str, shape: list[int]) -> bool:
    """Whether torch has such a tensor; without this, a side of 2⁶³ beside a side of 0 is an error deep inside it."""
    return dtype in TYPES and len(shape) <= 8 and math.prod(max(side, 1) for side in shape) <= FILE_AT_MOST


def _not_finite(state: Mapping[str, Tensor]) -> list[str]:
    return [key for key, values in state.items() if values.is_floating_point() and not values.isfinite().all()]


# ---- … of the user, pickled: opened in a process of its own ----


def _converted(path: Path, name: str) -> bytes:
    """The state_dict that torch.save wrote to `path`, as the content of a safetensors file.

    A pickle can ask for any amount of memory and time, so a child process opens it, within limits. Nothing the child
    says is trusted: its answer is read like any other safetensors file.
    """
    with tempfile.TemporaryDirectory(prefix="weights-") as folder:
        program = "import sys; from models.weights import convert; convert(*sys.argv[1:])"
        try:
            subprocess.run(
                [sys.executable, "-c", program, path.resolve(), folder, name],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS_AT_MOST,
                check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise WeightsRefused(
                "{file} could not be read in {seconds} s; save its state_dict as a .safetensors file instead.",
                file=name,
                seconds=SECONDS_AT_MOST,
            ) from error
        except subprocess.CalledProcessError as error:
            raise _damaged(name) from error
        refusal = Path(folder, REFUSAL)
        if refusal.exists():
            template, values = json.loads(refusal.read_text())
            raise WeightsRefused(template, **values)
        with _opened(Path(folder, ANSWER), name) as file:
            return file.read()


def convert(path: str, folder: str, name: str) -> None:
    """Nothing, but `folder` now holds what torch.save wrote to `path` as a safetensors file, or a refusal as JSON.

    Only for a child process: it lowers the limits of the process it runs in.
    """
    _limit_this_process(SPARE + COPIES * Path(path).stat().st_size)
    try:
        save_file(unpickled(Path(path), name), Path(folder, ANSWER))
    except WeightsRefused as refusal:
        Path(folder, REFUSAL).write_text(json.dumps([refusal.template, refusal.values_said]))


def _limit_this_process(memory: int) -> None:
    """At most `memory` bytes more than now, and an end even if the parent was killed; only Linux keeps such limits."""
    if sys.platform != "linux":
        return
    import resource

    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for limit, most in ((resource.RLIMIT_AS, now + memory), (resource.RLIMIT_CPU, 2 * SECONDS_AT_MOST)):
        _, hard = resource.getrlimit(limit)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(limit, (most, most))


def unpickled(path: Path, name: str) -> dict[str, Tensor]:
    """The tensors of the state_dict that torch.save wrote to `path`, contiguous, none sharing memory with another.

    Raises WeightsRefused, and whatever torch.load does on damaged files; runs no code, but only a child's limits keep
    it from taking all memory.
    """
    if zipfile.is_zipfile(path):
        _refuse_bomb(path, name)
    try:
        with path.open("rb") as file:  # given a path, torch.load goes by its ending
            found = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsRefused(
            "{file} holds more than tensors, such as a whole model, or is damaged; save only the tensors: "
            "torch.save(model.state_dict(), 'weights.pt').",
            file=name,
        ) from error
    state = _unwrapped(found)
    if not isinstance(state, Mapping):
        raise _no_tensors(name, type(state).__name__)
    if not state:
        raise _no_tensors(name, "{}")
    if len(state) > TENSORS_AT_MOST:
        raise _too_many(name)
    if wrong := [key for key, values in state.items() if not _is_plain(values)]:
        raise _not_plain(name, wrong)
    if sum(values.nbytes for values in state.values()) > FILE_AT_MOST:
        raise _swollen(name)
    return {str(key): values.detach().clone(memory_format=torch.contiguous_format) for key, values in state.items()}


def _refuse_bomb(path: Path, name: str) -> None:
    """torch.save never compresses, so what it packed is always smaller than the file."""
    with zipfile.ZipFile(path) as archive:
        if sum(record.file_size for record in archive.infolist()) > path.stat().st_size:
            raise _swollen(name)


def _unwrapped(found: object) -> object:
    """The state_dict in what a training script saved: {"state_dict": …, "epoch": …} and the like."""
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            return found[key]
    return found


def _is_plain(values: object) -> bool:
    return (
        isinstance(values, Tensor)
        and values.layout == torch.strided
        and values.device.type == "cpu"
        and values.dtype in TYPES.values()
    )


def _damaged(name: str) -> WeightsRefused:
    return WeightsRefused(
        "{file} is damaged, or wants more memory than a file of its size should; "
        "get it again, or save its state_dict as a .safetensors file.",
        file=name,
    )


def _swollen(name: str) -> WeightsRefused:
    return WeightsRefused(
        "{file} unpacks to far more than its size, which no weights do; save its state_dict as a .safetensors file.",
        file=name,
    )


def _too_many(name: str) -> WeightsRefused:
    return WeightsRefused(
        "{file} has too many or too long names, as no network here does: {limit} tensors are read at most; "
        "choose another file.",
        file=name,
        limit=TENSORS_AT_MOST,
    )


def _no_tensors(name: str, found: str) -> WeightsRefused:
    return WeightsRefused(
        "{file} holds {found} where a state_dict with tensors should be; save model.state_dict().",
        file=name,
        found=found,
    )


def _not_plain(name: str, wrong: list[str]) -> WeightsRefused:
    return WeightsRefused(
        "{file} must hold plain tensors of floating or whole numbers, and these are not: {names}; "
        "save model.state_dict() on the CPU, dense and not quantised.",
        file=name,
        names=_listed(wrong),
    )


# ---- into the network ----


def fit(model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """`model`, now holding `state`, converted to the types of its own tensors.

    When only the last layer's outputs differ in number, that layer is given as many as `state` has. Auxiliary
    classifiers (names that begin with "aux") are left out where `model` has none, and batch norms' counters may be
    missing. Anything else that does not fit raises WeightsRefused, and `model` is as it was.
    """
    own = model.state_dict()
    if not any(_auxiliary(key) for key in own):
        state = {key: values for key, values in state.items() if not _auxiliary(key)}
    counters = {key: values for key, values in own.items() if key.endswith("num_batches_tracked")}
    state = {**counters, **state}

    missing = [key for key in own if key not in state]
    unexpected = [key for key in state if key not in own]
    other = [key for key in own if key in state and own[key].shape != state[key].shape]
    layer, its = _last_layer(model)
    resized = other and _only_outputs_differ(layer, its, state)
    misshapen = [key for key in other if not (resized and key in its)]
    if missing or unexpected or misshapen:
        raise WeightsRefused(
            "These weights are not for {network}: {missing_count} missing ({missing}), "
            "{unexpected_count} unexpected ({unexpected}), {misshapen_count} of another shape ({misshapen}); "
            "choose the network they were trained for.",
            network=type(model).__name__,
            missing_count=len(missing),
            missing=_listed(missing),
            unexpected_count=len(unexpected),
            unexpected=_listed(unexpected),
            misshapen_count=len(misshapen),
            misshapen=_listed(f"{key} {_sides(state[key])} ≠ {_sides(own[key])}" for key in misshapen),
        )
    converted = {key: values.to(own[key].dtype) for key, values in state.items()}
    if wrong := _not_finite(converted):  # a double may be too large for a float
        raise WeightsRefused(
            "These weights are too large for {network}, in {names}; save them in single precision.",
            network=type(model).__name__,
            names=_listed(wrong),
        )
    if resized:
        _resize(layer, len(converted[next(iter(its))]))
    model.load_state_dict(converted)
    return model


def _auxiliary(key: str) -> bool:
    return key.lower().startswith("aux")


def _last_layer(model: nn.Module) -> tuple[nn.Module, dict[str, Tensor]]:
    """The last linear or convolution layer as declared, and its own tensors by their names in the model."""
    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    name, layer = layers[-1] if layers else ("", nn.Identity())
    return layer, {f"{name}.{key}".lstrip("."): values for key, values in layer.state_dict().items()}


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
    setattr(layer, "out_features" if isinstance(layer, nn.Linear) else "out_channels", outputs)


# ---- what a refusal says ----


def _listed(names: Iterable[str]) -> str:
    """The first ten names and how many more there are, in no language; – for none."""
    said = [_text(name) for name in names]
    more = len(said) - NAMES_SAID
    return ", ".join(said[:NAMES_SAID] + [f"… +{more}"] * (more > 0)) or "–"


def _text(name: object) -> str:
    """A name from outside, cut short and without marks that change how the words around it are shown."""
    said = "".join(letter if letter.isprintable() else "�" for letter in str(name)[:LETTERS_SAID])
    return said + "…" * (len(str(name)) > LETTERS_SAID)


def _sides(values: Tensor) -> str:
    return "×".join(map(str, values.shape)) or "1"
