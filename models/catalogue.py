"""Networks by their names: those that are listed, and those whose name says how they are built."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from models.architecture import Architecture
from models.refusals import Refused

Maker = Callable[[str], Architecture]


class Catalogue(Mapping[str, Architecture]):
    """A mapping whose `in`, length and iteration know what is listed; only a look-up by name finds the others, too."""

    def __init__(self, listed: Iterable[Architecture]):
        self._listed = {entry.name: entry for entry in listed}
        self._makers: dict[str, Maker] = {}

    def makes(self, *kinds: str) -> Callable[[Maker], Maker]:
        """A decorator for who makes the entries whose names begin with these words and a dot.

        A name may come from a link, so it may be anything: the maker refuses what it would not have called so itself.
        """

        def known(maker: Maker) -> Maker:
            self._makers |= dict.fromkeys(kinds, maker)
            return maker

        return known

    def __getitem__(self, name: str) -> Architecture:
        if name in self._listed:
            return self._listed[name]
        maker = self._makers[str(name).partition(".")[0]]
        try:
            return maker(name)
        except Refused:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._listed

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)
