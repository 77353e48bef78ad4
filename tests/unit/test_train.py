"""How the shipped weights are made, on pictures small enough to train on in a test."""

import hashlib
import json
import pickle
from collections import OrderedDict
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torchvision.datasets import CIFAR10

from models import cifar
from models.train.__main__ import main
from models.train.data import Data, augmented, cifar10, cifar10_part, mnist_5k, normalised, tiny_imagenet
from models.train.recipes import RECIPES, Recipe
from models.train.runs import Run, accuracy
from models.train.shipping import _confusion, confusion, measure, ship
from models.weights import dead_filters, shipped

CPU = torch.device("cpu")
CLASSES = {"n001": "red, scarlet", "n002": "green", "n003": "blue"}


def small(num_classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 7, 4, bias=False),  # (N, 3, 64, 64) -> (N, 8, 15, 15)
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),  # -> (N, 32)
        nn.Dropout(0.2),
        nn.Linear(32, 6),
        nn.Linear(6, num_classes),
    )


RECIPE = Recipe(tiny_imagenet, small, epochs=3, keep=(1,), batch=16, learning_rate=0.2)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Data as `tiny_imagenet` wants them: three classes, told apart by their colour, mosaics of 64×64 tiles."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    rows = [f"{wnid}\t{names}\n" for wnid, names in CLASSES.items()]
    (root / "tiny-imagenet-classes.tsv").write_text("".join(rows))
    for folder, files, shape in (("train", ("_0", "_1"), (2, 5)), ("val", ("",), (2, 3))):
        (root / "tiny-imagenet" / folder).mkdir(parents=True)
        for channel, wnid in enumerate(CLASSES):
            for file in files:
                mosaic = rng.integers(0, 100, (shape[0] * 64, shape[1] * 64, 3), np.uint8)
                mosaic[..., channel] += 100
                Image.fromarray(mosaic).save(root / "tiny-imagenet" / folder / f"{wnid}{file}.jpg", quality=95)
    return root


@pytest.fixture(scope="module")
def data(root) -> Data:
    return tiny_imagenet(root)


# Data ------------------------------------------------------------------------------------------------------------


def test_mosaics_are_cut_into_tiles_class_by_class(data, root):
    assert data.categories == ("red", "green", "blue")
    assert data.train[0].shape == (60, 64, 64, 3)
    assert data.validation[0].shape == (18, 64, 64, 3)
    assert data.train[1].tolist() == [0] * 20 + [1] * 20 + [2] * 20
    assert data.train[0].mean((1, 2)).argmax(1).tolist() == data.train[1].tolist()
    with Image.open(root / "tiny-imagenet" / "val" / "n002.jpg") as mosaic:
        tile = np.asarray(mosaic)[64:128, 64:128]  # second row, second column of three
    assert np.array_equal(data.validation[0][6 + 4], tile)


def test_cifar_comes_from_mosaics_where_there_are_some(tmp_path):
    for folder, tiles in (("train", 6), ("test", 4)):
        (tmp_path / "cifar10" / folder).mkdir(parents=True)
        for level, name in ((200, "truck"), (50, "cat")):
            mosaic = np.full((32 * 2, 32 * tiles // 2, 3), level, np.uint8)
            Image.fromarray(mosaic).save(tmp_path / "cifar10" / folder / f"{name}.jpg")
    found = cifar10(tmp_path)
    assert found.categories == ("cat", "truck")
    assert (found.train[0].shape, found.validation[0].shape) == ((12, 32, 32, 3), (8, 32, 32, 3))
    assert found.train[1].tolist() == [0] * 6 + [1] * 6
    assert np.unique(found.validation[0][:4]).tolist() == [50]
    assert "JPEG" in found.description


def test_cifar_is_torchvisions_where_there_are_no_mosaics(tmp_path, monkeypatch):
    class Published:
        classes = ("airplane", "ship")

        def __init__(self, root: Path, train: bool, download: bool):
            assert (root, download) == (tmp_path, True)
            self.data = np.full((3 if train else 2, 32, 32, 3), 7, np.uint8)
            self.targets = [1] * len(self.data)

    monkeypatch.setattr("torchvision.datasets.CIFAR10", Published)
    found = cifar10(tmp_path)
    assert (len(found.train[0]), len(found.validation[0])) == (3, 2)
    assert found.validation[1].tolist() == [1, 1]
    assert found.categories == ("airplane", "ship")
    assert "JPEG" not in found.description


def published(root: Path, monkeypatch) -> dict[str, tuple[np.ndarray, list[int]]]:
    """Files as CIFAR-10's, of noise, below `root`; their pictures and classes by their names."""
    folder, made = root / "cifar-10-batches-py", {}
    folder.mkdir()
    chance = np.random.default_rng(0)

    def write(name: str, content: dict) -> list[str]:
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    for name in ("data_batch_1", "test_batch"):
        pixels, labels = chance.integers(0, 256, (20, 3, 32, 32), np.uint8), chance.integers(0, 10, 20).tolist()
        made[name] = pixels.transpose(0, 2, 3, 1), labels
        known = write(name, {"data": pixels.reshape(20, -1), "labels": labels})
        files = {"test_list": [known]} if name == "test_batch" else {"train_list": [known, ["data_batch_2", "absent"]]}
        for of, listed in files.items():
            monkeypatch.setattr(CIFAR10, of, listed)
    key, md5 = write("batches.meta", {"label_names": [f"class {i}" for i in range(10)]})
    monkeypatch.setattr(CIFAR10, "meta", {"filename": key, "key": "label_names", "md5": md5})
    return made


def test_a_part_of_cifar_is_read_from_the_first_of_its_files_and_the_tests(tmp_path, monkeypatch):
    made = published(tmp_path, monkeypatch)
    found = cifar10_part(tmp_path, 7, 5)
    for (pictures, labels), name, count in ((found.train, "data_batch_1", 7), (found.validation, "test_batch", 5)):
        assert np.array_equal(pictures, made[name][0][:count])
        assert labels.tolist() == made[name][1][:count]
    assert found.categories == tuple(f"class {i}" for i in range(10))
    assert found.mirrored
    assert "7 of its training and 5 of its test pictures" in found.description
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(b"another")
    with pytest.raises(RuntimeError, match="not found or corrupted"):
        cifar10_part(tmp_path, 7, 5)


# Augmentation ----------------------------------------------------------------------------------------------------


def ramps(n: int = 200, side: int = 12) -> np.ndarray:
    """Pictures whose every pixel says where it was: (row, column, number)."""
    rows, columns = np.mgrid[:side, :side]
    return np.stack([np.stack([rows, columns, np.full_like(rows, i)], -1) for i in range(n)]).astype(np.uint8)


def moves(pictures: np.ndarray) -> set[tuple[int, int, bool]]:
    """How far down and right, and whether mirrored, each picture was moved; judged by its middle."""
    found = set()
    for i, picture in enumerate(pictures.astype(int)):
        assert (picture[..., 2] == i).all()
        middle = picture[5, 5:7]
        mirrored = middle[0, 1] > middle[1, 1]
        found.add((5 - middle[0, 0], (6 if mirrored else 5) - middle[0, 1], bool(mirrored)))
    return found


def test_pictures_are_moved_by_up_to_the_shift_and_mirrored_only_where_a_mirror_image_is_right():
    pictures = ramps()
    plain = moves(augmented(pictures, 2, False, np.random.default_rng(0)))
    assert plain == {(down, right, False) for down in range(-2, 3) for right in range(-2, 3)}
    mirrored = moves(augmented(pictures, 0, True, np.random.default_rng(0)))
    assert {flag for _, _, flag in mirrored} == {False, True}
    assert {down for down, _, _ in mirrored} == {0}


def test_augmentation_leaves_the_pictures_alone_and_is_that_of_its_random_numbers():
    pictures = ramps()
    one, two = (augmented(pictures, 3, True, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(one, two)
    assert np.array_equal(pictures, ramps())
    assert np.array_equal(augmented(pictures, 0, False, np.random.default_rng(0)), pictures)


def test_cats_are_mirrored_and_digits_are_not(data):
    digits = mnist_5k(Path())
    assert data.mirrored
    assert not digits.mirrored
    assert (digits.train[0].shape, digits.validation[0].shape) == ((4000, 32, 32, 1), (1000, 32, 32, 1))
    assert not digits.train[0][:, [0, 1, -1, -2]].any()  # the border that makes 28 pixels 32
    assert np.bincount(digits.validation[1]).tolist() == [100] * 10


# Accuracy --------------------------------------------------------------------------------------------------------


def test_pictures_are_normalised_as_the_app_prepares_them():
    pixels = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    mean, std = torch.tensor([0.1, 0.2, 0.3]).view(-1, 1, 1), torch.tensor([0.5, 0.25, 2.0]).view(-1, 1, 1)
    found = normalised(pixels, mean, std, CPU)
    assert found.shape == (2, 3, 4, 4)
    assert found[1, 1, 2, 3].item() == pytest.approx((pixels[1, 2, 3, 1] / 255 - 0.2) / 0.25)


class Answers(nn.Module):
    """Ranks six classes the way the first pixel of a picture says: that class first, then in rising order."""

    def forward(self, x):
        chosen = (x[:, 0, 0, 0] * 255).round().long()
        return -torch.arange(6.0).expand(len(x), 6).scatter(1, chosen[:, None], -1.0)


def test_accuracy_counts_the_best_answer_and_the_best_five():
    says = np.array([0, 1, 2, 3, 4, 5, 0, 0])
    right = np.array([0, 1, 2, 0, 0, 0, 5, 4])  # three at once, four among five, and class 5 is always last
    pictures = np.zeros((8, 2, 2, 1), np.uint8)
    pictures[:, 0, 0, 0] = says
    data = Data("", (pictures, right), (pictures, right), tuple("abcdef"), (0.0,), (1.0,), False)
    assert accuracy(Answers(), data, CPU) == (100 * 3 / 8, 100 * 7 / 8)


def test_accuracy_is_taken_in_evaluation_mode_and_of_all_batches():
    labels = np.arange(1203) % 6
    pictures = np.zeros((1203, 1, 1, 1), np.uint8)
    pictures[:, 0, 0, 0] = labels
    pictures[-3:] = 5  # the last ones are 0, 1, 2 and taken for 5
    data = Data("", (pictures, labels), (pictures, labels), tuple("abcdef"), (0.0,), (1.0,), False)
    net = nn.Sequential(Answers(), nn.Dropout(1.0)).train()
    assert accuracy(net, data, CPU) == (100 * 1200 / 1203, 100.0)


# A run -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory) -> Run:
    run = Run(RECIPE, data, tmp_path_factory.mktemp("run"), CPU)
    list(run.epochs())
    return run


def states(run: Run) -> dict[str, torch.Tensor]:
    return {key: values.clone() for key, values in run.net.state_dict().items()}


def timeless(run: Run) -> list[dict]:
    """The log without what a clock says."""
    return [{key: value for key, value in entry.items() if not key.endswith("seconds")} for entry in run.log]


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_a_run_learns_to_tell_red_from_green_and_writes_a_log(finished):
    assert [entry["epoch"] for entry in finished.log] == [1, 2, 3]
    assert finished.log[-1]["loss"] < finished.log[0]["loss"]
    assert finished.log[-1]["top1"] > 90
    lines = (finished.folder / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == finished.log
    assert sorted(path.name for path in finished.folder.iterdir()) == ["epoch01.pt", "log.jsonl", "state.pt"]


@pytest.mark.parametrize("done", [1, 2])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(finished, data, tmp_path, done):
    first = Run(RECIPE, data, tmp_path, CPU)
    for _, _ in zip(range(done), first.epochs(), strict=False):
        pass
    torch.rand(100)  # whatever else has happened in between
    second = Run(RECIPE, data, tmp_path, CPU)
    assert len(second.log) == done
    list(second.epochs())
    assert timeless(second) == timeless(finished)
    assert equal(states(second), states(finished))
    assert equal(torch.load(second.kept(1), weights_only=True), torch.load(finished.kept(1), weights_only=True))


def test_a_run_that_is_stopped_inside_an_epoch_repeats_that_epoch(finished, data, tmp_path):
    class Stopped(Exception):
        pass

    def stop(*_):
        raise Stopped

    first = Run(RECIPE, data, tmp_path, CPU)
    epochs = first.epochs()
    next(epochs)
    first.net[6].register_forward_hook(stop)
    with pytest.raises(Stopped):
        next(epochs)
    second = Run(RECIPE, data, tmp_path, CPU)
    list(second.epochs())
    assert timeless(second) == timeless(finished)
    assert equal(states(second), states(finished))


def test_a_finished_run_has_nothing_more_to_do(finished, data):
    again = Run(RECIPE, data, finished.folder, CPU)
    assert list(again.epochs()) == []
    assert equal(states(again), states(finished))


def test_the_log_has_the_norm_of_the_gradient_of_every_stage(data, tmp_path):
    recipe = replace(RECIPE, epochs=1, keep=(), batch=60, shift=0, bfloat16=False, build=staged)  # one step of all
    plain = replace(data, mirrored=False)
    torch.manual_seed(recipe.seed)
    net = staged(3)
    (entry,) = Run(recipe, plain, tmp_path, CPU).epochs()
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (data.mean, data.std))
    pictures = torch.from_numpy(data.train[0]).permute(0, 3, 1, 2)
    F.cross_entropy(
        net((pictures / 255 - mean) / std), torch.from_numpy(data.train[1]), label_smoothing=recipe.label_smoothing
    ).backward()
    expected = {
        "features.conv": torch.cat([net.features.conv.weight.grad.flatten(), net.features.conv.bias.grad]).norm(),
        "head": torch.cat([net.head.weight.grad.flatten(), net.head.bias.grad]).norm(),
    }
    assert entry["gradient"] == {stage: pytest.approx(norm.item(), rel=2e-3) for stage, norm in expected.items()}
    assert entry["seconds"] > 0
    assert entry["core_seconds"] > 0


def staged(num_classes: int) -> nn.Sequential:
    features = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 7, 4), pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten()))
    return nn.Sequential(OrderedDict(features=features, head=nn.Linear(4, num_classes)))


@pytest.mark.parametrize("optimiser", ["SGD, Nesterov", "AdamW"])
def test_kernels_and_matrices_decay_and_norms_and_biases_do_not(optimiser):
    recipe, net = replace(RECIPE, optimiser=optimiser, weight_decay=0.25), small(3)
    groups = recipe.optimiser_of(net).param_groups
    decays = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}
    assert [decays[id(parameter)] for parameter in net.parameters()] == [0.25, 0, 0, 0.25, 0, 0.25, 0]


@pytest.mark.parametrize(("optimiser", "key"), [("SGD, Nesterov", "momentum"), ("AdamW", "betas")])
def test_momentum_falls_while_the_learning_rate_rises(optimiser, key):
    recipe = replace(RECIPE, optimiser=optimiser)
    steps = recipe.optimiser_of(small(3))
    schedule, seen = recipe.schedule(steps, 100), []
    for _ in range(99):
        steps.step()
        schedule.step()
        now = steps.param_groups[0]
        seen.append((now["lr"], now[key] if key == "momentum" else now[key][0]))
    assert max(seen)[0] == pytest.approx(recipe.learning_rate)
    assert max(seen)[1] == pytest.approx(0.85) == min(momentum for _, momentum in seen)
    assert seen[-1][1] == pytest.approx(0.95)


# What ships ------------------------------------------------------------------------------------------------------


def test_what_a_run_ships_is_read_back_and_is_as_good_as_its_card_says(finished, data, tmp_path):
    path = ship("small", finished, "python -m models.train small", tmp_path)
    assert path == tmp_path / "small.json"
    assert {file.name for file in tmp_path.iterdir()} == {
        "small.json",
        "small.safetensors",
        "small.epoch01.safetensors",
    }
    for epoch, source in ((1, torch.load(finished.kept(1), weights_only=True)), (3, states(finished))):
        state, about = shipped("small", epoch, tmp_path)
        assert equal(state, {k: v.half().float() if v.is_floating_point() else v for k, v in source.items()})
        net = small(3)
        net.load_state_dict(state)
        top1, top5 = 100 * _hits(net, data, 1), 100 * _hits(net, data, 3)
        assert (about.at(epoch).top1, about.at(epoch).top5) == (round(top1, 2), round(top5, 2))
        assert about.at(epoch).dead_first_layer_filters == len(dead_filters(state["0.weight"]))
    assert about.at() == about.at(3)
    assert (about.categories, about.mean, about.std) == (data.categories, data.mean, data.std)
    said = json.loads(path.read_text(encoding="utf-8"))
    assert said["log"] == finished.log
    assert said["recipe"]["learning_rate"] == 0.2
    assert said["validation_pictures"] == 18
    assert said["versions"]["torch"] == torch.__version__
    assert said["machine"]["threads"] == torch.get_num_threads()


def _hits(net: nn.Module, data: Data, k: int) -> float:
    """The share of validation pictures whose class is among the best `k`, written down once more."""
    pictures, labels = data.validation
    mean, std = (np.array(v, np.float32) for v in (data.mean, data.std))
    x = torch.from_numpy((pictures.astype(np.float32) / 255 - mean) / std).permute(0, 3, 1, 2)
    with torch.no_grad():
        order = net.eval()(x).argsort(1, descending=True)[:, :k]
    return float((order == torch.from_numpy(labels)[:, None]).any(1).float().mean())


def test_the_command_trains_goes_on_and_ships(root, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(RECIPES, "small", RECIPE)
    arguments = ["small", "--data", root, "--runs", tmp_path / "runs", "--out", tmp_path / "out", "--device", "cpu"]
    command = partial(main, [*map(str, arguments)])
    command()
    said = capsys.readouterr().out
    assert "epoch 3 · loss" in said
    assert f"wrote {tmp_path / 'out' / 'small.json'}" in said
    before = (tmp_path / "out" / "small.safetensors").read_bytes()
    command()
    assert "going on after epoch 3" in capsys.readouterr().out
    assert (tmp_path / "out" / "small.safetensors").read_bytes() == before
    assert shipped("small", folder=tmp_path / "out")[1].command == "python -m models.train small"


def test_weights_that_are_there_are_measured_and_their_card_is_completed(finished, data, tmp_path):
    path = ship("small", finished, "python -m models.train small", tmp_path)
    whole = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({key: value for key, value in whole.items() if key != "confusion"}), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "small", RECIPE)
        assert measure("small", data, CPU, tmp_path) == path
        assert json.loads(path.read_text(encoding="utf-8")) == whole
        with pytest.raises(ValueError, match="not about other pictures"):
            measure("small", replace(data, description="other pictures"), CPU, tmp_path)
        labels = data.validation[1]
        with pytest.raises(ValueError, match="here it is"):
            measure("small", replace(data, validation=(data.validation[0], (labels + 1) % 3)), CPU, tmp_path)
        with pytest.raises(ValueError, match="no weights"):
            measure("other", data, CPU, tmp_path)


def test_a_card_counts_what_was_taken_for_what_and_is_written_in_few_lines(finished, data, tmp_path):
    path = ship("small", finished, "python -m models.train small", tmp_path)
    counts = json.loads(path.read_text(encoding="utf-8"))["confusion"]
    state, about = shipped("small", folder=tmp_path)
    net = small(3)
    net.load_state_dict(state)
    pictures, labels = data.validation
    expected = [[0] * 3 for _ in range(3)]
    for picture, label in zip(pictures, labels, strict=True):
        x = (torch.from_numpy(picture).permute(2, 0, 1) / 255 - torch.tensor(data.mean).view(3, 1, 1)) / torch.tensor(
            data.std
        ).view(3, 1, 1)
        with torch.no_grad():
            expected[label][int(net.eval()(x[None]).argmax())] += 1
    assert counts == expected
    assert f'"confusion": [\n  {counts[0]},\n' in path.read_text(encoding="utf-8")
    assert 100 * sum(counts[i][i] for i in range(3)) / len(labels) == pytest.approx(about.at().top1, abs=0.005)


def test_the_confusion_of_many_classes_is_not_written_down():
    assert confusion(np.array([0, 2, 2]), np.array([0, 1, 2]), 3) == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]
    many = Data("", None, (None, np.array([0])), tuple(map(str, range(21))), (), (), False)
    assert _confusion(np.array([[0]]), many) == {}


def test_the_command_measures_what_is_there(root, tmp_path, monkeypatch, capsys):
    found = []
    monkeypatch.setattr("models.train.__main__.measure", lambda name, data, device, out: found.append(name))
    monkeypatch.setitem(RECIPES, "cifar_vgg", replace(RECIPE, epochs=1, keep=()))
    (tmp_path / "cifar_vgg.json").write_text("{}")
    main(["cifar", "--all", "--measure", "--data", str(root), "--out", str(tmp_path)])
    assert found == ["cifar_vgg"]
    assert "cifar_plain20 is not trained yet" in capsys.readouterr().out


def test_another_seed_learns_otherwise_and_its_weights_stay_with_its_run(root, tmp_path, monkeypatch):
    monkeypatch.setitem(RECIPES, "small", replace(RECIPE, epochs=1, keep=()))
    arguments = ["small", "--data", root, "--runs", tmp_path / "runs", "--out", tmp_path / "out", "--device", "cpu"]
    for seed in ("0", "1"):
        main([*map(str, arguments), "--seed", seed])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"small.json", "small.safetensors", "seeds"}
    assert [path.name for path in (tmp_path / "out" / "seeds").iterdir()] == ["small.seed1.json"]
    of_another = json.loads((tmp_path / "out" / "seeds" / "small.seed1.json").read_text(encoding="utf-8"))
    assert of_another["recipe"]["seed"] == 1
    state, about = shipped("small", folder=tmp_path / "runs" / "small.seed1")
    assert about.command == "python -m models.train small --seed 1"
    assert not equal(state, shipped("small", folder=tmp_path / "out")[0])


@pytest.mark.parametrize(
    ("arguments", "trained"),
    [
        (["cifar", "--net", "cifar_vgg"], ["cifar_vgg"]),
        (["cifar", "--all"], [*cifar.NETWORKS]),
        (["cifar_vgg"], ["cifar_vgg"]),
    ],
)
def test_the_command_takes_one_network_or_all_of_cifar(monkeypatch, arguments, trained):
    found = []
    monkeypatch.setattr("models.train.__main__._train", lambda name, options: found.append(name))
    main(arguments)
    assert found == trained


@pytest.mark.parametrize("arguments", [["cifar"], ["lenet5", "--all"], ["cifar", "--all", "--net", "cifar_vgg"]])
def test_the_command_refuses_what_it_would_have_to_guess(arguments, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert "--net" in capsys.readouterr().err
