"""The tensors in a file of the user's own: read within limits or refused, whatever the file holds.

The child process that opens pickled files imports this module, too: whatever it imports makes every such file slower.
"""

import hashlib
import json
import math
import operator
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from models.kept import Kept
from models.refusals import Refused
from models.temporary import temporary_folder

# What a file may be. A pickled one is opened by a child process, which may take SPARE bytes of memory and
# COPIES times the file's own: once as read, once as copied, twice for the paper work in between.
FILE_AT_MOST = 1 << 30  # bytes, of the file and of the tensors in it
HEADER_AT_MOST = 1 << 22  # bytes
TENSORS_AT_MOST = 20_000
SPARE, COPIES = 1 << 28, 4
SECONDS_AT_MOST = 60
KEPT_AT_MOST = 1 << 27  # bytes of what was converted last
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
    """The tensors in a safetensors file or one of torch.save, on the CPU, as stored, by their full names.

    What the file is, its content says, not its ending. In a file of torch.save a name begins with the keys of the
    dictionaries around it, as in "state_dict.model.conv1.weight"; `models.naming` tells whose names they are.

    Args:
        name: what a refusal calls the file, when its user does not know it as `path`.

    Raises WeightsRefused.
    """
    name = printable(name or path.name)
    with _opened(path, name) as file:
        start = file.read(9)  # a header's length, whose first byte may be any, and its brace
        pickled = start[8:] != b"{" and start.startswith((b"PK\x03\x04", b"\x80"))  # torch.save since 1.6, and before
        content = _converted(path, name) if pickled else start + file.read()
    return _loaded(content, name)


def _opened(path: Path, name: str) -> BinaryIO:
    if not path.is_file():
        raise WeightsRefused("There is no file {file}; check its name and folder.", file=name)
    if path.stat().st_size > FILE_AT_MOST:
        raise WeightsRefused(
            "{file} is larger than {limit} MB; choose a smaller network's weights, or save them in half precision.",
            file=name,
            limit=FILE_AT_MOST >> 20,
        )
    return path.open("rb")


def _loaded(content: bytes, name: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, whose header is held to the limits before the library unpacks it."""
    if len(content) < 10 or content[8:9] != b"{":
        raise WeightsRefused(
            "{file} is neither a safetensors file nor one that torch.save wrote; choose a file saved from "
            "model.state_dict().",
            file=name,
        )
    length = int.from_bytes(content[:8], "little")
    if length > HEADER_AT_MOST:
        raise too_many(name)
    try:
        header = json.loads(content[8 : 8 + length])
        header.pop("__metadata__", None)
        described = {
            key: (str(entry["dtype"]), [*map(operator.index, entry["shape"])]) for key, entry in header.items()
        }
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(name) from error
    if not described:
        raise no_tensors(name, "{}")
    if len(described) > TENSORS_AT_MOST:
        raise too_many(name)
    if wrong := [key for key, (dtype, shape) in described.items() if not _readable(dtype, shape)]:
        raise not_plain(name, wrong)
    try:
        return load(content)
    except SafetensorError as error:
        raise _damaged(name) from error


def _readable(dtype: str, shape: list[int]) -> bool:
    """Whether torch has such a tensor; without this, a side of 2⁶³ beside a side of 0 is an error deep inside it."""
    return dtype in TYPES and len(shape) <= 8 and math.prod(max(side, 1) for side in shape) <= FILE_AT_MOST


_kept = Kept(KEPT_AT_MOST)  # by the sha256 of the file


def _converted(path: Path, name: str) -> bytes:
    """The state_dict that torch.save wrote to `path`, as the content of a safetensors file.

    Whoever asks the same file for another of its states, or under other names of classes, waits for no process again.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return _kept.get(digest, lambda: _converted_by_a_child(path, name))


def _converted_by_a_child(path: Path, name: str) -> bytes:
    """As `_converted`.

    A pickle can ask for any amount of memory and time, so a child process opens it, within limits. Nothing the child
    says is trusted: its answer is read like any other safetensors file.
    """
    with temporary_folder() as folder:
        program = "import sys; from models.pickled import convert; convert(*sys.argv[1:])"
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


def _damaged(name: str) -> WeightsRefused:
    return WeightsRefused(
        "{file} is damaged, or needs more memory than a file of its size should; get it again, or save its state_dict "
        "as a .safetensors file.",
        file=name,
    )


def too_many(name: str) -> WeightsRefused:
    return WeightsRefused(
        "{file} has too many or too long names, as no network here does: {limit} tensors are read at most; "
        "choose another file.",
        file=name,
        limit=TENSORS_AT_MOST,
    )


def no_tensors(name: str, found: str) -> WeightsRefused:
    return WeightsRefused(
        "{file} holds {found} where a state_dict with tensors should be; save model.state_dict().",
        file=name,
        found=found,
    )


def not_plain(name: str, wrong: list[str]) -> WeightsRefused:
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


class Names(tuple[str, ...]):
    """Names as they are, which a sentence says as `listed` does."""

    def __str__(self) -> str:
        return listed(self)


def printable(name: object) -> str:
    """A name from outside, cut short and without marks that change how the words around it are shown."""
    said = "".join(letter if letter.isprintable() else "�" for letter in str(name)[:LETTERS_SAID])
    return said + "…" * (len(str(name)) > LETTERS_SAID)
