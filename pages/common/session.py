"""What one session has chosen: network, weights, picture, device. It is the frame's, survives pages, and is in the URL."""

import hashlib
from dataclasses import dataclass

import streamlit as st

SAMPLES = {  # as scikit-image names its photographs; all are free to use
    "chelsea": "Cat",
    "astronaut": "Astronaut",
    "coffee": "Cup of coffee",
    "rocket": "Rocket",
    "motorcycle_left": "Motorcycle",
    "camera": "Photographer",
    "horse": "Horse (silhouette)",
    "coins": "Coins",
    "brick": "Brick wall",
    "grass": "Grass",
}


@dataclass(frozen=True)
class Picture:
    """A sample by name, or an upload by its content; the bytes themselves stay in the session."""

    name: str
    sha256: str
    uploaded: bool


@dataclass(frozen=True)
class Selection:
    """Everything a result depends on. Hashable, so it is the key of every cache as well."""

    network: str
    weights: str  # "auto", "random", or the sha256 of a file of one's own
    device: str
    picture: Picture

    @property
    def private(self) -> bool:
        """Whether anything in it came from this session's user, and so stays with this session."""
        return self.picture.uploaded or self.weights not in ("auto", "random")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def from_url(name: str, default: str, allowed: object = None) -> str:
    """A value from the link this session was opened with, if it is one of the allowed ones."""
    value = st.query_params.get(name, default)
    return value if allowed is None or value in allowed else default


def to_url(**values: object) -> None:
    """The link that shows what is on the screen now; values that are None leave it."""
    wanted = {k: str(v) for k, v in values.items() if v is not None}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def remember(key: str, first: object) -> None:
    """A widget's first value; afterwards it is the user's."""
    if key not in st.session_state:
        st.session_state[key] = first
