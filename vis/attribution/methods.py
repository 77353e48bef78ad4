"""Every method as data: what it is called, what can be set, what it costs, and the function that does it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from torch import Tensor, nn

from models.options import Choice, Number, Option, Phrase
from vis.attribution.cam import check_guided_maps, check_maps, grad_cam, guided_grad_cam, layer_cam, layer_of
from vis.attribution.from_captum import check_lrp, deep_lift, lrp
from vis.attribution.gradients import (
    SEED,
    Found,
    gradient_shap,
    input_x_gradient,
    integrated_gradients,
    saliency,
    smoothgrad,
)
from vis.attribution.perturbing import ablation, occlusion, positions, rise, score_cam
from vis.attribution.question import Question, Target
from vis.attribution.unrolled import check_unrolls
from vis.attribution.walked import check_deconvnet, check_guided, deconvnet, guided
from vis.attribution.way import way_of
from vis.trace import check_shape


def everywhere(asked: Question) -> None:
    """Whatever the picture can change can be explained; raises TraceRefused for what is the same for every one."""
    asked.end(asked.trace)


@dataclass(frozen=True)
class Method:
    """A way to explain a score."""

    name: str
    title: str
    function: Callable[..., Found | Iterator[Found]]  # (question, **options): at once, or from coarse to fine
    paper: str
    options: Sequence[Option] = ()
    passes: Callable[..., tuple[int, int]] = lambda asked: (1, 1)  # (question, **options): forward, backward
    applies: Callable[[Question], object] = everywhere  # raises Refused, and says why, where it does not; from shapes
    has_sign: bool = True  # whether what speaks against the score is negative; or else only how much a pixel matters
    seed: int | None = None  # of what it draws at random

    def options_for(self, side: int) -> Sequence[Option]:
        """Its options with their usual values for pictures whose shorter side has so many pixels."""
        return [replace(o, usual=_SUITED[o.name](side)) if o.name in _SUITED else o for o in self.options]

    def chosen(self, options: Mapping[str, object], side: int) -> dict[str, object]:
        """All its options; those not given are as usual for pictures of this side: see `options_for`.

        Raises:
            TypeError: for an option that it does not have.
            Refused: for a value that an option cannot have.
        """
        if unknown := options.keys() - {option.name for option in self.options}:
            raise TypeError(f"{self.name} has no option {', '.join(sorted(unknown))}")
        return {o.name: o.checked(options.get(o.name, o.usual)) for o in self.options_for(side)}


@dataclass(frozen=True, eq=False, kw_only=True)
class Attribution(Found):
    """What a method found, and what is to be known about it."""

    method: str
    options: Mapping[str, object]
    target: Target
    is_probability: bool  # whether the score is a probability: the softmax's, or the sigmoid's of a single output
    is_negative: bool  # whether it is −score that was explained, or of a single output the probability of “no”
    passes: tuple[int, int]  # pictures forward and backward
    seconds: float


STEPS = Number("steps", Phrase("Steps"), 50, 1, 300)
BASELINE = Choice(
    "baseline", Phrase("Baseline"), {"mean": Phrase("mean colour"), "blurred": Phrase("the picture, blurred")}
)
SAMPLES = Number("samples", Phrase("Noisy copies"), 25, 1, 200)
NOISE = Number("noise", Phrase("Noise, part of the range"), 0.15, 0.0, 1.0, step=0.05, digits=2)
SIZE = Number("size", Phrase("Side of the square, pixels"), 32, 1, 512)
STRIDE = Number("stride", Phrase("Stride, pixels"), 16, 1, 512)
_SUITED = {"size": lambda side: max(side // 7, 2), "stride": lambda side: max(side // 14, 1)}  # 32 and 16 of 224
MASKS = Number("masks", Phrase("Masks"), 1000, 10, 8000)
CELLS = Number("cells", Phrase("Cells along a side"), 7, 2, 32)
KEPT = Number("kept", Phrase("Probability to keep a cell"), 0.5, 0.05, 0.95, step=0.05, digits=2)
PARTS = Number("parts", Phrase("Superpixels"), 50, 2, 500)


def _of_occlusion(asked: Question, size: int, stride: int) -> tuple[int, int]:
    return prod(positions(side, size, stride) for side in asked.image.shape[2:]) + 1, 0


def _of_rise(asked: Question, masks: int, cells: int, kept: float) -> tuple[int, int]:
    return masks + 1, 0


def _of_score_cam(asked: Question) -> tuple[int, int]:
    return way_of(asked).maps[layer_of(asked)][0] + 2, 0


def _of_lrp(asked: Question) -> tuple[int, int]:
    handed_down = len(asked.target) if isinstance(asked.target, tuple) else 1
    return 2 * handed_down + 1, handed_down


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        Method("saliency", Phrase("Saliency"), saliency, "Simonyan, Vedaldi & Zisserman 2013", has_sign=False),
        Method("input_x_gradient", Phrase("Input × gradient"), input_x_gradient, "Shrikumar, Greenside & Kundaje 2017"),
        Method(
            "integrated_gradients",
            Phrase("Integrated gradients"),
            integrated_gradients,
            "Sundararajan, Taly & Yan 2017",
            (STEPS, BASELINE),
            lambda asked, steps, baseline: (steps + 2, steps),
        ),
        Method(
            "smoothgrad",
            Phrase("SmoothGrad"),
            smoothgrad,
            "Smilkov et al. 2017",
            (SAMPLES, NOISE),
            lambda asked, samples, noise: (samples + 1, samples),
            has_sign=False,
            seed=SEED,
        ),
        Method(
            "gradient_shap",
            Phrase("Gradient SHAP"),
            gradient_shap,
            "Erion et al. 2021",
            (SAMPLES, NOISE),
            lambda asked, samples, noise: (2 * samples + 1, samples),
            seed=SEED,
        ),
        Method("deconvnet", Phrase("Deconvnet"), deconvnet, "Zeiler & Fergus 2013", applies=check_deconvnet),
        Method("guided", Phrase("Guided backpropagation"), guided, "Springenberg et al. 2015", applies=check_guided),
        Method("grad_cam", Phrase("Grad-CAM"), grad_cam, "Selvaraju et al. 2017", applies=check_maps),
        Method(
            "guided_grad_cam",
            Phrase("Guided Grad-CAM"),
            guided_grad_cam,
            "Selvaraju et al. 2017",
            passes=lambda asked: (2, 2),
            applies=check_guided_maps,
        ),
        Method("layer_cam", Phrase("LayerCAM"), layer_cam, "Jiang et al. 2021", applies=check_maps),
        Method("score_cam", Phrase("Score-CAM"), score_cam, "Wang et al. 2020", (), _of_score_cam, check_maps),
        Method("occlusion", Phrase("Occlusion"), occlusion, "Zeiler & Fergus 2013", (SIZE, STRIDE), _of_occlusion),
        Method(
            "rise",
            Phrase("RISE"),
            rise,
            "Petsiuk, Das & Saenko 2018",
            (MASKS, CELLS, KEPT),
            _of_rise,
            seed=SEED,
        ),
        Method(
            "deep_lift",
            Phrase("DeepLIFT"),
            deep_lift,
            "Shrikumar, Greenside & Kundaje 2017",
            (BASELINE,),
            lambda asked, baseline: (4, 2),
            check_unrolls,
        ),
        Method("lrp", Phrase("Layer-wise relevance (LRP)"), lrp, "Bach et al. 2015", (), _of_lrp, check_lrp),
        Method(
            "feature_ablation",
            Phrase("Ablation of superpixels"),
            ablation,
            "Achanta et al. 2012",
            (PARTS,),
            lambda asked, parts: (parts + 1, 0),  # about: SLIC decides how many superpixels there are
        ),
    )
}


def attribute(
    model: nn.Module,
    image: Tensor,
    method: str,
    target: Target,
    layer: str | None = None,
    probability: bool = False,
    negative: bool = False,
    **options: object,
) -> Attribution:
    """Which pixels of a picture (1, C, H, W) speak for the score of `target`, and which against it.

    Nothing on the model is hooked or changed, so any number of threads may ask one model.

    Args:
        target: a class; two, for "the first and not the second"; or a unit or a map of any layer.
        layer: of whose maps the CAM family makes its picture; by default the last that has positions.
        probability: whether a class's score is its probability, and not its logit: softmax, or for a network with one
            output its sigmoid.
        negative: whether −score is explained. A network with one output answers “yes” with it and “no” with −score;
            its class is 0 either way.
        options: of the method, see `METHODS[method].options_for`.

    Raises:
        Refused: for a class, layer or option that there is not, and for what the method is not defined for.
        TraceRefused: for a network that cannot be followed.
    """
    *_, whole = attributions(question(model, image, target, layer, probability, negative), method, **options)
    return whole


def question(
    model: nn.Module,
    image: Tensor,
    target: Target,
    layer: str | None = None,
    probability: bool = False,
    negative: bool = False,
) -> Question:
    """The question about a picture (1, C, H, W), which is taken to where the model is; arguments as of `attribute`."""
    check_shape(tuple(image.shape))
    first = next(model.parameters(), image)
    return Question(model, image.detach().to(first.device, first.dtype), target, layer, probability, negative)


def attributions(asked: Question, method: str, **options: object) -> Iterator[Attribution]:
    """As `attribute`, from coarse to fine: what is known after every batch, `part` of the work; the last one is whole.

    Raises: as `attribute`, when the first one is asked for.
    """
    how = METHODS[method]
    values, begun, seconds = how.chosen(options, min(asked.image.shape[2:])), time.perf_counter(), 0.0
    how.applies(asked)
    passes = how.passes(asked, **values)
    found = how.function(asked, **values)
    for known in [found] if isinstance(found, Found) else found:
        seconds += time.perf_counter() - begun
        yield Attribution(
            **{name: value for name, value in vars(known).items() if name != "made"},
            method=method,
            options=values,
            target=asked.target,
            is_probability=asked.is_probability,
            is_negative=asked.is_negative,
            passes=known.made or passes,
            seconds=seconds,
        )
        begun = time.perf_counter()  # what the others did meanwhile is not counted
