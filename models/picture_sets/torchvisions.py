"""The data sets of torchvision as sets of pictures."""

import zlib
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
from PIL import Image

from models.decoding import MOST_MEGABYTES, decoded
from models.picture_sets.listed import Found, Listed, PictureSet, Skipped, gone, mark_of, opened_again, some
from models.refusals import Refused
from models.statefile import printable

DATASETS = {  # torchvision's class, what it is called with, and how people call it
    "CIFAR10": ("CIFAR10", {"train": False}, "CIFAR-10 test"),
    "CIFAR100": ("CIFAR100", {"train": False}, "CIFAR-100 test"),
    "STL10": ("STL10", {"split": "test"}, "STL-10 test"),
    "Imagenette": ("Imagenette", {"split": "val", "size": "320px"}, "Imagenette validation"),
    "OxfordIIITPet": ("OxfordIIITPet", {"split": "test"}, "Oxford-IIIT Pet test"),
    "Flowers102": ("Flowers102", {"split": "test"}, "Flowers 102 test"),
}


def dataset(name: str, root: Path, download: bool = False) -> PictureSet:
    """The test pictures of a data set that torchvision knows, in `root`; ids are "00000", "00001" … in its order.

    Args:
        download: into `root`, if it is not there; may be gigabytes.

    Raises:
        Refused: for a name that is not in DATASETS, and for one that is not in `root` or cannot be downloaded.
    """
    if name not in DATASETS:
        raise Refused("There is no data set “{name}”; choose one of {names}.", name=name, names=", ".join(DATASETS))
    from torchvision import datasets

    made, options, title = DATASETS[name]
    try:
        return _DataSet(getattr(datasets, made)(root, download=download, **options), name, root, title)
    except (RuntimeError, OSError, ValueError, LookupError, EOFError, UnpicklingError) as error:
        raise Refused(
            "The data set {name} is not in {folder}, or is damaged; download it there first.",
            name=name,
            folder=printable(root),
        ) from error


class _DataSet(Listed):
    """The pictures that a data set of torchvision holds as one array or as paths."""

    def __init__(self, held: Any, name: str, root: Path, title: str):
        self._name, self._root = name, root.resolve()
        self._pixels = _pixels(held)  # (N, H, W, 3) uint8
        self._paths = [Path(path) for path in _first_of(held, "_images", "_image_files", "_samples") or ()]
        found = {}
        for i, category in enumerate(_categories(held)):
            size = zlib.crc32(self._pixels[i].tobytes()) if self._pixels is not None else self._paths[i].stat().st_size
            found[f"{i:05d}"] = Found(mark_of(name, i, size), category)
        super().__init__(title, some(found, title), Skipped())

    def __reduce__(self) -> tuple:
        """How it goes to another process, which has the same files: all pixels would be too much."""
        return opened_again, (self.fingerprint, dataset, self._name, self._root)

    def open(self, id: str) -> Image.Image:
        if self._pixels is not None:
            return Image.fromarray(self._pixels[int(id)])
        try:
            with self._paths[int(id)].open("rb") as file:
                return decoded(file.read(MOST_MEGABYTES * 2**20 + 1))
        except OSError as error:
            raise gone() from error


def _first_of(held: Any, *names: str) -> list | None:
    found = next((getattr(held, name) for name in names if hasattr(held, name)), None)
    return found and [item[0] if isinstance(item, tuple) else item for item in found]


def _pixels(held: Any) -> np.ndarray | None:
    data = getattr(held, "data", None)
    if data is None:
        return None
    return np.ascontiguousarray(data if data.shape[3] == 3 else data.transpose(0, 2, 3, 1))  # STL-10's are (N, 3, H, W)


def _categories(held: Any) -> list[str]:
    """The name of the class of each picture."""
    labels = next((getattr(held, name) for name in ("targets", "labels", "_labels") if hasattr(held, name)), None)
    if labels is None:
        labels = [label for _, label in held._samples]
    names = getattr(held, "classes", None)
    said = [names[int(label)] if names else int(label) for label in labels]
    return [", ".join(name) if isinstance(name, tuple) else str(name) for name in said]  # Imagenette's have synonyms
