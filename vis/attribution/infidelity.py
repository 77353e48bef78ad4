"""Two numbers for a map, through Captum: how well it foretells the score, and how steady it is (Yeh et al. 2019)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vis.attribution.gradients import AT_ONCE
from vis.attribution.methods import attribute
from vis.attribution.question import Question, Target


@dataclass(frozen=True)
class Infidelity:
    """How far a map is from foretelling by how much the score falls when squares of the picture are covered."""

    value: float  # mean squared error, in squares of the score
    of_nothing: float  # what a map of zeros would have

    @property
    def relative(self) -> float | None:
        """0 where the map foretells every fall, 1 where it tells as much as a map of zeros; None where none falls."""
        return self.value / self.of_nothing if self.of_nothing > 0 else None


def infidelity(asked: Question, found: Tensor, squares: int = 50, seed: int = 0, is_scaled: bool = True) -> Infidelity:
    """The mean of (what the map (H, W) has in a square − the fall of the score without it)², over random squares.

    A square is covered with the mean colour, as in occlusion; each side is between an eighth and a half of the
    picture's. For a map whose parts add up to the score, such as that of integrated gradients, leave it as it is; what
    has no unit, such as a saliency map, must be scaled.

    Args:
        is_scaled: whether the map is first multiplied by the number that foretells best (Captum's `normalize`).

    Raises:
        Refused: see `Question.recorded`.
    """
    from captum.metrics import infidelity as captums

    channels = asked.image.shape[1]
    spread = (found.to(asked.image) / channels).expand_as(asked.image)  # Captum wants it as large as the picture

    def value_of(attribution: Tensor) -> float:
        generator = torch.Generator().manual_seed(seed)  # the same squares for both

        def covered(images: Tensor) -> tuple[Tensor, Tensor]:
            mask = random_squares(len(images), tuple(images.shape[2:]), generator).to(images)[:, None]
            return mask.expand_as(images), images * (1 - mask)

        most = min(AT_ONCE, squares)
        settings = {"n_perturb_samples": squares, "max_examples_per_batch": most, "normalize": is_scaled}
        return captums(asked.scores, covered, asked.image, attribution, **settings).item()

    return Infidelity(value_of(spread), value_of(torch.zeros_like(spread)))


def random_squares(count: int, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Masks (N, H, W), 1 in a rectangle that lies anywhere inside and 0 around it."""
    masks = torch.zeros(count, *shape)
    for mask in masks:
        part = []
        for side in shape:
            length = int(torch.randint(max(1, side // 8), max(1, side // 2) + 1, (), generator=generator))
            start = int(torch.randint(side - length + 1, (), generator=generator))
            part.append(slice(start, start + length))
        mask[tuple(part)] = 1
    return masks


def sensitivity(
    model: nn.Module,
    image: Tensor,
    method: str,
    target: Target,
    *,
    radius: float = 0.02,
    samples: int = 10,
    seed: int = 0,
    **asked: object,
) -> float:
    """By how much the map changes at most when every number of the picture may change a little, relative to itself.

    The largest ‖Φ(x + ε) − Φ(x)‖ / ‖Φ(x)‖ over random ε, each number of it uniform within the radius.

    Args:
        image, method, target, asked: as of `vis.attribution.attribute`.
        radius: as a part of the picture's range.
        samples: how many ε; it takes one attribution each, and one before.

    Raises:
        Refused: as `attribute`.
    """
    from captum.metrics import sensitivity_max

    reach = radius * (image.max() - image.min())
    generator = torch.Generator().manual_seed(seed)

    def moved(images: Tensor) -> Tensor:
        noise = torch.rand(images.shape, generator=generator, dtype=torch.float64) * 2 - 1
        return images + reach * noise.to(images)

    def maps(images: Tensor | tuple[Tensor]) -> tuple[Tensor]:  # Captum takes the rows of a tensor for several maps
        (images,) = images if isinstance(images, tuple) else (images,)
        with torch.enable_grad():  # Captum forbids gradients here
            return (torch.stack([attribute(model, one, method, target, **asked).map for one in images.split(1)]),)

    return sensitivity_max(maps, image, moved, n_perturb_samples=samples, max_examples_per_batch=1).item()
