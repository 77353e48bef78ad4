"""A class at a school's server, one replica and two: `python -m tests.benchmarks.replicas`.

The page of layers, used as in `load`, behind nginx as it is shipped. A class meets one replica and then two, which were
both started before it and have both seen the page. The visitors and nginx share the machine's cores with the replicas;
each replica has a core's worth of Python, so a machine of fewer than four cores shows what it can and no bar.
"""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pages.common.routes import LAYERS
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row
from tests.live.load import PAGES, THINKING, class_of
from tests.live.school import NUMBERS, school

SIZES = (50, 100, 200)
BAR, CORES = 1.6, 4  # times as long with one replica, at least; on so many cores
PAGE = PAGES[LAYERS.name]


async def compared(sizes: Sequence[int], seconds: float) -> None:
    head("visitors", "replicas", "clicks", "p50 s", "p95 s", "CPU of each s", "failures", "one / two", "of the bar")
    waits: dict[int, float] = {}
    for size in sizes:
        for count in (1, 2):
            with tempfile.TemporaryDirectory() as folder, school(Path(folder), NUMBERS[:count]) as known:
                for replica in known.replicas.values():
                    await class_of(replica, PAGE, 1, 2 * THINKING)  # the page was visited before
                before = [replica.cpu() for replica in known.replicas.values()]
                met = await class_of(known, PAGE, size, seconds, least=1)
                after = [replica.cpu() for replica in known.replicas.values()]
            median, waits[count] = met.times(lambda visit: visit.seconds)
            ratio = "–", "–"
            if count == 2:
                times = waits[1] / waits[2]
                ratio = f"{times:.2f}", of_bar(BAR, times)[1] if (os.cpu_count() or 1) >= CORES else "–"
            clicks = sum(not visit.first for visit in met.visits)
            worked = " + ".join(f"{b - a:.1f}" for a, b in zip(before, after, strict=True))
            row(size, count, clicks, f"{median:.2f}", f"{waits[count]:.2f}", worked, len(met.failures), *ratio)
            for visit in met.failures[:5]:
                print(f"<!-- {visit.failure} -->")


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("replicas", __doc__)
    parser.add_argument("--visitors", nargs="+", type=int, default=SIZES)
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args(argv)
    print(machine())
    asyncio.run(compared([2] if given.short else given.visitors, 5 if given.short else given.seconds))


if __name__ == "__main__":
    main()
