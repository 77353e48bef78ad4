"""A state_dict in a file of the user's own: read within limits or refused, whatever the file holds.

The child process that opens pickled files imports this module: whatever it imports makes every such file slower.
"""

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
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from models.refusals import Refused

# What a file may be. A pickled one is opened by a child process, which may take SPARE bytes of memory and
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


def read_state_dict(path: Path, name: str | None = None) -> dict[str, Tensor]:
    """The tensors in a safetensors file or a state_dict saved by torch, on the CPU, as stored; all values are finite.

    What the file is, its content says, not its ending. A `module.` before every name (DataParallel) is taken off, and
    the wrappers in which training scripts put a state_dict are opened.

    Args:
        name: what a refusal calls the file, when its user does not know it as `path`.

    Raises WeightsRefused.
    """
    name = printable(name or path.name)
    with _opened(path, name) as file:
        start = file.read(9)  # a header's length, whose first byte may be any, and its brace
        pickled = start[8:] != b"{" and start.startswith((b"PK\x03\x04", b"\x80"))  # torch.save since 1.6, and before
        content = _converted(path, name) if pickled else start + file.read()
    state = _loaded(content, name)
    if all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): values for key, values in state.items()}
    if wrong := not_finite(state):
        raise WeightsRefused(
            "{file} holds values that are not finite, in {names}: its training diverged or the file is damaged; "
            "choose an earlier checkpoint.",
            file=name,
            names=listed(wrong),
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


def not_finite(state: Mapping[str, Tensor]) -> list[str]:
    return [key for key, values in state.items() if values.is_floating_point() and not values.isfinite().all()]


# ---- pickled: opened in a process of its own ----


def _converted(path: Path, name: str) -> bytes:
    """The state_dict that torch.save wrote to `path`, as the content of a safetensors file.

    A pickle can ask for any amount of memory and time, so a child process opens it, within limits. Nothing the child
    says is trusted: its answer is read like any other safetensors file.
    """
    with tempfile.TemporaryDirectory(prefix="weights-") as folder:
        program = "import sys; from models.statefile import convert; convert(*sys.argv[1:])"
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
        names=listed(wrong),
    )


# ---- what a refusal says ----


def listed(names: Iterable[str]) -> str:
    """The first ten names and how many more there are, in no language; – for none."""
    said = [printable(name) for name in names]
    more = len(said) - NAMES_SAID
    return ", ".join(said[:NAMES_SAID] + [f"… +{more}"] * (more > 0)) or "–"


def printable(name: object) -> str:
    """A name from outside, cut short and without marks that change how the words around it are shown."""
    said = "".join(letter if letter.isprintable() else "�" for letter in str(name)[:LETTERS_SAID])
    return said + "…" * (len(str(name)) > LETTERS_SAID)
