import gc
import sys
from collections.abc import Iterator

import pytest
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
