import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """AppTest puts the app in the place of `__main__`, which child processes of later tests would run again."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
