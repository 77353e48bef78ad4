"""Class activation maps: the maps of one layer, weighted by what they mean for the score."""

from torch import Tensor
from torch.nn import functional as F

from models.refusals import Refused
from vis.attribution.gradients import Found
from vis.attribution.question import Question
from vis.attribution.walked import check_guided, guided
from vis.attribution.way import way_of
from vis.maps import gradient_of_maps, layer_maps
from vis.shapes import record_shapes
from vis.trace import nothing, record


def check_maps(asked: Question) -> None:
    """Raises as `layer_of`."""
    layer_of(asked)


def check_guided_maps(asked: Question) -> None:
    """As `check_maps` and `check_guided`."""
    check_guided(asked)
    check_maps(asked)


def layer_of(asked: Question) -> str:
    """The layer whose maps are weighed; by default the last whose maps have positions.

    Raises:
        Refused: for a network that has none, or a layer that the score does not depend on.
        TraceRefused: for a layer that there is not, or that has no maps.
    """
    way, layer = way_of(asked), asked.layer
    if layer is None and way.last is None:
        raise Refused("No layer of this network has feature maps with positions.")
    if layer is not None and layer not in way.maps:
        layer_maps(record_shapes(asked.model, tuple(asked.image.shape)), layer)  # says where it has none
        raise Refused("The score does not depend on layer “{layer}”; choose one below what is explained.", layer=layer)
    return layer or way.last


def grad_cam(asked: Question) -> Found:
    """ReLU(Σ αₖ Aₖ), αₖ the mean gradient of map k (Selvaraju et al. 2017, equations 1 and 2).

    Raises:
        TraceRefused, Refused: see `Question.recorded`.
    """
    maps, gradients, score = maps_and_gradients(asked)
    weighed = gradients.mean((1, 2), keepdim=True) * maps
    return Found(score, on_the_picture(weighed.sum(0).relu(), asked), layer=layer_of(asked))


def layer_cam(asked: Question) -> Found:
    """ReLU(Σ ReLU(∂s/∂Aₖ) · Aₖ), position by position (Jiang et al. 2021, equations 6 and 7).

    Raises:
        TraceRefused, Refused: see `Question.recorded`.
    """
    maps, gradients, score = maps_and_gradients(asked)
    weighed = gradients.relu() * maps
    return Found(score, on_the_picture(weighed.sum(0).relu(), asked), layer=layer_of(asked))


def guided_grad_cam(asked: Question) -> Found:
    """Guided backpropagation times Grad-CAM (Selvaraju et al. 2017, section 3.2).

    Raises:
        TraceRefused, Refused: see `Question.recorded`.
    """
    fine, coarse = guided(asked), grad_cam(asked)
    per_channel = fine.per_channel * coarse.map
    return Found(coarse.score, per_channel.sum(0), per_channel, fine.fidelity, layer=coarse.layer)


def maps_of(asked: Question) -> tuple[Tensor, float]:
    """The maps of the layer (K, h, w), and the score.

    Raises:
        TraceRefused, Refused: see `Question.scores`.
    """
    layer = layer_of(asked)
    return layer_maps(record(asked.model, asked.image, [layer], nothing), layer), asked.scores(asked.image).item()


def maps_and_gradients(asked: Question) -> tuple[Tensor, Tensor, float]:
    """The maps of the layer and the score's gradient by them, both (K, h, w), and the score.

    Raises:
        TraceRefused, Refused: see `Question.recorded`.
    """
    layer = layer_of(asked)
    recording, scores = asked.recorded_above(layer)
    gradients = gradient_of_maps(recording, layer, scores.sum())
    return layer_maps(recording, layer).detach(), gradients[0], scores.item()


def on_the_picture(coarse: Tensor, asked: Question) -> Tensor:
    """A map (h, w) stretched over the picture (H, W), bilinear."""
    return F.interpolate(coarse[None, None], asked.image.shape[2:], mode="bilinear", align_corners=False)[0, 0]
