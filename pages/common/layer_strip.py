"""A photograph with the strongest unit of each of its network's layers, on the pages that begin with it."""

from collections.abc import Callable

import numpy as np

from models import Loaded
from models.images import png
from pages.common import cache
from pages.common.components.strip import COLOURS, Answer, UnitTile, strip
from pages.common.samples import known_in_words
from pages.common.session import Selection
from pages.common.text import _, plain, spoken
from pages.common.widgets import honest_png, say_if_on_cpu, weights_in_words
from pages.common.words import empty_in_words, fidelity_in_words, name_of, range_in_words
from vis.deconvnet import Projection
from vis.figures.numbers import significant
from vis.figures.pictures import GREY, enlarged, signed
from vis.responses import limit_of

CLASSES = 3  # of those that the network finds most probable
SHOWN = 112  # pixels of a telephone's screen that a unit's picture has
BANNER_SIDE = 224  # pixels at least of a picture with a warning below it, for the warning to be read


def layer_strip(chosen: Selection, loaded: Loaded, key: str, on_click: Callable[[str, Projection], None]) -> str:
    """Draws the photograph, the strongest unit of each layer, and what the network takes the photograph for.

    What comes back is to be said of them, Markdown: the network, its weights, the deconvnet and the grey scale.

    Args:
        key: identifies it on its page.
        on_click: is called with the layer and the projection that were clicked, before the script runs again.

    Raises:
        Refused: see `pages.common.cache.network`.
    """
    seen = cache.seen(chosen)
    layers = tuple(loaded.layers.items())[: len(COLOURS)]
    found, on_cpu = cache.layer_responses(chosen, layers, 1, ())
    say_if_on_cpu(seen.on_cpu or on_cpu)
    units = [(layer, response.projections[0]) for layer, response in found.items()]
    height, width = seen.pixels.shape[:2]
    name = name_of(chosen.picture)
    strip(
        png(seen.pixels),
        [_tile(loaded, layer, projection, seen.pixels) for layer, projection in units],
        key,
        alt=name,
        note=_("{picture}, as the network sees it: {width}×{height} pixels", picture=name, width=width, height=height),
        answer=_answer(chosen, loaded, seen),
        on_click=lambda place: on_click(*units[place]),
    )
    fidelities = dict.fromkeys(fidelity_in_words(projection.fidelity) for _layer, projection in units)
    said = [spoken(loaded.architecture.title), weights_in_words(loaded), f"deconvnet {' · '.join(fidelities)}"]
    words = [" · ".join(map(plain, said)) + ".", range_in_words(None)]
    if (side := loaded.classifier_input.crop) != loaded.preprocess.crop:
        words.append(_("The class is asked at {side}×{side} pixels, at which the weights were trained.", side=side))
    return " ".join(words)


def _tile(loaded: Loaded, layer: str, projection: Projection, pixels: np.ndarray) -> UnitTile:
    unit, box = projection.unit, projection.box
    height, width = pixels.shape[:2]
    saw = _shown(signed(projection.pixels.numpy(), limit_of(projection.pixels)))
    return UnitTile(
        _("Layer {layer}", layer=layer),
        _("map {map}, activation {value}", map=unit.channel, value=significant(unit.activation))
        + empty_in_words(projection),
        png(saw) if loaded.weights.trained else honest_png(loaded, enlarged(saw, BANNER_SIDE), SHOWN),
        png(_shown(box.part_of(pixels))),
        (box.top / height, box.left / width, box.bottom / height, box.right / width),
    )


def _shown(pixels: np.ndarray) -> np.ndarray:
    """The pixels; one of grey, where a unit at the border sees nothing but padding."""
    return pixels if pixels.size else np.full((1, 1, 3), GREY, np.uint8)


def _answer(chosen: Selection, loaded: Loaded, seen: cache.Seen) -> Answer:
    if not loaded.weights.predicts:
        words = _("With random weights, class scores are noise: they say nothing about this picture.")
        return Answer(_("No prediction"), words=words)
    names = loaded.categories
    classes = [
        (names[number] if names else _("class {number}", number=number), probability)
        for number, probability in seen.classes[:CLASSES]
    ]
    known = known_in_words(chosen.picture, loaded)
    return Answer(_("{network} predicts", network=loaded.architecture.title), classes, known=known)
