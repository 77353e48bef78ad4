"""How the weights that ship were made: `python -m models.train zfnet_mini --data ../shared/data`.

Every epoch is logged to `log.jsonl` in the run's folder and saved there, so a run that was stopped goes on where
it was when the same command is given again. When the last epoch is done, the weights are written in half
precision to `models/weights/`, beside a card that says how they were made and what they reach.

`python -m models.train cifar --all` trains every network for CIFAR-10, one after another; `--net NAME` one of them.
With `--measure` nothing is trained: the cards of weights that are there are completed by what they take for what.
"""

import argparse
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import torch

from models import cifar
from models.device import available
from models.train.recipes import RECIPES
from models.train.runs import Run
from models.train.shipping import measure, ship
from models.weights import SHIPPED


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=[*RECIPES, "cifar"])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--net", choices=cifar.NETWORKS, metavar="NAME", help="of cifar: one of %(choices)s")
    which.add_argument("--all", action="store_true", help="of cifar: all of them, one after another")
    parser.add_argument("--seed", type=int, default=0, help="weights of another than 0 stay with their run")
    parser.add_argument("--measure", action="store_true", help="complete the cards of weights that are there already")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the training pictures")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder for logs and saved epochs")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder for the finished weights and their card")
    parser.add_argument("--device", choices=available(), default=available()[0])
    options = parser.parse_args(arguments)
    if (options.network == "cifar") != bool(options.net or options.all):
        parser.error("cifar goes with --net NAME or --all, and nothing else does")
    for name in cifar.NETWORKS if options.all else [options.net or options.network]:
        (_measure if options.measure else _train)(name, options)


def _measure(name: str, options: argparse.Namespace) -> None:
    if options.all and not (options.out / f"{name}.json").exists():
        print(f"{name} is not trained yet")
        return
    data = RECIPES[name].data(options.data)
    print(f"completed {measure(name, data, torch.device(options.device), options.out)}", flush=True)


def _train(name: str, options: argparse.Namespace) -> None:
    recipe = replace(RECIPES[name], seed=options.seed)
    folder = options.runs / (f"{name}.seed{recipe.seed}" if recipe.seed else name)
    run = Run(recipe, recipe.data(options.data), folder, torch.device(options.device))
    print(f"{name}, seed {recipe.seed}" + (f", going on after epoch {len(run.log)}" if run.log else ""), flush=True)
    try:
        for entry in run.epochs():
            said = " · ".join(f"{key} {value}" for key, value in entry.items() if key != "gradient")
            print(f"{said} · {run.seconds_left / 60:.0f} min left", flush=True)
    except KeyboardInterrupt:
        sys.exit(f"\nstopped after epoch {len(run.log)}; the same command goes on from there")
    arguments = [name, *(["--seed", str(recipe.seed)] if recipe.seed else [])]
    command = shlex.join(["python", "-m", "models.train", *arguments])
    card = ship(name, run, command, folder if recipe.seed else options.out)
    if recipe.seed:  # its weights do not ship, but what they reach is told beside those that do
        (options.out / "seeds").mkdir(exist_ok=True, parents=True)
        card = shutil.copy(card, options.out / "seeds" / f"{folder.name}.json")
    print(f"wrote {card}", flush=True)


if __name__ == "__main__":
    main()
