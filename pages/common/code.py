"""“The code”: a few lines of Python that make what a page shows, for a notebook beside the app."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from models import ARCHITECTURES
from models.images import MIDDLE
from models.trained import AS_USUAL
from pages.common.panels import folded
from pages.common.session import PUBLIC_WEIGHTS, Selection
from pages.common.text import _

NETWORK = """\
from models import load

loaded = load({network!r}, {options})
"""
OWN = "import vis.own  # by which load() knows networks that are not listed\n"
SAMPLE = """\
from models.samples import SAMPLES

content = SAMPLES[{name!r}].content()
"""
FILE = """\
from pathlib import Path

content = Path({name!r}).read_bytes()
"""
PICTURE = """\
from models.decoding import decoded
from models.images import shown_at

image = loaded.{prepared}({picture})  # (1, C, H, W)
"""


def the_code(code: str, opening: str = "", **values: object) -> None:
    """The code of a page, folded up.

    Args:
        code: Python with {placeholders} for the values; `!r` writes them as Python does.
        opening: Python that comes first, such as that of `network_code` or `picture_code`.
    """
    written = tidied(f"{opening}\n{code.format(**values)}")

    def draw() -> None:
        st.caption(_("It runs in a notebook or a script in ConvScope's folder."))
        st.code(written, language="python")

    folded(_("The code"), "code", "code", draw)


def network_code(network: str, weights: str, **options: object) -> str:
    """Opens a network.

    Args:
        weights: as of a `Selection`.
        options: its own, where they are not as usual.
    """
    weights = weights if weights in PUBLIC_WEIGHTS else "your-weights.pt"
    code = NETWORK.format(network=network, options=arguments({"weights": weights} | options))
    return code if network in ARCHITECTURES else f"{OWN}{code}"


def picture_code(chosen: Selection, prepared: str = "preprocess") -> str:
    """Opens the network and the picture of a selection, and makes the image that the network is shown.

    Args:
        prepared: how; or "classifier_input", at the side at which the network classifies.
    """
    picture = chosen.picture
    moved = "decoded(content)" if picture.part == MIDDLE else f"shown_at(decoded(content), {picture.part})"
    opened = (FILE if picture.uploaded else SAMPLE).format(name=picture.name)
    image = PICTURE.format(picture=moved, prepared=prepared)
    if picture.part == MIDDLE:
        image = image.replace("from models.images import shown_at\n", "")
    return selection_code(chosen) + opened + image


def selection_code(chosen: Selection) -> str:
    """Opens the network of a selection, with its pictures as its weights were trained."""
    trained = replace(chosen.trained, classes=())  # which change no picture
    if trained == AS_USUAL:
        return network_code(chosen.network, chosen.weights)
    return "from models.trained import Trained\n" + network_code(chosen.network, chosen.weights, trained=trained)


def arguments(values: Mapping[str, object]) -> str:
    """Values by their names, as Python passes them on."""
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def tidied(code: str) -> str:
    """The code with its imports first, each once and in alphabetical order."""
    lines = code.splitlines()
    imports = sorted(
        {line for line in lines if line.startswith(("import ", "from "))}, key=lambda line: line.split()[1]
    )
    others = [line for line in lines if line and not line.startswith(("import ", "from "))]
    return "\n".join([*imports, "", *others])
