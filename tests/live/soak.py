"""Sessions opened and closed for two hours: `python -m tests.live.soak`.

A few visitors at a time open a page, click twice and leave; each third gives a picture of their own. How much memory,
how many files and threads the server holds is read every minute, and how many kilobytes each session leaves behind is
the slope of a line through the second half, by least squares. What is remembered has a small budget here, which is full
after some hundred sessions: what grows after that is no memory that is meant to grow.
"""

import argparse
import asyncio
import io
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.benchmarks.timing import head, machine, row
from tests.live.load import PAGES, Guest, Page
from tests.live.serving import Server, serving
from tests.live.visitor import Failed, Visitor

AT_ONCE = 4  # visitors
CLICKS = 2
EVERY = 60.0  # seconds between two looks at the server
BUDGET = 200  # megabytes of what is remembered
AT_MOST = 20.0  # kilobytes that a session may leave behind
FLAT = 0.01  # files and threads, of which there are some hundreds
LEAST = 1000  # sessions, before which nothing is said
SEED = 23
SHORT = 10.0  # seconds


@dataclass(frozen=True)
class Look:
    """What a server holds after so many sessions."""

    seconds: float
    sessions: int
    uploads: int
    memory: int  # bytes
    files: int
    threads: int


def slope(looks: Sequence[Look], what: str) -> float:
    """How much more of something the server holds for each session, by least squares, in the second half."""
    late = [look for look in looks if look.sessions * 2 >= looks[-1].sessions]
    sessions = np.array([look.sessions for look in late], float)
    values = np.array([getattr(look, what) for look in late], float)
    if np.ptp(sessions) == 0:
        return float("nan")
    return float(np.polyfit(sessions, values, 1)[0])


def picture(chance: random.Random) -> bytes:
    """A JPEG that nobody gave before."""
    pixels = np.random.default_rng(chance.getrandbits(32)).integers(0, 256, (24, 32, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((1200, 900), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


class Soak:
    """A server under sessions that come and go.

    Args:
        pages: that they open, in turns.
    """

    def __init__(self, server: Server, pages: Sequence[Page] = (*PAGES.values(),), seed: int = SEED):
        self.server, self.pages, self.seed = server, pages, seed
        self.begun = self.sessions = self.uploads = 0
        self.failures: list[str] = []
        self.looks: list[Look] = []
        self._start = time.monotonic()

    async def run(self, seconds: float, every: float = EVERY, at_once: int = AT_ONCE) -> None:
        """Sessions for so many seconds, and a look after every so many."""
        until = self._start + seconds
        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_once):
                tasks.create_task(self._sessions(until))
            tasks.create_task(self._look(until, every))

    def look(self) -> Look:
        """What the server holds now."""
        server = self.server
        found = Look(
            time.monotonic() - self._start,
            self.sessions,
            self.uploads,
            server.memory(),
            server.files(),
            server.threads(),
        )
        self.looks.append(found)
        return found

    async def _look(self, until: float, every: float) -> None:
        while time.monotonic() < until:
            await asyncio.sleep(min(every, max(0.1, until - time.monotonic())))
            _row_of(self.look())

    async def _sessions(self, until: float) -> None:
        while time.monotonic() < until:
            number, self.begun = self.begun, self.begun + 1
            try:
                await self._session(number)
            except Failed as failed:
                self.failures.append(str(failed))
            self.sessions += 1

    async def _session(self, number: int) -> None:
        chance, page = random.Random(f"{self.seed} {number}"), self.pages[number // 3 % len(self.pages)]
        async with Visitor(f"{self.server.address}/{page.name}") as visitor:
            if number % 3 == 0:
                await visitor.upload("picture_file", f"{number}.jpg", picture(chance))
                self.uploads += 1
            guest = Guest(visitor, chance, page.network)
            for _ in range(CLICKS):
                await visitor.fetch()
                await page.click(guest)


COLUMNS = "minutes", "sessions", "with uploads", "memory MB", "files", "threads"


def _row_of(look: Look) -> None:
    row(f"{look.seconds / 60:.0f}", look.sessions, look.uploads, f"{look.memory / 1e6:.0f}", look.files, look.threads)


async def soak(hours: float, every: float = EVERY) -> Soak:
    """Prints what a server holds while sessions come and go, and what each of them leaves behind."""
    log = Path(tempfile.gettempdir(), "convscope-soak.log")
    with serving(keep=log, CONVSCOPE_MEMORY=str(BUDGET)) as server:
        head(*COLUMNS)
        met = Soak(server)
        await met.run(3600 * hours, every)
    head("sessions", "kB of memory a session", "at most", "files a session", "threads a session", "failures")
    row(
        met.sessions,
        f"{slope(met.looks, 'memory') / 1e3:.1f}",
        f"{AT_MOST:g}",
        f"{slope(met.looks, 'files'):.4f}",
        f"{slope(met.looks, 'threads'):.4f}",
        len(met.failures),
    )
    for words in met.failures[:5]:
        print(f"<!-- {words} -->")
    for words in server.tracebacks() if met.failures else ():
        print(f"<!-- {log}:\n{words}\n-->")
    return met


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.live.soak", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--hours", type=float, default=2)
    parser.add_argument("--every", type=float, default=EVERY, help="seconds between two looks at the server")
    parser.add_argument("--short", action="store_true", help="some seconds; its slopes say nothing")
    given = parser.parse_args(argv)
    print(machine())
    if given.short:
        return 1 if asyncio.run(soak(SHORT / 3600, SHORT / 4)).failures else 0
    return 0 if is_flat(asyncio.run(soak(given.hours, given.every))) else 1


def is_flat(met: Soak) -> bool:
    """Whether nobody failed and nothing grew, over sessions enough to say so."""
    grows = slope(met.looks, "memory") > 1e3 * AT_MOST or max(slope(met.looks, w) for w in ("files", "threads")) > FLAT
    return not met.failures and not grows and met.sessions >= LEAST


if __name__ == "__main__":
    raise SystemExit(main())
