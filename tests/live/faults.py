"""A server that is killed at random moments and started again: `python -m tests.live.faults --kills 20`.

Visitors upload, train, search and wait for a download meanwhile. After each start a visitor must see a page as if
nothing had been; in the end nothing may be left that the killed ones had on the disk.
"""

import argparse
import asyncio
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from models.download import A_MOMENT
from models.samples import SAMPLES
from models.temporary import LOCK, PREFIX
from pages.common.routes import LAYERS, TOP9, TRAIN
from tests.live.serving import Server, serving
from tests.live.visitor import Failed, Visitor

MOST = 1.5  # seconds of work before the end
SEED = 3


Begun = asyncio.Event  # set once the work is under way


async def uploads(address: str, begun: Begun) -> None:
    async with Visitor(f"{address}/{LAYERS.name}") as visitor:
        for number in range(100):
            await visitor.upload("picture_file", f"{number}.png", SAMPLES["coffee"].content())
            begun.set()


async def trains(address: str, begun: Begun) -> None:
    async with Visitor(f"{address}/{TRAIN.name}") as visitor:
        await visitor.press("training start")
        await until_there(visitor, "training pause")
        begun.set()
        await asyncio.sleep(100)


async def searches(address: str, begun: Begun) -> None:
    async with Visitor(f"{address}/{TOP9.name}?network=alexnet_mini") as visitor:
        await until_there(visitor, "stop search")
        begun.set()
        await asyncio.sleep(100)


async def downloads(address: str, begun: Begun) -> None:
    """A file of a network that the page waits for; that it comes is to be seen on the disk alone."""
    async with Visitor(f"{address}/{LAYERS.name}?network=squeezenet1_1"):
        await asyncio.sleep(100)


async def until_there(visitor: Visitor, key: str) -> None:
    """Draws the page until a widget is there, and fails where it does not come."""
    for _time in range(20):
        if visitor.has(key):
            return
        await asyncio.sleep(0.1)
        await visitor.rerun()
    raise Failed(f"there is no {key!r}")


Work = Callable[[str, Begun], Coroutine]
WORK: tuple[Work, ...] = (uploads, trains, searches, downloads)


async def killed_while(server: Server, work: Work, seconds: float, folder: Path) -> str | None:
    """Lets a visitor work so long, once it has begun, and kills the server; why there was nothing to be killed."""
    begun = Begun()
    task = asyncio.create_task(work(server.address, begun))
    while not (begun.is_set() or task.done()):
        await asyncio.sleep(0.05)
        if work is downloads and any(path.stat().st_size for path in halves(folder)):
            begun.set()
    await asyncio.wait([task], timeout=seconds)
    failure = f"{work.__name__}: {task.exception() or 'ended by itself'}" if task.done() else None
    os.kill(server.process, signal.SIGKILL)
    task.cancel()
    with suppress(Failed, OSError, EOFError, asyncio.CancelledError):
        await task
    return failure


# The network, of which there is none here -----------------------------------------------------------------------------

SIZE, PIECE = 5_000_000, 20_000  # bytes: of the file, and of what comes of it ten times a second
REDIRECTED = """\
from urllib.request import OpenerDirector
opened = OpenerDirector.open
def open(self, url, *args, **kwargs):
    return opened(self, "http://127.0.0.1:{port}" if "download.pytorch.org" in str(url) else url, *args, **kwargs)
OpenerDirector.open = open
"""


class Trickle(BaseHTTPRequestHandler):
    """A file that comes slowly."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        with suppress(OSError):  # whoever wanted it is gone
            for _piece in range(SIZE // PIECE):
                self.wfile.write(bytes(PIECE))
                time.sleep(0.1)

    def log_message(self, *_words: object) -> None:
        """Nothing."""


@contextmanager
def slow_network(folder: Path) -> Iterator[dict[str, str]]:
    """A server in the place of PyTorch's, and the variables with which a process of Python goes to it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Trickle) as network:
        network.daemon_threads = True
        threading.Thread(target=network.serve_forever, daemon=True).start()
        (folder / "sitecustomize.py").write_text(REDIRECTED.format(port=network.server_port), "utf-8")
        yield {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}
        network.shutdown()


# The trial ------------------------------------------------------------------------------------------------------------


async def looks(server: Server) -> dict[str, int]:
    """How many elements of each kind a visitor sees."""
    async with Visitor(f"{server.address}/{LAYERS.name}?network=lenet5") as visitor:
        kinds = [kind for kind, *_ in visitor.elements()]
    return {kind: kinds.count(kind) for kind in kinds}


def trial(kills: int, folder: Path, seed: int = SEED, works: Sequence[Work] = WORK) -> list[str]:
    """What was not as it should be after so many kills.

    Args:
        folder: for all that the servers keep.
    """
    chance, wrong = random.Random(seed), []
    kept = {"TORCH_HOME": folder / "kept", "TMPDIR": folder / "temporary"}
    for path in kept.values():
        path.mkdir()
    usual = None
    with slow_network(folder) as network:
        for number in range(kills + 1):
            with serving(**network, **{name: str(path) for name, path in kept.items()}) as server:
                seen = asyncio.run(looks(server))
                usual = usual or seen
                if seen != usual:
                    wrong.append(f"after {number} kills the page shows {seen}, not {usual}")
                if number < kills:
                    work = works[number % len(works)]
                    for found in folder.rglob("*.parquet"):  # or a search that has come to its end is not made again
                        found.unlink()
                    if failure := asyncio.run(killed_while(server, work, chance.random() * MOST, folder)):
                        wrong.append(failure)
                    age(folder)
                else:
                    wrong += left_over(folder)
    return wrong


def halves(folder: Path) -> list[Path]:
    """Files that are not whole yet."""
    return [*folder.rglob("*.partial")]


def age(folder: Path) -> None:
    """Makes half files as old as they must be to be nobody's."""
    for partial in halves(folder):
        os.utime(partial, (time.time() - A_MOMENT - 1,) * 2)


def left_over(folder: Path) -> list[str]:
    """What no living server needs: half files, and temporary folders but one."""
    found = [f"{path.name} is left" for path in halves(folder)]
    locks = [*(folder / "temporary").glob(f"{PREFIX}*{LOCK}")]
    if len(locks) > 1:
        found.append(f"{len(locks)} temporary folders are left, and one server is alive")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.live.faults", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = trial(given.kills, Path(folder))
    print(*wrong or [f"{given.kills} kills, nothing wrong"], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
