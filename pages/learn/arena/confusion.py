"""What one network takes for what, and the pictures of a cell of that table."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from models.images import png
from models.options import Choice, Phrase
from models.picture_sets import PictureSet
from models.refusals import Refused
from pages.common import cache
from pages.common.asking import ask_one, fragment, key_of
from pages.common.export import download, table
from pages.common.panels import chart
from pages.common.session import keep, kept, set_to, value_of
from pages.common.text import _, plain
from pages.learn.arena.answers import found, is_looking, look, pixels
from vis.cost.training import Entrant
from vis.figures.arena import taken_for
from vis.figures.pictures import montage
from vis.mistakes import Answers

FIGURE, BEGUN = "confusion", "arena looks"
RIGHT, ANSWER = "right", "answer"
IN_CELL, COLUMNS, SIDE = 40, 10, 64


@fragment
def confusion(entrant: Entrant) -> None:
    """The table; where CIFAR-10 is on this machine, also the pictures of the cell that was clicked."""
    st.markdown(f"**{_('What it takes for what')}**")
    training = entrant.training
    if training.confusion is None:
        st.info(_("The test pictures have not been counted for this network yet."), icon=":material/grid_off:")
        return
    counts, classes, pictures = np.array(training.confusion), training.categories, _pictures()
    if kept(BEGUN, bool):
        keep(BEGUN, False)
        st.rerun()  # so that the page says how far it is
    words = {"right": _("right class"), "answer": _("answer")}
    wrong = counts - np.diag(counts.diagonal())
    right, answer = np.unravel_index(wrong.argmax(), wrong.shape)
    chart(
        taken_for(counts, classes, words, dark=st.context.theme.type == "dark"),
        FIGURE,
        _("A table of ten classes and ten answers: how many of 1,000 test pictures of a class got which answer."),
        on_select=(lambda: _open(entrant, pictures)) if pictures else "ignore",
        selection_mode="points",
    )
    st.caption(
        _(
            "Of 1,000 test pictures of each class. The most frequent mistake: {count} times {answer} for {right}.",
            count=int(wrong[right, answer]),
            answer=plain(classes[answer]),
            right=plain(classes[right]),
        )
    )
    if pictures:
        _cell(pictures, found(entrant, pictures), classes)
    rows = [
        {"right": classes[i], "answer": classes[j], "pictures": int(count)} for (i, j), count in np.ndenumerate(counts)
    ]
    download(
        st, _("Confusions (CSV)"), lambda: table(rows), f"convscope-{entrant.name}-confusions.csv", "confusions csv"
    )


def _pictures() -> PictureSet | None:
    try:
        return cache.cifar10_pictures()
    except Refused:  # which the page says where it shows mistakes
        return None


def _open(entrant: Entrant, pictures: PictureSet) -> None:
    """Chooses the cell that was clicked; where the network has not looked at the pictures yet, it begins to."""
    cells = [point["customdata"] for point in value_of(FIGURE).selection.points if "customdata" in point]
    if not cells:
        return
    for name, number in zip((RIGHT, ANSWER), cells[0], strict=True):
        set_to(key_of(name), str(number))
    if found(entrant, pictures) is None and not is_looking(entrant, pictures):
        look(entrant, pictures)
        keep(BEGUN, True)


def _cell(pictures: PictureSet, answers: Answers | None, classes: Sequence[str]) -> None:
    """The pictures of one class with one answer."""
    if answers is None:
        st.caption(
            _("A click on a cell shows its pictures here; the network looks at all test pictures first, see below.")
        )
        return
    st.markdown(f"**{_('The pictures of a cell')}**")
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (answers.right, answers.answer), 1)
    np.fill_diagonal(counts, 0)
    usual = np.unravel_index(counts.argmax(), counts.shape)
    names = {str(number): name for number, name in enumerate(classes)}
    options = [
        Choice(name, label, names, str(at), shown_as="list")
        for name, label, at in zip((RIGHT, ANSWER), (Phrase("Right class"), Phrase("Answer")), usual, strict=True)
    ]
    row = st.container(horizontal=True, gap="medium", key="row of a cell")
    right, answer = (int(ask_one(row, option, width=180)) for option in options)
    those = answers.of_cell(right, answer)
    if not len(those):
        st.caption(_("There is none."))
        return
    tiles = [pixels(pictures, number) for number in those[:IN_CELL]]
    words = _("{count} of the original pictures, the most certain answers first.", count=len(those))
    st.image(png(montage(tiles, COLUMNS, SIDE)), alt=words)
    more = " " + _("The first {shown} are shown.", shown=IN_CELL) if len(those) > IN_CELL else ""
    st.caption(_("A click on a cell of the table chooses both.") + " " + words + more)
