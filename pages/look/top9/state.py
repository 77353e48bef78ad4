"""What this session searches for its strongest pictures, what it found, and which of them is seen closely."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.picture_sets import PictureSet
from models.temporary import TemporaryDirectory, temporary_folder
from pages.common import address
from pages.common.cache import Nines, Place
from pages.common.jobs import Job
from pages.common.session import keep, kept
from vis.top9 import Key, Top


@dataclass(eq=False)
class Progress:
    """How far a search is: its thread tells it, the page reads it."""

    done: int = 0
    total: int = 0
    place: Place | None = None  # in the line of all searches
    cancelled: bool = False  # by its user; what was only left alone goes on by itself
    _seen: int = 0  # pictures, in the search's own turns
    _seconds: float = 0.0  # of these turns
    _told: float | None = None  # when; None while it waits for its turn

    def tell(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._told is not None:
            self._seen += done - self.done
            self._seconds += now - self._told
        self.done, self.total, self._told = done, total, now

    def wait(self, place: Place) -> None:
        self.place, self._told = place, None

    @property
    def rate(self) -> float | None:
        """Pictures a second in its own turns; None before there is something to go by."""
        return self._seen / max(self._seconds, 1e-3) if self._seen else None


@dataclass
class Mining:
    """What a session searches for its strongest pictures; and what it found with its own pictures or weights, which
    stays with it: the folder is gone with the session.
    """

    asked: Key | None = None  # what `job` was started for
    viewed: Key | None = None  # whose nines were shown last
    job: Job[Top] | None = None
    progress: Progress | None = None
    own: dict[Key, Top] = field(default_factory=dict)
    downloads: dict[str, Job] = field(default_factory=dict)  # of data sets, by their names
    archive: tuple[str, PictureSet] | None = None  # the one ZIP that is kept, also when its page is left: its sha256
    nines: tuple[tuple, Nines] | None = None  # which feature maps' nine are being projected, and how far they are
    folder: TemporaryDirectory = field(default_factory=temporary_folder)


def mining() -> Mining:
    """What this session searches, and what it found."""
    return kept("mining", Mining)


@dataclass(frozen=True)
class OneOfNine:
    """The picture that is looked at closely, of the nine that excite a feature map most."""

    layer: str
    channel: int
    rank: int  # 0 is the strongest


def opened(network: str) -> OneOfNine | None:
    """The picture of the nine that is looked at closely: the one last clicked, or at first the link's; after Back or
    Forward, the address's.
    """
    if (link := address.returned()) is not None:
        open_one(_of_link(link))
    return kept("one of nine", lambda: _of_link(address.opened_with()) if address.is_about(network) else None)


def open_one(one: OneOfNine | None) -> None:
    """Makes this the picture of the nine that is looked at closely; None closes it."""
    keep("one of nine", one)


def _of_link(link: Mapping[str, str]) -> OneOfNine | None:
    try:
        channel, place = map(int, link["nine"].split(","))
        return OneOfNine(link["layer"], channel, place - 1) if place > 0 else None
    except (KeyError, ValueError):
        return None
