"""How the weights of a visitor's own file were trained: asked for below the file, where it is not as usual."""

import streamlit as st

from models.architecture import Architecture
from models.statefile import printable
from models.trained import LEAST_SIDE, MOST_SIDE, Trained
from pages.common.session import keep, kept
from pages.common.text import _, plain

LETTERS = 100_000  # of all names of classes


def ask_training(architecture: Architecture, digest: str) -> None:
    """The fields, for the file with this sha256; what is left empty is as usual for the network."""
    usual, key = architecture.preprocess_of({}), f"{architecture.name} {digest}"
    look = {"persist_state": "session"}
    with st.expander(_("How they were trained")):
        st.caption(_("Leave empty what is as usual for {network}.", network=architecture.title))
        side = st.number_input(
            _("Side of the pictures, pixels"),
            LEAST_SIDE,
            MOST_SIDE,
            None,
            key=f"side/{key}",
            placeholder=str(usual.crop),
            **look,
        )
        mean, std = (
            _numbers(st.text_input(label, key=f"{name}/{key}", placeholder=", ".join(map(str, values)), **look))
            for name, label, values in (
                ("mean", _("Mean of each channel, 0 to 1"), usual.mean),
                ("std", _("Standard deviation of each channel"), usual.std),
            )
        )
        names = st.text_area(_("Names of the classes, one per line"), key=f"classes/{key}", max_chars=LETTERS, **look)
    classes = tuple(printable(line.strip()) for line in (names or "").splitlines() if line.strip())
    keep(f"training {key}", Trained(side, mean, std, classes))


def training(network: str, digest: str) -> Trained:
    """What was said of that file for that network."""
    return kept(f"training {network} {digest}", Trained)


def _numbers(text: str | None) -> tuple[float, ...]:
    """The numbers of a text such as "0.5, 0.5, 0.5"; one that is none is said beside its field."""
    try:
        return tuple(float(word) for word in (text or "").replace(",", " ").replace(";", " ").split())
    except ValueError:
        st.error(
            _("“{text}” is no list of numbers with commas between them.", text=plain(text)), icon=":material/error:"
        )
        return ()
