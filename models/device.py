"""What hardware there is. Nothing else asks."""

import ctypes
import os
import platform
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TypeVar

import torch

from models.refusals import Refused

# Read by torch when it makes its first tensor: large ones lie in large pages of memory. In the usual ones of 4 kB, a
# third of the time of a pass goes into asking the system for them.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

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


def memory() -> int:
    """The bytes of memory that this process may use: all of the machine's, or as many as its control groups allow."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")] if hasattr(os, "sysconf") else [8 << 30]
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _number, controllers, path = line.split(":", 2)
            root, name = CGROUPS.get("memory" if "memory" in controllers.split(",") else controllers, (None, None))
            folder = PurePosixPath(path.lstrip("/"))
            for group in (folder, *folder.parents) if root else ():
                with suppress(OSError, ValueError):  # within a container the path is one that only its host sees
                    limits.append(int(Path(root, group, name).read_text()))
    return min(limits)


# Where control groups say the most that a process may use: of the second kind, which has one tree, and of the first.
CGROUPS = {
    "": ("/sys/fs/cgroup", "memory.max"),
    "memory": ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
}


def resident() -> int:
    """The bytes of memory that this process holds; 0 where the system does not say it."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def give_back() -> None:
    """Gives free memory back to the system, which the C library else keeps for later; nothing where it cannot."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def share_heaps(count: int) -> None:
    """From now on no more than so many heaps are begun; nothing where the C library has no such number.

    It begins one for every thread, up to eight a core, and each of them keeps what was freed in it: some hundred
    megabytes after a large network, while every visitor's page has a thread of its own.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, count)


M_ARENA_MAX = -8  # malloc.h


def compute_on_one_core() -> None:
    """From now on the calling thread computes on one core; all others compute on as many as before.

    torch sets this for the whole process alone. OpenMP, by which it computes, keeps a number for each thread; where it
    cannot be reached, the thread goes on as before.
    """
    torch.get_num_threads()  # after this, torch leaves the number of this thread alone
    with suppress(OSError, AttributeError):
        ctypes.CDLL(torch._C.__file__).omp_set_num_threads(1)


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


def name_of(device: torch.device) -> str:
    """What its maker calls the graphics card or the processor; of a processor that says nothing, its architecture."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    about = Path("/proc/cpuinfo")  # Linux's
    named = re.search(r"^model name\s*:\s*(.+)", about.read_text(), re.MULTILINE) if about.exists() else None
    return named[1] if named else platform.processor() or platform.machine()


def with_peak(work: Callable[[], Result], device: torch.device) -> tuple[Result, int | None]:
    """What `work()` gives, and how many bytes more than before were allocated on the device at its peak.

    None where the device does not say: of a CPU the whole process has a peak, and a piece of work has none.
    """
    if device.type != "cuda":
        return work(), None
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    result = work()
    return result, torch.cuda.max_memory_allocated(device) - before


def synchronize(device: torch.device) -> None:
    """Waits until the device has done all that it was given; a GPU works on while Python goes ahead."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
