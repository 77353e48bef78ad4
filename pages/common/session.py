"""What one session has chosen and keeps: its selection, its uploads, and whatever a page wants to find again."""

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from models.images import MIDDLE
from models.trained import AS_USUAL, Trained

Value = TypeVar("Value")

PUBLIC_WEIGHTS = ("auto", "shipped", "imagenet", "random")
MOST_FILES = 8  # of which something is remembered
PICTURE_FILE, WEIGHTS_FILE, SET_FILE = "picture_file", "weights_file", "set_file"  # the keys of their uploaders


@dataclass(frozen=True)
class Picture:
    """A sample, or an upload, by the sha256 of its file; the bytes of an upload stay in the session."""

    name: str
    sha256: str
    uploaded: bool
    part: int = MIDDLE  # which square of it is shown to a network: see `models.images.square_at`


@dataclass(frozen=True)
class Selection:
    """Everything a result depends on. Hashable, so it is the key of every cache as well.

    What "auto" stands for may change while the server runs, so no result is kept under it: see `weights_to_be_had`.
    """

    network: str
    weights: str  # "auto", "shipped", "imagenet", "random", or a file of one's own: its sha256, maybe /place in it
    device: str
    picture: Picture
    trained: Trained = AS_USUAL  # how a file of one's own was trained

    @property
    def private(self) -> bool:
        """Whether anything in it came from this session's user, and so stays with this session."""
        return self.picture.uploaded or self.weights not in PUBLIC_WEIGHTS


def select(selection: Selection) -> None:
    """Makes this the session's selection, for the pages to read."""
    st.session_state["selection"] = selection


def selection() -> Selection:
    """What the session has chosen."""
    return st.session_state["selection"]


# What is kept ----------------------------------------------------------------------------------------------------


def kept(name: str, first: Callable[[], Value]) -> Value:
    """What this session keeps under this name; at first what `first` gives."""
    known = st.session_state.setdefault("kept", {})
    if name not in known:
        known[name] = first()
    return known[name]


def keep(name: str, value: Any) -> None:
    """Makes this what the session keeps under this name."""
    st.session_state.setdefault("kept", {})[name] = value


def keep_among(name: str, key: Hashable, value: Any, most: int) -> None:
    """Adds a value by its key to those that this session keeps under this name; of the others the newest stay."""
    others = [item for item in kept(name, dict).items() if item[0] != key]
    keep(name, {**dict(others[max(0, len(others) + 1 - most) :]), key: value})


# Widgets ---------------------------------------------------------------------------------------------------------


def value_of(key: str, otherwise: Any = None) -> Any:
    """What the widget of that key is set to; `otherwise` before it is drawn, and when its page was left."""
    return st.session_state.get(key, otherwise)


def set_to(key: str, value: Any) -> None:
    """Sets the widget of that key, for the callback of another one."""
    st.session_state[key] = value
    kept("set", set).add(key)


def taken(key: str) -> Any:
    """What a widget was set to, for its callback; it is empty again, so that the same can be chosen once more."""
    value, st.session_state[key] = st.session_state.get(key), None
    return value


# Uploads ---------------------------------------------------------------------------------------------------------


def own_file(what: str) -> UploadedFile | None:
    """The visitor's own picture or weights, wherever they were given: no page that is left takes them along."""
    return kept(f"own {what}", lambda: None)


def take_file(what: str, file: UploadedFile | None) -> None:
    """Makes this the visitor's own; with None it is given up. An uploader that holds another file is emptied."""
    keep(f"own {what}", file)
    if uploaded(uploader(what)) not in (None, file):
        kept("emptied", Counter)[what] += 1


def uploader(what: str) -> str:
    """The key of an uploader: another one after it was emptied."""
    times = kept("emptied", Counter)[what]
    return f"{what} {times}" if times else what


def uploaded(key: str) -> UploadedFile | None:
    """The file in one of the session's uploaders."""
    return st.session_state.get(key)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sha256_of(file: UploadedFile) -> str:
    """The sha256 of an upload's bytes; counted once, for a file of weights takes seconds."""
    known = kept("sha256", dict)
    if file.file_id not in known:
        keep_among("sha256", file.file_id, sha256(file.getvalue()), most=MOST_FILES)
    return kept("sha256", dict)[file.file_id]
