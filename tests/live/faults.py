"""A server that is killed at random moments and started again: `python -m tests.live.faults --kills 20`.

Visitors upload, train and search meanwhile. After each start a visitor must see a page as if nothing had been; in the
end nothing may be left that the killed ones had on the disk.
"""

import argparse
import asyncio
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path

from models.download import A_MOMENT
from models.samples import SAMPLES
from models.temporary import LOCK, PREFIX
from pages.common.routes import LAYERS, TOP9, TRAIN
from tests.live.serving import Server, serving
from tests.live.visitor import Failed, Visitor

MOST = 1.5  # seconds of work before the end
SEED = 3


async def uploads(address: str) -> None:
    async with Visitor(f"{address}/{LAYERS.name}") as visitor:
        for number in range(100):
            await visitor.upload("picture_file", f"{number}.png", SAMPLES["coffee"].content())


async def trains(address: str) -> None:
    async with Visitor(f"{address}/{TRAIN.name}") as visitor:
        await visitor.press("training start")
        await asyncio.sleep(100)


async def searches(address: str) -> None:
    async with Visitor(f"{address}/{TOP9.name}?network=alexnet_mini") as visitor:
        await asyncio.sleep(100)
        await visitor.rerun()


WORK: tuple[Callable[[str], Coroutine], ...] = (uploads, trains, searches)


async def killed_while(server: Server, work: Callable[[str], Coroutine], seconds: float) -> None:
    """Lets a visitor work so long, and kills the server."""
    task = asyncio.create_task(work(server.address))
    await asyncio.sleep(seconds)
    os.kill(server.process, signal.SIGKILL)
    with suppress(Failed, OSError, EOFError):
        task.cancel()
        await task


async def looks(server: Server) -> dict[str, int]:
    """How many elements of each kind a visitor sees."""
    async with Visitor(f"{server.address}/{LAYERS.name}?network=lenet5") as visitor:
        kinds = [kind for kind, *_ in visitor.elements()]
    return {kind: kinds.count(kind) for kind in kinds}


def trial(kills: int, folder: Path, seed: int = SEED) -> list[str]:
    """What was not as it should be after so many kills.

    Args:
        folder: for all that the servers keep.
    """
    chance, wrong = random.Random(seed), []
    kept = {"TORCH_HOME": folder / "kept", "TMPDIR": folder / "temporary"}
    for path in kept.values():
        path.mkdir()
    before = dict(os.environ)
    os.environ.update({name: str(path) for name, path in kept.items()})
    try:
        usual = None
        for number in range(kills + 1):
            with serving() as server:
                seen = asyncio.run(looks(server))
                usual = usual or seen
                if seen != usual:
                    wrong.append(f"after {number} kills the page shows {seen}, not {usual}")
                if number < kills:
                    work = WORK[number % len(WORK)]
                    with suppress(asyncio.CancelledError):
                        asyncio.run(killed_while(server, work, chance.random() * MOST))
                    age(folder)
                else:
                    wrong += left_over(folder)
    finally:
        os.environ.clear()
        os.environ.update(before)
    return wrong


def age(folder: Path) -> None:
    """Makes half files as old as they must be to be nobody's."""
    for partial in folder.rglob("*.partial"):
        os.utime(partial, (time.time() - A_MOMENT - 1,) * 2)


def left_over(folder: Path) -> list[str]:
    """What no living server needs: half files, and temporary folders but one."""
    found = [f"{path.name} is left" for path in folder.rglob("*.partial")]
    locks = [*(folder / "temporary").glob(f"{PREFIX}*{LOCK}")]
    if len(locks) > 1:
        found.append(f"{len(locks)} temporary folders are left, and one server is alive")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.live.faults", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = trial(given.kills, Path(folder))
    print(*wrong or [f"{given.kills} kills, nothing wrong"], sep="\n")


if __name__ == "__main__":
    main()
