"""Weights of one's own that were trained otherwise than is usual for their network."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from models import load
from models.refusals import Refused
from models.trained import Trained


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mini.safetensors"
    save_file(load("zfnet_mini", "random", "cpu").model.state_dict(), path)
    return path


PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8))
NAMES = tuple(f"class {n}" for n in range(200))


def test_pictures_are_prepared_as_is_said_and_classes_have_their_names(file):
    mean, std = (0.5, 0.25, 0.125), (0.5, 0.5, 0.25)
    loaded = load("zfnet_mini", file, "cpu", trained=Trained(32, mean, std, NAMES))
    assert loaded.categories == NAMES
    image = loaded.preprocess(PICTURE)
    assert image.shape == (1, 3, 32, 32)
    usual = load("zfnet_mini", file, "cpu").preprocess
    resize = round(usual.resize * 32 / usual.crop)
    shown = PICTURE.resize((resize * 120 // 90, resize), Image.Resampling.BILINEAR)
    left, top = round((shown.width - 32) / 2), round((shown.height - 32) / 2)
    pixels = np.asarray(shown.crop((left, top, left + 32, top + 32)), np.float64) / 255
    by_hand = ((pixels - mean) / std).transpose(2, 0, 1)[None]
    np.testing.assert_allclose(image.numpy(), by_hand, atol=1e-6)


def test_what_is_left_out_is_as_usual(file):
    plain, said = load("zfnet_mini", file, "cpu"), load("zfnet_mini", file, "cpu", trained=Trained(std=(1.0, 1.0, 1.0)))
    assert plain.categories is None
    assert (said.preprocess.crop, said.preprocess.mean) == (plain.preprocess.crop, plain.preprocess.mean)
    assert said.preprocess.std == (1.0, 1.0, 1.0)
    assert torch.equal(plain.preprocess(PICTURE), load("zfnet_mini", "shipped", "cpu").preprocess(PICTURE))


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        (Trained(side=8), "16 to 640"),
        (Trained(mean=(0.5,)), "3 numbers each"),
        (Trained(std=(0.5, 0.5, 0.0)), "more than 0"),
        (Trained(mean=(0.5, 0.5, float("nan"))), "3 numbers each"),
        (Trained(classes=NAMES[:-1]), "199 names of classes, but the network has 200"),
    ],
)
def test_what_cannot_be_is_said(file, trained, words):
    with pytest.raises(Refused, match=words):
        load("zfnet_mini", file, "cpu", trained=trained)


def test_they_are_classified_at_the_side_that_is_said(file):
    assert load("zfnet_mini", file, "cpu").classifier_input.crop == 64  # the network's own, whose pictures are enlarged
    assert load("zfnet_mini", file, "cpu", trained=Trained(side=96)).classifier_input.crop == 96


def test_where_the_memory_ends_nothing_is_said_of_the_size():
    def full(_images: Tensor) -> Tensor:
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        Trained(side=64).check(full, 3, 64, torch.device("cpu"))


def test_a_network_of_one_size_says_so(tmp_path):
    path = tmp_path / "lenet.safetensors"
    save_file(load("lenet5", "shipped", "cpu").model.state_dict(), path)
    with pytest.raises(Refused, match="48×48"):
        load("lenet5", path, "cpu", trained=Trained(side=48))
