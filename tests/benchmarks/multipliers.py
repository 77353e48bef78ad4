"""One step of the live sliders of MobileNet's page: `python -m tests.benchmarks.multipliers`.

What the server does for it: the network counted anew; both pictures of it; and, in an AppTest, the fragment of the
page, which is all that a step runs.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from statistics import median
from time import perf_counter
from unittest.mock import patch

import streamlit as st

from tests.app.visit import MOBILENET, Visit
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row, without_a_browser
from vis.cost.mobilenet import MobileNet, accuracy, grid
from vis.figures.costs import COLOURS, block_costs
from vis.figures.graph_files import svg
from vis.figures.numbers import grouped
from vis.figures.sixteen import sixteen

ROUNDS = 60
BAR = 20  # milliseconds of server time


def counted(side: int) -> MobileNet:
    """The network of a resolution with all that is shown of it."""
    network = MobileNet(resolution=side)
    _ = network.macs, network.params, network.shares("macs"), network.shares("weights"), accuracy(network), grid()
    return network


def drawn(network: MobileNet) -> None:
    block_costs(network, MobileNet(), "macs", {kind: kind for kind in COLOURS}, "1.0 MobileNet-224", "MACs")
    svg(*sixteen(network))


def page(rounds: int) -> float:
    """The median milliseconds of the page's fragment with the slider at another resolution."""
    fragment, taken = st.fragment, []

    def timed_fragment(function: Callable | None = None, **options) -> Callable:
        if not function or function.__name__ != "_calculator":
            return fragment(function, **options)

        @wraps(function)
        def timed(*args) -> None:
            start = perf_counter()
            function(*args)
            taken.append(perf_counter() - start)

        return fragment(timed)

    with patch.object(st, "fragment", timed_fragment):
        visit = Visit(MOBILENET).approach("multipliers", "resolution")
        for side in range(100, 100 + rounds):
            visit.drag("multipliers", resolution=side)
            assert visit.following["now"]["readings"][0][0] == grouped(MobileNet(resolution=side).macs)
    return 1e3 * median(taken[1:])


@without_a_browser()
def main(argv: Sequence[str] | None = None) -> None:
    rounds = 2 if parser_of("multipliers", __doc__).parse_args(argv).short else ROUNDS
    counting, drawing = [], []
    for side in range(200, 200 + rounds):
        start = perf_counter()
        network = counted(side)
        counting.append(perf_counter() - start)
        drawn(network)
        drawing.append(perf_counter() - start - counting[-1])
    print(machine())
    head("counted ms", "drawn ms", "all that a step runs, in an AppTest, ms", "bar ms", "of the bar")
    step = page(rounds)
    row(f"{1e3 * median(counting):.2f}", f"{1e3 * median(drawing):.1f}", f"{step:.1f}", *of_bar(step, BAR))


if __name__ == "__main__":
    main()
