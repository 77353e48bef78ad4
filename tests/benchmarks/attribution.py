"""Attributions against Captum's, and against a pass there and back: `python -m tests.benchmarks.attribution`.

Grad-CAM beside one forward and one backward pass of the bare network; integrated gradients with 50 steps beside
Captum's, which takes all steps in one batch by default; occlusion of 224×224 pixels by squares of 14 at a stride of 10,
484 positions, beside Captum's, and how soon its first coarse picture is there. Captum makes a whole pass for every
position, whatever the square's size, so its time is measured at 25 positions and multiplied; with batches, too, as
large as ours. The six methods with which the page “Why this class” opens, one after the other, and the probabilities
before them, as when a picture is chosen; without what the browser then draws. Random weights: the work is the same as
with trained ones.
"""

from collections.abc import Iterator, Sequence

import torch
import torchvision.models as vision
from captum import attr
from torch import Tensor, nn
from torchcam.methods import GradCAM, ScoreCAM

from models import load
from pages.explain.attribution.asking import CHEAP
from tests.benchmarks.timing import head, machine, medians, of_bar, parser_of, row
from vis.attribution import METHODS, Question, attribute
from vis.attribution.partial import pictures_at_once
from vis.attribution.perturbing import Occluded, occluded, positions
from vis.trace import record

GRAD_CAM_BAR, STEPS_BAR = 1.3, 0.8  # × forward and backward; × Captum's
FIRST_BAR, OPENING_BAR = 0.5, 3  # seconds
OCCLUSION_BARS = {"alexnet": 5, "resnet50": 2}  # Captum's time in ours, at least
CAMS, CAM_BAR = (("grad_cam", GradCAM, 20), ("score_cam", ScoreCAM, 1)), 1  # with rounds; × torch-cam's
SIZE, STRIDE, LARGE, FAR = 14, 10, 56, 42  # of ours; of the squares that Captum is measured with


def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    return getattr(vision, name)(weights=None).eval()


def picture(side: int) -> Tensor:
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))


def there_and_back(model: nn.Module, image: Tensor) -> Tensor:
    image = image.clone().requires_grad_()
    return torch.autograd.grad(model(image)[0, 0], image)[0]


def grad_cam(name: str, side: int, rounds: int) -> None:
    model, image = network(name), picture(side)
    rivals = {
        "passes": lambda: there_and_back(model, image),
        "ours": lambda: attribute(model, image, "grad_cam", 0),
    }
    took = medians(rivals, rounds)
    ratio = took["ours"] / took["passes"]
    row(name, f"{1e3 * took['passes']:.0f}", f"{1e3 * took['ours']:.0f}", f"{ratio:.2f}", *of_bar(ratio, GRAD_CAM_BAR))


def cams(name: str, side: int, rounds: int, compared: Sequence[tuple[str, type, int]]) -> None:
    model, image = network(name), picture(side)
    for method, rival, times in compared:
        with rival(model, "layer4") as theirs:
            rivals = {
                "ours": lambda method=method: attribute(model, image, method, 0),
                "torch-cam": lambda theirs=theirs: theirs(0, model(image)),
            }
            took = medians(rivals, times * rounds)
        ratio = took["ours"] / took["torch-cam"]
        numbers = (f"{took['ours']:.3f}", f"{took['torch-cam']:.3f}", f"{ratio:.2f}")
        row(METHODS[method].title, name, *numbers, *of_bar(ratio, CAM_BAR))


def opening(name: str, side: int, rounds: int) -> None:
    model, image = load(name, "random", "cpu").model, picture(side)

    def all_six() -> None:
        with torch.no_grad():
            model(image).softmax(1)
        for method in CHEAP:
            attribute(model, image, method, 0)

    took = medians({"six": all_six}, rounds)["six"]
    row(name, len(CHEAP), f"{took:.2f}", *of_bar(took, OPENING_BAR))


def integrated(name: str, side: int, rounds: int, steps: int) -> None:
    model, image = network(name), picture(side)
    theirs = attr.IntegratedGradients(model)
    rivals = {
        "ours": lambda: attribute(model, image, "integrated_gradients", 0, steps=steps),
        "captum": lambda: theirs.attribute(image, torch.zeros_like(image), 0, n_steps=steps),
    }
    took = medians(rivals, rounds)
    ratio = took["ours"] / took["captum"]
    row(name, steps, f"{took['ours']:.2f}", f"{took['captum']:.2f}", f"{ratio:.2f}", *of_bar(ratio, STEPS_BAR))


def occlusion(name: str, side: int, rounds: int) -> None:
    model, image = network(name), picture(side)
    count, few = positions(side, SIZE, STRIDE) ** 2, positions(side, LARGE, FAR) ** 2
    batch = min(pictures_at_once(record(model, image)), few)
    theirs = attr.Occlusion(model)

    def captums(at_once: int) -> Tensor:
        sliding = {"sliding_window_shapes": (3, LARGE, LARGE), "strides": (3, FAR, FAR)}
        with torch.no_grad():
            return theirs.attribute(image, target=0, perturbations_per_eval=at_once, **sliding)

    def ours() -> Iterator[Occluded]:
        return occluded(Question(model, image, 0), SIZE, STRIDE)

    rivals = {
        "first": lambda: next(ours()),
        "ours": lambda: list(ours()),
        "one": lambda: captums(1),
        "batched": lambda: captums(batch),
    }
    took = medians(rivals, rounds)
    one, batched = (took[rival] * count / few for rival in ("one", "batched"))
    ratio = one / took["ours"]
    row(
        name,
        count,
        *(f"{seconds:.1f}" for seconds in (took["ours"], one, batched)),
        f"{ratio:.1f}",
        OCCLUSION_BARS.get(name, 1),
        f"{OCCLUSION_BARS.get(name, 1) / ratio:.2f}",
        f"{took['first']:.2f}",
        *of_bar(took["first"], FIRST_BAR),
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("attribution", __doc__)
    parser.add_argument("--rounds", type=int, default=1, help="of what takes minutes")
    given = parser.parse_args(argv)
    print(machine())
    rounds, side, steps = (1, 64, 2) if given.short else (given.rounds, 224, 50)
    small, large = ("resnet18", "resnet18") if given.short else ("alexnet", "resnet50")
    head("Grad-CAM", "forward and backward ms", "Grad-CAM ms", "ratio", "at most", "of the bar")
    grad_cam(large, side, 5 * rounds)
    head("CAM", "network", "ours s", "torch-cam s", "ratio", "at most", "of the bar")
    cams("resnet18", side, rounds, CAMS[:1] if given.short else CAMS)
    head("opening the page", "methods", "s", "at most", "of the bar")
    opening("zfnet_mini" if given.short else "efficientnet_lite0", side, 5 * rounds)
    head("integrated gradients", "steps", "ours s", "Captum s", "ratio", "at most", "of the bar")
    integrated(large, side, rounds, steps)
    columns = "ours s", "Captum s", "Captum in batches s", "Captum / ours", "at least", "of the bar"
    head("occlusion", "positions", *columns, "first picture s", "at most", "of the bar")
    for name in dict.fromkeys((small, large)):
        occlusion(name, side, rounds)


if __name__ == "__main__":
    main()
