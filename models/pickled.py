"""What torch.save wrote, opened in a process of its own: the tensors in it, and nothing of the rest.

Whatever this module imports makes every such file slower.
"""

import json
import pickle
import pickletools
import sys
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors.torch import save_file
from torch import Tensor

from models.statefile import (
    ANSWER,
    COPIES,
    FILE_AT_MOST,
    REFUSAL,
    SECONDS_AT_MOST,
    SPARE,
    TENSORS_AT_MOST,
    TYPES,
    WeightsRefused,
    no_tensors,
    not_plain,
    printable,
    too_many,
)

DEEPEST = 8  # dictionaries inside one another
# A file that asks for one of these wants to do something. All else that is no tensor is only left out.
DOERS = frozenset(
    {
        *("io.open", "_io.open", "builtins.open", "builtins.eval", "builtins.exec", "builtins.compile"),
        *("builtins.__import__", "builtins.input", "builtins.breakpoint"),
    }
)
DOING = frozenset(
    {
        *("_ctypes", "_pickle", "asyncio", "code", "ctypes", "http", "imp", "importlib", "marshal"),
        *("multiprocessing", "nt", "os", "pickle", "posix", "pty", "requests", "runpy", "shelve", "shutil", "signal"),
        *("socket", "subprocess", "sys", "threading", "urllib", "webbrowser"),
    }
)


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
    """The tensors that torch.save wrote to `path`, contiguous, none sharing memory with another, by their full names:
    the keys of all dictionaries that lead to them, joined by dots.

    Raises WeightsRefused, and whatever torch.load does on damaged files; runs no code, but only a child's limits keep
    it from taking all memory.
    """
    zipped = zipfile.is_zipfile(path)
    if zipped:
        _refuse_other_kinds(path, name)
    found = _loaded(path, name, _globals_in(path, zipped))
    if isinstance(found, StandIn):
        raise _more_than_tensors(name)
    if not isinstance(found, Mapping):
        raise no_tensors(name, type(found).__name__)
    state: dict[str, Tensor] = {}
    for key, values in _tensors_in(found):
        if len(state) == TENSORS_AT_MOST:
            raise too_many(name)
        if state.setdefault(key, values) is not values:
            raise WeightsRefused(
                "{file} holds two tensors that are called {name}; save model.state_dict() alone.",
                file=name,
                name=printable(key),
            )
    if not state:
        raise no_tensors(name, "{}") if not found else _more_than_tensors(name)
    if wrong := [key for key, values in state.items() if not _is_plain(values)]:
        raise not_plain(name, wrong)
    if sum(values.nbytes for values in state.values()) > FILE_AT_MOST:
        raise _swollen(name)
    return {key: values.detach().clone(memory_format=torch.contiguous_format) for key, values in state.items()}


def _tensors_in(found: Mapping) -> Iterator[tuple[str, Tensor]]:
    """Every tensor by its full name. Numbers as keys are an optimiser's; no dictionary is looked through twice."""
    waiting, seen = [("", found, 0)], set()
    while waiting:
        before, content, depth = waiting.pop()
        seen.add(id(content))
        for key, value in content.items():
            if not isinstance(key, str) or (depth == 0 and key.startswith("optimizer")):
                continue
            if isinstance(value, Tensor):
                yield before + key, value
            elif isinstance(value, Mapping) and depth < DEEPEST and id(value) not in seen:
                waiting.append((f"{before}{key}.", value, depth + 1))


def _is_plain(values: Tensor) -> bool:
    return values.layout == torch.strided and values.device.type == "cpu" and values.dtype in TYPES.values()


# ---- what is no tensor ----


class StandIn(list):
    """In the place of whatever a file holds besides tensors: it takes what the real one would, and does nothing.

    So a number of NumPy's, an argparse.Namespace or a trainer's own settings beside the weights are no obstacle, and
    nothing that the file names is ever imported or called.
    """

    def __new__(cls, *given: object, **more: object) -> "StandIn":
        return super().__new__(cls)

    def __init__(self, *given: object, **more: object):
        super().__init__()

    def __setstate__(self, state: object) -> None:
        pass

    def __hash__(self) -> int:
        return id(self)


class DictionaryStandIn:
    """In the place of dictionaries with another name (defaultdict, EasyDict, ConfigDict): an ordinary one, in which
    there may be tensors."""

    def __new__(cls, *given: object, **more: object) -> OrderedDict:
        return OrderedDict()


def _loaded(path: Path, name: str, needed: set[str]) -> object:
    """What is in the file, with stand-ins for all that torch does not know to be harmless."""
    if wrong := sorted(one for one in needed if one in DOERS or one.partition(".")[0] in DOING):
        raise WeightsRefused(
            "{file} holds more than tensors: it would run {name} when it is opened, which no weights need; "
            "do not use it.",
            file=name,
            name=printable(wrong[0]),
        )
    # what torch itself knows to be harmless goes before these
    names = {one: DictionaryStandIn if one.lower().endswith(("dict", "config")) else StandIn for one in needed}
    try:
        with (
            torch.serialization.safe_globals([(stand_in, one) for one, stand_in in names.items()]),
            path.open("rb") as file,  # given a path, torch.load goes by its ending
        ):
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _more_than_tensors(name) from error


def _globals_in(path: Path, zipped: bool) -> set[str]:
    """The full names of all that the file wants to be made of."""
    if zipped:
        with zipfile.ZipFile(path) as archive:
            (record,) = [one for one in archive.namelist() if one.rpartition("/")[2] == "data.pkl"][:1]
            with archive.open(record) as content:
                return _globals(content)
    with path.open("rb") as content:  # before torch 1.6: three small pickles, and then the one with everything
        return set().union(*(_globals(content) for _ in range(4)))


def _globals(content: BinaryIO) -> set[str]:
    """The names that torch.load will look up: pickles have those of Python 2."""
    found = set()
    for operation, value, _ in pickletools.genops(content):
        if operation.name in ("GLOBAL", "INST"):
            module, _, name = value.partition(" ")
            module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
            found.add(f"{module}.{name}")
    return found


# ---- refused ----


def _refuse_other_kinds(path: Path, name: str) -> None:
    """ZIPs that torch.save did not write, and those that hold more than they seem: it never compresses."""
    with zipfile.ZipFile(path) as archive:
        records = archive.infolist()
    names = {record.filename.rpartition("/")[2] for record in records}
    if "constants.pkl" in names:
        raise WeightsRefused(
            "{file} is a TorchScript program, which could run code and is not opened; save its tensors: "
            "torch.save(model.state_dict(), 'weights.pt').",
            file=name,
        )
    if names & {"archive_format", "serialized_exported_program.json"}:
        raise WeightsRefused(
            "{file} is an exported program (.pt2), which could run code and is not opened; save its tensors: "
            "torch.save(model.state_dict(), 'weights.pt').",
            file=name,
        )
    if "data.pkl" not in names:
        raise WeightsRefused(
            "{file} is a ZIP that torch.save did not write, such as a NumPy or Keras file; choose a file saved from "
            "model.state_dict().",
            file=name,
        )
    if sum(record.file_size for record in records) > path.stat().st_size:
        raise _swollen(name)


def _more_than_tensors(name: str) -> WeightsRefused:
    return WeightsRefused(
        "{file} holds more than tensors, such as a whole model, or is damaged; save only the tensors: "
        "torch.save(model.state_dict(), 'weights.pt').",
        file=name,
    )


def _swollen(name: str) -> WeightsRefused:
    return WeightsRefused(
        "{file} unpacks to far more than its size, which no weights do; save its state_dict as a .safetensors file.",
        file=name,
    )
