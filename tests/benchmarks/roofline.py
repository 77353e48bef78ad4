"""What this machine can do and what networks do with it: `python -m tests.benchmarks.roofline`.

The measured roof; then for each network a whole pass, and its layers by kind: multiply-adds, milliseconds, achieved
GMAC/s, and the part of what is attainable that they reach, by the median of the layers.
"""

from collections.abc import Iterator, Sequence
from statistics import median

import torch

from models import ARCHITECTURES, load
from models.device import available
from models.loading import skeleton
from tests.benchmarks.timing import head, machine, parser_of, row
from vis.cost.latency import Times, layer_times, pass_times
from vis.cost.roofline import Roof, Standing, Trials, standings, works_of
from vis.shapes import record_shapes

NETWORKS = ("mobilenet_v1", "resnet50", "vgg16")
KINDS = ("conv", "depthwise", "pointwise", "linear")


def rows(name: str, layers: list[Standing], passes: Times, roof: Roof) -> Iterator[tuple[str, ...]]:
    """The rows of a network: its layers by kind, and a whole pass."""
    total = sum(s.times.median_ms for s in layers)
    for kind in (*KINDS, "all others"):
        those = [s for s in layers if (s.work.kind if s.work.kind in KINDS else "all others") == kind]
        macs, time = sum(s.work.macs or 0 for s in those), sum(s.times.median_ms for s in those)
        reached = [roof.reached(s) for s in those if s.rate]
        counted = (f"{macs / time / 1e6:.1f}", f"{median(reached):.0%}") if macs else ("–", "–")
        if those:
            yield name, kind, f"{macs / 1e6:,.1f}", f"{time:.2f}", f"{time / total:.0%}", *counted
    macs, time = sum(s.work.macs or 0 for s in layers), f"{passes.median_ms:.1f} ± {passes.spread_ms / 2:.1f}"
    yield name, "**one pass**", f"{macs / 1e6:,.1f}", f"**{time}**", "", f"{macs / passes.median_ms / 1e6:.1f}", ""


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("roofline", __doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=1)
    given = parser.parse_args(argv)
    rounds, networks = (1, ["zfnet_mini"]) if given.short else (given.rounds, NETWORKS)
    device = torch.device(available()[0])
    trials, measured = Trials(device), {}
    for name in networks:
        shape = ARCHITECTURES[name].input_shape
        model = load(name, "random", device).model
        images = torch.randn(given.batch, *shape, generator=torch.Generator().manual_seed(0)).to(device)
        passes = pass_times(model, images, rounds, seconds=60)
        works = works_of(record_shapes(skeleton(name), (1, *shape)), given.batch)
        measured[name] = standings(works, layer_times(model, images, rounds, between=trials.round)), passes
    roof = trials.roof
    print(machine())
    head("roof", "best", "reached by", "half the interquartile range of its tries")
    row("peak", f"{roof.peak.rate / 1e9:.1f} GMAC/s", roof.peak.of, f"{roof.peak.spread / 2:.1%}")
    row("bandwidth", f"{roof.bandwidth.rate / 1e9:.1f} GB/s", roof.bandwidth.of, f"{roof.bandwidth.spread / 2:.1%}")
    row("ridge", f"{roof.ridge:.2f} MACs per byte", "", "")
    head("network", "layers", "M MACs", "ms", "of the time", "GMAC/s", "of the attainable rate")
    for name, (layers, passes) in measured.items():
        for cells in rows(name, layers, passes, roof):
            row(*cells)


if __name__ == "__main__":
    main()
