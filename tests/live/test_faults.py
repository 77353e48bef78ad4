"""Servers that are killed in the middle of work, and started again."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live.faults import left_over, trial
from tests.live.visitor import Failed

pytestmark = pytest.mark.browser  # its servers are as slow to start as that of a browser


def test_a_server_that_was_killed_starts_as_if_nothing_had_been_and_clears_what_is_left(tmp_path):
    with ThreadPoolExecutor(1) as thread:  # in this one the browser of other tests may have a loop that runs
        assert thread.submit(trial, 4, tmp_path).result() == []


async def does_nothing(address: str, begun) -> None:
    """As a work whose button is not there."""
    raise Failed("there is no widget 'start'")


def test_a_work_that_did_not_begin_is_found(tmp_path):
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(trial, 1, tmp_path, works=[does_nothing]).result()
    assert found == ["does_nothing: there is no widget 'start'"]


def test_what_is_left_is_found(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "temporary").mkdir()
    (tmp_path / "kept" / "weights.pth.1.partial").touch()
    for name in ("one", "other"):
        (tmp_path / "temporary" / f"convscope-{name}.lock").touch()
    assert left_over(tmp_path) == [
        "weights.pth.1.partial is left",
        "2 temporary folders are left, and one server is alive",
    ]
