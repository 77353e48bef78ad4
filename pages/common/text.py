"""The words on the screen, in English and in Vietnamese.

`_("Upload a picture")` is written where it is shown; `vi.toml` holds the Vietnamese beside the English. Long texts are
pairs of Markdown files. A test finds every phrase that has no translation.
"""

import tomllib
from functools import lru_cache
from pathlib import Path

import streamlit as st

from models.options import Phrase
from models.refusals import Sentence

LANGUAGES = {"en": "English", "vi": "Tiếng Việt"}


def language() -> str:
    """The language of this session: chosen, or the link's, or the browser's."""
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


def _(phrase: str, /, **values: object) -> str:
    """The phrase in the session's language, with its {placeholders} filled."""
    spoken = _vietnamese().get(phrase, phrase) if language() == "vi" else phrase
    return spoken.format(**values) if values else spoken


def spoken(words: str) -> str:
    """A `Phrase` in the session's language; other text, such as a layer's name, as it is."""
    return _(words) if isinstance(words, Phrase) else words


def said(sentence: Sentence) -> str:
    """A refusal or a remark in the session's language."""
    return _(sentence.template, **sentence.values_said)


def prose(folder: Path, name: str) -> str:
    """A long text, Markdown, in the session's language."""
    return _read(folder / f"{name}.{language()}.md")


def plain(text: object) -> str:
    """Text from outside, such as a file's name, so that Markdown shows it as it is."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|~$:&" else c for c in str(text) if c.isprintable())


@lru_cache(maxsize=1)
def _vietnamese() -> dict[str, str]:
    with (Path(__file__).parent / "vi.toml").open("rb") as file:
        return tomllib.load(file)


@lru_cache(maxsize=64)
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
