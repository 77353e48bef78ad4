"""Parts of a page that are drawn anew by themselves: each in a container of its own, and gone with their page."""

from collections.abc import Callable, Set
from functools import wraps
from typing import Any

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests, ScriptRequestType


def framed(draw: Callable[..., None]) -> Callable[..., None]:
    """What draws, as `st.fragment` gives it, but in a container of its own.

    When a fragment begins anew, Streamlit drops of it what is drawn and not yet sent. What came after it in the same
    container would then have no place in the browser, and the whole page would turn white.
    """

    @wraps(draw)
    def drawn(*args: Any, **kwargs: Any) -> None:
        _keep_parts_whole()
        with st.container():
            draw(*args, **kwargs)

    return drawn


class WholeParts(ForwardMsgQueue):
    """What is drawn and not yet sent; when a part begins anew, what stands in it goes with it.

    Streamlit keeps what parts inside it have drawn, and references to what the browser has already. Their places went
    with the outer part, and what has no place in the browser turns the whole page white.
    """

    def clear(self, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None) -> None:
        """Drops what will be drawn anew: all of it, or that of some fragments and of whatever is in them."""
        if fragment_ids_this_run:
            gone = {
                tuple(message.metadata.delta_path)
                for message in self._queue
                if message.delta.fragment_id in fragment_ids_this_run
            }
            self._queue = [message for message in self._queue if not _is_with(message, gone)]
        super().clear(retain_lifecycle_msgs, fragment_ids_this_run)


def _is_with(message: ForwardMsg, gone: Set[tuple[int, ...]]) -> bool:
    """Whether it is inside what is gone, or a reference, which does not say of which part it is, after it."""
    *place, number = message.metadata.delta_path or (0,)
    if any((*place[:depth],) in gone for depth in range(1, len(place) + 1)):
        return True
    return message.HasField("ref_hash") and any((*place, before) in gone for before in range(number))


def _keep_parts_whole() -> None:
    """From now on, what this session draws waits as `WholeParts`."""
    context = get_script_run_ctx()
    sessions = getattr(Runtime.instance(), "_session_mgr", None) if Runtime.exists() else None
    known = sessions.get_session_info(context.session_id) if sessions and context else None
    if known and type(queue := known.session._browser_queue) is ForwardMsgQueue:
        queue.__class__ = WholeParts


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
