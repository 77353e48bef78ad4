"""Whole measurements: a network under the roof of its machine, and a MobileNet that is really built.

Both take minutes: they tell the part that is done, from 0 to 1, and ask often whether to stop.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from models import load
from models.device import with_peak
from models.loading import skeleton
from vis.cost.footprint import bytes_on_disk, most_live_bytes, weight_bytes
from vis.cost.latency import Conditions, Progress, Stop, Times, conditions, layer_times, pass_times
from vis.cost.mobilenet import MobileNet
from vis.cost.roofline import Roof, Trials
from vis.shapes import record_shapes

# Under the roof --------------------------------------------------------------------------------------------------

ROUNDS = 7
PASSES_DONE = 0.3  # of the whole measurement, when the layers begin


@dataclass(frozen=True)
class Measured:
    """What was measured of a network; of what was stopped before it, nothing."""

    roof: Roof
    passes: Times | None
    layers: dict[str, Times]
    conditions: Conditions


def under_roof(
    model: nn.Module, images: Tensor, progress: Progress = lambda part: None, stop: Stop = lambda: False
) -> Measured | None:
    """Whole passes, then layer by layer, and the roof of the machine before, between and after the layers' rounds; None
    where it was stopped before any layer.

    Args:
        images: (N, C, H, W), on the model's device.
    """
    passes = pass_times(model, images, stop=stop, progress=lambda part: progress(part * PASSES_DONE))
    trials = Trials(images.device)
    layers = layer_times(
        model,
        images,
        ROUNDS,
        stop,
        lambda part: progress(PASSES_DONE + part * (1 - PASSES_DONE)),
        lambda: trials.round(stop),
    )
    return Measured(trials.roof, passes, layers, conditions(images.device)) if layers and trials.roof else None


# Really built ----------------------------------------------------------------------------------------------------

BUILT = "mobilenet_v1"
BATCHES = (1, 16)


@dataclass(frozen=True)
class Run:
    """What was measured of a network that was really built."""

    network: MobileNet
    params: int
    times: dict[int, Times]  # by the number of pictures that go through it together
    memory: dict[int, int]  # bytes at the peak, the weights included; likewise
    is_memory_computed: bool  # where the device does not tell
    disk: int  # bytes of its .safetensors file
    conditions: Conditions


def options_of(network: MobileNet) -> dict[str, object]:
    """What the builder of the network is given; its resolution is that of the picture."""
    return {
        "width": float(network.width),
        "separable": network.separable,
        "shallow": network.shallow,
        "num_classes": network.num_classes,
    }


def run_of(network: MobileNet, image: Tensor, device: str, progress: Progress, stop: Stop) -> Run | None:
    """The network, built and run; None where it was stopped before everything was measured.

    Args:
        image: (1, 3, ρ, ρ), prepared.
    """
    options = options_of(network)
    loaded = load(BUILT, "random", device, **options)
    recording = record_shapes(skeleton(BUILT, **options), tuple(image.shape))
    weights, times, memory, is_computed = weight_bytes(loaded.model), {}, {}, False
    for place, batch in enumerate(BATCHES):
        images = image.expand(batch, -1, -1, -1).contiguous()

        def measure(images: Tensor = images, place: int = place) -> Times | None:
            return pass_times(
                loaded.model, images, stop=stop, progress=lambda part: progress((place + part) / len(BATCHES))
            )

        found, peak = with_peak(measure, loaded.device)
        if found is None or stop():
            return None
        is_computed |= peak is None
        times[batch] = found
        memory[batch] = weights + (most_live_bytes(recording, batch) if peak is None else peak)
    params = sum(p.numel() for p in loaded.model.parameters())
    return Run(network, params, times, memory, is_computed, bytes_on_disk(loaded.model), conditions(loaded.device))


def run_rows(runs: Iterable[Run]) -> Iterator[dict[str, Any]]:
    """Runs for a spreadsheet, with all that was counted and measured."""
    for run in runs:
        network = run.network
        row = {of: getattr(network, of) for of in ("width", "resolution", "separable", "shallow")}
        row |= {"classes": network.num_classes, "macs": network.macs, "params": run.params}
        for batch, times in run.times.items():
            row |= {f"{of}_{batch}": getattr(times, of) for of in ("median_ms", "spread_ms", "rounds")}
            row[f"peak_memory_bytes_{batch}"] = run.memory[batch]
        row["peak_memory_is"] = "computed" if run.is_memory_computed else "measured"
        yield row | {"disk_bytes": run.disk} | asdict(run.conditions)
