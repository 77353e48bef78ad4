"""Parts of a page that are drawn anew by themselves: each in a container of its own, and gone with their page."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests, ScriptRequestType


def framed(draw: Callable[..., None]) -> Callable[..., None]:
    """What draws, as `st.fragment` gives it, but in a container of its own.

    When a fragment begins anew, Streamlit drops of it what is drawn and not yet sent. What came after it in the same
    container would then have no place in the browser, and the whole page would turn white.
    """

    @wraps(draw)
    def drawn(*args: Any, **kwargs: Any) -> None:
        with st.container():
            draw(*args, **kwargs)

    return drawn


def is_by_itself() -> bool:
    """Whether this run draws such parts and not the whole page."""
    context = get_script_run_ctx()
    return bool(context and context.fragment_ids_this_run)


def forget_parts() -> None:
    """What the page before has of such parts is not drawn any more; to be called before another page draws its own.

    A report of theirs that comes while the new page is drawn, such as a timer's, would make Streamlit speak of the old
    page to the browser once more, which would then clear the new one away. So is one forgotten that came just before.
    """
    if context := get_script_run_ctx():
        context.fragment_storage.clear()
        _forget_reports(context.script_requests)


def _forget_reports(requests: ScriptRequests | None) -> None:
    """Drops what waits for its turn and is of parts alone; Streamlit has no word of its own for that."""
    if requests is None:
        return
    with requests._lock:
        if requests._state == ScriptRequestType.RERUN and requests._rerun_data.fragment_id_queue:
            requests._state = ScriptRequestType.CONTINUE
