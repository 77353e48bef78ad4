"""The finished weights of a training, and the card that says how they were made and what they reach."""

import json
import platform
from dataclasses import asdict
from datetime import date
from pathlib import Path

import torch
from torch import nn

from models.device import cores, name_of
from models.train.runs import Run, accuracy
from models.weights import DEAD_BELOW, dead_filters, save_shipped


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
        top1, top5 = accuracy(net.to(run.device), data, run.device)
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
    path.write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n")
    return path
