"""How long “Top nine pictures” takes to open on a finished search: `python -m tests.benchmarks.top9_page`.

Server time of the whole page without a browser, in seconds: after a restart, when every cache in memory is empty and
the network is loaded anew, with the tiles of the first maps on the disk and without; and in a warm app. Random weights:
the work is the same as with trained ones.
"""

import argparse
import logging
import os
import shutil
import tempfile
import time

import streamlit as st

from models import load
from pages.common import cache
from tests.app.visit import TOP9, Visit
from tests.benchmarks.timing import machine, medians
from vis.figures.tilefile import TILES

NETWORKS = ("zfnet_mini", "alexnet")
BAR = 1.0  # seconds, with the tiles on the disk


def opened(network: str) -> Visit:
    return Visit(TOP9, network=network, weights="random")


def restart() -> None:
    """Forgets all that is only in memory."""
    st.cache_data.clear()
    st.cache_resource.clear()


def search(network: str) -> None:
    """Searches the crops of the samples, until the first maps are on the page."""
    visit = opened(network)
    while not visit.pictures():
        time.sleep(0.2)
        visit.run()


def opening(network: str) -> dict[str, float]:
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
    return medians(rivals | {"the network alone": lambda: load(network, "random").model}, rounds=5)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.top9_page", description=__doc__.splitlines()[0])
    parser.add_argument("--network", nargs="+", default=NETWORKS)
    networks = parser.parse_args().network
    logging.disable(logging.WARNING)  # Streamlit misses its server at every step
    print(machine() + "; seconds\n")
    print("| network | after a restart, no tiles | tiles on the disk | warm | the network alone | bar |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCH_HOME"] = folder
        for network in networks:
            times = opening(network)
            cells = " | ".join(f"{seconds:.2f}" for seconds in times.values())
            print(f"| {network} | {cells} | {BAR} |", flush=True)


if __name__ == "__main__":
    main()
