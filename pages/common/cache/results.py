"""What a network makes of a picture, and its filters."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image

import models
from models import ARCHITECTURES, Loaded
from models.device import or_on_cpu
from models.images import Preprocess, png
from models.loaded import predicted
from models.weights import card
from pages.common.cache.graphs import Built, graph, pictured
from pages.common.cache.networks import Result, in_turn, opened_network, remembered, remembered_once
from pages.common.cache.passes import from_kept_pass
from pages.common.cache.pictures import picture
from pages.common.cache.remembering import shared
from pages.common.cache.room import weight_of
from pages.common.cache.turns import turn
from pages.common.session import Selection
from vis.activations import Activations, ChannelView, activations, channel_view, dead_shares
from vis.concepts.dropout import answers, mask
from vis.deconvnet import Projection
from vis.figures.thumbnails import SIDE, Thumbnail
from vis.figures.thumbnails import thumbnails as thumbnails_of
from vis.filters import LayerView, Measures, convolutions, kernels_of, matrix_of, measured, norms, view_of
from vis.responses import LayerResponse, StagePicture, UnitResponse, responses, unit_in_full, unit_step_by_step
from vis.sums import Origin, origin_of


@dataclass(frozen=True, eq=False)
class Seen:
    """The picture as the network sees it, (H, W, 3) uint8, and the most probable classes with their probabilities."""

    pixels: np.ndarray
    classes: list[tuple[int, float]]
    on_cpu: bool  # because the GPU's memory ran out


@remembered_once
def seen(selection: Selection) -> Seen:
    """What the network sees and what it takes it for."""
    given = picture(selection)

    def work(loaded: Loaded) -> tuple[np.ndarray, list[tuple[int, float]]]:
        pixels = loaded.preprocess.for_the_eye(loaded.preprocess(given))
        return pixels, predicted(loaded, loaded.classifier_input(given))

    (pixels, classes), on_cpu = in_turn(selection, work)
    return Seen(pixels, classes, on_cpu)


@remembered
def answers_with_dropout(selection: Selection, p: float, passes: int, seed: int) -> np.ndarray:
    """Of all classes without dropout, and then in each pass with a mask of its own, (1 + passes, classes), 0 to 1.

    Args:
        selection: of a network whose dropout stands behind a `Flatten` in its classifier.
    """
    given = picture(selection)

    def work(loaded: Loaded) -> np.ndarray:
        model = loaded.model
        with torch.no_grad():
            maps = model.avgpool(model.features(loaded.classifier_input(given).to(loaded.device)))
            kept = mask((passes, maps.numel()), p, seed)
            logits = torch.cat([model.classifier(maps), answers(model.classifier, maps, kept, p)])
            return logits.softmax(1).cpu().numpy()

    return in_turn(selection, work)[0]


def _of_picture(selection: Selection, function: Callable[..., Result], *args: object) -> tuple[Result, bool]:
    """What a function of a model and a prepared picture gives for the selection's, and whether the CPU had to do it."""
    given = picture(selection)
    return in_turn(selection, lambda loaded: function(loaded.model, loaded.preprocess(given), *args))


@remembered_once
def layer_responses(
    selection: Selection,
    layers: tuple[tuple[str, str], ...],
    k: int,
    channels: tuple[tuple[str, tuple[int, ...]], ...],
) -> tuple[dict[str, LayerResponse], bool]:
    """What every layer responds to, and whether the CPU had to do it.

    Args:
        layers: (name, operation).
        channels: (layer, feature maps) chosen in place of the strongest.
    """
    return from_kept_pass(selection, responses, dict(layers).values(), dict(layers), k, dict(channels))


@remembered_once
def unit_response(selection: Selection, operation: str, channel: int, position: tuple[int, int] | None) -> UnitResponse:
    """A unit's map and what it saw; the strongest of its feature map unless a position (row, column) is given."""
    return from_kept_pass(selection, unit_in_full, (operation,), operation, channel, position)[0]


@remembered
def unit_steps(
    selection: Selection, operation: str, channel: int, position: tuple[int, int] | None
) -> tuple[StagePicture, ...]:
    """The way down of one unit, step by step; arguments as of `unit_response`."""
    return from_kept_pass(selection, unit_step_by_step, (operation,), operation, channel, position)[0]


@remembered
def layer_view(selection: Selection, operation: str, most: int, side: int) -> tuple[LayerView, bool]:
    """A layer's filters and its `most` strongest maps of the picture, and whether the CPU had to do it.

    Args:
        side: of the picture as the network sees it.
    """
    given = picture(selection)
    return in_turn(selection, lambda one: view_of(one.model, _at_side(one.preprocess, side)(given), operation, most))


def picture_at(selection: Selection, built: Built) -> np.ndarray:
    """The selection's picture (H, W, 3) at the side that the layer graph is made for, as the network would see it."""
    preprocess = _at_side(ARCHITECTURES[built.network].preprocess, built.side)
    return preprocess.for_the_eye(preprocess(picture(selection)))


def _at_side(usual: Preprocess, side: int) -> Preprocess:
    return replace(usual, resize=max(side, round(usual.resize * side / usual.crop)), crop=side)


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """The strongest map of every operation of a layer graph that has maps, and a PNG of the picture."""

    maps: dict[str, Thumbnail]
    picture: bytes
    on_cpu: bool  # because the GPU's memory ran out


@remembered
def thumbnails(selection: Selection, built: Built) -> Thumbnails:
    """What the boxes of a layer graph show of the selection's picture, whichever of them are open."""
    given, nodes = picture(selection), graph(built).nodes
    layers = [name for name in dict.fromkeys(pictured(built).values()) if nodes[name].kind != "input"]

    def work(loaded: Loaded) -> tuple[dict[str, Thumbnail], bytes]:
        preprocess = _at_side(loaded.preprocess, built.side)
        image = preprocess(given)
        pixels = Image.fromarray(preprocess.for_the_eye(image)).reduce(-(-built.side // SIDE))
        return thumbnails_of(loaded.model, image, layers), png(np.asarray(pixels))

    (maps, pixels), on_cpu = in_turn(selection, work)
    return Thumbnails(maps, pixels, on_cpu)


# Filters ----------------------------------------------------------------------------------------------------------


@remembered
def filters(selection: Selection, layer: str, output: int | None, on_picture: bool) -> Measures:
    """The filters of a convolution with their measures; of one output map, the slices of its filter.

    Args:
        on_picture: as they act on pixel values from 0 to 1, and not on the normalised picture.
    """
    loaded, _on_cpu = opened_network(selection)
    kernels = kernels_of(loaded.model, layer, loaded.preprocess.std if on_picture else None)
    return measured(kernels if output is None else kernels[output][:, None])


@remembered
def filter_norms(selection: Selection, layer: str) -> np.ndarray:
    """The norm of each filter of a convolution, (K,)."""
    return norms(kernels_of(opened_network(selection)[0].model, layer))


@remembered
def matrix(selection: Selection, layer: str) -> np.ndarray:
    """The weights of a 1×1 convolution, (K, C)."""
    model = opened_network(selection)[0].model
    return matrix_of(kernels_of(model, layer), convolutions(model)[layer].groups)


@shared(weight_of)
def checkpoint(name: str, epoch: int, device: str) -> Loaded:
    """As `models.checkpoint`."""
    return models.checkpoint(name, epoch, device)


@remembered
def through_training(selection: Selection, operation: str, channel: int) -> tuple[dict[int, Projection], bool]:
    """By epoch, what the strongest unit of a feature map saw in the picture, and whether the CPU had to do it."""
    given = picture(selection)

    def on(device: str) -> dict[int, Projection]:
        found = {}
        for file in card(selection.network).files:
            loaded = checkpoint(selection.network, file.epoch, device)
            with turn:
                seen = responses(loaded.model, loaded.preprocess(given), {"": operation}, 1, {"": [channel]})
            found[file.epoch] = seen[""].projections[0]
        return found

    return or_on_cpu(on, selection.device)


# Activations ------------------------------------------------------------------------------------------------------

# The maps of a layer are kept no larger than they are shown, 4 MB; what is looked at closely is computed again.


@remembered
def pixels_seen(selection: Selection) -> np.ndarray:
    """The picture as the network sees it, (H, W, 3) uint8; nothing is computed of it."""
    preprocess = opened_network(selection)[0].preprocess
    return preprocess.for_the_eye(preprocess(picture(selection)))


@remembered
def layer_activations(selection: Selection, operation: str) -> tuple[Activations, bool]:
    """All maps of a layer for the picture, and whether the CPU had to do it."""
    return _of_picture(selection, activations, operation)


@remembered
def one_channel(selection: Selection, operation: str, channel: int) -> ChannelView:
    """One map of a layer, before and after."""
    return _of_picture(selection, channel_view, operation, channel)[0]


@remembered
def one_value(selection: Selection, operation: str, channel: int, row: int, column: int) -> Origin:
    """Where one value of a layer comes from."""
    return _of_picture(selection, origin_of, operation, channel, row, column)[0]


@remembered
def dead_maps(selection: Selection, operations: tuple[str, ...]) -> dict[str, tuple[int, int, float]]:
    """Of each layer, how many of its maps are dead on the picture: see `vis.activations.dead_shares`."""
    return _of_picture(selection, dead_shares, operations)[0]
