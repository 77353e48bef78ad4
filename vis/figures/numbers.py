"""Large numbers as they are written in papers."""

from collections.abc import Sequence

UNITS = ("", "k", "M", "G", "T", "P")


def grouped(number: int) -> str:
    """Every digit, in groups of three: 120,422,400."""
    return f"{number:,}"


def short(number: float, digits: int = 3) -> str:
    """A number with `digits` significant digits and a unit, k = 10³, M = 10⁶, G = 10⁹: 120 M."""
    size = 0
    while float(f"{abs(number):.{digits}g}") >= 1000 and size < len(UNITS) - 1:
        number, size = number / 1000, size + 1
    rounded = float(f"{number:.{digits}g}")
    if not size:
        return f"{rounded:g}" if number % 1 else f"{number:.0f}"
    return f"{rounded:.{max(0, digits - len(str(int(abs(rounded)))))}f} {UNITS[size]}"


def milliseconds(number: float) -> str:
    """Three digits: 1,288 ms, 19.5 ms, 0.0123 ms."""
    return f"{number:,.0f} ms" if number >= 99.95 else f"{number:.3g} ms"


def spread(number: float) -> str:
    """Two digits of half of what lies between the quartiles: ± 0.45 ms."""
    return f"± {number / 2:,.0f} ms" if number / 2 >= 9.95 else f"± {number / 2:.2g} ms"


def duration(seconds: float) -> str:
    """Such as 8 s, 3:05 min or 2:07 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


def shape(batched: tuple[int, ...]) -> str:
    """The sizes of one picture's maps, without the batch: 64×112×112."""
    return sizes(batched[1:])


def sizes(numbers: Sequence[int]) -> str:
    """The sides of a kernel, or the shape (C, H, W) of maps: 3×5, 64×112×112."""
    return "×".join(map(str, numbers))


def side(size: Sequence[int]) -> str:
    """A single number where rows and columns are alike, or else both: 3, 1×3."""
    return sizes(size if len(set(size)) > 1 else size[:1])
