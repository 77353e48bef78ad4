"""All trained networks vote on one picture."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from models import ARCHITECTURES
from models.decoding import PictureRefused
from models.images import png
from models.trained import AS_USUAL
from pages.common import cache
from pages.common.asking import fragment
from pages.common.chooser import choose_picture
from pages.common.panels import wrapped
from pages.common.session import Selection, selection
from pages.common.text import _, plain, said
from pages.common.words import name_of
from vis.cost.training import Entrant
from vis.figures.numbers import percent

SHOWN = 160  # pixels, five for each of theirs


@fragment
def all_vote(entrants: Sequence[Entrant]) -> None:
    """A picture, a row for the answer of each network, and how many agree."""
    st.header(_("All of them vote"), anchor="votes")
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="picture to vote on")
    picture = choose_picture(row, selection().network)
    if picture.sha256 != selection().picture.sha256:  # chosen in this fragment: the frame and the address follow
        st.rerun()
    chosen = replace(selection(), network=entrants[0].name, weights="shipped", picture=picture, trained=AS_USUAL)
    classes = entrants[0].training.categories
    try:
        small = _as_seen(chosen)
        found = cache.votes(chosen, tuple(entrant.name for entrant in entrants))
    except PictureRefused as refusal:
        st.error(plain(said(refusal)), icon=":material/error:")
        return
    left, right = st.columns([1, 2.4], gap="medium")
    left.image(png(small), width=SHOWN, alt=_("{picture}, 32×32 pixels", picture=name_of(chosen.picture)))
    left.caption(
        _(
            "All that they see: 32×32 pixels. They know ten classes only and must choose one of them, whatever the "
            "picture shows: {classes}.",
            classes=", ".join(classes),
        )
    )
    with right:
        _tally(np.array(list(found.values())), classes)
        wrapped([_("network"), _("answer"), _("second")], list(map(_row, entrants, found.values())), "votes")


def _as_seen(chosen: Selection) -> np.ndarray:
    """The chosen picture as these networks see it, each pixel five times as wide."""
    preprocess = ARCHITECTURES[chosen.network].preprocess
    pixels = preprocess.for_the_eye(preprocess(cache.picture(chosen)))
    times = SHOWN // pixels.shape[0]
    return pixels.repeat(times, 0).repeat(times, 1)


def _tally(probabilities: np.ndarray, classes: Sequence[str]) -> None:
    """How many chose what, and what the mean of their probabilities says."""
    counts = Counter(probabilities.argmax(1).tolist()).most_common()
    mean = probabilities.mean(0)
    st.markdown(
        _(
            "**{tally}**. The mean of their probabilities: {answer}, {share}.",
            tally=" · ".join(f"{count} × {plain(classes[number])}" for number, count in counts),
            answer=plain(classes[mean.argmax()]),
            share=percent(float(mean.max())),
        )
    )


def _row(entrant: Entrant, probabilities: Sequence[float]) -> list[str]:
    best, second = np.argsort(probabilities)[::-1][:2]
    classes = entrant.training.categories
    shares = (f"{classes[number]}, {percent(probabilities[number])}" for number in (best, second))
    return [entrant.title, *shares]
