"""Whether a map depends on what the network has learnt: its weights are drawn anew, layer by layer, from the top down.

Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3.1: cascading randomisation. A map that hardly changes
explains the picture and not the network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from torch import Tensor, nn

from vis.attribution.methods import Attribution, attribute
from vis.attribution.question import Target
from vis.trace import copied, traced, twin_of

WINDOW = 7  # pixels along each side of what SSIM compares at a time


@dataclass(frozen=True)
class Similarity:
    """How alike two maps are, 1 where they are the same; None where one of them is flat."""

    rank: float | None  # Spearman's correlation of the pixels' ranks
    structure: (
        float | None
    )  # mean structural similarity, SSIM (Wang et al. 2004), each map divided by its largest value


@dataclass(frozen=True, eq=False)
class Randomised:
    """The map of a network whose weights are random from the top down to a layer."""

    layer: str  # the lowest that is random
    part: float  # of the layers with weights, that is random
    found: Attribution
    signed: Similarity  # with the map of the network as it is
    absolute: Similarity  # of what both maps are without their signs


def randomised(
    model: nn.Module,
    image: Tensor,
    method: str,
    target: Target,
    *,
    stops: int = 10,
    seed: int = 0,
    **asked: object,
) -> Iterator[Randomised]:
    """The map with more and more layers random, the classifier first, in about equal stops down to the first layer.

    Every weight and bias is drawn from the normal distribution with the mean and the deviation that it has in its
    layer, where the paper draws from the distribution that training began with: a network need not tell it, and batch
    norms keep their statistics, so signals would grow or vanish with other sizes. It is a copy that is changed.

    Args:
        image, method, target, asked: as of `vis.attribution.attribute`.
        stops: after how many groups of layers the map is made anew; it takes one attribution each, and one before.

    Raises:
        Refused: as `attribute`.
    """
    before = attribute(model, image, method, target, **asked).map
    copy = twin_of(model, copied)
    layers = layers_with_weights(copy, tuple(image.shape))
    generator = torch.Generator().manual_seed(seed)
    names, size = list(layers), ceil(len(layers) / stops)
    for begin in range(0, len(names), size):
        group = names[begin : begin + size]
        for layer in group:
            draw_anew(layers[layer], generator)
        found = attribute(copy, image, method, target, **asked)
        signed, absolute = similarity(before, found.map), similarity(before.abs(), found.map.abs())
        yield Randomised(group[-1], (begin + len(group)) / len(names), found, signed, absolute)


def layers_with_weights(model: nn.Module, shape: tuple[int, ...]) -> dict[str, list[nn.Parameter]]:
    """The parameters of every layer that has some, from the last layer to the first; what is shared counts once."""
    trace, known, found = traced(model, shape), set(), {}
    for node in reversed(trace.graph.nodes):
        if node.op == "call_module":
            parameters = list(model.get_submodule(node.target).parameters())
        elif node.op == "get_attr":
            parameters = [p for name, p in model.named_parameters() if name == node.target]
        else:
            continue
        new = [p for p in parameters if id(p) not in known]
        known.update(map(id, new))
        if new:
            found[trace.names[node]] = new
    return found


@torch.no_grad()
def draw_anew(parameters: list[nn.Parameter], generator: torch.Generator) -> None:
    """Puts other numbers of the same mean and deviation into each of these."""
    for values in parameters:
        drawn = torch.randn(values.shape, generator=generator, dtype=torch.float64)
        mean, deviation = values.double().mean(), values.double().std(correction=0)
        values.copy_(drawn.to(values.device) * deviation + mean)


def similarity(one: Tensor, other: Tensor) -> Similarity:
    """How alike two maps (H, W) are.

    Raises:
        ValueError: where their sizes differ.
    """
    from scipy.stats import spearmanr
    from skimage.metrics import structural_similarity

    maps = [value.double().cpu().numpy() for value in (one, other)]
    if any(np.ptp(values) == 0 for values in maps):
        return Similarity(None, None)
    rank = spearmanr(*(values.ravel() for values in maps)).statistic
    one, other = (values / np.abs(values).max() for values in maps)
    window = min(WINDOW, *((side - 1) // 2 * 2 + 1 for side in one.shape))  # it has a middle
    has_sign = min(one.min(), other.min()) < 0
    structure = structural_similarity(one, other, win_size=window, data_range=2.0 if has_sign else 1.0)
    return Similarity(float(rank), float(structure))
