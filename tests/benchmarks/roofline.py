"""What this machine can do and what networks do with it: `python -m tests.benchmarks.roofline`.

The measured roof; then for each network a whole pass, and its layers by kind: multiply-adds, milliseconds, achieved
GMAC/s, and the part of what is attainable that they reach, by the median of the layers.
"""

import argparse
from statistics import median

import torch

from models import ARCHITECTURES, load
from models.device import available
from models.loading import skeleton
from tests.benchmarks.timing import machine
from vis.cost.latency import conditions, layer_times, pass_times
from vis.cost.roofline import Roof, Standing, Trials, standings, works_of
from vis.shapes import record_shapes

NETWORKS = ("mobilenet_v1", "resnet50", "vgg16")
KINDS = ("conv", "depthwise", "pointwise", "linear")


def row(name: str, kind: str, layers: list[Standing], roof: Roof, total: float) -> str:
    """One row of the table: some of the layers of a network."""
    macs, time = sum(s.work.macs or 0 for s in layers), sum(s.times.median_ms for s in layers)
    reached = [roof.reached(s) for s in layers if s.rate]
    counted = f"{macs / time / 1e6:.1f} | {median(reached):.0%}" if macs else "– | –"
    return f"| {name} | {kind} | {macs / 1e6:,.1f} | {time:.2f} | {time / total:.0%} | {counted} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.roofline", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=1)
    given = parser.parse_args()
    device = torch.device(available()[0])
    trials = Trials(device)
    for _ in range(given.rounds):
        trials.round()
    roof = trials.roof
    print(f"{machine()}; {conditions(device).name}\n")
    print(
        f"roof: {roof.peak.rate / 1e9:.1f} GMAC/s ({roof.peak.of}, ± {roof.peak.spread / 2:.1%}), "
        f"{roof.bandwidth.rate / 1e9:.1f} GB/s ({roof.bandwidth.of}, ± {roof.bandwidth.spread / 2:.1%}), "
        f"ridge at {roof.ridge:.2f} MACs a byte; batch {given.batch}\n"
    )
    print("| network | layers | M MACs | ms | of the time | GMAC/s | of what is attainable |")
    print("|---|---|---|---|---|---|---|")
    for name in NETWORKS:
        shape = ARCHITECTURES[name].input_shape
        model = load(name, "random", device).model
        images = torch.randn(given.batch, *shape, generator=torch.Generator().manual_seed(0)).to(device)
        passes = pass_times(model, images, given.rounds, seconds=60)
        works = works_of(record_shapes(skeleton(name), (1, *shape)), given.batch)
        layers = standings(works, layer_times(model, images, given.rounds))
        total = sum(s.times.median_ms for s in layers)
        for kind in KINDS:
            if of_kind := [s for s in layers if s.work.kind == kind]:
                print(row(name, kind, of_kind, roof, total))
        print(row(name, "all others", [s for s in layers if s.work.kind not in KINDS], roof, total))
        macs = sum(work.macs or 0 for work in works)
        print(
            f"| {name} | **one pass** | {macs / 1e6:,.1f} | **{passes.median_ms:.1f} ± {passes.spread_ms / 2:.1f}** "
            f"| | {macs / passes.median_ms / 1e6:.1f} | |"
        )


if __name__ == "__main__":
    main()
