"""What the units of a map see along one side of the picture.

Two things are carried along. The *seen* pixels of every unit that is there, exactly: each unit of a result looks at
certain units of what it is made from, its taps, and sees from the first to the last pixel that any of them sees; what
lies in the padding sees nothing. And the *pattern* of an endless map on an endless picture, which gives the numbers of
the literature, the size of a field, the jump from one to the next, and where the first begins:

    size += dilation · (kernel − 1) · jump        start −= padding · jump        jump *= stride

for a window that slides (Araujo, Norris and Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks").
Where maps are enlarged, several units stand for one: they do not lie evenly, but their pattern repeats.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm

import numpy as np

NOTHING = 1 << 40  # beyond every pixel: where the field of a unit begins that sees none; it ends at minus this
PADDING = -(1 << 60)  # a tap that stands for no unit at all
LONGEST = 512  # units after which a pattern must have repeated; a longer one is given up

Taps = Callable[[np.ndarray], np.ndarray]  # from numbers of units (n,) to the units (n, t) that each of them looks at


@dataclass(frozen=True)
class Span:
    """The fields of all units of a map along one side of the picture, in pixels."""

    size: int  # of the largest field, the padding included
    jump: int | Fraction | None  # from one unit's field to the next one's, on average; None if they follow no pattern
    start: int  # the first pixel of the first unit's field; negative in the padding
    seen: tuple[np.ndarray, np.ndarray] | None = field(default=None, compare=False, repr=False)
    """The first pixel of the picture that each unit sees, and the one after its last, (n,) each."""

    def of(self, index: int, length: int) -> tuple[int, int]:
        """The pixels [first, last) that this unit sees of a picture of `length`; equal where it sees only padding."""
        if self.seen is None:
            begin = self.start + index * self.jump
            first, last = begin, begin + self.size
        else:
            first, last = (int(side[index]) for side in self.seen)
        first, last = (min(max(int(pixel), 0), length) for pixel in (first, last))
        return (first, last) if first < last else (0, 0)


@dataclass(frozen=True)
class Pattern:
    """The fields of the units of an endless map: from the first len(begins) on they repeat, `step` pixels further."""

    begins: tuple[int, ...]
    ends: tuple[int, ...]
    step: int

    @property
    def jump(self) -> Fraction:
        return Fraction(self.step, len(self.begins))

    def at(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the fields of these units begin and end."""
        rounds, place = np.divmod(units, len(self.begins))
        begins, ends = (np.array(side)[place] + rounds * self.step for side in (self.begins, self.ends))
        return _without_nothing(begins, ends, units == PADDING)

    def through(self, taps: Taps, made: int, of: int) -> "Pattern | None":
        """The pattern of units that look at `taps` of these, if every `made` units look at `of` units further on."""
        together = lcm(of, len(self.begins))
        period = made * together // of
        if period > LONGEST:
            return None
        places, step = taps(np.arange(period)), self.step * together // len(self.begins)
        if period == len(self.begins) == 1 and (first := int(places.min())) != PADDING:  # the usual case, which is fast
            last = int(places.max())
            return Pattern((self.begins[0] + first * self.step,), (self.ends[0] + last * self.step,), step)
        begins, ends = self.at(places)
        return Pattern.of(begins.min(1), ends.max(1), step)

    def joined(self, other: "Pattern") -> "Pattern | None":
        """What is seen along either of two paths, if both go on at the same pace."""
        if len(self.begins) == len(other.begins) == 1 and self.step == other.step:  # the usual case, which is fast
            first, last = min(self.begins[0], other.begins[0]), max(self.ends[0], other.ends[0])
            return Pattern((first,), (last,), self.step)
        period = lcm(len(self.begins), len(other.begins))
        if self.jump != other.jump or period > LONGEST:
            return None
        (begins, ends), (others, last) = (each.at(np.arange(period)) for each in (self, other))
        return Pattern.of(np.minimum(begins, others), np.maximum(ends, last), int(self.jump * period))

    @classmethod
    def of(cls, begins: np.ndarray, ends: np.ndarray, step: int) -> "Pattern":
        """The shortest pattern of these units."""
        begins, ends = _without_nothing(begins, ends)
        whole = cls(tuple(begins.tolist()), tuple(ends.tolist()), step)
        for length in range(1, len(begins)):
            if len(begins) % length == 0 and step * length % len(begins) == 0:
                short = cls(whole.begins[:length], whole.ends[:length], step * length // len(begins))
                if np.array_equal(short.at(np.arange(len(begins))), (begins, ends)):
                    return short
        return whole


def _without_nothing(begins: np.ndarray, ends: np.ndarray, is_none: np.ndarray | bool = False) -> tuple:
    is_none = is_none | (begins >= ends)
    return np.where(is_none, NOTHING, begins), np.where(is_none, -NOTHING, ends)


@dataclass(frozen=True, eq=False)
class Axis:
    """One side of the picture on its way through the network."""

    dim: int | None  # the dimension of the map that runs along it, counted from the last one, which is -1; None if
    # there is none, so that all units see the same
    seen: tuple[np.ndarray, np.ndarray] | None  # as in Span; None if the side lies in its dimension with others, folded
    pattern: Pattern | None
    because: str = ""  # the operation that folded it

    @classmethod
    def of_picture(cls, dim: int, length: int) -> "Axis":
        pixels = np.arange(length)
        return cls(dim, (pixels, pixels + 1), Pattern((0,), (1,), 1))

    @property
    def units(self) -> int | None:
        return None if self.seen is None else len(self.seen[0])

    @cached_property
    def span(self) -> Span | None:
        """None of a side that is folded."""
        if self.seen is None:
            return None
        if self.pattern is not None:
            begins, ends = np.array(self.pattern.begins), np.array(self.pattern.ends)
            jump, size = self.pattern.jump, int(max(0, (ends - begins).max()))
            start = 0 if size == 0 else int(begins[begins < NOTHING][0])
            return Span(size, int(jump) if jump.denominator == 1 else jump, start, self.seen)
        sees = self.seen[0] < self.seen[1]
        if not sees.any():
            return Span(0, None, 0, self.seen)
        first, last = (side[sees] for side in self.seen)
        return Span(int((last - first).max()), None, int(first[0]), self.seen)

    def through(self, units: int, taps: Taps, made: int = 1, of: int = 1, endless: Taps | None = None) -> "Axis":
        """The same side on a map of so many units that look at `taps` of these.

        Args:
            made, of: how many units of the result look how many units further on, for the pattern; 0 if there is none.
            endless: the taps on an endless map, where at its border a map is, say, mirrored.
        """
        pattern = self.pattern and made and self.pattern.through(endless or taps, made, of)
        return Axis(self.dim, _seen_through(self.seen, taps(np.arange(units))), pattern or None)

    def at(self, dim: int | None) -> "Axis":
        return Axis(dim, self.seen, self.pattern, self.because)

    def on(self, order: list[int | None]) -> "Axis | None":
        """The side on a map that is made of these dimensions of this one."""
        if self.dim is None:
            return self
        return self.at(order.index(self.dim) - len(order)) if self.dim in order else None

    def repeated(self, units: int) -> "Axis":
        """One unit's field as that of so many."""
        return self.through(units, lambda unit: 0 * unit[:, None], made=0)

    def joined(self, other: "Axis") -> "Axis | None":
        """What is seen along either of two paths; None if that is not known."""
        if self.dim is None and other.dim is not None:
            return other.joined(self)
        if other.dim is None and self.dim is not None and self.seen is not None:
            other = other.repeated(self.units).at(self.dim)
        if self.dim != other.dim:
            return None
        if self.seen is None or other.seen is None:
            return self if self.seen is other.seen else None
        if self.units != other.units:
            return None
        if self.seen is other.seen and self.pattern == other.pattern:
            return self
        seen = np.minimum(self.seen[0], other.seen[0]), np.maximum(self.seen[1], other.seen[1])
        pattern = self.pattern and other.pattern and self.pattern.joined(other.pattern)
        return Axis(self.dim, seen, pattern)


def _seen_through(seen: tuple[np.ndarray, np.ndarray], taps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    is_there = (taps >= 0) & (taps < len(seen[0]))
    places = np.where(is_there, taps, 0)
    first = np.where(is_there, seen[0][places], NOTHING).min(1, initial=NOTHING)
    last = np.where(is_there, seen[1][places], -NOTHING).max(1, initial=-NOTHING)
    return first, last


# Taps -------------------------------------------------------------------------------------------------------------


def sliding(kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Taps:
    """A window's; every unit looks `stride` units further on."""
    return lambda unit: unit[:, None] * stride - padding + dilation * np.arange(kernel)


def transposed(kernel: int, stride: int, padding: int, dilation: int) -> Taps:
    """Of a transposed convolution: the units whose windows cover this one; `stride` units look one unit further on."""

    def taps(unit: np.ndarray) -> np.ndarray:
        from_first = unit[:, None] + padding - dilation * np.arange(kernel)
        return np.where(from_first % stride == 0, from_first // stride, PADDING)

    return taps


def bins(units: int, made: int) -> Taps:
    """Of an adaptive pool that makes `made` of so many units: from ⌊i·n/m⌋ to before ⌈(i + 1)·n/m⌉."""

    def taps(unit: np.ndarray) -> np.ndarray:
        first, last = unit[:, None] * units // made, -(-(unit[:, None] + 1) * units // made)
        places = first + np.arange(-(-units // made) + 1)
        return np.where(places < last, places, PADDING)

    return taps


def between(scale: Fraction, reach: int) -> Taps:
    """Of an interpolation that takes `scale` units a step, centre to centre, from `reach` units on both sides."""
    above, below = scale.numerator, scale.denominator

    def taps(unit: np.ndarray) -> np.ndarray:
        twice = (2 * unit[:, None] + 1) * above - below  # the place, in halves of 1 / below
        first, rest = np.divmod(twice, 2 * below)
        places = first + np.arange(1 - reach, 1 + reach)
        return np.where((rest == 0) & (places != first), PADDING, places)  # on a unit it is that unit

    return taps


def bordered(taps: Taps, mode: str, units: int) -> Taps:
    """Taps beyond the border of a map of so many units, which is mirrored, repeated or goes round there."""

    def reflected(place: np.ndarray) -> np.ndarray:
        around = np.abs(place) % max(1, 2 * units - 2)
        return np.minimum(around, 2 * units - 2 - around) if units > 1 else 0 * place

    modes = {
        "reflect": reflected,
        "replicate": lambda place: place.clip(0, units - 1),
        "circular": lambda place: place % units,
    }
    return (lambda unit: modes[mode](taps(unit))) if mode in modes else taps


def reduced(one: int, other: int) -> tuple[int, int]:
    """Two numbers without their common factors."""
    return one // gcd(one, other), other // gcd(one, other)
