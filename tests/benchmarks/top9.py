"""Mining against the bare network, and its memory: `python -m tests.benchmarks.top9 [--photos DIR]`.

Throughput: `mine` on a folder of photographs, layers 1 to 5, beside `model(batch)` of the same network on tensors that
are decoded already, at the best of some batch sizes. Memory: a small network over a few pictures, and over many.
Random weights: the work is the same as with trained ones.
"""

import argparse
import gc
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from models import Loaded, load
from models.picture_sets import PictureSet, folder, part
from tests.benchmarks.timing import machine, medians
from vis.top9 import mine

BATCHES = (1, 2, 4, 8, 16, 32)
THROUGHPUT_BAR, MEMORY_BAR = 0.85, 50  # of the bare network; MB
FEW, MANY = 250, 10_000


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
    cells = " | ".join(f"{rate:.1f}" for rate in rates.values())
    print(f"| {name} | {len(images)} | {cells} | {rates['mine'] / best:.2f} | {THROUGHPUT_BAR} |", flush=True)


def resident() -> float:
    """The memory of this process in MB of 2²⁰ bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def repeated(photos: Path, times: int, root: Path) -> Path:
    """A folder with so many links to each of the photographs."""
    for i in range(times):
        below = root / f"{i:03d}"
        below.mkdir(parents=True)
        for photo in photos.iterdir():
            (below / photo.name).symlink_to(photo.resolve())
    return root


def memory(name: str, photos: Path) -> None:
    loaded = load(name, "random", "cpu")
    layers = list(loaded.layers.values())
    root = Path(os.path.commonpath([photos.resolve(), tempfile.gettempdir()]))
    with tempfile.TemporaryDirectory() as temporary:
        few = folder(photos, root)
        many = folder(repeated(photos, MANY // len(few.ids), Path(temporary) / "photos"), root)
        top, least = mine(loaded, part(few, 1, 1), layers), 0.0
        least = resident()
        highest = least

        def look(done: int, total: int) -> None:
            nonlocal highest
            highest = max(highest, resident() if done % 256 == 0 else 0)

        top = mine(loaded, many, layers, report=look)
        grown = max(highest, resident()) - least
    print(
        f"\nMemory, {name} on the CPU: {least:.0f} MB after {len(few.ids)} pictures, {grown:+.0f} MB "
        f"at the most over {top.counted} (bar {MEMORY_BAR})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.top9", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/photos"))
    parser.add_argument("--device", help="by default the best there is")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--network", help="only this one's throughput, no memory")
    options = parser.parse_args()
    pictures = folder(options.photos, options.photos)
    print(machine() + "; pictures a second\n")
    print("| network | pictures |" + "".join(f" bare, batch {b} |" for b in BATCHES) + " mine | mine/bare | bar |")
    print("|---|---|" + "---|" * len(BATCHES) + "---|---|---|")
    for name, parts in (("alexnet", 1), ("resnet50", 3)):
        if options.network in (None, name):
            throughput(name, part(pictures, 1, parts), options.device, options.rounds)
    if options.network is None:
        memory("lenet5", options.photos)


if __name__ == "__main__":
    main()
