import gc
import sys
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")

MAIN = sys.modules["__main__"]  # as it is before any test or fixture


def pytest_collection_finish() -> None:
    """What was imported and collected stays, so the garbage collector, which Streamlit runs after every run of a page,
    need not look through it again and again.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """AppTest puts the app in the place of `__main__`, which child processes of later tests would run again.

    Also where a fixture that outlives one test has done so before it.
    """
    yield
    sys.modules["__main__"] = MAIN


@pytest.fixture(scope="module")
def on_one_thread() -> Iterator[None]:
    """As work of its own is computed in the app, such as shards and trainings: the last digits depend on it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
