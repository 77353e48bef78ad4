"""Why a network answered as it did: which pixels of a picture speak for a class, by a dozen methods."""

from vis.attribution.methods import METHODS, Attribution, Method, attribute, attributions, question
from vis.attribution.question import FeatureMap, Question, Target

__all__ = [
    "METHODS",
    "Attribution",
    "FeatureMap",
    "Method",
    "Question",
    "Target",
    "attribute",
    "attributions",
    "question",
]
