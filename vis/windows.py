"""The small piece of a map that matters to a unit.

A unit's projection is zero outside its receptive field, so only that window is carried from layer to layer: a unit
of AlexNet's conv3 needs 99×99 of 224×224 pixels, one of conv1 11×11. The windows of many units have the same size
and differ in place, so they make one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

WORTH_LOOKING = 32 * 32  # positions of a window, from which on leaving its empty part out saves time


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """(rows, columns) of a parameter that may give one number for both, alone or as (number,)."""
    rows, *columns = value if isinstance(value, Sequence) else (value,)
    return rows, columns[0] if columns else rows


@dataclass(frozen=True)
class Sliding:
    """How a convolution or a pool slides over its input, each as (rows, columns)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)

    @classmethod
    def by(cls, *parameters: int | Sequence[int]) -> "Sliding":
        """From kernel, stride, padding and dilation as PyTorch's operations are given them."""
        return cls(*map(pair, parameters))

    def size_below(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size of the input, padding included, that an output of this size is made from."""
        return tuple(
            (n - 1) * s + d * (k - 1) + 1
            for n, s, d, k in zip(size, self.stride, self.dilation, self.kernel, strict=True)
        )


@dataclass(frozen=True, eq=False)
class Windows:
    """One window a unit on maps of the same shape.

    A window may reach over the border of the map; its values there are zero. Signals without rows and columns
    (U, K) are carried whole.
    """

    values: Tensor  # (U, C, h, w) or (U, K)
    top: Tensor  # (U,) on the CPU, like all places below; may be negative
    left: Tensor  # (U,)
    box: Tensor  # (U, 4): top, left, bottom, right of what the unit can see, inside the map

    @classmethod
    def whole(cls, values: Tensor) -> "Windows":
        """Windows that cover the whole of their maps: `values` is (U, C, H, W) or (U, K)."""
        units, height, width = len(values), *(values.shape[2:] if values.dim() == 4 else (1, 1))
        nowhere = torch.zeros(units, dtype=torch.long)
        return cls(values, nowhere, nowhere, torch.tensor([[0, 0, height, width]]).expand(units, 4))

    @property
    def size(self) -> tuple[int, int]:
        return tuple(self.values.shape[2:])

    def with_values(self, values: Tensor) -> "Windows":
        return Windows(values, self.top, self.left, self.box)

    def filled(self) -> float:
        """The share of the windows that the units can see; 1 where windows are so small that it does not matter."""
        height, width = self.size
        seen = (self.box[:, 2:] - self.box[:, :2]).prod(1).float().mean().item()
        return seen / (height * width) if height * width >= WORTH_LOOKING else 1.0

    def of_unit(self, i: int) -> tuple[tuple[int, int, int, int], Tensor]:
        """Unit i's box and the values (C, h, w) inside it."""
        top, left, bottom, right = self.box[i].tolist()
        y, x = top - int(self.top[i]), left - int(self.left[i])
        return (top, left, bottom, right), self.values[i, :, y : y + bottom - top, x : x + right - left].clone()

    def cut_from(self, maps: Tensor) -> Tensor:
        """The same windows of `maps` (1, C, H, W), as (U, C, h, w), zero beyond the border."""
        height, width = self.size
        if (height, width) == maps.shape[2:] and not self.top.any() and not self.left.any():
            return maps
        top, left = self.top.tolist(), self.left.tolist()
        above, before = max(0, -min(top)), max(0, -min(left))
        below, after = max(0, max(top) + height - maps.shape[2]), max(0, max(left) + width - maps.shape[3])
        framed = F.pad(maps[0], (before, after, above, below)) if any((before, after, above, below)) else maps[0]
        return torch.stack(
            [
                framed[:, y + above : y + above + height, x + before : x + before + width]
                for y, x in zip(top, left, strict=True)
            ]
        )

    def below(self, values: Tensor, sliding: Sliding, shape: torch.Size) -> "Windows":
        """The windows on the input of a sliding operation, `shape` (…, H, W), that these windows on its output see.

        Args:
            values: (U, C, *sliding.size_below(self.size)), what the operation's rule made of the signal.
        """
        stride, padding, reach = map(torch.tensor, (sliding.stride, sliding.padding, sliding.size_below((1, 1))))
        limits = torch.tensor([shape[-2], shape[-1]] * 2)
        first = self.box[:, :2] * stride - padding
        last = (self.box[:, 2:] - 1) * stride - padding + reach
        box = torch.minimum(torch.cat([first, last], 1).clamp(min=0), limits) * ~_is_empty(self.box)
        top, left = self.top * stride[0] - padding[0], self.left * stride[1] - padding[1]
        return Windows(values, top, left, box).clipped(shape)

    def clipped(self, shape: torch.Size) -> "Windows":
        """The same with zeros beyond the border of the map (…, H, W); a window as large as the map becomes the map.

        The values are overwritten: they have just been made, and copying them would cost as much as making them.
        """
        (height, width), (map_height, map_width) = self.size, shape[-2:]
        top = torch.zeros_like(self.top) if height >= map_height else self.top
        left = torch.zeros_like(self.left) if width >= map_width else self.left
        moved = self.moved(top, left, min(height, map_height), min(width, map_width))
        for value, y, x in zip(moved.values, moved.top.tolist(), moved.left.tolist(), strict=True):
            value[:, : max(0, -y)] = 0
            value[:, :, : max(0, -x)] = 0
            value[:, max(0, map_height - y) :] = 0
            value[:, :, max(0, map_width - x) :] = 0
        return moved

    def moved(self, top: Tensor, left: Tensor, height: int, width: int) -> "Windows":
        """The same signal in windows at other places; what they do not cover is zero or lost."""
        up, before = self.top - top, self.left - left
        if not up.any() and not before.any() and (height, width) == self.size:
            return self
        if (up == up[0]).all() and (before == before[0]).all():
            values = _framed(self.values, int(up[0]), int(before[0]), height, width)
        else:
            pairs = zip(self.values.split(1), up.tolist(), before.tolist(), strict=True)
            values = torch.cat([_framed(value, y, x, height, width) for value, y, x in pairs])
        return Windows(values, top, left, self.box)

    def on_whole(self, shape: torch.Size) -> "Windows":
        """The same signal on the whole maps (1, C, H, W), for operations that are not local."""
        if self.values.dim() != 4:
            return self
        nowhere = torch.zeros_like(self.top)
        return self.moved(nowhere, nowhere, shape[-2], shape[-1])

    def __add__(self, other: "Windows") -> "Windows":
        """Both signals on the same maps, in windows that cover both."""
        box = torch.cat([torch.minimum(self.box, other.box)[:, :2], torch.maximum(self.box, other.box)[:, 2:]], 1)
        box = torch.where(_is_empty(self.box), other.box, torch.where(_is_empty(other.box), self.box, box))
        if self.values.dim() != 4:
            return Windows(self.values + other.values, self.top, self.left, box)
        top, left = torch.minimum(self.top, other.top), torch.minimum(self.left, other.left)
        bottoms = [int((w.top + w.size[0] - top).max()) for w in (self, other)]
        rights = [int((w.left + w.size[1] - left).max()) for w in (self, other)]
        one, two = (w.moved(top, left, max(bottoms), max(rights)) for w in (self, other))
        return Windows(one.values + two.values, top, left, box)


def _is_empty(box: Tensor) -> Tensor:
    """Which units see nothing of the map, only padding, (U, 1)."""
    return (box[:, 2:] <= box[:, :2]).any(1, keepdim=True)


def _framed(values: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """`values` (U, C, h, w) put at (top, left) of a frame of height × width; F.pad cuts where a margin is negative."""
    return F.pad(values, (left, width - left - values.shape[3], top, height - top - values.shape[2]))
