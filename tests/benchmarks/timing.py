"""How benchmarks measure and what they print: rivals in one process, in turns, the median of each; tables."""

import argparse
import logging
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version

import torch

from models.device import available, name_of


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


@contextmanager
def without_a_browser() -> Iterator[None]:
    """A `with`, or a decorator, for visits in an AppTest: Streamlit would say thousands of times, whenever anything is
    asked between two runs, that it was not started by `streamlit run`, and writing that takes time of its own.
    """
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


# The command line and what is printed -------------------------------------------------------------------------------


def parser_of(name: str, about: str | None) -> argparse.ArgumentParser:
    """A parser with `--short`, the form in which a benchmark only shows that it still runs.

    Args:
        name: of the benchmark's module.
        about: its docstring.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.benchmarks.{name}", description=(about or "").partition(":")[0]
    )
    parser.add_argument("--short", action="store_true", help="the least that runs everything; its numbers say nothing")
    return parser


def machine() -> str:
    """The machine, the versions, and how many others wanted its cores, in one line for RESULTS.md."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "streamlit"))
    named = " and ".join(name_of(torch.device(device)) for device in dict.fromkeys(["cpu", available()[0]]))
    load = f"; load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""  # Windows has none
    return f"{named}, {torch.get_num_threads()} threads; Python {platform.python_version()}, {versions}{load}"


def head(*columns: str) -> None:
    """Prints the head of a table, in Markdown."""
    print("\n| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def of_bar(measured: float, bar: float) -> Sequence[str]:
    """The bar, and which part of it was taken: at most 1 where it holds."""
    return f"{bar:.4g}", f"{measured / bar:.2f}"
