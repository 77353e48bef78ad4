"""The samples: photographs that packages carry which are installed anyway, and digits drawn in code. All are free."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from models.architecture import Architecture
from models.decoding import decoded
from models.digits import DIGITS, Strokes, digit_picture
from models.images import png
from models.options import Phrase

Kind = Literal["thing", "animal", "person", "place", "surface", "silhouette", "digit"]
CC0, PUBLIC_DOMAIN = "CC0 1.0", "public domain"


@dataclass(frozen=True)
class File:
    """A photograph's file in a package, and under what it stands."""

    package: str
    path: str
    by: str
    licence: str

    @property
    def place(self) -> Path | None:
        """Where it lies, if it is installed. Its package is not imported, which would take longer than all the rest."""
        package = find_spec(self.package)
        files = [Path(folder, self.path) for folder in package.submodule_search_locations] if package else []
        return next((file for file in files if file.is_file()), None)

    @property
    def is_here(self) -> bool:
        """Whether it is installed."""
        return self.place is not None

    def content(self) -> bytes:
        """The file's bytes."""
        return self.place.read_bytes()


@dataclass(frozen=True)
class Digit:
    """A digit drawn for this project."""

    strokes: Strokes
    by = "ConvScope"
    licence = "Apache 2.0"
    is_here = True

    def content(self) -> bytes:
        """A PNG, white on black."""
        return png(np.asarray(digit_picture(self.strokes)))


@dataclass(frozen=True)
class Sample:
    """A picture to begin with."""

    name: str  # in a link
    title: Phrase
    kind: Kind
    source: File | Digit
    classes: tuple[str, ...] = ()  # of ImageNet, CIFAR-10 or the digits: those that are right for it
    crop: tuple[int, int, int, int] | None = None  # left, top, right, bottom: there the thing fills the picture
    same_as: str = ""  # the sample that shows the same thing from elsewhere

    def content(self) -> bytes:
        """The file of the picture; a PNG where it is a part of a photograph."""
        content = self.source.content()
        return png(np.asarray(decoded(content).crop(self.crop))) if self.crop else content

    def known_to(self, categories: Collection[str]) -> tuple[str, ...]:
        """Those of a network's classes that are right for it."""
        return tuple(name for name in self.classes if name in categories)


def _of_skimage(name: str, title: Phrase, kind: Kind, by: str, licence: str, *classes: str, file: str = "") -> Sample:
    return Sample(name, title, kind, File("skimage", f"data/{file or name + '.png'}", by, licence), classes)


_MIDDLEBURY = ("Middlebury College", "free to use and publish, with a citation of Scharstein et al. 2014")
_PHOTOGRAPHS = (
    replace(
        _of_skimage("coffee", Phrase("Cup of coffee"), "thing", "Rachel Michetti", CC0, "espresso", "cup"),
        crop=(70, 0, 470, 400),
    ),
    replace(  # ImageNet's classes of rockets are named for weapons
        _of_skimage(
            *("rocket", Phrase("Rocket"), "thing", "SpaceX", PUBLIC_DOMAIN, "projectile", "missile"), file="rocket.jpg"
        ),
        crop=(168, 125, 468, 425),
    ),
    _of_skimage(
        *("chelsea", Phrase("Cat"), "animal", "Stéfan van der Walt", CC0, "tabby", "tiger cat", "Egyptian cat", "cat")
    ),
    Sample(
        "hopper",
        Phrase("Grace Hopper"),
        "person",
        File("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "US Navy", PUBLIC_DOMAIN),
        ("military uniform",),
        crop=(0, 20, 512, 532),
    ),
    _of_skimage("astronaut", Phrase("Astronaut"), "person", "NASA", PUBLIC_DOMAIN),
    _of_skimage("camera", Phrase("Photographer"), "person", "Lav Varshney", CC0, "tripod"),
    _of_skimage("motorcycle_left", Phrase("Motorcycle"), "thing", *_MIDDLEBURY),
    replace(
        _of_skimage("motorcycle_right", Phrase("Motorcycle, from further right"), "thing", *_MIDDLEBURY),
        same_as="motorcycle_left",
    ),
    Sample(
        "flower",
        Phrase("Dahlia"),
        "thing",
        File("sklearn", "datasets/images/flower.jpg", "vultilion", "CC BY 2.0"),
        crop=(150, 60, 470, 380),
    ),
    Sample(
        "china",
        Phrase("Summer Palace, Beijing"),
        "place",
        File("sklearn", "datasets/images/china.jpg", "danielbuechele", "CC BY 2.0"),
        ("palace",),
        crop=(60, 0, 400, 340),
    ),
    _of_skimage("horse", Phrase("Horse (silhouette)"), "silhouette", "Andreas Preuss", CC0, "sorrel", "horse"),
    _of_skimage("coins", Phrase("Coins"), "thing", "Brooklyn Museum", "no known copyright restrictions"),
    _of_skimage("brick", Phrase("Brick wall"), "surface", "CC0Textures", CC0),
    _of_skimage("grass", Phrase("Grass"), "surface", "linolafett", CC0),
    _of_skimage("gravel", Phrase("Gravel"), "surface", "CC0Textures", CC0),
)
_DIGIT_TITLES = (
    *(Phrase("Digit 0"), Phrase("Digit 1"), Phrase("Digit 2"), Phrase("Digit 3"), Phrase("Digit 4")),
    *(Phrase("Digit 5"), Phrase("Digit 6"), Phrase("Digit 7"), Phrase("Digit 8"), Phrase("Digit 9")),
)
_DIGITS = tuple(
    Sample(f"digit_{number}", title, "digit", Digit(DIGITS[number]), (str(number),))
    for number, title in enumerate(_DIGIT_TITLES)
)

SAMPLES: Mapping[str, Sample] = {s.name: s for s in (*_PHOTOGRAPHS, *_DIGITS) if s.source.is_here}


TITLES: Mapping[str, Phrase] = {name: sample.title for name, sample in SAMPLES.items()}


def samples_for(architecture: Architecture) -> tuple[Sample, ...]:
    """All samples, those of the kind that a network was made for before the others.

    The first is the usual one; the first three are to be offered before all others.
    """
    return tuple(sorted(SAMPLES.values(), key=lambda sample: (sample.kind == "digit") != architecture.reads_digits))


def photographs() -> Mapping[str, bytes]:
    """The files of all photographs by the names of their samples, whole, and none of the same thing twice."""
    return {
        name: sample.source.content()
        for name, sample in SAMPLES.items()
        if sample.kind not in ("silhouette", "digit") and not sample.same_as
    }
