"""The finished weights of a training, and the card that says how they were made and what they reach."""

import json
import platform
import re
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.device import cores, name_of
from models.train.data import Data
from models.train.recipes import RECIPES
from models.train.runs import Run, best_answers, shares_right
from models.weights import DEAD_BELOW, SHIPPED, dead_filters, fit, save_shipped, shipped

MOST_CLASSES = 20  # whose confusion is written down: of 200 a card would be as large as the weights


def ship(name: str, run: Run, command: str, folder: Path) -> Path:
    """The path of the card; weights are rounded to half precision before anything that the card says is measured."""
    recipe, data = run.recipe, run.data
    states = {epoch: torch.load(run.kept(epoch), weights_only=True) for epoch in recipe.keep}
    states[recipe.epochs] = run.net.state_dict()
    files = []
    for epoch, state in states.items():
        file = folder / (f"{name}.safetensors" if epoch == recipe.epochs else f"{name}.epoch{epoch:02d}.safetensors")
        sha256 = save_shipped(state, file)
        net = recipe.build(num_classes=len(data.categories))
        net.load_state_dict({k: v.half().float() if v.is_floating_point() else v for k, v in state.items()})
        answers = best_answers(net.to(run.device), data, run.device)
        top1, top5 = shares_right(answers, data)
        first = next(m for m in net.modules() if isinstance(m, nn.Conv2d))
        files.append(
            {
                "file": file.name,
                "epoch": epoch,
                "sha256": sha256,
                "top1": round(top1, 2),
                "top5": round(top5, 2),
                "dead_first_layer_filters": len(dead_filters(first.weight)),
            }
        )
    card = {
        "architecture": name,
        "made": date.today().isoformat(),
        "data": data.description,
        "validation_pictures": len(data.validation[1]),
        "command": command,
        "recipe": {k: v for k, v in asdict(recipe).items() if k not in ("data", "build", "bfloat16")}
        | {
            "schedule": "one cycle",
            "precision": "bfloat16 autocast" if recipe.bfloat16 else "single",
            "mirrored": data.mirrored,
        },
        "machine": {"device": name_of(run.device), "cores": cores(), "threads": torch.get_num_threads()},
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "stored": "half precision; accuracies are those of the stored weights",
        "dead_means": f"root mean square below {DEAD_BELOW:g} of the layer's median filter",
        "mean": data.mean,
        "std": data.std,
        "files": files,
        "log": run.log,
        "categories": data.categories,
    }
    path = folder / f"{name}.json"
    _write(card | _confusion(answers, data), path)  # those of the last epoch
    return path


def measure(name: str, data: Data, device: torch.device, folder: Path = SHIPPED) -> Path:
    """The path of the card of weights that are there already, completed by what they take for what.

    Raises:
        ValueError: where they were measured on other pictures, or are not as good as the card says.
    """
    found = shipped(name, folder=folder)
    if found is None:
        raise ValueError(f"{name} has no weights in {folder}")
    state, about = found
    if about.data != data.description:
        raise ValueError(f"the card of {name} is about {about.data}, not about {data.description}")
    net = fit(RECIPES[name].build(num_classes=len(data.categories)), state).to(device)
    answers = best_answers(net, data, device)
    reached = tuple(round(share, 2) for share in shares_right(answers, data))
    if reached != (about.at().top1, about.at().top5):
        raise ValueError(f"the card of {name} says {about.at().top1, about.at().top5} %, here it is {reached} %")
    path = folder / f"{name}.json"
    _write(json.loads(path.read_text(encoding="utf-8")) | _confusion(answers, data), path)
    return path


def confusion(answers: np.ndarray, labels: np.ndarray, classes: int) -> list[list[int]]:
    """By the right class and then by the answer, how many pictures."""
    return np.bincount(labels * classes + answers, minlength=classes**2).reshape(classes, classes).tolist()


def _confusion(answers: np.ndarray, data: Data) -> dict[str, list[list[int]]]:
    """As it stands on a card; there is none of many classes."""
    if (classes := len(data.categories)) > MOST_CLASSES:
        return {}
    return {"confusion": confusion(answers[:, 0], data.validation[1], classes)}


def _write(card: dict, path: Path) -> None:
    """Numbers of one list stand in one line."""
    text = json.dumps(card, ensure_ascii=False, indent=1)
    text = re.sub(r"\[\n[\d.,\s]+\]", lambda found: f"[{' '.join(found[0][1:-1].split())}]", text)
    path.write_text(text + "\n", encoding="utf-8")
