"""What a server holds: `python -m tests.benchmarks.memory`.

One visitor opens all networks one by one, with random weights, on “What layers 1–5 respond to” and on “Activations”:
the most that the server held above what it holds when one small page was opened, and what is left of it some minutes
after the visit. And twenty visitors at once open twenty of the largest networks on a server that may take no more than
6 GB: whoever is not served within ten minutes has failed. Memory is resident, as Linux says it.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from models import ARCHITECTURES
from models.device import CGROUPS
from pages.common.routes import ACTIVATIONS, LAYERS
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row
from tests.live import visitor as visiting
from tests.live.serving import Server, serving
from tests.live.visitor import Failed, Visitor

GB = 1e9
PEAK_BAR, LEFT_BAR = 4.0, 1.5  # GB above the empty server
LATER = 300  # seconds
LIMIT = 6 << 30  # bytes, for twenty at once
MANY = 20


def link(server: Server, page: str, network: str) -> str:
    return f"{server.address}/{page}?network={network}&weights=random"


async def visit(address: str) -> str:
    """Opens a page, and leaves; what went wrong."""
    try:
        async with Visitor(address):
            return ""
    except Failed as failed:
        return str(failed)


async def walk(server: Server, networks: Sequence[str]) -> list[str]:
    """One visitor chooses one network after another, on both pages; what went wrong."""
    failures = []
    async with Visitor(link(server, LAYERS.name, networks[0])) as visitor:
        offered = {name.partition(" (")[0]: name for name in visitor.options("network")}
        for network in networks:
            try:
                await visitor.turn_to(LAYERS.name)
                await visitor.choose("network", offered[ARCHITECTURES[network].title])
                await visitor.turn_to(ACTIVATIONS.name)
                if f"network={network}&" not in f"{visitor.query}&":
                    failures.append(f"{network} was not opened")
            except Failed as failed:
                failures.append(str(failed))
    return failures


def one_visitor(networks: Sequence[str], later: float) -> None:
    head(
        "networks", "failures", "peak GB", "at most", "of the bar", "minutes later", "left GB", "at most", "of the bar"
    )
    with serving() as server:
        asyncio.run(visit(link(server, LAYERS.name, "lenet5")))
        empty = server.memory()
        failures = asyncio.run(walk(server, networks))
        peak = (server.peak() - empty) / GB
        end = time.monotonic() + later
        while time.monotonic() < end:  # somebody else looks at a small page now and then
            asyncio.run(visit(link(server, LAYERS.name, "lenet5")))
            time.sleep(min(20, max(0.0, end - time.monotonic())))
        left = (server.memory() - empty) / GB
    for failure in failures:
        print(failure, file=sys.stderr)
    bars = (f"{peak:.2f}", *of_bar(peak, PEAK_BAR), f"{later / 60:.0f}", f"{left:.2f}", *of_bar(left, LEFT_BAR))
    row(len(networks), len(failures), *bars)


def many_at_once(networks: Sequence[str], limit: int) -> None:
    head("visitors at once", "the largest networks, from", "to", "limit GB", "served", "alive", "peak GB", "s")
    sizes = [4 * ARCHITECTURES[name].parameters / 1e6 for name in networks]
    with serving() as server, limited(server, limit) as is_limited:
        began = time.monotonic()

        async def all_of_them() -> list[str]:
            return await asyncio.gather(*(visit(link(server, LAYERS.name, name)) for name in networks))

        failures = asyncio.run(all_of_them())
        took = time.monotonic() - began
        is_alive = Path(f"/proc/{server.process}/statm").exists() and server.memory() > 0
        peak = f"{server.peak() / GB:.2f}" if is_alive else "–"
    for failure in filter(None, failures):
        print(failure, file=sys.stderr)
    served = f"{failures.count('')} of {len(networks)}"
    allowed = f"{limit / GB:.1f}" if is_limited else "none: no control group may be made here"
    largest, smallest = (f"{size:.0f} MB" for size in (max(sizes), min(sizes)))
    row(len(networks), largest, smallest, allowed, served, "yes" if is_alive else "no", peak, f"{took:.0f}")


@contextmanager
def limited(server: Server, most: int) -> Iterator[bool]:
    """A `with` in which the server may take so many bytes; False where this user may not limit it."""
    name = f"convscope-{os.getpid()}"
    for root, limit in (CGROUPS["memory"], CGROUPS[""]):
        group = Path(root, name)
        try:
            group.mkdir()
            (group / limit).write_text(str(most))
            (group / "cgroup.procs").write_text(str(server.process))
        except OSError:
            with suppress(OSError):
                group.rmdir()
            continue
        try:
            yield True
        finally:
            with suppress(OSError):  # the server is still in it: it goes with the machine
                Path(root, "cgroup.procs").write_text(str(server.process))
                group.rmdir()
        return
    yield False


def largest(count: int) -> list[str]:
    return sorted(ARCHITECTURES, key=lambda name: -ARCHITECTURES[name].parameters)[:count]


def main(argv: Sequence[str] | None = None) -> None:
    given = parser_of("memory", __doc__).parse_args(argv)
    print(machine())
    visiting.PATIENCE = 600.0
    if given.short:
        one_visitor(["lenet5"], later=0)
        many_at_once(["zfnet_mini", "alexnet_mini"], LIMIT)
    else:
        one_visitor([*ARCHITECTURES], LATER)
        many_at_once(largest(MANY), LIMIT)


if __name__ == "__main__":
    main()
