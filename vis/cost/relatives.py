"""Plain blocks and the cheap relatives that can stand in for them, by the numbers that set both.

The law of a relative says which part of the plain block's multiply-adds remains: in LaTeX, first in the paper's letters
and last in these numbers, and as an exact quotient.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from models.refusals import Refused
from vis.cost.blocks import (
    Block,
    bottleneck,
    dilated,
    factorised,
    grouped,
    reduced,
    separable,
    stacked,
    standard,
    wide,
)
from vis.cost.formulas import (
    bottleneck_ratio,
    dilated_ratio,
    factorised_ratio,
    grouped_ratio,
    reduced_ratio,
    separable_ratio,
    stacked_ratio,
)

Law = tuple[str, Fraction]
Costs = list[list[int | None]]  # of either block; None where it cannot be


@dataclass(frozen=True)
class Relative:
    """A cheap block beside the plain one; both functions are called with all numbers as keywords."""

    blocks: Callable[..., tuple[Block, Block]]  # the plain one, and the cheap one
    law: Callable[..., Law]


def costs_along(of: Relative, name: str, values: Iterable[int], others: Mapping[str, int], quantity: str) -> Costs:
    """A "macs", "weights" or "activation_bytes" of both blocks for every value of one of their numbers.

    Args:
        name: of that number.
        others: the numbers that stay as they are.
    """
    found: Costs = [[], []]
    for value in values:
        try:
            costs = [getattr(block, quantity) for block in of.blocks(**others, **{name: value})]
        except Refused:
            costs = [None, None]
        for side, cost in zip(found, costs, strict=True):
            side.append(cost)
    return found


# One 1×1 before the kernel, and one on either side (Szegedy et al. 2014, He et al. 2015) ------------------------------


def _reduced(rows: int, columns: int, maps_in: int, between: int, maps_out: int, kernel: int) -> tuple[Block, Block]:
    given = (maps_in, rows, columns)
    return standard(given, maps_out, kernel), reduced(given, between, maps_out, kernel)


def _reduced_law(maps_in: int, between: int, maps_out: int, kernel: int, **_size: int) -> Law:
    symbols = r"\frac{C_{mid}}{C_{in}} + \frac{C_{mid}}{K^2 \cdot C_{out}}"
    numbers = rf"\frac{{{between}}}{{{maps_in}}} + \frac{{{between}}}{{{kernel}^2 \cdot {maps_out}}}"
    return f"{symbols} = {numbers}", reduced_ratio(kernel, maps_in, between, maps_out)


def _residual(side: int, channels: int, between: int) -> tuple[Block, Block]:
    given = (channels, side, side)
    return wide(given, channels), bottleneck(given, between, channels)


def _residual_law(channels: int, between: int, **_size: int) -> Law:
    symbols = r"\frac{2 \cdot C \cdot R + 9 \cdot R^2}{18 \cdot C^2}"
    numbers = rf"\frac{{2 \cdot {channels} \cdot {between} + 9 \cdot {between}^2}}{{18 \cdot {channels}^2}}"
    return f"{symbols} = {numbers}", bottleneck_ratio(channels, between)


# Space and channels one after the other (Howard et al. 2017) ---------------------------------------------------------


def _separable(side: int, maps_in: int, maps_out: int, **window: int) -> tuple[Block, Block]:
    given = (maps_in, side, side)
    return standard(given, maps_out, **window), separable(given, maps_out, **window)


def _separable_law(maps_out: int, kernel: int, **_others: int) -> Law:
    law = rf"\frac{{1}}{{N}} + \frac{{1}}{{K^2}} = \frac{{1}}{{{maps_out}}} + \frac{{1}}{{{kernel}^2}}"
    return law, separable_ratio(kernel, maps_out)


# Small kernels, groups and gaps --------------------------------------------------------------------------------------


def _stacked(side: int, maps: int, layers: int) -> tuple[Block, Block]:
    return standard((maps, side, side), maps, 2 * layers + 1), stacked((maps, side, side), layers)


def _stacked_law(layers: int, **_size: int) -> Law:
    symbols = r"\frac{n \cdot 3^2 \cdot C^2}{(2n + 1)^2 \cdot C^2}"
    return rf"{symbols} = \frac{{{9 * layers} C^2}}{{{(2 * layers + 1) ** 2} C^2}}", stacked_ratio(layers)


def _factorised(side: int, maps: int, length: int) -> tuple[Block, Block]:
    return standard((maps, side, side), maps, length), factorised((maps, side, side), maps, length)


def _factorised_law(length: int, **_size: int) -> Law:
    symbols = r"\frac{2n \cdot C^2}{n^2 \cdot C^2} = \frac{2}{n}"
    return rf"{symbols} = \frac{{2}}{{{length}}}", factorised_ratio(length)


def _grouped(side: int, maps: int, kernel: int, groups: int) -> tuple[Block, Block]:
    given = (maps, side, side)
    return standard(given, maps, kernel), grouped(given, maps, kernel, groups, is_shuffled=groups > 1)


def _grouped_law(groups: int, **_size: int) -> Law:
    symbols = r"\frac{K^2 \cdot (C / g) \cdot C}{K^2 \cdot C \cdot C} = \frac{1}{g}"
    return rf"{symbols} = \frac{{1}}{{{groups}}}", grouped_ratio(groups)


def _dilated(side: int, maps: int, kernel: int, dilation: int) -> tuple[Block, Block]:
    given, reach = (maps, side, side), dilation * (kernel - 1) + 1
    return standard(given, maps, reach), dilated(given, maps, kernel, dilation)


def _dilated_law(kernel: int, dilation: int, **_size: int) -> Law:
    symbols, reach = r"\frac{K^2}{(d \cdot (K - 1) + 1)^2}", dilation * (kernel - 1) + 1
    return rf"{symbols} = \frac{{{kernel}^2}}{{{reach}^2}}", dilated_ratio(kernel, dilation)


RELATIVES = {
    "bottleneck": Relative(_reduced, _reduced_law),
    "residual": Relative(_residual, _residual_law),
    "separable": Relative(_separable, _separable_law),
    "stacked": Relative(_stacked, _stacked_law),
    "factorised": Relative(_factorised, _factorised_law),
    "groups": Relative(_grouped, _grouped_law),
    "dilated": Relative(_dilated, _dilated_law),
}
