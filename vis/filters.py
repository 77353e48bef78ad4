"""A layer's filters, and its strongest maps of a picture."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from vis.shapes import record_shapes
from vis.trace import TraceRefused, record, traced


@dataclass(frozen=True, eq=False)
class Filters:
    """Filters of a convolution that can be shown as pictures."""

    tiles: np.ndarray  # (N, C, kh, kw) with C 1 or 3
    maps: tuple[int, ...]  # whose filters these are
    slices: tuple[int, ...] | None  # of more than three input maps, the one that is shown of each filter


def filters_of(layer: nn.Module, most: int = 64) -> Filters | None:
    """The first `most` filters of a convolution; None for a layer that has none.

    Filters over one or three maps are shown whole, as grey or colour tiles; of deeper ones the slice with the largest
    norm, over the input map that the filter listens to most.
    """
    weight = getattr(layer, "weight", None)
    if not isinstance(layer, nn.Conv2d) or not isinstance(weight, Tensor):
        return None
    weight = weight.detach().cpu().float()[:most]  # (N, C, kh, kw)
    maps = tuple(range(len(weight)))
    if weight.shape[1] in (1, 3):
        return Filters(weight.numpy(), maps, None)
    strongest = weight.flatten(2).norm(dim=2).argmax(1)  # (N,)
    slices = weight[list(maps), strongest][:, None]  # (N, 1, kh, kw)
    return Filters(slices.numpy(), maps, tuple(strongest.tolist()))


@dataclass(frozen=True, eq=False)
class LayerView:
    """What a layer is and what it does with a picture; what it has none of is None."""

    filters: Filters | None
    maps: np.ndarray | None  # (k, h, w), the strongest first
    channels: tuple[int, ...]  # whose maps these are
    shape: tuple[int, ...]  # of all maps, (K, h, w)
    limit: float  # the largest value of all maps


@torch.no_grad()
def view_of(model: nn.Module, image: Tensor, layer: str, most: int) -> LayerView:
    """The filters of the operation `layer`, and the `most` of its maps whose maxima are largest.

    Args:
        image: (1, C, H, W).

    Raises:
        TraceRefused: see `vis.trace.record`; or for values that are not finite.
    """
    recording = record(model, image, [layer])
    node, value = recording.trace[layer], recording.of(layer)
    filters = filters_of(model.get_submodule(node.target)) if node.op == "call_module" else None
    if not isinstance(value, Tensor) or value.dim() != 4:
        return LayerView(filters, None, (), (), 0.0)
    if not value.isfinite().all():
        raise TraceRefused(
            "With these weights the layer “{layer}” gives values that are not finite; choose other weights.",
            layer=layer,
        )
    come_last = maps_come_last(model, tuple(image.shape), layer)
    maps = (value.movedim(3, 1) if come_last else value)[0].float().cpu()  # (K, h, w)
    strongest = maps.flatten(1).amax(1).topk(min(most, len(maps))).indices
    return LayerView(
        filters, maps[strongest].numpy(), tuple(strongest.tolist()), tuple(maps.shape), max(maps.max().item(), 0.0)
    )


_MOVES = {"permute", "movedim", "transpose", torch.permute, torch.movedim, torch.transpose}


def maps_come_last(model: nn.Module, input_shape: tuple[int, int, int, int], layer: str) -> bool:
    """Whether an operation gives (1, h, w, K), as in ConvNeXt's blocks, and not (1, K, h, w).

    Rows and columns grow with the picture, the number of maps does not. Nothing is computed.
    """
    if not any(node.target in _MOVES for node in traced(model).graph.nodes):
        return False
    one, channels, height, width = input_shape
    pictures = (input_shape, (one, channels, 2 * height, 2 * width))
    small, large = (record_shapes(model, picture).of(layer) for picture in pictures)
    return [a != b for a, b in zip(small.shape, large.shape, strict=True)] == [False, True, True, False]
