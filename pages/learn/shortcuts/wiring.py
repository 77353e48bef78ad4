"""A residual net whose shortcut is wired wrongly: make one, or find what is wrong with a hidden one."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
import torch

from models.options import Choice, Number, Phrase
from pages.common import address, cache
from pages.common.asking import ask_live, ask_one, come_back, fragment, key_of, standing
from pages.common.components.sliders import Frame, Results
from pages.common.session import set_to
from pages.common.text import _, language, spoken
from pages.learn.lesson import Question, predicted
from pages.learn.stacks import curves, look, scales_of
from vis.concepts.depth import Moment, Stack
from vis.figures.numbers import percent, scientific

QUESTION = Question(
    "misprint",
    Phrase("In a net of 32 layers, someone wrote “f * x” where “f + x” was meant. How does it train?"),
    (Phrase("better than the plain net"), Phrase("like the plain net"), Phrase("worse than it")),
    3,
    Phrase(
        "0 times x is 0: each block's ReLU cuts about half of what is left, for good. After some ten blocks all is 0."
    ),
)
DEPTH, STEPS, RATE = 32, 60, 0.05
LINES = {  # the last line of a block, by its junction
    "inner": "y = relu(f + h)",
    "doubled": "y = relu(f + f)",
    "product": "y = relu(f * x)",
    "minus": "y = relu(f - x)",
    "detached": "y = relu(f + x.detach())",
}
BLOCK = """\
h = relu(norm(first(x)))
f = norm(second(h))
{last}
"""
HIDDEN = "hidden"
WIRING = Choice("wiring", Phrase("Last line of the block"), {HIDDEN: Phrase("hidden: find it"), **LINES})
CASE = Number("case", Phrase("Hidden net"), 1, 1, 999)
GUESS = Choice("suspect", Phrase("Suspect"), {None: "", **dict.fromkeys(LINES, "")})
SEED = Number("wiring_seed", Phrase("Seed"), 1, 1, 999)
STEP = Number("wiring_step", Phrase("Training step"), 0, 0, STEPS, marks=(0, 20, 40, 60))
WHY = {
    "inner": Phrase("h takes the place of x: the shortcut leads around the second layer only, and the first has no 1."),
    "doubled": Phrase(
        "f is added to itself: there is no shortcut. The next norm takes the factor 2 back: it learns as a plain net."
    ),
    "product": Phrase("What a ReLU has cut stays 0, for 0 times x is 0: soon all is cut off, and no gradient is left."),
    "minus": Phrase("The ReLU cuts f − x wherever x is larger than f: hardly anything of x is handed on."),
    "detached": Phrase("Forward it is right, to the last digit; but the shortcut hands back no gradient."),
}


@fragment
def misprints() -> None:
    """The question; once predicted, a net with a wrong line beside the plain and the right one."""
    st.header(_("A misprint to find"), anchor="misprint")
    if not predicted(QUESTION):
        st.caption(_("Nets to make and to find the misprint in: shown once you have predicted."))
        return
    code, drawing, below = st.columns([2, 3], gap="large"), st.container(), st.container()
    with below.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="row of wiring"):
        wiring, seed = ask_one(st, WIRING), ask_one(st, SEED, width=125)
        junction = _hidden() if wiring == HIDDEN else wiring
    is_found = wiring != HIDDEN or _guess() == junction
    with code[0]:
        st.code(BLOCK.format(last=LINES[junction] if is_found else "y = relu(?)"), language="python")
    with code[1]:
        if wiring == HIDDEN:
            _suspects(junction)
        else:
            st.markdown(spoken(WHY[wiring]))
    with drawing:
        _draw(junction, seed, LINES[junction] if is_found else "?")


def hidden(case: int) -> str:
    """The wrong junction of the hidden net of this number."""
    generator = torch.Generator().manual_seed(case)
    return [*LINES][int(torch.randint(len(LINES), (1,), generator=generator))]


def _hidden() -> str:
    """The wrong junction of the hidden net, with a button for another one."""
    key, page = key_of(CASE.name), address.drawn()
    come_back(CASE, key)
    case = standing(CASE, page)

    def another() -> None:
        set_to(key, case % CASE.most + 1)
        set_to(key_of(GUESS.name, page=page), None)

    st.button(_("Another hidden net"), icon=":material/casino:", key="another net", on_click=another)
    return hidden(case)


def _guess() -> str | None:
    key = key_of(GUESS.name)
    come_back(GUESS, key)
    return standing(GUESS, address.drawn())


def _suspects(junction: str) -> None:
    """A button for each line that may be the wrong one, and what is to be said of the one that was suspected."""
    guess, key = _guess(), key_of(GUESS.name)
    st.markdown(_("**Which line does the orange net have?** Compare its loss, its gradients and its deviations."))
    row = st.container(horizontal=True, gap="small")
    for name, line in LINES.items():
        row.button(f"`{line}`", key=f"suspect {name}", on_click=set_to, args=(key, name))
    if guess == junction:
        st.markdown(f":material/check_circle: **{_('Found.')}** {spoken(WHY[guess])}")
    elif guess:
        wrong = _("Not that one. With it you would see:")
        st.markdown(f":material/cancel: {wrong} {spoken(WHY[guess])}")


def _draw(junction: str, seed: int, line: str) -> None:
    """Three nets that learn: without a shortcut, with a right one, and with this one."""
    with st.spinner(_("Training three nets …")):
        stacks = [Stack(DEPTH, each, is_normed=True) for each in ("plain", "residual", junction)]
        nets = [cache.learnt(stack, seed, RATE, STEPS) for stack in stacks]
    scales = scales_of([moment for net in nets for moment in net], "signals")

    def frame(values: Mapping[str, Any]) -> Frame:
        moments = [net[min(values["wiring_step"], len(net) - 1)] for net in nets]
        return {"readings": [_reading(each) for each in moments], "curves": curves(moments, "signals", DEPTH, scales)}

    names = [_("plain: y = relu(f)"), _("right: y = relu(f + x)"), _("this net: {line}", line=line)]
    about = ("wirings", junction, seed, line, language())
    ask_live(st.container(), STEP, of="wiring", results=Results(look(names, "signals"), frame, about, "wiring_step"))
    st.caption(
        _(
            "Stacks of {depth} layers as on the page “Depth”, with ReLU, He's start, batch norm and a learning rate of "
            "{rate}; all three start from the same weights.",
            depth=DEPTH,
            rate=scientific(RATE),
        )
    )


def _reading(moment: Moment) -> list:
    return [scientific(moment.loss, 3), _("loss; {error} wrong", error=percent(moment.error, 0)), []]
