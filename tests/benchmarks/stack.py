"""One edit of a stack: `python -m tests.benchmarks.stack`.

What the server does for it: the rows counted anew, both pictures of them; and, in an AppTest, a run of the whole page,
of which an edit runs all but the frame. No module of torch is built.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from time import perf_counter

from tests.app.visit import STACK, Visit
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row, without_a_browser
from vis.cost.design import Design, as_code
from vis.cost.layer import SETTINGS
from vis.cost.presets import PRESETS
from vis.cost.stack import MOST_ROWS, Row
from vis.figures.numbers import grouped
from vis.figures.stack import fields, row_costs

ROUNDS = 60
BAR = 50  # milliseconds of server time
WORDS = {name: name for name in (*SETTINGS, "other", "field", "jump", "whole", "picture", "side", "row", "pixels")}
DESIGNS = {
    "AlexNet's 8 rows": PRESETS["alexnet"],
    "VGG-16's 18 rows": PRESETS["vgg16"],
    f"{MOST_ROWS} rows": Design((Row("conv", 64, 3, padding=1),) * MOST_ROWS),
}


def changed(design: Design, channels: int) -> Design:
    return replace(design, rows=(replace(design.rows[0], channels=channels), *design.rows[1:]))


def page(design: Design, rounds: int) -> float:
    """The median milliseconds of a run of the page after its first cell was edited."""
    visit, taken = Visit(STACK, stack=as_code(design.rows)), []
    for channels in range(100, 100 + rounds):
        start = perf_counter()
        visit.edit({0: {"channels": str(channels)}})
        taken.append(perf_counter() - start)
        assert visit.at.metric[0].value == grouped(changed(design, channels).stack().macs)
    return 1e3 * median(taken)


@without_a_browser()
def main(argv: Sequence[str] | None = None) -> None:
    is_short = parser_of("stack", __doc__).parse_args(argv).short
    rounds, designs = (2, list(DESIGNS)[:1]) if is_short else (ROUNDS, DESIGNS)
    print(machine())
    head(
        "stack", "counted ms", "drawn ms", "the whole page in an AppTest ms", "bar ms, without the frame", "of the bar"
    )
    for name in designs:
        counting, drawing = [], []
        for channels in range(100, 100 + rounds):
            start = perf_counter()
            stack = changed(DESIGNS[name], channels).stack()
            _ = stack.macs, stack.params, stack.activation_bytes, as_code(changed(DESIGNS[name], channels).rows)
            counting.append(perf_counter() - start)
            row_costs(stack, "macs", WORDS, "MACs", "row")
            fields(stack, WORDS)
            drawing.append(perf_counter() - start - counting[-1])
        whole = page(DESIGNS[name], rounds)
        row(name, f"{1e3 * median(counting):.2f}", f"{1e3 * median(drawing):.1f}", f"{whole:.1f}", *of_bar(whole, BAR))


if __name__ == "__main__":
    main()
