"""Networks that learn digits while one watches: `python -m tests.benchmarks.learning`.

LeNet-5 by the page's usual recipe, until 97 % of the 1,000 held-out digits are right, with several seeds: seconds by
the clock, which others on the machine make longer, and of processor cores, which they do not. Then each network for a
few epochs, and ten sessions that start at once, of which as many learn together as there are cores.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from threading import Thread

from models.device import compute_on_one_core, cores
from models.learners import LEARNERS, digits
from models.training import Recipe, Training
from pages.common.learning import Run
from pages.learn.train.recipe import training_of
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row

BAR, GOAL = 15, 0.97  # seconds, and the share of held-out digits
SEEDS, SESSIONS, EPOCHS = 5, 10, 3


def until(training: Training, goal: float) -> tuple[float, float]:
    """Trains to its end or until so many are right, in a thread as the app does: seconds by the clock, and of cores."""
    taken = []

    def work() -> None:
        compute_on_one_core()
        clock, core = time.perf_counter(), time.thread_time()
        while not training.is_over and not (training.held_out and training.held_out[-1].accuracy >= goal):
            training.advance()
        taken.extend((time.perf_counter() - clock, time.thread_time() - core))

    thread = Thread(target=work)
    thread.start()
    thread.join()
    return taken[0], taken[1]


def ten_at_once(epochs: int, count: int) -> tuple[int, float]:
    """How many of the trainings that start together come to their end, and after how many seconds the last one."""
    begun = time.perf_counter()
    runs = [Run(training_of(Recipe(epochs=epochs, seed=seed)), lambda: True) for seed in range(count)]
    while any(run.running for run in runs):
        time.sleep(0.02)
    return sum(run.training.is_over and not run.failed for run in runs), time.perf_counter() - begun


def main(argv: Sequence[str] | None = None) -> None:
    is_short = parser_of("learning", __doc__).parse_args(argv).short
    digits()
    print(machine())
    head("LeNet-5, seed", "97 % after epochs", "s", "core s", "bar s", "of the bar", "core s of the bar")
    for seed in range(1 if is_short else SEEDS):
        training = training_of(Recipe(seed=seed, epochs=20))
        seconds, core = until(training, 0.1 if is_short else GOAL)
        reached = training.held_out[-1].accuracy >= GOAL
        epochs = f"{training.epoch:.1f}" if reached else "not reached"
        row(seed, epochs, f"{seconds:.1f}", f"{core:.1f}", *of_bar(seconds, BAR), of_bar(core, BAR)[1])
    if is_short:
        return
    head("network", "batch norm", "epochs", "held out, right", "core s per epoch")
    for name, learner in LEARNERS.items():
        for norm in (False, True) if learner.has_norm else (False,):
            recipe = replace(Recipe(net=name, learning_rate=learner.rate, batch_norm=norm), epochs=EPOCHS)
            training = training_of(recipe)
            _, core = until(training, 1.1)
            right = f"{100 * training.held_out[-1].accuracy:.1f} %"
            row(name, "yes" if norm else "no", EPOCHS, right, f"{core / EPOCHS:.2f}")
    head("sessions that start at once", "cores", "epochs each", "finished", "s")
    finished, seconds = ten_at_once(EPOCHS, SESSIONS)
    row(SESSIONS, cores(), EPOCHS, finished, f"{seconds:.1f}")


if __name__ == "__main__":
    main()
