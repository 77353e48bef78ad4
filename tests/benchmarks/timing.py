"""How benchmarks measure: rivals in one process, in turns, and the median of each."""

import platform
import statistics
import time
from collections.abc import Callable

import torch


def medians(rivals: dict[str, Callable[[], object]], rounds: int = 7) -> dict[str, float]:
    """The median time of each rival in seconds; in every round each runs once, after one round to warm up."""
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for i in range(rounds + 1):
        for name, work in rivals.items():
            _wait_for_gpu()
            start = time.perf_counter()
            work()
            _wait_for_gpu()
            if i:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def _wait_for_gpu() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def machine() -> str:
    """The machine in one line, for RESULTS.md."""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return (
        f"{platform.machine()}, {torch.get_num_threads()} threads{gpu}; "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )
