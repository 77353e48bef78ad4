"""How long “Top nine pictures” takes to open on a finished search: `python -m tests.benchmarks.top9_page`.

Server time of the whole page without a browser, in seconds: after a restart, when every cache in memory is empty and
the network is loaded anew, with the tiles of the first maps on the disk and without; and in a warm app. Random weights:
the work is the same as with trained ones.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from unittest.mock import patch

from models import load
from pages.common import cache
from pages.common.cache.memory import remembered_things
from tests.app.visit import TOP9, Visit
from tests.benchmarks.timing import head, machine, medians, of_bar, parser_of, row, without_a_browser
from vis.figures.tilefile import TILES

NETWORKS = ("zfnet_mini", "alexnet")
BAR = 1.0  # seconds, with the tiles on the disk


def opened(network: str) -> Visit:
    return Visit(TOP9, network=network, weights="random")


def restart() -> None:
    """Forgets all that is only in memory."""
    remembered_things.forget()


def search(network: str) -> None:
    """Searches the crops of the samples, until the first maps are on the page."""
    visit = opened(network)
    while not visit.pictures():
        time.sleep(0.2)
        visit.run()


def opening(network: str, rounds: int) -> dict[str, float]:
    """Seconds until the page is complete, by what was there before."""
    search(network)

    def after_a_restart() -> None:
        restart()
        opened(network)

    def without_tiles() -> None:
        for folder in (cache.kept() / "top9").glob(f"*{TILES}"):
            shutil.rmtree(folder)
        after_a_restart()

    rivals = {"without tiles": without_tiles, "with tiles": after_a_restart, "warm": lambda: opened(network)}
    return medians(rivals | {"the network alone": lambda: load(network, "random").model}, rounds)


@without_a_browser()
def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("top9_page", __doc__)
    parser.add_argument("--network", nargs="+", default=NETWORKS)
    given = parser.parse_args(argv)
    networks, rounds = (["lenet5"], 1) if given.short else (given.network, 5)
    try:
        print(machine())
        opened_after = "after a restart, no tiles s", "tiles on the disk s", "warm s", "the network alone s"
        head("network", *opened_after, "bar s", "of the bar")
        with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, {"TORCH_HOME": folder}):
            for network in networks:
                times = opening(network, rounds)
                seconds = (f"{seconds:.2f}" for seconds in times.values())
                row(network, *seconds, *of_bar(times["with tiles"], BAR))
    finally:
        restart()


if __name__ == "__main__":
    main()
