"""The sample that is chosen, which is another one for networks that read digits; and what a network knows of it."""

from typing import Any

from models import ARCHITECTURES, Loaded
from models.options import Choice, Phrase
from models.samples import SAMPLES, samples_for
from pages.common import address
from pages.common.asking import FRAME, key_of
from pages.common.session import Picture
from pages.common.text import _

NAME = "sample"


def sample_choice(network: str) -> Choice:
    """The samples of which one is chosen for a network: first those for which it was made."""
    titles = {sample.name: sample.title for sample in samples_for(ARCHITECTURES[network])}
    return Choice(NAME, Phrase("Sample photograph"), titles, shown_as="list")


def about_sample(network: str, usual_network: str) -> dict[str, Any]:
    """How to ask for it: networks that read digits and others keep one each, and a link speaks of its network's."""
    of_link = address.link().get("network", usual_network)
    return {"of": _of(network), "is_linked": _of(of_link) == _of(network)}


def key_of_sample(network: str) -> str:
    """The key under which it is kept for a network, and for those like it."""
    return key_of(NAME, _of(network), FRAME)


def _of(network: str) -> str:
    return "digits" if network in ARCHITECTURES and ARCHITECTURES[network].reads_digits else ""


def known_in_words(picture: Picture, loaded: Loaded) -> str:
    """Which classes of a network are right for a sample, to be said before its guess; "" where that is not known."""
    if picture.uploaded or not (loaded.weights.predicts and loaded.categories):
        return ""
    network, count = loaded.architecture.title, len(loaded.categories)
    if right := SAMPLES[picture.name].known_to(loaded.categories):
        words = ", ".join(right)
        return _("Right among {network}'s {count} classes: {right}", network=network, count=count, right=words)
    return _("None of {network}'s {count} classes is right", network=network, count=count)
