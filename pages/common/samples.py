"""The sample that is chosen, which is another one for networks that read digits; and what a network knows of it."""

from typing import Any

from models import ARCHITECTURES, Loaded
from models.options import Choice, Phrase
from models.samples import SAMPLES, samples_for
from pages.common import address
from pages.common.asking import FRAME, key_of
from pages.common.session import PICTURE_FILE, Picture, set_to, take_file
from pages.common.text import _
from vis.figures.numbers import grouped

NAME = "sample"


def sample_choice(network: str) -> Choice:
    """The samples from which one is chosen for a network: those first for which it was made."""
    samples = samples_for(ARCHITECTURES[network])
    return Choice(NAME, Phrase("Sample"), {s.name: s.title for s in samples}, shown_as="list")


def about_sample(network: str, usual_network: str) -> dict[str, Any]:
    """How to ask for it: networks that read digits and others keep one each, and a link speaks of its network's."""
    of_link = address.link().get("network", usual_network)
    return {"of": _of(network), "page": FRAME, "is_linked": _of(of_link) == _of(network)}


def take_sample(name: str, network: str) -> None:
    """Makes this sample the picture for a network, and those like it."""
    take_file(PICTURE_FILE, None)
    address.forget(NAME)
    set_to(key_of(NAME, _of(network), FRAME), name)


def _of(network: str) -> str:
    known = ARCHITECTURES.get(network)
    return "digits" if known and known.reads_digits else ""


def known_in_words(picture: Picture, loaded: Loaded) -> str:
    """Which classes of a network are right for a sample, to be said before its guess; "" where that is not known."""
    if picture.uploaded or not (loaded.weights.predicts and loaded.categories):
        return ""
    network, count = loaded.architecture.title, grouped(len(loaded.categories))
    if right := SAMPLES[picture.name].known_to(loaded.categories):
        words = ", ".join(right)
        return _("Right answers among {network}'s {count} classes: {right}", network=network, count=count, right=words)
    return _("None of {network}'s {count} classes fits this picture", network=network, count=count)
