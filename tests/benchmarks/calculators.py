"""What a slider of the calculators costs the server: `python -m tests.benchmarks.calculators`.

What the server does for it: the fragment of the page in an AppTest, from the sliders' new values to the last element:
both blocks counted and drawn, their sums, and the curves.
"""

from collections.abc import Sequence
from statistics import median
from time import perf_counter
from unittest.mock import patch

from tests.app.visit import ROUTES, Visit
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row, without_a_browser

STEPS = 60
BAR = 20  # milliseconds of server time
DRAGGED = {
    "bottleneck": ("bottleneck", "between"),
    "residual": ("residual", "between"),
    "separable": ("separable", "maps_out"),
    "stacked": ("kernels", "maps"),
    "factorised": ("kernels", "maps"),
    "groups": ("kernels", "side"),
    "dilated": ("kernels", "maps"),
}


@without_a_browser()
def main(argv: Sequence[str] | None = None) -> None:
    from pages.count import calculator as calculators  # where Streamlit is quiet: each cache misses its server, too

    steps = 2 if parser_of("calculators", __doc__).parse_args(argv).short else STEPS
    fragment, taken = calculators._calculator, []

    def timed(*args) -> None:
        start = perf_counter()
        fragment(*args)
        taken.append(perf_counter() - start)

    with patch.object(calculators, "_calculator", timed):
        print(machine())
        head("calculator", "a step ms", "bar ms", "of the bar")
        for name, (page, slider) in DRAGGED.items():
            visit = Visit(ROUTES[page], block=name).approach(name, slider)
            taken.clear()
            for value in range(1, 1 + steps):
                visit.drag(name, **{slider: value})
            step = 1e3 * median(taken[1:])
            row(name, f"{step:.1f}", *of_bar(step, BAR))


if __name__ == "__main__":
    main()
