"""One training, epoch by epoch, which goes on where it was stopped."""

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import get_total_norm
from tqdm import tqdm

from models.train.data import Data, augmented, normalised
from models.train.recipes import Recipe


class Run:
    """One training run in its folder; `epochs()` goes on from the last epoch that was saved there."""

    def __init__(self, recipe: Recipe, data: Data, folder: Path, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.data, self.folder, self.device = recipe, data, folder, device
        self.net = recipe.build(num_classes=len(data.categories)).to(device, memory_format=torch.channels_last)
        self.optimizer = recipe.optimiser_of(self.net)
        self.steps = len(data.train[1]) // recipe.batch
        self.schedule = recipe.schedule(self.optimizer, recipe.epochs * self.steps)
        self.mean = torch.tensor(data.mean, device=device).view(-1, 1, 1)
        self.std = torch.tensor(data.std, device=device).view(-1, 1, 1)
        self.log: list[dict] = []
        folder.mkdir(parents=True, exist_ok=True)
        if self._state.exists():
            self._restore()

    @property
    def _state(self) -> Path:
        return self.folder / "state.pt"

    @property
    def seconds_left(self) -> float:
        """By the epochs that are done, of which there is at least one."""
        mean = sum(entry["seconds"] for entry in self.log) / len(self.log)
        return mean * (self.recipe.epochs - len(self.log))

    def epochs(self) -> Iterator[dict]:
        """One log entry an epoch.

        It has the loss; top-1 and top-5 on the validation pictures in percent; the seconds that training took, by the
        clock and of all processor cores together; and of the gradient of every stage the mean norm.
        """
        for epoch in range(len(self.log) + 1, self.recipe.epochs + 1):
            clock, cores = time.perf_counter(), time.process_time()
            loss, gradient = self._train_one_epoch(epoch)
            seconds, core_seconds = time.perf_counter() - clock, time.process_time() - cores
            top1, top5 = accuracy(self.net, self.data, self.device)
            entry = {"epoch": epoch, "loss": round(loss, 4), "top1": round(top1, 2), "top5": round(top5, 2)}
            entry |= {"seconds": round(seconds, 4), "core_seconds": round(core_seconds, 4), "gradient": gradient}
            self.log.append(entry)
            if epoch in self.recipe.keep:
                _save(self.net.state_dict(), self.kept(epoch))
            self._save()
            yield entry

    def kept(self, epoch: int) -> Path:
        return self.folder / f"epoch{epoch:02d}.pt"

    def _train_one_epoch(self, epoch: int) -> tuple[float, dict[str, float]]:
        self.net.train()
        rng = np.random.default_rng((self.recipe.seed, epoch))  # the same order however often a run was stopped
        torch.manual_seed(self.recipe.seed + epoch)  # … and the same dropout
        pictures, labels = self.data.train
        order = rng.permutation(len(labels))[: self.steps * self.recipe.batch].reshape(self.steps, -1)
        parts, total, norms = stages(self.net), 0.0, defaultdict(float)
        bar = tqdm(order, desc=f"epoch {epoch}/{self.recipe.epochs}", unit="batch", leave=False, disable=None)
        for rows in bar:
            batch = augmented(pictures[rows], self.recipe.shift, self.data.mirrored, rng)
            target = torch.from_numpy(labels[rows]).to(self.device)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.bfloat16):
                logits = self.net(normalised(batch, self.mean, self.std, self.device))
                loss = F.cross_entropy(logits, target, label_smoothing=self.recipe.label_smoothing)
            self.optimizer.zero_grad()
            loss.backward()
            for stage, parameters in parts.items():
                norms[stage] += get_total_norm([p.grad for p in parameters]).item()
            self.optimizer.step()
            self.schedule.step()
            total += loss.item()
            bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
        return total / self.steps, {stage: float(f"{norm / self.steps:.4g}") for stage, norm in norms.items()}

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


def stages(net: nn.Module) -> Mapping[str, list[nn.Parameter]]:
    """The parameters by the part of the network that they belong to: one of its own, or one of its `features`."""
    found = defaultdict(list)
    for name, parameter in net.named_parameters():
        parts = name.split(".")[:-1]
        found[".".join(parts[:2] if parts[0] == "features" else parts[:1])].append(parameter)
    return found


def accuracy(net: nn.Module, data: Data, device: torch.device) -> tuple[float, float]:
    """Top-1 and top-5 accuracy on the validation pictures in percent, in full precision."""
    return shares_right(best_answers(net, data, device), data)


@torch.inference_mode()
def best_answers(net: nn.Module, data: Data, device: torch.device) -> np.ndarray:
    """For every validation picture the five most probable classes, the best first, (N, 5); fewer where there are."""
    net.eval()
    mean, std = (torch.tensor(v, device=device).view(-1, 1, 1) for v in (data.mean, data.std))
    pictures, found = data.validation[0], []
    for start in range(0, len(pictures), 500):
        logits = net(normalised(pictures[start : start + 500], mean, std, device))
        found.append(logits.topk(min(5, logits.shape[1])).indices.cpu().numpy())
    return np.concatenate(found)


def shares_right(answers: np.ndarray, data: Data) -> tuple[float, float]:
    """Of these answers (N, 5) the best one, and any of them, right: percent."""
    right = answers == data.validation[1][:, None]
    return 100 * int(right[:, 0].sum()) / len(right), 100 * int(right.any(1).sum()) / len(right)
