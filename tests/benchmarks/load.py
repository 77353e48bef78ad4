"""A class at a server: `python -m tests.benchmarks.load`.

So many visitors without a browser come within five seconds, think for five seconds on average, and click: another unit,
sample, network, box or slider. A click is timed until its run has ended; “with pictures”, until what stands behind
addresses was fetched, too. The first page is that of each visitor, on a page that one had visited before. The server's
CPU is that of the whole process, by runs. What visitors saw is compared with what a single one sees by a link to the
same on a server of their own, up to 30 different states of each class. The visitors share the machine's cores with
the server.
"""

import asyncio
from collections.abc import Sequence

from tests.benchmarks.timing import machine, parser_of
from tests.live.load import CLASS_SIZES, MOST_COMPARED, PAGES, measure


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("load", __doc__)
    parser.add_argument("--visitors", nargs="+", type=int, default=CLASS_SIZES)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--compared", type=int, default=MOST_COMPARED, help="different states that are looked up")
    given = parser.parse_args(argv)
    print(machine())
    if given.short:
        asyncio.run(measure(["mobilenet"], [2], 5, 2))
    else:
        asyncio.run(measure([*PAGES], given.visitors, given.seconds, given.compared))


if __name__ == "__main__":
    main()
