"""The words on the screen, in English and in Vietnamese.

`_("Upload a picture")` is written where it is shown; `vi.toml` holds the Vietnamese beside the English. Long texts are
pairs of Markdown files. A test finds every phrase that has no translation.
"""

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from string import Formatter

import streamlit as st

from models.architecture import Title
from models.options import Phrase
from models.refusals import Sentence
from vis.figures.numbers import POINT, Marks, rewritten, write_with, written_with

LANGUAGES = {"en": "English", "vi": "Tiếng Việt"}
MARKS = {"en": POINT, "vi": Marks(",", ".")}


_SPOKEN: ContextVar[str | None] = ContextVar("language", default=None)  # in a run, whose session takes long to ask


def language() -> str:
    """The language of this run; outside of one, that of the session."""
    return _SPOKEN.get() or _of_session()


def _of_session() -> str:
    """The language that was chosen, or the link's, or the browser's."""
    state = st.session_state
    if chosen := state.get("chosen_language"):
        return chosen
    if "language" not in state:
        wanted = st.query_params.get("language") or (st.context.locale or "en")[:2]
        state["language"] = wanted if wanted in LANGUAGES else "en"
    return state["language"]


def choose_language() -> None:
    """The two languages to choose between."""
    st.session_state["language"] = language()  # for when these are not drawn
    st.segmented_control(
        "Language · Ngôn ngữ",
        LANGUAGES,
        format_func=LANGUAGES.get,
        default=language(),
        key="chosen_language",
        required=True,
        label_visibility="collapsed",
        width="stretch",
    )


def speak() -> None:
    """Speaks the session's language in the run that follows, and writes numbers as it does: at its beginning, and at a
    fragment's.
    """
    spoken = _of_session()
    _SPOKEN.set(spoken)
    write_with(MARKS[spoken])


@contextmanager
def spoken_in(language: str) -> Iterator[None]:
    """A `with` outside of a run that speaks this language."""
    token = _SPOKEN.set(language)
    try:
        with written_with(MARKS[language]):
            yield
    finally:
        _SPOKEN.reset(token)


class _Filling(Formatter):
    """Fills placeholders; fractions are written, and titles said, as the session's language does. Other text stays."""

    def format_field(self, value: object, form: str) -> str:
        filled = format(said(value) if isinstance(value, Title) else value, form)
        return rewritten(filled) if isinstance(value, float) else filled


def _(phrase: str, /, **values: object) -> str:
    """The phrase in the session's language, with its {placeholders} filled."""
    spoken = _vietnamese().get(phrase, phrase) if language() == "vi" else phrase
    return _Filling().vformat(spoken, (), values) if values else spoken


def spoken(words: str) -> str:
    """A `Phrase` or a `Title` in the session's language; other text, such as a layer's name, as it is."""
    if isinstance(words, Title):
        return said(words)
    return _(words) if isinstance(words, Phrase) else words


def said(sentence: Sentence) -> str:
    """A refusal, a remark or a title in the session's language."""
    return _(sentence.template, **sentence.values_said)


def prose(folder: Path, name: str) -> str:
    """A long text, Markdown, in the session's language."""
    return _read(folder / f"{name}.{language()}.md")


def plain(text: object) -> str:
    """Text from outside, such as a file's name, so that Markdown shows it as it is."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|~$:&" else c for c in str(text) if c.isprintable())


def bare(markdown: str) -> str:
    """Markdown as it is read aloud: without icons, and without what only makes it look otherwise."""
    words = re.sub(r":material/\w+:|(?<!\\)[*`]", "", markdown)
    return re.sub(r"\\([^\w\s])", r"\1", words).strip()


@lru_cache(maxsize=1)
def _vietnamese() -> dict[str, str]:
    with (Path(__file__).parent / "vi.toml").open("rb") as file:
        return tomllib.load(file)


@lru_cache(maxsize=64)
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
