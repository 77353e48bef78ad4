"""What one session has chosen: network, weights, picture, device. It belongs to the frame and is in the URL."""

import hashlib
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

Value = TypeVar("Value")

SAMPLES = {  # as scikit-image names its photographs; all are free to use
    "coffee": "Cup of coffee",
    "chelsea": "Cat",
    "astronaut": "Astronaut",
    "rocket": "Rocket",
    "motorcycle_left": "Motorcycle",
    "camera": "Photographer",
    "horse": "Horse (silhouette)",
    "coins": "Coins",
    "brick": "Brick wall",
    "grass": "Grass",
}


PUBLIC_WEIGHTS = ("auto", "shipped", "imagenet", "random")


@dataclass(frozen=True)
class Picture:
    """A sample, or an upload, by the sha256 of its file; the bytes of an upload stay in the session."""

    name: str
    sha256: str
    uploaded: bool


@dataclass(frozen=True)
class Selection:
    """Everything a result depends on. Hashable, so it is the key of every cache as well.

    What "auto" stands for may change while the server runs, so no result is kept under it: see `weights_to_be_had`.
    """

    network: str
    weights: str  # "auto", "shipped", "imagenet", "random", or the sha256 of a file of one's own
    device: str
    picture: Picture

    @property
    def private(self) -> bool:
        """Whether anything in it came from this session's user, and so stays with this session."""
        return self.picture.uploaded or self.weights not in PUBLIC_WEIGHTS


@dataclass(frozen=True)
class Opened:
    """The unit that is looked at closely: by default the strongest of its feature map."""

    layer: str
    channel: int
    position: tuple[int, int] | None = None  # (row, column)


PICTURE_FILE, WEIGHTS_FILE = "picture_file", "weights_file"  # the keys of the two uploaders


def select(selection: Selection) -> None:
    """Makes this the session's selection, for the pages to read."""
    st.session_state["selection"] = selection


def selection() -> Selection:
    """What the session has chosen."""
    return st.session_state["selection"]


def open_unit(unit: Opened | None) -> None:
    """Makes this the unit that is looked at closely; None closes it."""
    st.session_state["opened"] = unit


def opened_unit() -> Opened | None:
    """The unit that is looked at closely: the one last clicked, or the link's."""
    if "opened" not in st.session_state:
        st.session_state["opened"] = _unit_of_link()
    return st.session_state["opened"]


def _unit_of_link() -> Opened | None:
    link = st.query_params
    try:
        position = tuple(int(n) for n in link["at"].split(",")) if "at" in link else None
        return Opened(link["layer"], int(link["map"]), position) if position is None or len(position) == 2 else None
    except (KeyError, ValueError):
        return None


def uploaded(key: str) -> UploadedFile | None:
    """The file in one of the session's uploaders."""
    return st.session_state.get(key)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sha256_of(file: UploadedFile) -> str:
    """The sha256 of an upload's bytes; counted once, for a file of weights takes seconds."""
    known = st.session_state.setdefault("sha256", {})
    if file.file_id not in known:
        st.session_state["sha256"] = known = {**dict(list(known.items())[-7:]), file.file_id: sha256(file.getvalue())}
    return known[file.file_id]


def from_link(key: str, default: Value, allowed: Container, kind: Callable[[str], Value] = str) -> Value:
    """What the link that opened this session says of `key`, if that is one of the allowed values; or the default.

    For the first value of a widget. It is not put into the widget's state: there it would win over a choice that the
    user makes while the first run is still under way.
    """
    link = st.session_state.setdefault("link", st.query_params.to_dict())
    try:
        value = kind(link[key])
    except (KeyError, ValueError):
        return default
    return value if value in allowed else default


def to_url(**values: object) -> None:
    """Makes the address that of what is on the screen now; values that are None leave it."""
    wanted = {k: str(v) for k, v in values.items() if v is not None}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
