"""One step of the live sliders of MobileNet's page: `python -m tests.benchmarks.multipliers`.

What the server does for it: the network counted anew; both pictures of it; and, in an AppTest, a run of the whole page,
of which a step of a slider runs all but the frame.
"""

from statistics import median
from time import perf_counter

from tests.app.visit import MOBILENET, Visit
from tests.benchmarks.timing import machine
from vis.cost.mobilenet import MobileNet, accuracy, grid
from vis.figures.costs import COLOURS, block_costs, sixteen
from vis.figures.numbers import grouped

ROUNDS = 60
BAR = 20  # milliseconds of server time
WORDS = {name: name for name in ("width", "resolution", "macs", "params", "accuracy")}


def counted(side: int) -> MobileNet:
    """The network of a resolution with all that is shown of it."""
    network = MobileNet(resolution=side)
    _ = network.macs, network.params, network.shares("macs"), network.shares("weights"), accuracy(network), grid()
    return network


def drawn(network: MobileNet) -> None:
    block_costs(network, MobileNet(), "macs", {kind: kind for kind in COLOURS}, "1.0 MobileNet-224", "MACs")
    sixteen(network, WORDS)


def page() -> float:
    """The median milliseconds of a run of the page with the slider at another resolution."""
    visit, taken = Visit(MOBILENET), []
    for side in range(100, 100 + ROUNDS):
        visit.at.session_state["slid"] = {"mobilenet": {"width": 1.0, "resolution": side, "classes": 1000}}
        start = perf_counter()
        visit.run()
        taken.append(perf_counter() - start)
        assert visit.at.metric[0].value == grouped(MobileNet(resolution=side).macs)
    return 1e3 * median(taken)


def main() -> None:
    counting, drawing = [], []
    for side in range(200, 200 + ROUNDS):
        start = perf_counter()
        network = counted(side)
        counting.append(perf_counter() - start)
        drawn(network)
        drawing.append(perf_counter() - start - counting[-1])
    print(machine())
    print(
        f"counted in {1e3 * median(counting):.2f} ms, drawn in {1e3 * median(drawing):.1f} ms; "
        f"the whole page in an AppTest: {page():.1f} ms (bar {BAR}, without the frame)"
    )


if __name__ == "__main__":
    main()
