"""Large numbers as they are written in papers."""

UNITS = ("", "k", "M", "G", "T", "P")


def grouped(number: int) -> str:
    """Every digit, in groups of three: 120,422,400."""
    return f"{number:,}"


def short(number: float, digits: int = 3) -> str:
    """So many leading digits and a unit, k = 10³, M = 10⁶, G = 10⁹: 120 M."""
    size = 0
    while float(f"{abs(number):.{digits}g}") >= 1000 and size < len(UNITS) - 1:
        number, size = number / 1000, size + 1
    rounded = float(f"{number:.{digits}g}")
    if not size:
        return f"{rounded:g}" if number % 1 else f"{number:.0f}"
    return f"{rounded:.{max(0, digits - len(str(int(abs(rounded)))))}f} {UNITS[size]}"


def shape(sizes: tuple[int, ...]) -> str:
    """The sizes of one picture's maps, without the batch: 64×112×112."""
    return "×".join(map(str, sizes[1:]))
