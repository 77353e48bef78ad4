"""How many photographs EfficientNet-Lite0 names rightly: `python -m tests.benchmarks.photographs`.

With its own preparation of pictures (short side 256, middle 224, bicubic, (x − 127) / 128), and with ImageNet's usual
mean and deviation, which is wrong for it and not loud. One photograph of each of 250 ImageNet classes, which are not in
the repository: `--photos` names their folder. Where they are missing the app's samples of known classes stand in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from models import Loaded, load
from models.architecture import IMAGENET_MEAN, IMAGENET_STD
from models.decoding import decoded
from models.images import Preprocess
from models.samples import SAMPLES
from tests.benchmarks.timing import head, machine, of_bar, parser_of, row

PHOTOS = Path(__file__).parents[2].parent / "shared" / "data" / "photos"
BARS = (86, 96)  # percent of the photographs: named rightly first, and among the first five
Known = tuple[Image.Image, str | Sequence[str]]  # a picture with the class, or the classes, that are right for it


@torch.no_grad()
def found_in(loaded: Loaded, pictures: Iterable[Known], preprocess: Preprocess | None = None) -> tuple[int, int]:
    """How many of these are named rightly first, and how many among the first five."""
    first = five = 0
    for picture, classes in pictures:
        right = {classes} if isinstance(classes, str) else {*classes}
        scores = loaded.model((preprocess or loaded.preprocess)(picture))[0]
        said = [loaded.categories[i].replace(" ", "_") for i in scores.topk(5).indices]
        right = {name.replace(" ", "_") for name in right}
        first, five = first + (said[0] in right), five + bool(right & {*said})
    return first, five


def photographs(folder: Path, every: int) -> tuple[str, list[Known]]:
    """What they are called, and they themselves: from files called n01440764_tench.jpg."""
    if files := sorted(folder.glob("n????????_*.jpg"))[::every]:
        return "photographs", [(Image.open(file), file.stem[10:]) for file in files]
    known = [s for s in SAMPLES.values() if s.classes and s.kind not in ("digit", "silhouette")]
    return "samples of the app", [(decoded(sample.content()), sample.classes) for sample in known]


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("photographs", __doc__)
    parser.add_argument("--photos", type=Path, default=PHOTOS, help="the folder of the photographs")
    given = parser.parse_args(argv)
    print(machine())
    loaded = load("efficientnet_lite0", "shipped", "cpu")
    called, pictures = photographs(given.photos, 25 if given.short else 1)
    usual = replace(loaded.preprocess, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    head("pictures", "prepared", "top-1 %", "at least", "of the bar", "top-5 %", "at least", "of the bar")
    for name, preprocess in (("as it was trained", loaded.preprocess), ("ImageNet's mean and deviation", usual)):
        found = found_in(loaded, pictures, preprocess)
        cells = []
        for count, bar in zip(found, BARS, strict=True):
            percent = 100 * count / len(pictures)
            bars = of_bar(bar, percent)[1] if preprocess is loaded.preprocess and percent else "–"
            cells += [f"{percent:.1f}", bar if preprocess is loaded.preprocess else "–", bars]
        row(f"{len(pictures)} {called}", name, *cells)


if __name__ == "__main__":
    main()
