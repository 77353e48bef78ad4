"""Mining against the bare network, and its memory: `python -m tests.benchmarks.top9 [--photos DIR]`.

Throughput: `mine` on a folder of photographs, layers 1 to 5, beside `model(batch)` of the same network on tensors that
are decoded already, at the best of some batch sizes. Memory: a small network over a few pictures, and over many.
Random weights: the work is the same as with trained ones.
"""

import gc
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from models import Loaded, load
from models.picture_sets import PictureSet, folder, part
from pages.common.cache import sample
from tests.benchmarks.timing import head, machine, medians, parser_of, row
from vis.top9 import mine

BATCHES = (1, 2, 4, 8, 16, 32)
THROUGHPUT_BAR, MEMORY_BAR = 0.85, 50  # of the bare network; MB
MANY = 10_000  # pictures
NETWORKS = {"alexnet": 1, "resnet50": 3}  # and into how many parts the photographs are divided, one of which they see


def bare(loaded: Loaded, images: Tensor, batch: int) -> Callable[[], None]:
    def work() -> None:
        with torch.inference_mode():
            for images_of_batch in images.split(batch):
                loaded.model(images_of_batch.to(loaded.device)).cpu()

    return work


def throughput(name: str, pictures: PictureSet, device: str | None, rounds: int) -> None:
    loaded = load(name, "random", device)
    images = torch.cat([loaded.preprocess(pictures.open(id)) for id in pictures.ids])
    rivals = {f"bare {batch}": bare(loaded, images, batch) for batch in BATCHES}
    rivals["mine"] = lambda: mine(loaded, pictures, list(loaded.layers.values()))
    rates = {rival: len(images) / time for rival, time in medians(rivals, rounds).items()}
    best = max(rates[f"bare {batch}"] for batch in BATCHES)
    row(name, len(images), *(f"{rate:.1f}" for rate in rates.values()), f"{rates['mine'] / best:.2f}", THROUGHPUT_BAR)


def resident() -> float:
    """The memory of this process in MB of 2²⁰ bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def repeated(photos: Path, times: int, root: Path) -> Path:
    """A folder with `times` links to each of the photographs."""
    for i in range(times):
        below = root / f"{i:03d}"
        below.mkdir(parents=True)
        for photo in photos.iterdir():
            (below / photo.name).symlink_to(photo.resolve())
    return root


def memory(name: str, photos: Path, many: int) -> None:
    loaded = load(name, "random", "cpu")
    layers = list(loaded.layers.values())
    root = Path(os.path.commonpath([photos.resolve(), tempfile.gettempdir()]))
    with tempfile.TemporaryDirectory() as temporary:
        few = folder(photos, root)
        all_of_them = folder(repeated(photos, many // len(few.ids), Path(temporary) / "photos"), root)
        top, least = mine(loaded, part(few, 1, 1), layers), 0.0
        least = resident()
        highest = least

        def look(done: int, total: int) -> None:
            nonlocal highest
            highest = max(highest, resident() if done % 256 == 0 else 0)

        top = mine(loaded, all_of_them, layers, report=look)
        grown = max(highest, resident()) - least
    head("memory on the CPU", f"after {len(few.ids)} pictures MB", f"more, at the most over {top.counted}", "bar MB")
    row(name, f"{least:.0f}", f"{grown:+.0f}", MEMORY_BAR)


def samples(folder: Path) -> Path:
    """The photographs that come with the app, as files."""
    for name in ("coffee", "chelsea", "astronaut", "rocket"):
        (folder / f"{name}.png").write_bytes(sample(name))
    return folder


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("top9", __doc__)
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/photos"))
    parser.add_argument("--device", help="by default the best there is")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--network", help="only this one's throughput, no memory")
    given = parser.parse_args(argv)
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        photos = samples(Path(temporary)) if given.short else given.photos
        networks, rounds, many = ({"zfnet_mini": 1}, 1, 8) if given.short else (NETWORKS, given.rounds, MANY)
        pictures = folder(photos, photos)
        batches = (f"bare, batch {batch}, pictures/s" for batch in BATCHES)
        head("network", "pictures", *batches, "mine, pictures/s", "mine / best bare", "at least")
        for name, parts in networks.items():
            if given.network in (None, name):
                throughput(name, part(pictures, 1, parts), given.device, rounds)
        if given.network is None:
            memory("lenet5", photos, many)


if __name__ == "__main__":
    main()
