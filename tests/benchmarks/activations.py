"""How long 512 maps of a layer take and how much is sent: `python -m tests.benchmarks.activations`.

Server time is that of a whole rerun of the page, without a browser: for a layer that was not looked at before, with the
network's forward pass and the counts of all named layers, and for another order of the same maps. The share of it that
is the forward pass is measured alone. The bytes are those of the message that carries the sheet to the browser.
"""

import time
from collections.abc import Sequence
from statistics import median

from models import load
from models.decoding import decoded
from pages.common.cache import sample
from tests.app.visit import ACTIVATIONS, Visit
from tests.benchmarks.timing import head, machine, medians, of_bar, parser_of, row, without_a_browser
from vis.activations import activations
from vis.figures.sheets import heat_sheet, signed_sheet
from vis.trace import record

LAYERS = (  # network, layer, and another layer of it that is looked at before
    ("vgg16", "features.28", "features.22"),
    ("resnet18", "layer4.1.relu_1", "relu"),
    ("vgg16", "features.3", "features.22"),  # 64 maps of 224×224, the largest of VGG
    ("resnet50", "layer4.2.relu_2", "relu"),  # 2,048 maps on four pages
)
BAR = 0.5, 1.5  # seconds of server time, MB sent
SAMPLES = ("astronaut", "chelsea", "rocket", "coffee", "coins", "brick", "grass")


def reruns(network: str, layer: str, before: str, rounds: int) -> tuple[float, float, int]:
    """Seconds until a layer is shown and until it is sorted anew, medians; and the largest message with a sheet."""
    first, again, most = [], [], 0
    for name in SAMPLES[:rounds]:
        page = Visit(ACTIVATIONS, network=network, weights="random", sample=name, layer=before)
        first.append(_seconds(page, **{"layer": layer}))
        most = max(most, _message(page))
        again += [_seconds(page, sort=by) for by in ("mean", "maximum")]
        most = max(most, _message(page))
    return median(first), median(again), most


def _seconds(page: Visit, **chosen: object) -> float:
    start = time.perf_counter()
    page.choose(**chosen)
    return time.perf_counter() - start


def _message(page: Visit) -> int:
    """The bytes of the first picture that can be clicked, which is the sheet."""
    elements = (element.proto for element in page.at.get("bidi_component"))
    return next(proto.ByteSize() for proto in elements if '"picture"' in proto.json)


def alone(network: str, layer: str, rounds: int) -> dict[str, float]:
    """Seconds of the parts, medians."""
    loaded = load(network, "random", "cpu")
    image = loaded.preprocess(decoded(sample("coffee")))
    found = activations(loaded.model, image, layer)
    sheet = signed_sheet if found.has_sign else heat_sheet
    return medians(
        {
            "forward": lambda: record(loaded.model, image, [layer]),
            "counted": lambda: activations(loaded.model, image, layer),
            "sheet": lambda: sheet(found.maps[:512], found.limit, 32),
        },
        rounds,
    )


@without_a_browser()
def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of("activations", __doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(argv)
    rounds, layers = (1, LAYERS[1:2]) if given.short else (given.rounds, LAYERS)
    print(machine())
    measured = ("page, new layer ms", "page, sorted anew ms", "forward pass ms", "with counts ms", "sheet ms")
    head("layer", *measured, "bar s", "of the bar", "sent MB", "bar MB", "of the bar")
    for network, layer, before in layers:
        first, again, sent = reruns(network, layer, before, rounds)
        parts = alone(network, layer, rounds + 2)
        times = (f"{1000 * seconds:.0f}" for seconds in (first, again, *parts.values()))
        bars = *of_bar(first, BAR[0]), f"{sent / 1e6:.2f}", *of_bar(sent / 1e6, BAR[1])
        row(f"{network} {layer}", *times, *bars)


if __name__ == "__main__":
    main()
