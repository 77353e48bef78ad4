"""Which class the pages of this section explain, and a network that knows what it sees."""

import numpy as np
import streamlit as st

from models import Loaded
from models.options import Choice, Phrase
from pages.common import cache, routes
from pages.common.asking import ask_one, key_of
from pages.common.chooser import with_trained_weights
from pages.common.session import Selection, kept, selection, set_to
from pages.common.text import _, plain
from pages.common.widgets import computed, network_or_stop, say_if_on_cpu
from vis.figures.numbers import percent

AT_HAND = 5  # classes
PAGE = "explain"  # that keeps the class, for they have it in common


def network_that_knows() -> tuple[Selection, Loaded]:
    """The network to be explained; where it has learned nothing, beside a button for one that has."""
    chosen, loaded = network_or_stop(selection())
    could_know = chosen.network != routes.KNOWS_IMAGENET or chosen.weights == "random"
    if not loaded.weights.trained and could_know:
        st.button(
            _("Explain with EfficientNet-Lite0 instead"),
            icon=":material/school:",
            type="primary",
            key="knows",
            on_click=_take_one_that_knows,
        )
    return chosen, loaded


def _take_one_that_knows() -> None:
    routes.choose_network(routes.KNOWS_IMAGENET)
    with_trained_weights()


def probabilities(chosen: Selection) -> np.ndarray:
    """Of all classes (C,)."""
    found, on_cpu = computed(_("Asking the network …"), lambda: cache.probabilities(chosen))
    say_if_on_cpu(on_cpu)
    return found


def ask_class(chosen: Selection, loaded: Loaded, found: np.ndarray, may_be_two: bool = True) -> int | tuple[int, int]:
    """The class that is explained: those at hand are the most probable ones, the others are found by their names.

    Args:
        found: probabilities of all classes (C,).
        may_be_two: whether a second one may be asked for, which the first one is to be told from.
    """
    best = np.argsort(-found, kind="stable")
    # On another picture the most probable class is another one, so that each picture keeps its own choice.
    of = {"network": chosen.network, "of": _of(chosen), "page": PAGE}
    of["is_linked"] = kept("picture of the link", lambda: chosen.picture) == chosen.picture
    names = {int(number): _entry(loaded, int(number), found) for number in best}
    target = Choice("target", Phrase("Class"), names, int(best[0]), shown_as="list")
    against = Choice("against", Phrase("and not"), {None: "–", **names}, None, shown_as="list")
    row = st.container(horizontal=True, gap="xsmall", key="classes")
    buttons = [row.empty() for _place in best[:AT_HAND]]
    with row.popover(_("Other classes"), icon=":material/search:"):
        explained = ask_one(st, target, comes_back=True, **of)
        other = ask_one(st, against, comes_back=True, **of) if may_be_two else None
        if may_be_two:
            st.caption(
                _("With two classes, the difference of their scores is explained: why this one and not that one.")
            )
    for place, number in zip(buttons, map(int, best), strict=False):
        key = key_of("target", f"{chosen.network}/{of['of']}", PAGE)
        place.button(
            f"{plain(class_name(loaded, number))} · {percent(found[number])}",
            key=f"class {number}",
            type="primary" if number == explained else "secondary",
            on_click=set_to,
            args=(key, number),
        )
    return explained if other in (None, explained) else (explained, other)


def _of(chosen: Selection) -> str:
    """What the choice of a class belongs to: with another picture or weights, another class is the most probable."""
    return f"{chosen.picture.sha256[:12]} {chosen.picture.part} {chosen.weights[:12]}"


def _entry(loaded: Loaded, number: int, found: np.ndarray) -> str:
    """A class in the list: its name, its number, for two may have one name, and its probability."""
    return f"{class_name(loaded, number)} · {number} · {percent(found[number])}"


def class_name(loaded: Loaded, number: int) -> str:
    """A class by its name, or by its number where names are not known."""
    return loaded.categories[number] if loaded.categories else _("class {number}", number=number)
