"""What can be set, as data: a name, a label, the values it can have and the usual one.

An option is checked, written into a link and read from one here; what draws it, keeps it and says it in another
language reads the same data.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from types import MappingProxyType
from typing import Any

from models.refusals import Refused


class Phrase(str):
    """English words for the screen, which a page says in the visitor's language."""


@dataclass(frozen=True)
class Option(ABC):
    """One thing that can be set."""

    name: str  # the keyword of whom it is for, and its name in a link
    label: str  # what it is called on the screen

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Whether it can have this value."""

    @abstractmethod
    def refusal(self, value: Any) -> Refused:
        """Why it cannot have this value, and which it can."""

    def written(self, value: Any) -> str:
        """The value as it stands in a link."""
        return str(value)

    def linked(self, value: Any) -> str | None:
        """The value as it stands in a link; None where a link says nothing of it, for it is as usual."""
        return None if value == self.usual else self.written(value)

    @abstractmethod
    def read(self, text: str) -> Any:
        """The value that a link says.

        Raises:
            ValueError: where that is none of its values.
        """

    def read_in_part(self, text: str) -> tuple[Any, tuple[str, ...]]:
        """What can be read of a text, or the usual value where that is nothing; and the words in it that cannot be."""
        try:
            return self.read(text), ()
        except ValueError:
            return self.usual, (text,)

    def checked(self, value: Any) -> Any:
        """The value.

        Raises:
            Refused: where it cannot have that value.
        """
        if not self.accepts(value):
            raise self.refusal(value)
        return value


def _one_of(option: Option, value: Any, choices: Iterable[str]) -> Refused:
    return Refused(
        "The option {option} cannot be {value}; choose one of {choices}.",
        option=option.name,
        value=value,
        choices=", ".join(choices),
    )


@dataclass(frozen=True)
class Choice(Option):
    """One of some values, which may have names of their own."""

    values: Sequence[Any] | Mapping[Any, str]  # with what each is called, or called as they are written
    usual: Any = None  # None: the first
    _: KW_ONLY
    help: str | None = None
    shown_as: str = "buttons"  # or "list", or "scale": a slider with a stop for each value
    marks: Sequence[Any] = ()  # values that are written below a live slider
    digits: int = 0  # behind the decimal point of a live slider's value
    unlinked: Container[Any] = ()  # values that no link says: nobody else has what they stand for

    def __post_init__(self):
        if self.usual is None and None not in self.values:
            object.__setattr__(self, "usual", next(iter(self.values), None))

    def called(self, value: Any) -> str:
        """What a value is called; what is none of them, as it is written."""
        return self.values.get(value, str(value)) if isinstance(self.values, Mapping) else str(value)

    def accepts(self, value: Any) -> bool:
        return any(value == known and type(value) is type(known) for known in self.values)

    def linked(self, value: Any) -> str | None:
        return None if value in self.unlinked else super().linked(value)

    def refusal(self, value: Any) -> Refused:
        return _one_of(self, value, map(self.written, self.values))

    def read(self, text: str) -> Any:
        for value in self.values:
            if self.written(value) == text and value not in self.unlinked:
                return value
        raise ValueError(f"{self.name} cannot be {text!r}")


@dataclass(frozen=True)
class Number(Option):
    """A number between two bounds: whole where the lower one and the step are."""

    usual: float | None  # None: nothing at first, where a field may be empty
    least: float
    most: float
    _: KW_ONLY
    step: float = 1
    digits: int = 0  # behind the decimal point
    help: str | None = None
    shown_as: str = "field"  # or "slider", or "pages": buttons for the pages from 1 on
    marks: Sequence[float] = ()

    @property
    def kind(self) -> type:
        return int if isinstance(self.least, int) and isinstance(self.step, int) else float

    @property
    def values(self) -> Sequence[float]:
        """All that a slider can be set to."""
        if self.kind is int:
            return range(self.least, self.most + 1, self.step)
        count = round((self.most - self.least) / self.step) + 1
        return [round(self.least + i * self.step, self.digits) for i in range(count)]

    def accepts(self, value: Any) -> bool:
        if value is None or isinstance(value, bool):
            return value is self.usual
        is_number = isinstance(value, int) or (self.kind is float and isinstance(value, float))
        return is_number and math.isfinite(value) and self.least <= value <= self.most

    def checked(self, value: Any) -> float | None:
        """The value, of the kind that it is counted in."""
        value = super().checked(value)
        return value if value is None else self.kind(value)

    def refusal(self, value: Any) -> Refused:
        if self.kind is int:
            return Refused(
                "The option {option} cannot be {value}; choose a whole number, {least} to {most}.",
                option=self.name,
                value=value,
                least=self.least,
                most=self.most,
            )
        return Refused(
            "The option {option} cannot be {value}; choose a number from {least} to {most}.",
            option=self.name,
            value=value,
            least=self.least,
            most=self.most,
        )

    def written(self, value: float) -> str:
        return str(float(f"{value:.{max(self.digits, 6)}g}") if self.kind is float else value)

    def read(self, text: str) -> float:
        value = self.kind(text)
        if not self.accepts(value):
            raise ValueError(f"{self.name} cannot be {text!r}")
        return value


@dataclass(frozen=True)
class Switch(Option):
    """On or off."""

    usual: bool = False
    _: KW_ONLY
    help: str | None = None

    ON = MappingProxyType({"on": True, "True": True, "off": False, "False": False})  # as links have said it

    def accepts(self, value: Any) -> bool:
        return isinstance(value, bool)

    def refusal(self, value: Any) -> Refused:
        return _one_of(self, value, ("False", "True"))

    def written(self, value: bool) -> str:
        return "on" if value else "off"

    def read(self, text: str) -> bool:
        if text not in self.ON:
            raise ValueError(f"{self.name} cannot be {text!r}")
        return self.ON[text]


@dataclass(frozen=True)
class Several(Option):
    """Any of some values, in the order of these."""

    values: Sequence[str] | Mapping[str, str]
    usual: tuple[str, ...] = ()
    _: KW_ONLY
    help: str | None = None
    shown_as: str = "list"  # or "switches"

    called = Choice.called

    def accepts(self, value: Any) -> bool:
        return isinstance(value, tuple) and value == self.ordered(value)

    def ordered(self, chosen: Iterable[str]) -> tuple[str, ...]:
        """Those of the values that are chosen, each once."""
        chosen = set(chosen)
        return tuple(value for value in self.values if value in chosen)

    def refusal(self, value: Any) -> Refused:
        return _one_of(self, value, self.values)

    def written(self, value: tuple[str, ...]) -> str:
        return ",".join(value)

    def read(self, text: str) -> tuple[str, ...]:
        found, wrong = self.read_in_part(text)
        if wrong:
            raise ValueError(f"{self.name} cannot be {', '.join(wrong)!r}")
        return found

    def read_in_part(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        words = text.split(",")
        return self.ordered(words) or self.usual, tuple(word for word in words if word not in self.values)


@dataclass(frozen=True)
class Numbers(Option):
    """Some whole numbers, as they are typed: "3, 17, 40"."""

    usual: tuple[int, ...] = ()
    _: KW_ONLY
    most: int = 16  # of them
    highest: int = 99_999  # that each may be
    help: str | None = None

    def accepts(self, value: Any) -> bool:
        return isinstance(value, tuple) and len(value) <= self.most and all(map(self._is_one, value))

    def _is_one(self, number: Any) -> bool:
        return type(number) is int and 0 <= number <= self.highest

    def refusal(self, value: Any) -> Refused:
        return Refused(
            "The option {option} cannot be {value}; choose at most {most} whole numbers, 0 to {highest}.",
            option=self.name,
            value=value,
            most=self.most,
            highest=self.highest,
        )

    def written(self, value: tuple[int, ...]) -> str:
        return ",".join(map(str, value))

    def read(self, text: str) -> tuple[int, ...]:
        found, wrong = self.read_in_part(text)
        if wrong:
            raise ValueError(f"{self.name} cannot be {', '.join(wrong)!r}")
        return found

    def read_in_part(self, text: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Each number once, in the order in which they are typed; of too many the first ones."""
        words = list(dict.fromkeys(text.replace(",", " ").replace(";", " ").split()))
        numbers = {word: int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 6}
        right = [number for number in dict.fromkeys(numbers.values()) if self._is_one(number)]
        wrong = tuple(word for word in words if not self._is_one(numbers.get(word)))
        return tuple(right[: self.most]) or (self.usual if wrong else ()), wrong


@dataclass(frozen=True)
class Cells(Option):
    """A whole number between two bounds for each of some cells, in their order: a small picture, or a kernel."""

    usual: tuple[int, ...]
    least: int
    most: int

    @property
    def _between(self) -> str:
        return "" if self.least >= 0 and self.most <= 9 else ","

    def accepts(self, value: Any) -> bool:
        if not (isinstance(value, tuple) and len(value) == len(self.usual)):
            return False
        return all(type(number) is int and self.least <= number <= self.most for number in value)

    def refusal(self, value: Any) -> Refused:
        return Refused(
            "The option {option} cannot be {value}; choose {count} whole numbers, {least} to {most}.",
            option=self.name,
            value=value,
            count=len(self.usual),
            least=self.least,
            most=self.most,
        )

    def written(self, value: tuple[int, ...]) -> str:
        return self._between.join(map(str, value))

    def read(self, text: str) -> tuple[int, ...]:
        words = text.split(",") if self._between else list(text)
        numbers = {str(number): number for number in range(self.least, self.most + 1)}
        value = tuple(numbers.get(word) for word in words)
        if not self.accepts(value):
            raise ValueError(f"{self.name} cannot be {text!r}")
        return value
