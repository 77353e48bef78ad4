"""The pictures behind the numbers of one network, where CIFAR-10 is on this machine."""

import streamlit as st

from models.images import png
from models.picture_sets import PictureSet
from models.refusals import Refused
from pages.common import cache
from pages.common.panels import small_tiles
from pages.common.progress import watch
from pages.common.text import _, plain, said
from pages.learn.arena.answers import found, job_of, look, pixels, stop_others
from pages.learn.cifar10 import say_where_to_get_it
from vis.cost.training import Entrant
from vis.figures.numbers import percent
from vis.mistakes import Answers

CERTAIN, SIDE = 12, 64


def mistakes(entrant: Entrant) -> None:
    """What the network answered to the test pictures: its most certain mistakes."""
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
    stop_others(entrant, pictures)
    job = job_of(entrant, pictures)
    if job and job.running:
        words = _("{network} looks at the test pictures …", network=entrant.title)
        watch(lambda: job, lambda _job: words, "stop looking", lambda: None)
        return
    answers = found(entrant, pictures)
    if job and job.result:
        st.rerun()  # it ended while the page was drawn: the table above, too, shall have its pictures
    if answers:
        _shown(entrant, pictures, answers)
    else:
        _ask(entrant, pictures, bool(job and job.failed))


def _ask(entrant: Entrant, pictures: PictureSet, failed: bool) -> None:
    if failed:
        st.error(_("This failed; press the button to try again."), icon=":material/error:")
    if st.button(_("Show its mistakes"), icon=":material/image_search:", key="show mistakes"):
        look(entrant, pictures)
        st.rerun()
    st.caption(_("It then answers to all {count} test pictures, within a minute or so.", count=len(pictures.ids)))


# What it answered ------------------------------------------------------------------------------------------------


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
        place.image(png(pixels(pictures, number, SIDE)), width="stretch", alt=right)
        place.caption(
            _(
                "{right}, taken for {answer} with {share}",
                right=plain(right),
                answer=plain(answer),
                share=percent(float(answers.share[number])),
            )
        )
