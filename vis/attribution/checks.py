"""How faithful an attribution is: what becomes of the score without the pixels that it names, and with them alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vis.attribution.gradients import AT_ONCE, blurred
from vis.attribution.question import Question


@dataclass(frozen=True, eq=False)
class Curve:
    """The score by the part of the pixels that were changed, from none to all."""

    parts: Tensor  # (S + 1,), from 0 to 1
    scores: Tensor  # (S + 1,)

    @property
    def area(self) -> float:
        """Under the curve, by trapezoids: of a deletion small where the map is faithful, of an insertion large."""
        return torch.trapezoid(self.scores, self.parts).item()


def deletion(asked: Question, ranked: Tensor, steps: int = 50) -> Curve:
    """The score while the pixels are covered with the mean colour, those first that the map (H, W) says matter most.

    Petsiuk, Das & Saenko 2018, section 4.1. Equal pixels go in reading order.

    Raises:
        Refused: see `Question.scores`.
    """
    return _changed(asked, asked.image, torch.zeros_like(asked.image), ranked, steps)


def insertion(asked: Question, ranked: Tensor, steps: int = 50) -> Curve:
    """The score while the pixels come back into a blurred picture, those first that the map (H, W) says matter most.

    Raises:
        Refused: see `Question.scores`.
    """
    return _changed(asked, blurred(asked.image), asked.image, ranked, steps)


def _changed(asked: Question, begin: Tensor, end: Tensor, ranked: Tensor, steps: int) -> Curve:
    order = ranked.flatten().argsort(descending=True, stable=True)
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order), device=order.device)  # of every pixel in the order
    place = place.view(1, 1, *ranked.shape).to(begin.device)
    counts = torch.linspace(0, len(order), steps + 1, dtype=torch.float64).round().long()
    scores = [
        asked.scores(torch.where(place < some.to(begin.device)[:, None, None, None], end, begin))
        for some in counts.split(AT_ONCE)
    ]
    return Curve(counts.double() / len(order), torch.cat(scores).double().cpu())


def random_map(shape: tuple[int, int], seed: int = 0) -> Tensor:
    """A map (H, W) that knows nothing, the same in every run."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def centred(shape: tuple[int, int]) -> Tensor:
    """A map that knows where photographers put things: a Gaussian in the middle, as wide as a quarter of the sides."""
    rows, columns = (torch.linspace(-2, 2, side, dtype=torch.float64) for side in shape)
    return torch.exp(-(rows[:, None] ** 2 + columns**2) / 2)


def edges(image: Tensor) -> Tensor:
    """A map (H, W) that knows the picture (1, C, H, W) and not the network: the length of Sobel's gradient."""
    grey = F.pad(image.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    kernel = image.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    across, down = (F.conv2d(grey, one[None, None])[0, 0] for one in (kernel, kernel.T))
    return torch.hypot(across, down)


BLIND: Mapping[str, Callable[[Tensor], Tensor]] = {
    "random": lambda image: random_map(tuple(image.shape[2:])).to(image.device),
    "centred": lambda image: centred(tuple(image.shape[2:])).to(image.device),
    "edges": edges,
}
"""Maps (H, W) of a picture (1, C, H, W) by what has never seen the network: a faithful map has to beat their curves."""
