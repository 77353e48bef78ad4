"""One step of the calculators' sliders: `python -m tests.benchmarks.calculators`.

What the server does for it: the fragment of the page in an AppTest, from the sliders' new values to the last element:
both blocks counted and drawn, their sums, and the curves.
"""

from statistics import median
from time import perf_counter

from pages.count import calculator as calculators
from tests.app.visit import ROUTES, Visit
from tests.benchmarks.timing import machine

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


def main() -> None:
    fragment, taken = calculators.calculator, []

    def timed(*args) -> None:
        start = perf_counter()
        fragment(*args)
        taken.append(perf_counter() - start)

    calculators.calculator = timed
    print(machine())
    print("| calculator | a step ms | bar |\n|---|---|---|")
    for name, (page, slider) in DRAGGED.items():
        visit = Visit(ROUTES[page], block=name)
        taken.clear()
        for value in range(1, 1 + STEPS):
            visit.drag(name, **{slider: value})
        print(f"| {name} | {1e3 * median(taken[1:]):.1f} | {BAR} |")


if __name__ == "__main__":
    main()
