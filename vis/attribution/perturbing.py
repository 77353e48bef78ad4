"""Attributions without gradients: parts of the picture are covered, and the score is asked again."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.options import Phrase
from models.refusals import Refused
from vis.attribution.cam import layer_of, maps_of, on_the_picture
from vis.attribution.gradients import AT_ONCE, SEED, Found
from vis.attribution.partial import covered_passes, pictures_at_once
from vis.attribution.question import Inside, Question
from vis.deconvnet import Box
from vis.trace import record

MASKS = Phrase("random masks")


def occlusion(asked: Question, size: int, stride: int) -> Iterator[Found]:
    """How much the score falls when a grey square covers a pixel, on average over the squares that do.

    Zeiler & Fergus 2013, section 4.2. Grey is the mean colour; the last squares of a row and of a column are clipped.

    Raises:
        Refused: where squares leave gaps between them; and see `Question.scores`.
    """
    if stride > size:
        raise Refused(
            "Steps of {stride} pixels leave gaps between squares of {size}; choose at most {size}.",
            stride=stride,
            size=size,
        )
    for known in occluded(asked, size, stride):
        yield Found(known.score, known.map(), part=known.part)


@dataclass(frozen=True, eq=False)
class Occluded:
    """What is known so far: how much the score falls with the square at every position, NaN where it is not known."""

    falls: Tensor  # (rows, columns)
    score: float  # of the picture as it is
    size: int
    stride: int
    shape: tuple[int, int]  # (H, W) of the picture

    @property
    def part(self) -> float:
        """Of the positions, that is known."""
        return 1 - self.falls.isnan().double().mean().item()

    def map(self) -> Tensor:
        """The mean fall over the known squares that cover a pixel, (H, W); NaN where there is none."""
        total, count = self.falls.new_zeros(self.shape), self.falls.new_zeros(self.shape)
        for row, column in self.falls.isnan().logical_not().nonzero().tolist():
            square = self._square(row, column)
            total[square] += self.falls[row, column]
            count[square] += 1
        return total / count

    def _square(self, row: int, column: int) -> tuple[slice, slice]:
        top, left = row * self.stride, column * self.stride
        return slice(top, top + self.size), slice(left, left + self.size)


def occluded(asked: Question, size: int, stride: int) -> Iterator[Occluded]:
    """As `occlusion`, from coarse to fine: first the positions that lie far apart, then those between, a batch each.

    Args:
        size, stride: of the square and between two of them, in pixels.

    Raises:
        Refused: see `Question.recorded`.
    """
    height, width = asked.image.shape[2:]
    rows, columns = positions(height, size, stride), positions(width, size, stride)
    recording = record(asked.model, asked.image, [asked.target.layer] if isinstance(asked.target, Inside) else None)
    score, end = asked.scores_in(recording).item(), asked.end(recording.trace)
    falls = asked.image.new_full((rows, columns), torch.nan)
    for places in batches(rows, columns, pictures_at_once(recording)):
        boxes = [Box(top, left, top + size, left + size) for top, left in (places * stride).tolist()]
        falls[tuple(places.T)] = score - asked.scores_in(covered_passes(recording, boxes, [end]))
        yield Occluded(falls.clone(), score, size, stride, (height, width))


def positions(side: int, size: int, stride: int) -> int:
    """Of a square along a side, so that every pixel is covered: the last one may reach over the edge."""
    return max(0, -(-(side - size) // stride)) + 1


def coarse_to_fine(rows: int, columns: int) -> Iterator[list[tuple[int, int]]]:
    """All places of a grid, each once: four that lie far apart, then those halfway between them, and so on."""
    step, seen = 1 << (max(rows, columns, 2) - 1).bit_length() - 1, set()
    while step:
        places = {(row, column) for row in range(0, rows, step) for column in range(0, columns, step)}
        yield sorted(places - seen)
        seen, step = places, step // 2


def batches(rows: int, columns: int, at_once: int) -> Iterator[Tensor]:
    """The same places, (N, 2) at a time."""
    for places in coarse_to_fine(rows, columns):
        yield from torch.tensor(places).split(at_once)


def ablation(asked: Question, parts: int) -> Iterator[Found]:
    """How much the score falls when a superpixel is covered with the mean colour."""
    numbers = superpixels(asked.image, parts)
    score, count = asked.scores(asked.image).item(), int(numbers.max()) + 1
    falls = asked.image.new_full((count,), torch.nan)
    for some in torch.arange(count, device=numbers.device).split(AT_ONCE):
        falls[some] = score - asked.scores(asked.image * (numbers != some[:, None, None])[:, None])
        done = int(some[-1]) + 1
        yield Found(score, falls[numbers], part=done / count, made=(done + 1, 0))


def superpixels(image: Tensor, parts: int) -> Tensor:
    """The number of every pixel's superpixel, (H, W): about `parts` of them (SLIC, Achanta et al. 2012)."""
    from skimage.segmentation import slic

    pixels = image[0].permute(1, 2, 0).double().cpu().numpy()
    low, high = pixels.min(), pixels.max()
    pixels = (pixels - low) / max(high - low, np.finfo(float).tiny)
    compactness = 10 if pixels.shape[2] == 3 else 0.1  # colours become Lab, a hundred times larger
    found = slic(pixels, n_segments=parts, compactness=compactness, start_label=0, channel_axis=-1)
    return torch.from_numpy(np.ascontiguousarray(found)).to(image.device)


def rise(asked: Question, masks: int, cells: int, kept: float) -> Iterator[Found]:
    """The mean of random masks, each weighted by the score of the picture that it leaves (Petsiuk et al. 2018, eq. 6).

    Of each score the mean of all is taken away, which pixels have in common: above 0, the score is higher where a pixel
    is left.

    Args:
        masks: how many.
        cells: of a mask along each side, before it is stretched and shifted.
        kept: probability of a cell to be left.

    Raises:
        Refused: see `Question.scores`.
    """
    score = asked.scores(asked.image).item()
    weighed, seen = (torch.zeros(asked.image.shape[2:], dtype=torch.float64) for _ in range(2))
    scores = torch.zeros(0, dtype=torch.float64)  # in double precision: a small difference of large sums
    for some in random_masks(asked.image, masks, cells, kept):
        left, some = asked.scores(asked.image * some[:, None]).cpu().double(), some.cpu().double()
        weighed, seen = weighed + torch.einsum("n,nhw->hw", left, some), seen + some.sum(0)
        scores = torch.cat([scores, left])
        found = ((weighed - scores.mean() * seen) / (len(scores) * kept)).to(asked.image)
        yield Found(score, found, fidelity=f"approximated: {MASKS}", part=len(scores) / masks)


def random_masks(image: Tensor, masks: int, cells: int, kept: float) -> Iterator[Tensor]:
    """Masks (N, H, W) from 0 to 1, the same in every run: cells that are kept or not, stretched, at a random place."""
    generator = torch.Generator().manual_seed(SEED)
    height, width = image.shape[2:]
    high, wide = -(-height // cells), -(-width // cells)  # pixels of a cell
    for begin in range(0, masks, AT_ONCE):
        count = min(AT_ONCE, masks - begin)
        grid = (torch.rand(count, 1, cells + 1, cells + 1, generator=generator, dtype=torch.float64) < kept).double()
        large = F.interpolate(grid, ((cells + 1) * high, (cells + 1) * wide), mode="bilinear", align_corners=False)
        tops, lefts = (torch.randint(n, (count,), generator=generator).tolist() for n in (high, wide))
        cut = [mask[0, t : t + height, s : s + width] for mask, t, s in zip(large, tops, lefts, strict=True)]
        yield torch.stack(cut).to(image.device, image.dtype)


def score_cam(asked: Question) -> Iterator[Found]:
    """ReLU(Σ αₖ Aₖ), αₖ the softmax over the scores of the picture behind each map (Wang et al. 2020, algorithm 1).

    Raises:
        TraceRefused, Refused: see `Question.scores`.
    """
    maps, score = maps_of(asked)
    scores = maps.new_zeros(0)
    for some in maps.split(AT_ONCE):
        large = F.interpolate(some[:, None], asked.image.shape[2:], mode="bilinear", align_corners=False)
        low, high = large.amin((2, 3), keepdim=True), large.amax((2, 3), keepdim=True)
        masks = (large - low) / (high - low).clamp(min=torch.finfo(large.dtype).tiny)
        scores = torch.cat([scores, asked.scores(asked.image * masks)])
        weighed = torch.einsum("k,khw->hw", scores.softmax(0), maps[: len(scores)])
        found = on_the_picture(weighed.relu(), asked)
        yield Found(score, found, part=len(scores) / len(maps), layer=layer_of(asked))
