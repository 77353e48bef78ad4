"""Whose names these are: the tensors of a file matched with those of a network, whatever stands before their names."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from models.lenet import RadialBasis
from models.refusals import Remark
from models.spellings import Spelling
from models.statefile import Names, WeightsRefused, listed, printable

# What torch's own wrappers put into names, at any place: DataParallel and its kin, torch.compile, FSDP, checkpointing.
WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
TALLIES = frozenset({"total_ops", "total_params", "n_averaged", "num_updates", "decay"})  # thop's, and of averages
NORMALISATION = frozenset({"mean", "std", "pixel_mean", "pixel_std", "image_mean", "image_std"})
AVERAGED = re.compile("ema|swa|averag|teacher|momentum|target")
TOP = "."  # what a place is called that has nothing before its names
MOST_PLACES = 32  # in a file that are looked at
MOST_LETTERS = 200  # of what stands before a network's names


class Shaped(Protocol):
    shape: torch.Size


Values = TypeVar("Values", bound=Shaped)


class SeveralStates(WeightsRefused):
    """A file in which the network is more than once, such as plain and averaged; one of the places has to be chosen."""

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(self.values_said["places"])


@dataclass(frozen=True)
class Outline:
    """The names and shapes of a network's tensors."""

    shapes: Mapping[str, torch.Size]
    last: frozenset[str]  # of the last layer, which may have other outputs
    head: frozenset[str]  # of the classifier that the last layer belongs to, which a backbone goes without
    spellings: tuple[Spelling, ...] = ()  # what others call them

    @property
    def counters(self) -> frozenset[str]:
        """Of batch norms, which may be missing."""
        return frozenset(name for name in self.shapes if name.endswith("num_batches_tracked"))


def outline_of(model: nn.Module, spellings: tuple[Spelling, ...] = ()) -> Outline:
    shapes = {name: values.shape for name, values in model.state_dict().items()}
    name, layer = last_layer(model)
    last = frozenset(f"{name}.{key}".lstrip(".") for key in layer.state_dict())
    top = name.partition(".")[0]
    head = frozenset(key for key in shapes if top and key.startswith(f"{top}."))
    return Outline(shapes, last, head, spellings)


def last_layer(model: nn.Module) -> tuple[str, nn.Module]:
    """The last layer as declared that can have other outputs, and its name."""
    kinds = nn.Linear | nn.Conv2d | RadialBasis
    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, kinds)]
    return layers[-1] if layers else ("", nn.Identity())


@dataclass(frozen=True)
class Candidate:
    """The tensors of a file below one place, read as those of a network."""

    outline: Outline
    place: str  # what stands before their names, with its last dot
    of: Mapping[str, str]  # by the network's own names, those in the file
    shapes: Mapping[str, torch.Size]  # of these, by the network's own names
    extra: tuple[str, ...]  # what else stands below that place
    spelling: Spelling | None = None  # if not the network's own

    @property
    def label(self) -> str:
        return ".".join(part for part in self.place.split(".") if part and part not in WRAPPERS) or TOP

    @cached_property
    def missing(self) -> frozenset[str]:
        return frozenset(self.outline.shapes) - self.of.keys() - self.outline.counters

    @property
    def is_headless(self) -> bool:
        return (
            bool(self.missing) and self.outline.last <= self.missing <= self.outline.head < self.outline.shapes.keys()
        )

    @cached_property
    def unexpected(self) -> list[str]:
        """What else is there and has no reason to be."""
        return [name for name in self.extra if not self._is_known(name[len(self.place) :])]

    def _is_known(self, name: str) -> bool:
        first = name.partition(".")[0]
        if _end(name) in TALLIES | NORMALISATION:
            return True
        if first.lower().startswith("aux"):
            return not any(key.lower().startswith("aux") for key in self.outline.shapes)
        return self.is_headless and any(key.startswith(f"{first}.") for key in self.outline.head)

    @cached_property
    def misshapen(self) -> list[str]:
        wrong = [name for name, shape in self.shapes.items() if not self._fits(name, shape)]
        outputs = {self.shapes[name][:1] for name in self.outline.last & self.shapes.keys()}
        return wrong if len(outputs) < 2 else [*wrong, *self.outline.last]

    def _fits(self, name: str, shape: torch.Size) -> bool:
        own = self.outline.shapes[name]
        if name in self.outline.last and len(shape) == len(own) and 0 not in shape:
            return shape[1:] == own[1:]
        return shape == own or (self.spelling and _sides(shape) == _sides(own))

    @property
    def is_whole(self) -> bool:
        """Whether this is the network, but maybe for the number of its outputs."""
        return not self.missing and not self.unexpected and not self.misshapen

    @property
    def is_backbone(self) -> bool:
        """Whether it is the network but for its classifier."""
        return self.is_headless and not self.unexpected and not self.misshapen

    @property
    def faults(self) -> int:
        return len(self.missing) + len(self.unexpected) + len(self.misshapen)


def _sides(shape: Iterable[int]) -> list[int]:
    """Without those of 1: others keep the weights of a 1×1 convolution as a matrix, or a scale without its sides."""
    return [side for side in shape if side != 1]


def candidates(outline: Outline, tensors: Mapping[str, Shaped]) -> list[Candidate]:
    """The places in a file below which there is something with the network's names; the likeliest first."""
    found = []
    for spelling in (None, *outline.spellings):
        spelled = spelling.of(outline.shapes) if spelling else {name: name for name in outline.shapes}
        places = _places({theirs: own for own, theirs in spelled.items()}, tensors)
        fullest = sorted(places, key=lambda place: -len(places[place]))[:MOST_PLACES]
        found += [_candidate(outline, place, {p: places[p] for p in fullest}, tensors, spelling) for place in fullest]
    return sorted(found, key=lambda one: (one.faults, bool(AVERAGED.search(one.place)), len(one.place), one.place))


def _places(ends: Mapping[str, str], tensors: Iterable[str]) -> dict[str, dict[str, str]]:
    """By what stands before them, the names that end as one of `ends`; each by what its end stands for."""
    deepest = max((end.count(".") for end in ends), default=0)
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for name in tensors:
        parts = name.rsplit(".", deepest + 1)  # a name from outside may have a million dots
        for start in range(len(parts)):
            end = ".".join(parts[start:])
            if end in ends and len(name) - len(end) <= MOST_LETTERS:
                places[name.removesuffix(end)][ends[end]] = name
    return places


def _candidate(
    outline: Outline,
    place: str,
    places: Mapping[str, Mapping[str, str]],
    tensors: Mapping[str, Shaped],
    spelling: Spelling | None,
) -> Candidate:
    of = places[place]
    used = set(of.values())
    # what stands further down, such as an average of the same network, is a candidate of its own
    others = tuple(p for p in places if len(p) > len(place) and p.startswith(place) and 2 * len(places[p]) >= len(of))
    extra = (name for name in tensors if name.startswith(place) and name not in used and not name.startswith(others))
    shapes = {own: tensors[name].shape for own, name in of.items()}
    return Candidate(outline, place, of, shapes, tuple(extra), spelling)


def unwrapped(tensors: Mapping[str, Values]) -> dict[str, Values]:
    """The tensors without the names of torch's wrappers in theirs; as they were where two would be called the same."""
    plain = {".".join(part for part in name.split(".") if part not in WRAPPERS): name for name in tensors}
    if len(plain) < len(tensors):
        return dict(tensors)
    return {short: tensors[name] for short, name in plain.items()}


@dataclass(frozen=True)
class Named:
    """The tensors of a file by the network's own names, and what is odd about them, to be said.

    Args:
        place: in the file, where the network is there more than once.
        headless: the classifier is not there.
        fits: these are the network's; if not, they are what comes nearest.
    """

    state: dict[str, Tensor]
    place: str | None = None
    headless: bool = False
    remarks: tuple[Remark, ...] = ()
    fits: bool = True


def named(outline: Outline, tensors: Mapping[str, Tensor], file: str, place: str | None = None) -> Named:
    """The tensors that are the network's, wherever in the file; where none are, what comes nearest.

    Args:
        place: in the file, as `SeveralStates` lists them, where there are several.

    Raises:
        SeveralStates: if it is not said which.
        WeightsRefused: for a place that is none of them.
    """
    found = candidates(outline, tensors)
    if not any(one.is_whole or one.is_backbone for one in found):
        tensors = unwrapped(tensors)
        found = candidates(outline, tensors)
    fitting = [one for one in found if one.is_whole] or [one for one in found if one.is_backbone]
    labels = [one.label for one in fitting]
    if place is not None and place not in labels:
        raise WeightsRefused(
            "{file} holds no weights of this network at “{place}”; it holds them at {places}.",
            file=file,
            place=printable(place),
            places=listed(labels),
        )
    if len(fitting) > 1 and place is None:
        raise SeveralStates(
            "{file} holds this network more than once, such as plain and averaged: {places}; choose one of them.",
            file=file,
            places=Names(labels),
        )
    if not fitting:
        return Named(_nearest(found, tensors), fits=False)
    chosen = fitting[0 if place is None else labels.index(place)]
    state = {
        own: tensors[name] if own in outline.last else tensors[name].reshape(outline.shapes[own])
        for own, name in chosen.of.items()
    }
    several = chosen.label if len(fitting) > 1 else None
    return Named(state, several, chosen.is_headless, tuple(_remarks(chosen, fitting, tensors, file)))


def _nearest(found: Sequence[Candidate], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the refusal is to speak of: the place with the most of the network's names, or all that is in the file."""
    if not found:
        return dict(tensors)
    nearest = max(found, key=lambda one: len(one.of))
    unexpected = {name[len(nearest.place) :]: tensors[name] for name in nearest.unexpected}
    return {own: tensors[name] for own, name in nearest.of.items()} | unexpected


def _remarks(
    chosen: Candidate, fitting: Sequence[Candidate], tensors: Mapping[str, Tensor], file: str
) -> Iterator[Remark]:
    if chosen.is_headless:
        yield Remark(
            "{file} has no classifier for this network ({names} are missing): that part is random, and so are the "
            "classes it names.",
            file=file,
            names=listed(sorted(chosen.missing)),
        )
    if chosen.spelling and chosen.spelling.pads_otherwise:
        yield Remark(
            "The names are those of {whose}, whose variants beginning with tf_ pad pictures on other sides: with "
            "weights of one of these, maps are slightly off here.",
            whose=chosen.spelling.whose,
        )
    if others := [one.label for one in fitting if one is not chosen]:
        yield Remark(
            "These are the weights at “{place}”; {file} also holds {others}.",
            place=printable(chosen.label),
            file=file,
            others=listed(others),
        )
    elsewhere = tuple(one.place for one in fitting if one is not chosen and one.place)
    used = {name for one in fitting for name in one.of.values()}
    ignored = [name for name in tensors if name not in used and not name.startswith(elsewhere)]
    if norms := [name for name in ignored if _end(name) in NORMALISATION]:
        yield Remark(
            "{file} brings its own normalisation of pictures ({names}), which is not used: pictures are prepared as "
            "usual for this network.",
            file=file,
            names=listed(norms),
        )
    if rest := [name for name in ignored if _end(name) not in NORMALISATION]:
        yield Remark("Not used from {file}: {names}.", file=file, names=listed(rest))


def _end(name: str) -> str:
    return name.rpartition(".")[2]
