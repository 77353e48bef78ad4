"""What hardware there is. Nothing else asks."""

import os
from collections.abc import Callable
from typing import TypeVar

import torch

from models.refusals import Refused

Result = TypeVar("Result")

OutOfMemory = torch.cuda.OutOfMemoryError


def available() -> tuple[str, ...]:
    """The devices of this machine, best first: of "cuda", "mps" and "cpu"."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chosen(device: str | torch.device | None = None) -> torch.device:
    """The device that was asked for, or the best there is.

    Raises:
        Refused: for a device that this machine does not have.
    """
    wanted = device or available()[0]
    if str(wanted).partition(":")[0] not in available():
        raise Refused(
            "This machine has no {device}; choose one of {available}.", device=wanted, available=", ".join(available())
        )
    return torch.device(wanted)


def or_on_cpu(work: Callable[[str | None], Result], device: str | None) -> tuple[Result, bool]:
    """What `work(device)` gives and False; or, where the GPU's memory ran out, what `work("cpu")` gives and True."""
    try:
        return work(device), False
    except OutOfMemory:
        torch.cuda.empty_cache()
    return work("cpu"), True


def synchronize(device: torch.device) -> None:
    """Waits until the device has done all that it was given; a GPU works on while Python goes ahead."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
