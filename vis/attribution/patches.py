"""Windows on the maps of several passes that differ from one recorded pass in one place each."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, eq=False)
class Side:
    """What changes along the rows or the columns of a map in each of N passes, and windows of one length around it."""

    first: np.ndarray  # (N,)
    last: np.ndarray  # (N,), the first that no longer changes
    units: int  # of the whole map

    @cached_property
    def length(self) -> int:
        return int((self.last - self.first).max())

    @cached_property
    def start(self) -> np.ndarray:
        """(N,), inside the map."""
        return np.minimum(self.first, self.units - self.length)

    def joined(self, other: "Side") -> "Side":
        return Side(np.minimum(self.first, other.first), np.maximum(self.last, other.last), self.units)

    def moved(self, by: int, units: int) -> "Side":
        return Side(self.first + by, self.last + by, units)

    def slid(self, kernel: int, stride: int, padding: int, dilation: int, units: int) -> "Side":
        """What then changes of so many units, each of which looks at `kernel` of these."""
        first = -((dilation * (kernel - 1) - padding - self.first) // stride)
        first = first.clip(0, units - 1)
        last = (self.last - 1 + padding) // stride + 1
        return Side(first, np.clip(last, first + 1, units), units)

    def is_at(self, start: np.ndarray, length: int) -> bool:
        return length == self.length and np.array_equal(start, self.start)


@dataclass(frozen=True, eq=False)
class Patches:
    """The maps of N passes: in its window each has these values, around it those recorded."""

    values: Tensor  # (N, C, h, w)
    rows: Side
    columns: Side

    @property
    def part(self) -> float:
        """Of the whole map, that a window is."""
        return self.rows.length * self.columns.length / (self.rows.units * self.columns.units)

    def on(self, recorded: Tensor) -> Tensor:
        """The whole maps (N, C, H, W)."""
        whole = recorded.expand(len(self.values), -1, -1, -1).clone()
        nowhere = np.zeros_like(self.rows.start)
        return self._pasted(whole, nowhere, nowhere)

    def at(self, rows: Side, columns: Side, recorded: Tensor) -> Tensor:
        """The values (N, C, h, w) in the windows of these sides."""
        return self.within(recorded, rows.start, rows.length, columns.start, columns.length)

    def within(
        self, recorded: Tensor, tops: np.ndarray, height: int, lefts: np.ndarray, width: int, beyond: float = 0.0
    ) -> Tensor:
        """The values (N, C, height, width) in other windows, which may reach over the border of the map."""
        if self.rows.is_at(tops, height) and self.columns.is_at(lefts, width):
            return self.values
        return self._pasted(cut(recorded, tops, height, lefts, width, beyond), tops, lefts)

    def _pasted(self, maps: Tensor, tops: np.ndarray, lefts: np.ndarray) -> Tensor:
        """Maps (N, C, …) that begin at these places, with the values put into them; they are overwritten."""
        height, width = self.values.shape[2:]
        ys, xs = (self.rows.start - tops).tolist(), (self.columns.start - lefts).tolist()
        for one, value, y, x in zip(maps, self.values, ys, xs, strict=True):
            there = one[:, max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
            there.copy_(value[:, max(-y, 0) :, max(-x, 0) :][:, : there.shape[1], : there.shape[2]])
        return maps


def cut(maps: Tensor, tops: np.ndarray, height: int, lefts: np.ndarray, width: int, beyond: float = 0.0) -> Tensor:
    """Windows of maps (1, C, H, W), one for each place, (N, C, height, width), with `beyond` across the border."""
    above, before = max(0, -int(tops.min())), max(0, -int(lefts.min()))
    below = max(0, int(tops.max()) + height - maps.shape[2])
    after = max(0, int(lefts.max()) + width - maps.shape[3])
    framed = F.pad(maps[0], (before, after, above, below), value=beyond)
    places = zip((tops + above).tolist(), (lefts + before).tolist(), strict=True)
    return torch.stack([framed[:, y : y + height, x : x + width] for y, x in places])
