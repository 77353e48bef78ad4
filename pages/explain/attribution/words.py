"""What the methods do, what their maps mean, and what stands below a picture, in words."""

import numpy as np

from models.options import Choice, Option, Phrase
from pages.common import cache
from pages.common.text import _, spoken
from pages.common.words import fidelity_in_words, name_of, network_in_words
from pages.explain.attribution.asking import CAMS, View
from vis.attribution import METHODS
from vis.figures.numbers import rewritten, significant

DOES = {
    "saliency": Phrase("How strongly the score changes when a pixel changes, whatever its sign."),
    "input_x_gradient": Phrase("Each pixel times the score's gradient: what it adds, if the score were linear in it."),
    "integrated_gradients": Phrase(
        "Each pixel times the mean gradient on the way from a baseline; all parts together are the score's change."
    ),
    "smoothgrad": Phrase(
        "Saliency on average over noisy copies of the picture, channel by channel; much of its own noise cancels."
    ),
    "gradient_shap": Phrase("Integrated gradients at random places, from random baselines, averaged."),
    "deconvnet": Phrase("The score sent down the network; each ReLU passes on only what is positive coming down."),
    "guided": Phrase("As the deconvnet, but only where the ReLU was on for this picture."),
    "grad_cam": Phrase("The maps of one layer, each weighted by its mean gradient; only what is positive is kept."),
    "guided_grad_cam": Phrase("Guided backpropagation times Grad-CAM: fine lines, only where the class is found."),
    "layer_cam": Phrase("The maps of one layer, each position weighted by its own positive gradient."),
    "score_cam": Phrase("The maps of one layer, each weighted by the score of the picture seen through it."),
    "occlusion": Phrase("How much the score falls when a grey square covers a pixel."),
    "rise": Phrase(
        "The mean of random masks, each weighted by how far the score of the picture seen through it is above the mean."
    ),
    "deep_lift": Phrase("What each pixel adds to the difference from a baseline, rule by rule down the network."),
    "lrp": Phrase("The score handed down layer by layer, to each input its part of the sum."),
    "feature_ablation": Phrase("How much the score falls when a superpixel is covered with the mean colour."),
}
AXIOM = {  # what all parts together should be
    "integrated_gradients": Phrase("completeness: the parts add up to the score less the baseline's"),
    "gradient_shap": Phrase("completeness, on average over the draws"),
    "deep_lift": Phrase("summation to delta: the parts add up to the score less the baseline's"),
    "lrp": Phrase("conservation: the parts add up to the score; biases keep what is theirs"),
}


def range_of(values: np.ndarray) -> str:
    """The smallest and the largest value."""
    known = values[np.isfinite(values)]
    if not known.size:
        return ""
    return f"{significant(float(known.min()))} … {significant(float(known.max()))}"


def remark_on(view: View, method: str, values: np.ndarray) -> str | None:
    """What is to be said of a map that is flat, or that speaks only against the class."""
    known = values[np.isfinite(values)]
    name = view.class_name
    if known.size and not known.any():
        if method in CAMS:
            return _("Nothing in this layer speaks for {name}: the map is 0 everywhere.", name=name)
        return _("The map is 0 everywhere: by this method no pixel matters for {name}.", name=name)
    if known.size and known.max() <= 0:
        return _("Nothing here speaks for {name}: no value is positive.", name=name)
    if known.size and known.min() == known.max():
        return _("The map has one value everywhere: it tells no place from another.")
    return None


def colours_in_words(method: str, limit: float) -> str:
    """What the colours of a method's map mean."""
    if not METHODS[method].has_sign:
        return _(
            "Orange is where a pixel matters, for the class or against it; full at {limit}.", limit=significant(limit)
        )
    return _("Orange speaks for the class, blue against it; colours are full at ±{limit}.", limit=significant(limit))


def about(view: View, method: str, found: cache.Explained, limit: float) -> list[str]:
    """All that the picture of a map must say where it stands alone."""
    asked = view.asked(method)
    options = [f"{spoken(o.label)}: {_value(o, v)}" for o, v in _options(asked)]
    if method in CAMS:
        options.append(_("layer: {layer}", layer=found.layer))
    kind = _("probability") if asked.probability else _("logit")
    return [
        f"{network_in_words(view.loaded)} · {name_of(view.chosen.picture)}",
        f"{view.class_name} · {kind} {significant(found.score, 4)}",
        " · ".join(
            [f"{spoken(METHODS[method].title)} ({METHODS[method].paper})", *options, fidelity_in_words(found.fidelity)]
        ),
        f"{_('values')} {range_of(found.map)}. {colours_in_words(method, limit)}"
        + (f" {_('Smoothed for the eye.')}" if view.look["look"] == "smoothed" else ""),
    ]


def _value(option: Option, value: object) -> str:
    return spoken(option.called(value)) if isinstance(option, Choice) else rewritten(str(value))


def _options(asked: cache.Asked) -> list[tuple]:
    return [(o, dict(asked.options)[o.name]) for o in METHODS[asked.method].options]
