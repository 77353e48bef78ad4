"""The address of what is on the screen, and the link that opened this session.

What is drawn notes what it is set to; when a run has come to its end, the address is made of all that was noted. A
fragment that runs by itself notes its own part anew, and the others' stay.

A value that cannot be is named on the page. A name that no page reads leaves the address without a word: mail programs
and social networks add such names to a link, and its visitor can do nothing about them.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from models.statefile import printable
from pages.common.framing import forget_parts
from pages.common.session import keep, kept
from pages.common.text import LANGUAGES, _, plain

PAGE = "page"  # the part of a whole run


@dataclass
class _Noted:
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    drawing: list[str] = field(default_factory=list)  # the parts that are being drawn, the innermost last
    is_held: bool = False
    begun_with: Mapping[str, str] = field(default_factory=dict)  # the address, when the run began
    impossible: dict[tuple[str, str], bool] = field(default_factory=dict)  # of the link, and whether it was said


def _noted() -> _Noted:
    return kept("address", _Noted)


def begin(page: str) -> None:
    """Says which page is drawn from now on; the first one of a session is that which its link opened.

    A slider that was held when another one was left is not held any more.
    """
    if drawn() != page:
        hold(False)
        forget_parts()
    kept("page of the link", lambda: page)
    keep("page", page)
    if (wanted := link().get("language", "en")) not in LANGUAGES:
        leave_out(_("language"), wanted)


def drawn() -> str:
    """The page that is drawn."""
    return kept("page", str)


def link() -> Mapping[str, str]:
    """The link that opened this session; what it says of the frame holds for every page."""
    return kept("link", st.query_params.to_dict)


def opened_with() -> Mapping[str, str]:
    """What the link that opened this session says of the page that is drawn: nothing, where it opened another one."""
    return link() if drawn() == kept("page of the link", str) else {}


def is_about(network: str) -> bool:
    """Whether the link that opened this session is to this page and network, so that its details are of these."""
    return opened_with().get("network") == network


def forget(name: str) -> None:
    """Leaves out what the link that opened this session says of this: it has had its say."""
    kept("link", st.query_params.to_dict).pop(name, None)


def suppose(name: str, text: str) -> None:
    """Makes this what the link that opened this session says of it, where what it said cannot be."""
    kept("link", st.query_params.to_dict)[name] = text


def leave_out(what: str, text: str) -> None:
    """Says once, at the next end of a run, that the link says something of this that cannot be."""
    _noted().impossible.setdefault((what, printable(text)), False)


def returned() -> Mapping[str, str] | None:
    """What the address said when the visitor came here by Back or Forward; None in every other run.

    In these runs Streamlit writes over the entry of the browser's history instead of adding one.
    """
    context = get_script_run_ctx()
    return _noted().begun_with if context and context.is_history_navigation else None


def now(name: str) -> str | None:
    """What the address says of this now; where one page leads to another, that is what it asked for."""
    return st.query_params.get(name)


def note(**values: object) -> None:
    """Adds to the address, from the next end of a run on; what is None leaves it."""
    noted = _noted()
    part = noted.parts.setdefault(noted.drawing[-1] if noted.drawing else PAGE, {})
    for name, value in values.items():
        if value is None:
            part.pop(name, None)
        else:
            part[name] = str(value)


def stay(*names: str, of: Iterable[str]) -> None:
    """Leaves in the address what it says of these, for what shows them is not on the page yet.

    Args:
        of: what they are about; where it is no longer as the address says, they leave it.
    """
    noted = _noted().parts[PAGE]
    if all(noted.get(name) == now(name) for name in of):
        note(**{name: now(name) for name in names})


def hold(is_held: bool) -> None:
    """Leaves the address as it is while a slider is dragged: what is on the way is no place to come back to."""
    _noted().is_held = is_held


def is_held() -> bool:
    """Whether a slider is being dragged."""
    return _noted().is_held


@contextmanager
def part(name: str = PAGE) -> Iterator[None]:
    """A `with` that draws one part of the page; the outermost one ends by writing the address.

    A run that is broken off, by a refusal or because it begins anew, leaves the address as it was.
    """
    noted = _noted()
    if name == PAGE:
        noted.parts, noted.drawing, noted.begun_with = {}, [], st.query_params.to_dict()
    noted.parts[name] = {}
    noted.drawing.append(name)
    try:
        yield
    finally:
        noted.drawing.pop()
    if not noted.drawing and not noted.is_held:
        wanted = {name: text for part in noted.parts.values() for name, text in part.items()}
        if st.query_params.to_dict() != wanted:
            st.query_params.from_dict(wanted)
        _say_what_was_left_out(noted)


def _say_what_was_left_out(noted: _Noted) -> None:
    for (what, text), is_said in noted.impossible.items():
        if not is_said:
            words = _(
                "The link's value “{text}” for “{what}” is not possible, so it was ignored.", text=text, what=what
            )
            st.toast(plain(words), icon=":material/link_off:", duration="long")
            noted.impossible[what, text] = True
