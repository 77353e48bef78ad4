"""Class activation maps: the maps of one layer, weighed by what they mean for the score."""

from torch import Tensor
from torch.nn import functional as F

from models.refusals import Refused
from vis.attribution.gradients import Found
from vis.attribution.question import Question
from vis.attribution.walked import guided
from vis.maps import gives_maps, gradient_of_maps, layer_maps
from vis.trace import Recording, record


def grad_cam(asked: Question) -> Found:
    """ReLU(Σ αₖ Aₖ), αₖ the mean gradient of map k (Selvaraju et al. 2017, equations 1 and 2).

    Raises:
        Refused: see `maps_and_gradients`.
    """
    maps, gradients, score = maps_and_gradients(asked)
    return Found(score, on_the_picture((gradients.mean((1, 2), keepdim=True) * maps).sum(0).relu(), asked))


def layer_cam(asked: Question) -> Found:
    """ReLU(Σ ReLU(∂s/∂Aₖ) · Aₖ), position by position (Jiang et al. 2021, equations 6 and 7).

    Raises:
        Refused: see `maps_and_gradients`.
    """
    maps, gradients, score = maps_and_gradients(asked)
    return Found(score, on_the_picture((gradients.relu() * maps).sum(0).relu(), asked))


def guided_grad_cam(asked: Question) -> Found:
    """Guided backpropagation times Grad-CAM (Selvaraju et al. 2017, section 3.2).

    Raises:
        Refused: see `maps_and_gradients` and `vis.attribution.walked.guided`.
    """
    fine, coarse = guided(asked), grad_cam(asked)
    per_channel = fine.per_channel * coarse.map
    return Found(coarse.score, per_channel.sum(0), per_channel, fine.fidelity)


def maps_of(asked: Question) -> tuple[Tensor, float]:
    """The maps of the layer (K, h, w), and the score.

    Raises:
        Refused: see `last_with_positions` and `Question.scores`.
    """
    recording = record(asked.model, asked.image)
    return layer_maps(recording, asked.layer or last_with_positions(recording)), asked.scores(asked.image).item()


def maps_and_gradients(asked: Question) -> tuple[Tensor, Tensor, float]:
    """The maps of the layer and the score's gradient by them, both (K, h, w), and the score.

    Raises:
        Refused: for a layer that the score does not depend on; see `last_with_positions` and `Question.recorded`.
    """
    recording, scores = asked.recorded(layers=[asked.layer] if asked.layer else ())
    layer = asked.layer or last_with_positions(recording)
    gradients = gradient_of_maps(recording, layer, scores.sum())
    if gradients is None:
        raise Refused("The score does not depend on layer “{layer}”; choose one below what is explained.", layer=layer)
    return layer_maps(recording, layer).detach(), gradients[0], scores.item()


def last_with_positions(recording: Recording) -> str:
    """The last layer whose maps are larger than one number: what the CAM family uses where nothing else is asked.

    Raises:
        Refused: for a network that has none.
    """
    for node, value in reversed(recording.values.items()):
        if node in recording.trace.from_picture and node.op != "placeholder" and gives_maps(value) and value.dim() == 4:
            layer = recording.trace.names[node]
            if max(layer_maps(recording, layer).shape[1:]) > 1:
                return layer
    raise Refused("No layer of this network has feature maps with positions.")


def on_the_picture(coarse: Tensor, asked: Question) -> Tensor:
    """A map (h, w) stretched over the picture (H, W), bilinear."""
    return F.interpolate(coarse[None, None], asked.image.shape[2:], mode="bilinear", align_corners=False)[0, 0]
