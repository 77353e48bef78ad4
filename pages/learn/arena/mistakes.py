"""The pictures behind the numbers of one network, where CIFAR-10 is on this machine."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from models.images import png
from models.options import Choice, Phrase
from models.picture_sets import PictureSet
from models.refusals import Refused
from pages.common import cache
from pages.common.asking import ask_one, fragment
from pages.common.jobs import Job
from pages.common.panels import small_tiles
from pages.common.progress import watch
from pages.common.session import keep_among, kept, selection
from pages.common.text import _, plain, said
from pages.learn.cifar10 import say_where_to_get_it
from vis.cost.training import Entrant
from vis.figures.numbers import percent
from vis.figures.pictures import montage
from vis.mistakes import Answers

JOBS, ANSWERS = "arena jobs", "arena answers"
MOST_KEPT = 4  # networks whose answers a session keeps
AT_MOST = 900  # seconds
CERTAIN, IN_CELL, COLUMNS, SIDE = 12, 40, 10, 64


def mistakes(entrant: Entrant) -> None:
    """What the network answered to the test pictures: its most certain mistakes, and those of any cell."""
    st.header(_("The pictures behind it"), anchor="pictures")
    try:
        pictures = cache.cifar10_pictures()
    except Refused as refusal:
        st.error(plain(said(refusal)), icon=":material/error:")
        return
    if pictures is None:
        say_where_to_get_it(
            _(
                "CIFAR-10's pictures do not ship with the app. Once they are on this machine, the most certain "
                "mistakes and the pictures of every cell appear here."
            )
        )
        return
    if answers := _answers(entrant, pictures):
        _shown(entrant, pictures, answers)


def _answers(entrant: Entrant, pictures: PictureSet) -> Answers | None:
    """What it answers to all of them, once it was asked for; until then a button, or how far it is."""
    key = entrant.name, pictures.fingerprint
    if found := kept(ANSWERS, dict).get(key):
        return found
    jobs: dict[tuple[str, str], Job] = kept(JOBS, dict)
    for other in [other for other in jobs if other != key]:
        jobs.pop(other).stop()
    job, device = jobs.get(key), selection().device
    if job and job.running:
        words = _("{network} looks at the test pictures …", network=entrant.title)
        watch(lambda: job, lambda _job: words, "stop looking", lambda: None)
        return None
    if job and job.result:
        keep_among(ANSWERS, key, jobs.pop(key).result, MOST_KEPT)
        return kept(ANSWERS, dict)[key]
    if job and job.failed:
        st.error(_("This failed; press the button to try again."), icon=":material/error:")
    if st.button(_("Show its mistakes"), icon=":material/image_search:", key="show mistakes"):
        jobs[key] = Job(
            lambda report, stopped: cache.answered(entrant.name, device, pictures, report, stopped), AT_MOST
        )
        st.rerun()
    st.caption(_("It then answers to all {count} test pictures, within a minute or so.", count=len(pictures.ids)))
    return None


# What it answered ------------------------------------------------------------------------------------------------


@fragment
def _shown(entrant: Entrant, pictures: PictureSet, answers: Answers) -> None:
    classes = entrant.training.categories
    st.markdown(
        _(
            "On these, the **original pictures**, {network} is right on {share}; on the recoded ones, {ours}.",
            network=entrant.title,
            share=percent(answers.accuracy, 2),
            ours=percent(entrant.training.top1 / 100, 2),
        )
    )
    st.markdown(f"**{_('Most certain mistakes')}**")
    worst = answers.mistakes()[:CERTAIN]
    for place, number in zip(small_tiles("mistakes", len(worst)), worst, strict=True):
        right, answer = classes[answers.right[number]], classes[answers.answer[number]]
        place.image(png(_pixels(pictures, number, SIDE)), width="stretch", alt=right)
        place.caption(
            _(
                "{right}, taken for {answer} with {share}",
                right=plain(right),
                answer=plain(answer),
                share=percent(float(answers.share[number])),
            )
        )
    _cell(pictures, answers, {str(number): name for number, name in enumerate(classes)})


def _cell(pictures: PictureSet, answers: Answers, classes: Mapping[str, str]) -> None:
    """The pictures of one class with one answer."""
    st.markdown(f"**{_('The pictures of a cell')}**")
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (answers.right, answers.answer), 1)
    np.fill_diagonal(counts, 0)
    usual = np.unravel_index(counts.argmax(), counts.shape)
    options = [
        Choice(name, label, classes, str(at), shown_as="list")
        for name, label, at in zip(("right", "answer"), (Phrase("Right class"), Phrase("Answer")), usual, strict=True)
    ]
    row = st.container(horizontal=True, gap="medium", key="row of a cell")
    right, answer = (int(ask_one(row, option, width=180)) for option in options)
    found = answers.of_cell(right, answer)
    if not len(found):
        st.caption(_("There is none."))
        return
    tiles = [_pixels(pictures, number) for number in found[:IN_CELL]]
    words = _("{count} pictures, the most certain answers first.", count=len(found))
    st.image(png(montage(tiles, COLUMNS, SIDE)), alt=words)
    st.caption(words + (" " + _("The first {shown} are shown.", shown=IN_CELL) if len(found) > IN_CELL else ""))


def _pixels(pictures: PictureSet, number: int, side: int | None = None) -> np.ndarray:
    """A picture, (h, w, 3); with a side, enlarged to it pixel by pixel."""
    pixels = np.asarray(pictures.open(pictures.ids[number]))
    times = side // pixels.shape[0] if side else 1
    return pixels.repeat(times, 0).repeat(times, 1)
