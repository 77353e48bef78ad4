"""The weights that ship: whole, small, the ones their cards describe, and as good as the cards say."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from models import ARCHITECTURES
from models.train.data import Data
from models.train.recipes import RECIPES
from models.train.runs import best_answers, shares_right
from models.weights import SHIPPED, card, dead_filters, fit, shipped

CARDS = sorted(path.stem for path in SHIPPED.glob("*.json"))
NAMES = [name for name in CARDS if card(name).package is None]  # trained here
TILES = SHIPPED.parents[2] / "shared" / "data"


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return request.param


def said(name: str) -> dict:
    """All that stands on a card, also what the app does not read."""
    return json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8"))


# The files -------------------------------------------------------------------------------------------------------


def test_the_networks_that_are_small_enough_to_ship_do():
    assert set(NAMES) >= {"lenet5", "zfnet_mini"}
    assert set(CARDS) <= ARCHITECTURES.keys()
    assert {*CARDS} - {*NAMES} == {"efficientnet_lite0"}  # see test_packaged


def test_nothing_lies_there_that_no_card_names():
    named = {checkpoint.file for name in NAMES for checkpoint in card(name).files}
    assert {path.name for path in SHIPPED.iterdir()} - {"seeds"} == named | {f"{name}.json" for name in CARDS}


def test_all_files_together_are_a_small_part_of_a_repository():
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 40_000_000


def test_every_file_is_the_one_on_its_card(name):
    for checkpoint in card(name).files:
        assert hashlib.sha256((SHIPPED / checkpoint.file).read_bytes()).hexdigest() == checkpoint.sha256


def test_every_file_is_in_half_precision_and_fits_the_network(name):
    for checkpoint in card(name).files:
        state = load_file(SHIPPED / checkpoint.file)
        assert {values.dtype for values in state.values()} <= {torch.float16, torch.int64}
        own = ARCHITECTURES[name].build().state_dict()
        assert {key: values.shape for key, values in state.items()} == {k: v.shape for k, v in own.items()}
        assert all(values.isfinite().all() for values in state.values())


def test_the_readme_says_for_which_networks_there_are_weights():
    readme = (SHIPPED.parents[1] / "README.md").read_text(encoding="utf-8")
    large = [entry for entry in ARCHITECTURES.values() if not entry.is_for_cifar]
    published = sum(entry.torchvision_weights is not None for entry in large)
    assert f"{published} networks fetch torchvision's ImageNet weights" in readme
    with_cards = [entry for entry in large if entry.name in CARDS]
    assert f"For the remaining {len(large) - published - len(with_cards)} there are none to download" in readme
    assert f"Open {len(large)} classic networks" in readme
    assert f"{len(ARCHITECTURES) - len(large)} small forms of them for CIFAR-10" in readme
    assert "ZFNet mini, AlexNet mini and LeNet-5 have\ntrained weights in the repository" in readme
    about = card("efficientnet_lite0")
    reached = f"{about.at().top1} % of {about.validation_pictures} photographs"
    assert f"{reached} of as many classes (the first five guesses: {about.at().top5} %)" in readme
    assert f"its repository states {ARCHITECTURES['efficientnet_lite0'].accuracy} % on ImageNet" in readme
    assert {entry.title for entry in large if entry.name in NAMES} == {"ZFNet mini", "AlexNet mini", "LeNet-5"}


# The cards -------------------------------------------------------------------------------------------------------


def test_a_card_says_how_the_weights_were_made(name):
    about = card(name)
    assert about.architecture == name
    assert about.command == f"python -m models.train {name}"
    assert name in RECIPES
    recipe = said(name)["recipe"]
    assert {key: recipe[key] for key in ("epochs", "batch", "learning_rate", "shift", "seed")} == {
        key: getattr(RECIPES[name], key) for key in ("epochs", "batch", "learning_rate", "shift", "seed")
    }
    assert about.data.endswith(")")  # a name, and in brackets how many of what
    assert said(name)["validation_pictures"] >= 1000


def test_a_card_names_every_class_once(name):
    categories = card(name).categories
    last = [m for m in ARCHITECTURES[name].build().modules() if isinstance(m, nn.Linear)][-1]
    assert len(set(categories)) == len(categories) == last.out_features
    assert all(category.strip() == category != "" for category in categories)


def test_pictures_are_prepared_as_they_were_in_training(name):
    about, preprocess = card(name), ARCHITECTURES[name].preprocess
    assert (about.mean, about.std) == (preprocess.mean, preprocess.std)


def test_the_epochs_that_the_recipe_keeps_are_there_and_so_is_the_last(name):
    kept = [checkpoint.epoch for checkpoint in card(name).files]
    assert kept == [*RECIPES[name].keep, RECIPES[name].epochs]


def test_every_epoch_is_in_the_log_and_stored_weights_are_as_good_as_those_they_were_rounded_from(name):
    log = {entry["epoch"]: entry for entry in said(name)["log"]}
    assert [*log] == list(range(1, RECIPES[name].epochs + 1))
    for checkpoint in card(name).files:
        assert checkpoint.top1 == pytest.approx(log[checkpoint.epoch]["top1"], abs=0.5)
        assert checkpoint.top5 == pytest.approx(log[checkpoint.epoch]["top5"], abs=0.5)


def test_dead_filters_are_counted_as_they_are_in_the_files(name):
    for checkpoint in card(name).files:
        state, _ = shipped(name, checkpoint.epoch)
        first = next(values for values in state.values() if values.dim() == 4)
        assert len(dead_filters(first)) == checkpoint.dead_first_layer_filters


# What they reach -------------------------------------------------------------------------------------------------


def test_zfnet_mini_has_learnt_enough_to_be_looked_into():
    last = card("zfnet_mini").at()
    assert last.top1 >= 45
    assert last.top5 >= 70
    assert last.dead_first_layer_filters == 0
    assert [checkpoint.epoch for checkpoint in card("zfnet_mini").files][:4] == [1, 2, 5, 10]


def test_lenet_has_learnt_to_read_digits():
    assert card("lenet5").at().top1 >= 97


@dataclass(frozen=True)
class Sample:
    """A part of the validation pictures, as `accuracy` takes it."""

    validation: tuple[np.ndarray, np.ndarray]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def of_tiny_imagenet(each: int) -> tuple[np.ndarray, np.ndarray]:
    """The first pictures of every class, cut from the mosaics: `each` tiles of 64×64, ten in a row."""
    classes = (TILES / "tiny-imagenet-classes.tsv").read_text(encoding="utf-8").splitlines()
    pictures, labels = [], []
    for number, line in enumerate(classes):
        with Image.open(TILES / "tiny-imagenet" / "val" / f"{line.split()[0]}.jpg") as mosaic:
            for i in range(each):
                top, left = i // 10 * 64, i % 10 * 64
                pictures.append(np.asarray(mosaic.convert("RGB").crop((left, top, left + 64, top + 64))))
                labels.append(number)
    return np.stack(pictures), np.array(labels)


def check(name: str, validation: tuple[np.ndarray, np.ndarray], within: float) -> np.ndarray:
    """What is measured here is what the card says, within `within` points; the best answers."""
    state, about = shipped(name)
    sample = Sample(validation, about.mean, about.std)
    answers = best_answers(fit(ARCHITECTURES[name].build(), state), sample, torch.device("cpu"))
    top1, top5 = shares_right(answers, sample)
    assert top1 == pytest.approx(about.at().top1, abs=within)
    assert top5 == pytest.approx(about.at().top5, abs=within)
    return answers[:, 0]


@pytest.mark.skipif(not TILES.is_dir(), reason="the pictures it was trained for are not in ../shared/data")
@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_mini")])
def test_a_mini_reaches_on_2000_validation_pictures_what_its_card_says(name):
    check(name, of_tiny_imagenet(10), within=3)


@pytest.mark.skipif(not TILES.is_dir(), reason="the pictures it was trained for are not in ../shared/data")
@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_mini")])
def test_a_minis_classes_are_named_in_the_order_of_its_outputs(name):
    classes = (TILES / "tiny-imagenet-classes.tsv").read_text(encoding="utf-8").splitlines()
    assert list(card(name).categories) == [line.split("\t")[1].split(",")[0] for line in classes]


OF_CIFAR = [name for name in NAMES if ARCHITECTURES[name].is_for_cifar]


def of_cifar10(each: int) -> tuple[np.ndarray, np.ndarray]:
    """Test pictures of every class in equal steps through its mosaic of 1,000 tiles of 32×32, 25 in a row."""
    pictures = []
    for name in card(OF_CIFAR[0]).categories:
        with Image.open(TILES / "cifar10" / "test" / f"{name}.jpg") as mosaic:
            pixels = np.asarray(mosaic.convert("RGB"))
        for i in range(0, 1000, 1000 // each):
            top, left = i // 25 * 32, i % 25 * 32
            pictures.append(pixels[top : top + 32, left : left + 32])
    return np.stack(pictures), np.repeat(np.arange(10), each)


@pytest.mark.skipif(not (TILES / "cifar10").is_dir(), reason="CIFAR-10's pictures are not in ../shared/data")
@pytest.mark.parametrize("name", OF_CIFAR)
def test_a_network_for_cifar_reaches_on_1000_test_pictures_what_its_card_says(name):
    """The card's numbers are of 10,000; of 1,000 of them, two and a half standard deviations are 3 to 4 points."""
    answers = check(name, of_cifar10(100), within=4).reshape(10, 100)
    for right, (found, counts) in enumerate(zip(answers, said(name)["confusion"], strict=True)):
        for answer, count in enumerate(counts):  # of a class, four standard deviations are 20 points
            assert (found == answer).mean() == pytest.approx(count / 1000, abs=0.2), (right, answer)


@pytest.mark.parametrize("name", OF_CIFAR)
def test_every_test_picture_was_taken_for_something_and_as_many_for_the_right_class_as_the_card_says(name):
    assert "confusion" in said(name), f"complete the card: python -m models.train cifar --net {name} --measure"
    counts = np.array(said(name)["confusion"])
    assert counts.shape == (10, 10)
    assert (counts >= 0).all()
    assert counts.sum(1).tolist() == [1000] * 10
    assert counts.trace() == round(100 * card(name).at().top1)


def test_all_networks_for_cifar_learn_on_the_same_pictures_with_the_same_classes():
    cards = [card(name) for name in OF_CIFAR]
    assert {(about.data, about.validation_pictures, about.categories) for about in cards} == {
        (cards[0].data, 10_000, cards[0].categories)
    }
    assert "coded as JPEG again" in cards[0].data
    assert " ".join(cards[0].categories) == "airplane automobile bird cat deer dog frog horse ship truck"
    assert sum((SHIPPED / about.at().file).stat().st_size for about in cards) <= 12_000_000


OF_OTHER_SEEDS = sorted((SHIPPED / "seeds").glob("*.json"))


def test_cards_of_other_seeds_differ_in_the_seed_alone():
    for path in OF_OTHER_SEEDS:
        about, usual = json.loads(path.read_text(encoding="utf-8")), said(path.stem.partition(".seed")[0])
        seed = int(path.stem.partition(".seed")[2])
        assert seed > 0
        assert about["command"] == f"{usual['command']} --seed {seed}"
        assert about["recipe"] == usual["recipe"] | {"seed": seed}
        assert (about["data"], about["categories"]) == (usual["data"], usual["categories"])
        assert [entry["epoch"] for entry in about["log"]] == [entry["epoch"] for entry in usual["log"]]
        assert about["files"][-1]["top1"] == pytest.approx(about["log"][-1]["top1"], abs=0.5)


def test_a_residual_network_is_ahead_of_the_plain_one_with_every_seed():
    reached = {path.stem: json.loads(path.read_text(encoding="utf-8"))["files"][-1]["top1"] for path in OF_OTHER_SEEDS}
    reached |= {name: card(name).at().top1 for name in OF_CIFAR}
    pairs = {name: name.replace("plain", "resnet") for name in reached if "plain" in name}
    assert pairs
    assert not [name for name, other in pairs.items() if other in reached and reached[other] <= reached[name]]


@pytest.mark.parametrize("name", OF_CIFAR)
def test_a_network_for_cifar_has_learnt_to_tell_its_classes_apart(name):
    assert card(name).at().top1 >= 60


def test_lenet_reaches_on_its_validation_digits_what_its_card_says():
    data: Data = RECIPES["lenet5"].data(Path())
    check("lenet5", data.validation, within=0.2)
