"""What one session has chosen: network, weights, picture, device. It belongs to the frame and is in the URL."""

import hashlib
from collections.abc import Callable, Container, Hashable, Mapping
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

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
    weights: str  # "auto", "shipped", "imagenet", "random", or a file of one's own: its sha256, maybe /place in it
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


@dataclass(frozen=True)
class GraphView:
    """What of a layer graph is open, and what is looked at closely."""

    opened: frozenset[str] = frozenset()  # names of blocks; EVERYTHING for all there are
    selected: str | None = None


@dataclass(frozen=True)
class OneOfNine:
    """The picture that is looked at closely, of the nine that excite a feature map most."""

    layer: str
    channel: int
    rank: int  # 0 is the strongest


@dataclass
class Mining:
    """What a session searches for its strongest pictures; and what it found with its own pictures or weights, which
    stays with it: the folder is gone with the session.
    """

    asked: Hashable = None  # what `job` was started for
    viewed: Hashable = None  # whose nines were shown last
    job: Any = None
    progress: Any = None  # how far it is
    own: dict[Hashable, Any] = field(default_factory=dict)
    downloads: dict[str, Any] = field(default_factory=dict)  # of data sets, by their names
    archive: tuple[str, Any] | None = None  # the one ZIP that is kept, also when its page is left: its sha256, its set
    nines: tuple[Hashable, Any] | None = None  # which feature maps' nine are being projected, and how far they are
    folder: TemporaryDirectory = field(default_factory=lambda: TemporaryDirectory(prefix="convscope-"))


EVERYTHING = "*"

PICTURE_FILE, WEIGHTS_FILE = "picture_file", "weights_file"  # the keys of the two uploaders
SET_FILE = "set_file"  # and of the one for a set of pictures


def select(selection: Selection) -> None:
    """Makes this the session's selection, for the pages to read."""
    st.session_state["selection"] = selection


def selection() -> Selection:
    """What the session has chosen."""
    return st.session_state["selection"]


def choose_network(name: str) -> None:
    """Makes this the network of the sidebar, and asks for its page; for callbacks, which run before the sidebar."""
    _put_into_sidebar(name)
    st.session_state["wanted"] = True


def network_wanted() -> bool:
    """Whether a network was chosen to be looked at since this was last asked."""
    return st.session_state.pop("wanted", False)


def choose_layer(network: str, operation: str) -> None:
    """Makes this the network of the sidebar, and asks for the page of its layers with this one; for callbacks."""
    _put_into_sidebar(network)
    st.session_state["wanted_layer"] = {"network": network, "also": operation}


def layer_wanted() -> dict[str, str] | None:
    """The end of the link to the page of the layers, if one was chosen since this was last asked."""
    return st.session_state.pop("wanted_layer", None)


def _put_into_sidebar(network: str) -> None:
    _link().pop("network", None)  # it has had its say
    st.session_state["network"] = network


def value_of(key: str) -> Any:
    """What the widget of that key was set to, for its callback."""
    return st.session_state[key]


def open_unit(unit: Opened | None) -> None:
    """Makes this the unit that is looked at closely; None closes it."""
    st.session_state["opened"] = unit


def opened_unit() -> Opened | None:
    """The unit that is looked at closely: the one last clicked, or the link's."""
    if "opened" not in st.session_state:
        st.session_state["opened"] = _unit_of(st.query_params)
    return st.session_state["opened"]


def _unit_of(link: Mapping[str, str]) -> Opened | None:
    try:
        position = tuple(int(n) for n in link["at"].split(",")) if "at" in link else None
        return Opened(link["layer"], int(link["map"]), position) if position is None or len(position) == 2 else None
    except (KeyError, ValueError):
        return None


def enlarged_map(network: str) -> Opened | None:
    """The feature map that is enlarged of this network's activations: the one last clicked, or the link's."""
    maps = st.session_state.setdefault("enlarged maps", {})
    if network not in maps:
        maps[network] = _unit_of(_link()) if link_is_about(network) else None
    return maps[network]


def enlarge_map(network: str, unit: Opened | None) -> None:
    """Makes this the feature map that is enlarged, and its position; None closes it."""
    st.session_state.setdefault("enlarged maps", {})[network] = unit


def graph_view(place: str, network: str) -> GraphView:
    """What is open of this network in one of the places for layer graphs; at first what the link says."""
    views = st.session_state.setdefault("graphs", {})
    if (place, network) not in views:
        link = _link()
        of_link = network == link.get({"left": "network", "right": "compare"}[place])
        opened = link.get(f"open_{place}", "") if of_link else ""
        selected = link.get(f"node_{place}") if of_link else None
        views[place, network] = GraphView(frozenset(filter(None, opened.split(","))), selected)
    return views[place, network]


def show_graph(place: str, network: str, view: GraphView) -> None:
    """Makes this what is open of a network."""
    st.session_state["graphs"][place, network] = view


def measured(key: Hashable) -> Any:
    """What this session measured before under this key; None for nothing."""
    return st.session_state.get("measured", {}).get(key)


def measurements(place: str) -> dict[Hashable, Any]:
    """What is being measured for one of the places that measure, by what it will be kept under."""
    return st.session_state.setdefault("measurements", {}).setdefault(place, {})


def keep_measured(key: Hashable, value: Any) -> None:
    """Keeps a measurement for this session, and the seven others that were kept last."""
    others = [(k, v) for k, v in st.session_state.get("measured", {}).items() if k != key]
    st.session_state["measured"] = {**dict(others[-7:]), key: value}


def mining() -> Mining:
    """What this session searches, and what it found."""
    if "mining" not in st.session_state:
        st.session_state["mining"] = Mining()
    return st.session_state["mining"]


def open_one_of_nine(one: OneOfNine | None) -> None:
    """Makes this the picture of the nine that is looked at closely; None closes it."""
    st.session_state["one_of_nine"] = one


def opened_one_of_nine(network: str) -> OneOfNine | None:
    """The picture of the nine that is looked at closely: the one last clicked, or the link's."""
    if "one_of_nine" not in st.session_state:
        st.session_state["one_of_nine"] = _one_of_nine_of(_link()) if link_is_about(network) else None
    return st.session_state["one_of_nine"]


def _one_of_nine_of(link: Mapping[str, str]) -> OneOfNine | None:
    try:
        channel, place = map(int, link["nine"].split(","))
    except (KeyError, ValueError):
        return None
    return OneOfNine(link["layer"], channel, place - 1) if "layer" in link and place > 0 else None


def picked(what: Hashable, first: int | None = None) -> int | None:
    """The number of the tile or cell that was last clicked in a picture; before that, `first`."""
    return st.session_state.setdefault("picked", {}).get(what, first)


def pick(what: Hashable, number: int | None) -> None:
    """Makes this the tile or cell that is looked at closely; None closes it."""
    st.session_state.setdefault("picked", {})[what] = number


def slid(page: str, first: Mapping[str, float]) -> Mapping[str, float]:
    """Where the live sliders of a page stand, by their names; before one is moved, `first`."""
    return st.session_state.setdefault("slid", {}).setdefault(page, first)


def slide(page: str, values: Mapping[str, float], rest: bool) -> None:
    """Makes this where the live sliders of a page stand, and rest or are still held."""
    st.session_state.setdefault("slid", {})[page] = values
    st.session_state["held"] = not rest


def sliders_rest() -> bool:
    """Whether no live slider is being dragged: what is on the way is no place to come back to."""
    return not st.session_state.get("held", False)


def arrive(page: str) -> None:
    """Makes this the page that is shown. A slider that was held when another one was left is not held any more."""
    if st.session_state.get("shown page") != page:
        st.session_state["shown page"], st.session_state["held"] = page, False


def kept(name: str, first: Callable[[], Value]) -> Value:
    """What this session keeps under this name; at first what `first` gives."""
    if name not in st.session_state.setdefault("kept", {}):
        st.session_state["kept"][name] = first()
    return st.session_state["kept"][name]


def told(key: str, otherwise: Value) -> Any:
    """What the widget of that key is set to; `otherwise` before it is drawn, and when its page was left."""
    return st.session_state.get(key, otherwise)


def set_to(key: str, value: Any) -> None:
    """Sets the widget of that key, for the callback of another one."""
    st.session_state[key] = value


def taken(key: str) -> Any:
    """What a widget was set to, for its callback; it is empty again, so that the same can be chosen once more."""
    value, st.session_state[key] = st.session_state.get(key), None
    return value


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
    try:
        value = kind(_link()[key])
    except (KeyError, ValueError):
        return default
    return value if value in allowed else default


def text_of_link(key: str) -> str | None:
    """What the link that opened this session says of `key`, whatever that is; None for nothing."""
    return _link().get(key)


def linked(network: str, key: str, usual: Value, allowed: Container, kind: Callable[[str], Value] = str) -> Value:
    """As `from_link` where the link is to this network, so that its details are of this one; or else what is usual."""
    return from_link(key, usual, allowed, kind) if link_is_about(network) else usual


def link_is_about(network: str) -> bool:
    """Whether the link that opened this session is to this network."""
    return link_says("network", network)


def link_says(key: str, value: str) -> bool:
    """Whether the link that opened this session has this value of `key`."""
    return _link().get(key) == value


def _link() -> dict[str, str]:
    """The link that opened this session."""
    return st.session_state.setdefault("link", st.query_params.to_dict())


def of_sidebar() -> dict[str, str | None]:
    """What the address says of the sidebar: of the visitor's own files nothing, for nobody else has them."""
    chosen = selection()
    return {
        "network": chosen.network,
        "weights": "random" if chosen.weights == "random" else None,
        "sample": None if chosen.picture.uploaded else chosen.picture.name,
    }


def to_url(**values: object) -> None:
    """Makes the address that of what is on the screen now; values that are None leave it."""
    wanted = {k: str(v) for k, v in values.items() if v is not None}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
