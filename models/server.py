"""What whoever runs the server has allowed its visitors, read from the environment: see README, “On a server”."""

import logging
import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

VARIABLES = (
    *("CONVSCOPE_CLASS", "CONVSCOPE_PAGES", "CONVSCOPE_WEIGHTS_UPLOAD"),
    *("CONVSCOPE_PICTURES", "CONVSCOPE_DOWNLOADS", "CONVSCOPE_MEMORY"),
)
NO = ("0", "off", "no", "false")
LOG = logging.getLogger("convscope")


@dataclass(frozen=True)
class Budget:
    """What visitors may have of the server's memory and time."""

    remembered: int = 1 << 30  # bytes of what was made for visitors, or an eighth of the memory where that is less
    searches: int = 8  # of pictures, that wait or are under way
    searching: int = 6 * 3600  # seconds of one
    explaining: int = 600  # seconds of work of one explanation
    training: int = 900  # seconds of a training


IN_CLASS = Budget(remembered=1 << 29, searches=4, searching=600, explaining=120, training=300)


@dataclass(frozen=True)
class Server:
    """What visitors may do.

    Args:
        pages: names or addresses of those that are shown beside Home; None: all.
        folder: below which visitors may search the pictures.
        datasets: who may have data sets downloaded: "everybody", a browser on the server's own "machine", or "nobody".
        remembers: bytes of what was made for visitors; None: see `Budget`.
    """

    takes_weights: bool = True  # files of weights
    takes_archives: bool = True  # ZIPs of pictures
    fetches_weights: bool = True  # torchvision's, from the internet
    datasets: str = "machine"
    folder: Path | None = None
    pages: tuple[str, ...] | None = None
    remembers: int | None = None
    budget: Budget = field(default_factory=Budget)


def server() -> Server:
    """What this server allows. It is read once: only tests change the environment of a program that runs."""
    return _read(*map(os.environ.get, VARIABLES))


@lru_cache(maxsize=1)
def _read(
    in_class: str | None,
    pages: str | None,
    weights: str | None,
    folder: str | None,
    downloads: str | None,
    memory: str | None,
) -> Server:
    is_class = _is_on(in_class, unless_said=False)
    return Server(
        takes_weights=not is_class and _is_on(weights, unless_said=True),
        takes_archives=not is_class,
        fetches_weights=not is_class,
        datasets="nobody" if is_class else "everybody" if downloads == "1" else "machine",
        folder=Path(folder) if folder else None,
        pages=tuple(filter(None, (page.strip(" /") for page in (pages or "").split(",")))) or None,
        remembers=_bytes(memory),
        budget=IN_CLASS if is_class else Budget(),
    )


def _is_on(said: str | None, unless_said: bool) -> bool:
    """What a switch says; anything that is no "no" is a yes."""
    word = (said or "").strip().lower()
    return word not in NO if word else unless_said


def _bytes(megabytes: str | None) -> int | None:
    if not (said := (megabytes or "").strip()):
        return None
    if not re.fullmatch(r"\d+", said):
        LOG.warning("CONVSCOPE_MEMORY is a number of megabytes, such as 500, and not %r: it is ignored.", said)
        return None
    return int(said) * 10**6
