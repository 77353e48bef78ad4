"""The unit that is looked at closely on a page; the link says it as its layer, its map and its position."""

from collections.abc import Mapping
from dataclasses import dataclass

from pages.common import address
from pages.common.session import keep, kept
from pages.common.text import _


@dataclass(frozen=True)
class Opened:
    """A unit: by default the strongest of its feature map."""

    layer: str
    channel: int
    position: tuple[int, int] | None = None  # (row, column)

    def is_in(self, layer: str, shape: tuple[int, int, int]) -> bool:
        """Whether this layer of maps (K, h, w) has it."""
        k, h, w = shape
        row, column = self.position or (0, 0)
        return self.layer == layer and 0 <= self.channel < k and 0 <= row < h and 0 <= column < w


def opened(place: str, network: str | None = None) -> Opened | None:
    """What is open in a place: the unit last clicked, or at first the link's; after Back or Forward, the address's.

    Args:
        network: that the link must be about.
    """

    def first() -> Opened | None:
        link = address.opened_with()
        if not (network is None or address.is_about(network)):
            return None
        unit = of_link(link)
        if unit is None and (said := [link[name] for name in ("map", "at") if name in link]):
            address.leave_out(_("feature map"), "; ".join(said))
        return unit

    if (link := address.returned()) is not None:
        open_unit(place, of_link(link))
    return kept(f"opened {place}", first)


def open_unit(place: str, unit: Opened | None) -> None:
    """Makes this the open unit of that place; None closes it."""
    keep(f"opened {place}", unit)


def there(unit: Opened | None, network: str, shapes: Mapping[str, tuple[int, int, int]]) -> Opened | None:
    """The unit, if one of a network's layers of maps (K, h, w) has it; that a link's unit is in none of them, is said.

    Args:
        shapes: by layer.
    """
    is_first = kept("network of the opened unit", lambda: network) == network  # another one need not have it
    if unit is None or (unit.layer in shapes and unit.is_in(unit.layer, shapes[unit.layer])):
        return unit
    if is_first and unit == of_link(address.opened_with()):
        if unit.layer in shapes:
            address.leave_out(_("feature map"), ", ".join(map(str, (unit.channel, *(unit.position or ())))))
        else:
            address.leave_out(_("layer"), unit.layer)
    return None


def of_link(link: Mapping[str, str]) -> Opened | None:
    """The unit that a link says."""
    try:
        position = tuple(int(n) for n in link["at"].split(",")) if "at" in link else None
        return Opened(link["layer"], int(link["map"]), position) if position is None or len(position) == 2 else None
    except (KeyError, ValueError):
        return None


def note(unit: Opened | None) -> None:
    """Adds the open unit to the address; its layer is added by who shows the layer."""
    at = unit and unit.position
    address.note(map=unit.channel if unit else None, at=f"{at[0]},{at[1]}" if at else None)
