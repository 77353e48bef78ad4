"""The deconvnet against Captum's, and against a forward pass: `python -m tests.benchmarks.deconvnet`.

45 projections (nine feature maps × five layers) of AlexNet and VGG-16 at 224×224, and one unit of AlexNet's conv3 on
pictures of 224×224 and 1024×1024. Random weights: the work is the same as with trained ones.
"""

import warnings
from collections.abc import Sequence

import torch
import torchvision.models as vision
from captum.attr import NeuronDeconvolution
from torch import Tensor, nn

from tests.benchmarks.timing import head, machine, medians, parser_of, row
from vis.deconvnet import Unit, project, strongest_units
from vis.trace import record

CONVOLUTIONS = {
    "alexnet": ("features.0", "features.3", "features.6", "features.8", "features.10"),
    "vgg16": ("features.2", "features.7", "features.14", "features.21", "features.28"),
}

BARS = {"alexnet": (20, 3), "vgg16": (10, "–")}  # Captum's time in ours at least, ours in forward passes at most
WINDOW_BAR = 1.5


def captums(model: nn.Module, image: Tensor, units: list[Unit]) -> list[Tensor]:
    """The same projections by Captum, unit by unit, each (C, H, W)."""
    methods = {layer: NeuronDeconvolution(model, model.get_submodule(layer)) for layer in {u.layer for u in units}}
    picture = image.clone().requires_grad_()
    return [methods[u.layer].attribute(picture, (u.channel, u.row, u.column))[0].detach() * u.activation for u in units]


def network(name: str, device: str) -> nn.Module:
    torch.manual_seed(0)
    return getattr(vision, name)(weights=None).eval().requires_grad_(False).to(device)


def picture(side: int, device: str) -> Tensor:
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0)).to(device)


def against_captum(name: str, device: str, rounds: int, k: int) -> None:
    model, image, layers = network(name, device), picture(224, device), CONVOLUTIONS[name]
    recording = record(model, image, layers)
    units = [unit for layer in layers for unit in strongest_units(model, recording, layer, k)]

    ours, theirs = project(model, image, units), captums(model, image, units)
    error = max(float((p.on_canvas() - t).abs().max() / t.abs().max()) for p, t in zip(ours, theirs, strict=True))
    with torch.no_grad():
        time = medians(
            {
                "forward": lambda: model(image),
                "ours": lambda: project(model, image, units),
                "recorded": lambda: project(model, recording, units),
            },
            3 * rounds,
        )
    time |= medians({"captum": lambda: captums(model, image, units)}, rounds)
    theirs_to_ours, forwards = time["captum"] / time["ours"], time["ours"] / time["forward"]
    captum_bar, forward_bar = BARS[name]
    milliseconds = (f"{1e3 * seconds:.1f}" for seconds in time.values())
    row(
        name,
        len(units),
        *milliseconds,
        f"{forwards:.2f}",
        forward_bar,
        f"{theirs_to_ours:.1f}",
        captum_bar,
        f"{error:.1e}",
    )


def window_against_picture(device: str, rounds: int) -> None:
    model, layer = network("alexnet", device), "features.6"
    work = {}
    for side in (224, 1024):
        recording = record(model, picture(side, device), [layer])
        units = strongest_units(model, recording, layer, k=1)
        work[str(side)] = lambda recording=recording, units=units: project(model, recording, units)
    time = medians(work, 10 * rounds)
    head("one unit of AlexNet's conv3, forward pass apart", "on 224² ms", "on 1024² ms", "1024² / 224²", "bar")
    of_both = f"{1e3 * time['224']:.2f}", f"{1e3 * time['1024']:.2f}"
    row("project", *of_both, f"{time['1024'] / time['224']:.2f}", WINDOW_BAR)


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("deconvnet", __doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(argv)
    rounds, networks, maps = (1, ["alexnet"], 1) if given.short else (given.rounds, CONVOLUTIONS, 9)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="captum")
        print(machine())
        columns = "network", "units", "forward ms", "ours ms", "recorded ms", "Captum ms"
        head(*columns, "ours / forward", "at most", "Captum / ours", "at least", "difference")
        for name in networks:
            against_captum(name, given.device, rounds, maps)
        window_against_picture(given.device, rounds)


if __name__ == "__main__":
    main()
