"""Numbers as they are written for readers: with how many digits, in which units, and with which marks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
UNITS = ("", "k", "M", "G", "T", "P")


# Marks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Marks:
    """What stands between whole and decimal digits, and between groups of three."""

    decimal: str = "."
    group: str = ","

    @cached_property
    def table(self) -> dict[int, str]:
        """For `str.translate`, of a number that has a point, commas and a hyphen."""
        return {ord("."): self.decimal, ord(","): self.group, ord("-"): "−"}

    @property
    def separators(self) -> str:
        """Both, as the layout of a Plotly figure has them."""
        return self.decimal + self.group


POINT = Marks()
_MARKS = ContextVar("marks", default=POINT)


def marks() -> Marks:
    """With which numbers are written in this thread and context; a point and commas where nothing else is set."""
    return _MARKS.get()


def write_with(chosen: Marks) -> None:
    """Writes numbers with these marks from here on, in this thread and context alone."""
    _MARKS.set(chosen)


@contextmanager
def written_with(chosen: Marks) -> Iterator[None]:
    """A `with` in which numbers are written with these marks."""
    token = _MARKS.set(chosen)
    try:
        yield
    finally:
        _MARKS.reset(token)


def rewritten(number: str) -> str:
    """A number that has a point, commas and a hyphen for a minus, such as "1,024.5", as it is written here."""
    return number.translate(_MARKS.get().table)


# Numbers ---------------------------------------------------------------------------------------------------------


def grouped(number: int) -> str:
    """Every digit, in groups of three: 120,422,400."""
    return rewritten(f"{number:,}")


def significant(number: float, digits: int = 3, *, sign: str = "-") -> str:
    """A number with so many significant digits, without zeros at its end: 0.0123, 4.28. With sign "+" also +4.28."""
    return rewritten(f"{number:{sign}z.{digits}g}")


def power(exponent: int) -> str:
    """A power of ten: 10⁻⁶; 1 for its zeroth and 10 for its first."""
    return {0: "1", 1: "10"}.get(exponent) or "10" + str(exponent).translate(RAISED)


def scientific(number: float, digits: int = 2) -> str:
    """A number that may be tiny or huge: 0.012, 4.8·10⁻⁹."""
    if not number or 1e-3 <= abs(number) < 1e5:
        return significant(number, digits) if abs(number) < 10**digits else fixed(float(f"{number:.{digits}g}"))
    mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
    return f"{rewritten(mantissa)}·{power(int(exponent))}"


def fixed(number: float, decimals: int = 0, *, sign: str = "-") -> str:
    """A number with so many decimals: 4.280. With sign "+" also +4.280; zero never has a minus."""
    return rewritten(f"{number:{sign}z,.{decimals}f}")


def percent(part: float, decimals: int = 1) -> str:
    """A part of one as percent: 50.8 %."""
    return f"{fixed(100 * part, decimals)} %"


def short(number: float, digits: int = 3) -> str:
    """A number with `digits` significant digits and a unit, k = 10³, M = 10⁶, G = 10⁹: 120 M."""
    size = 0
    while float(f"{abs(number):.{digits}g}") >= 1000 and size < len(UNITS) - 1:
        number, size = number / 1000, size + 1
    rounded = float(f"{number:.{digits}g}")
    if not size:
        return rewritten(f"{rounded:g}" if number % 1 else f"{number:.0f}")
    return rewritten(f"{rounded:.{max(0, digits - len(str(int(abs(rounded)))))}f} {UNITS[size]}")


def byte_size(number: float, digits: int = 3) -> str:
    """A number of bytes, in units of 1,000: 512 B, 602 kB, 1.20 MB."""
    words = short(number, digits)
    return f"{words}B" if " " in words else f"{words} B"


def milliseconds(number: float) -> str:
    """Three digits: 1,288 ms, 19.5 ms, 0.0123 ms."""
    return f"{fixed(number) if number >= 99.95 else significant(number)} ms"


def spread(number: float) -> str:
    """Two digits of half of what lies between the quartiles: ± 0.45 ms."""
    return f"± {fixed(number / 2) if number / 2 >= 9.95 else significant(number / 2, 2)} ms"


def duration(seconds: float) -> str:
    """Such as 8 s, 3:05 min or 2:07 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


# Shapes ----------------------------------------------------------------------------------------------------------


def shape(batched: tuple[int, ...]) -> str:
    """The sizes of one picture's maps, without the batch: 64×112×112."""
    return sizes(batched[1:])


def sizes(numbers: Sequence[int]) -> str:
    """The sides of a kernel, or the shape (C, H, W) of maps: 3×5, 64×112×112."""
    return "×".join(map(str, numbers))


def side(size: Sequence[int]) -> str:
    """A single number where rows and columns are alike, or else both: 3, 1×3."""
    return sizes(size if len(set(size)) > 1 else size[:1])
