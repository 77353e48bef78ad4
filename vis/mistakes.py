"""What a network answers to many pictures whose classes are known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Answers:
    """By picture, in the order of the set, (N,) each."""

    right: np.ndarray  # the number of its class
    answer: np.ndarray  # the number of the most probable class
    share: np.ndarray  # its probability

    @property
    def accuracy(self) -> float:
        """The share of right answers, 0 to 1."""
        return float((self.right == self.answer).mean())

    def of_cell(self, right: int, answer: int) -> np.ndarray:
        """The pictures of one class that got this answer, the most certain first."""
        (found,) = np.nonzero((self.right == right) & (self.answer == answer))
        return found[np.argsort(-self.share[found], kind="stable")]

    def mistakes(self) -> np.ndarray:
        """The pictures with a wrong answer, the most certain first."""
        (found,) = np.nonzero(self.right != self.answer)
        return found[np.argsort(-self.share[found], kind="stable")]


@torch.no_grad()
def answers_to(model: nn.Module, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The most probable class of each of these images (N, C, H, W), and its probability; (N,) each."""
    share, answer = model(images).softmax(1).max(1)
    return answer.cpu().numpy(), share.cpu().numpy()


def joined(right: Sequence[int], parts: Iterable[tuple[np.ndarray, np.ndarray]]) -> Answers:
    """The answers of several batches together."""
    answers, shares = zip(*parts, strict=True)
    return Answers(np.array(right), np.concatenate(answers), np.concatenate(shares))
