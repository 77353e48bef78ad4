"""The search for the top nine as a process of its own, for tests that stop it on its way."""

import multiprocessing
import sys
import time
from pathlib import Path

import pandas  # noqa: F401 - which pyarrow asks for as soon as it writes
import pyarrow.compute  # noqa: F401
import torch

from vis.top9 import __main__ as command

torch.relu(torch.empty(1, device="meta"))  # imports what takes longer than a search

FORKS = multiprocessing.get_context("forkserver")  # all imported once, and without the threads of the tests
FORKS.set_forkserver_preload([__name__])

mine = command.mine


def slow_search(line: list[str], said: Path) -> None:
    """The command, saving after every group and taking its time; what it says on errors goes to a file."""

    def slow(*a, report, **k):
        return mine(*a, report=lambda *n: (report(*n), time.sleep(0.1)), every=0, **k)

    command.mine = slow
    with said.open("w") as sys.stderr:
        sys.exit(command.main(line))
