"""What pages of ideas have in common: a question, a prediction before the answer, and at the end code and papers."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from models.options import Choice, Phrase
from pages.common import address
from pages.common.asking import come_back, key_of, standing
from pages.common.code import the_code
from pages.common.panels import reading
from pages.common.session import set_to
from pages.common.text import _, spoken

MODE = Choice("mode", Phrase("Mode"), {"training": Phrase("training"), "inference": Phrase("inference")})
SHOWN = "shown"  # the prediction of those who only want to see the answer


@dataclass(frozen=True)
class Question:
    """What a reader may predict before it is shown."""

    name: str
    asks: Phrase
    answers: tuple[Phrase, ...]
    right: int
    because: Phrase

    @property
    def prediction(self) -> Choice:
        """Which answer was predicted, from 1 on: remembered in the session, and said by a link."""
        numbers = map(str, range(1, len(self.answers) + 1))
        return Choice(f"{self.name}_guess", Phrase("Prediction"), {None: "", **dict.fromkeys([*numbers, SHOWN], "")})


def predicted(question: Question) -> bool:
    """Draws the question with its answers; whether the right one may be shown, for a prediction was made or passed."""
    option, page = question.prediction, address.drawn()
    key = key_of(option.name, page=page)
    come_back(option, key)
    chosen = standing(option, page)
    with st.container(border=True, key=f"question {question.name}", gap="xsmall"):
        st.markdown(f"**{spoken(question.asks)}**")
        if chosen is None:
            row = st.container(horizontal=True, gap="small", vertical_alignment="center")
            for number, answer in enumerate(question.answers, 1):
                _button(row, spoken(answer), f"{question.name} {number}", key, str(number))
            _button(row, _("Show the answer"), f"{question.name} shown", key, SHOWN, type="tertiary")
        else:
            st.markdown(_verdict(question, chosen))
            _button(st, _("Predict again"), f"{question.name} again", key, None, type="tertiary")
    return chosen is not None


def _button(place, label: str, name: str, key: str, value: str | None, **look: str) -> None:
    place.button(label, key=f"answer {name}", on_click=set_to, args=(key, value), **look)


def _verdict(question: Question, chosen: str) -> str:
    right, because = spoken(question.answers[question.right - 1]), spoken(question.because)
    if chosen == SHOWN:
        return f":material/lightbulb: **{right}.** {because}"
    if chosen == str(question.right):
        return f":material/check_circle: {_('You predicted it:')} **{right}.** {because}"
    guess = spoken(question.answers[int(chosen) - 1])
    return f":material/cancel: {_('You predicted “{guess}”; it is:', guess=guess)} **{right}.** {because}"


def close_lesson(code: str, texts: Path, name: str) -> None:
    """The end of a page: the idea in some lines of PyTorch, and the papers."""
    the_code(code)
    reading(_("What to keep, and the papers"), texts, name)
