"""How networks learn, epoch by epoch."""

from collections.abc import Sequence

import streamlit as st

from models import ARCHITECTURES
from models.options import Choice, Phrase, Several
from pages.common.asking import ask_one, fragment
from pages.common.panels import chart
from pages.common.text import _, spoken
from vis.cost.training import Entrant
from vis.figures.arena import learning, points_of_percent

LAST = 4  # epochs of the cycle
USUAL = ("cifar_lenet5", "cifar_vgg", "cifar_plain20", "cifar_resnet20", "cifar_mobilenet_half")
ACROSS = Choice(
    "over",
    Phrase("Over"),
    {"epochs": Phrase("epochs"), "core_seconds": Phrase("training time"), "flop": Phrase("training compute")},
)
AXES = {
    "epochs": Phrase("Epochs"),
    "core_seconds": Phrase("Training time on one core, seconds"),
    "flop": Phrase("Training compute, PFLOP"),
}


@fragment
def learning_curves(entrants: Sequence[Entrant], is_answered: bool) -> None:
    """The accuracy of the chosen networks after every epoch, which would give the page's question away."""
    st.header(_("Learning curves"), anchor="curves")
    if not is_answered:
        st.caption(_("The curves give the answer to the question away: they appear once you have predicted."))
        return
    titles = {entrant.name: entrant.title for entrant in entrants}
    drawing = st.container()
    over = ask_one(st, ACROSS)
    shown = Several("curves", Phrase("Networks"), titles, tuple(name for name in USUAL if name in titles))
    chosen = ask_one(st, shown)
    if not chosen:
        drawing.info(_("Choose at least one network."), icon=":material/show_chart:")
        return
    found = [entrant for entrant in entrants if entrant.name in chosen]
    words = {"across": spoken(AXES[over]), "axis": _("Top-1 accuracy on the test pictures")}
    with drawing:
        chart(
            learning(found, [ARCHITECTURES[entrant.name].family for entrant in found], over, words),
            "learning",
            _("The accuracy of {count} networks after every epoch.", count=len(found)),
        )
    gains = [log[-1].top1 - log[-1 - LAST].top1 for log in (entrant.training.log for entrant in found)]
    st.caption(
        _(
            "While the learning rate is high, accuracy jumps up and down; the last {last} epochs, in which it falls to "
            "almost nothing, bring these networks {least} to {most} points. Time is that of one processor core, "
            "without the tests after each epoch.",
            last=LAST,
            least=points_of_percent(min(gains)),
            most=points_of_percent(max(gains)),
        )
    )
