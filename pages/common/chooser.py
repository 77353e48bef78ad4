"""The row at the top of a page: the picture, the network and its weights, where the page has a use for them."""

from collections.abc import Collection
from dataclasses import replace

import streamlit as st

from models import ARCHITECTURES
from models.decoding import MOST_MEGABYTES, PictureRefused
from models.device import available
from models.images import MIDDLE, jpeg, square_of
from models.loading import place_of_weights
from models.options import Choice, Number, Phrase
from models.samples import samples_for
from models.server import server
from models.statefile import FILE_AT_MOST, printable
from models.trained import AS_USUAL
from pages.common import address
from pages.common.asking import FRAME, ask_one, come_back, key_of, standing
from pages.common.cache import reduced, sample_sha256, sheet_of_samples, states_in_file, thumbnail
from pages.common.components.copy_link import copy_link
from pages.common.components.grid import clickable_grid
from pages.common.made_file import MadeFile
from pages.common.routes import choose_network
from pages.common.samples import about_sample, sample_choice, take_sample
from pages.common.session import (
    PICTURE_FILE,
    PUBLIC_WEIGHTS,
    SET_FILE,
    WEIGHTS_FILE,
    Picture,
    Selection,
    keep,
    kept,
    own_file,
    set_to,
    sha256_of,
    take_file,
    uploaded,
    uploader,
    value_of,
)
from pages.common.text import _, language, plain, spoken
from pages.common.training import ask_training, training
from pages.common.words import name_of
from vis.figures.pictures import lit

PICTURE_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]
WEIGHTS_TYPES = ["safetensors", "pt", "pth", "th", "tar", "ckpt", "bin", "pt2"]  # the last is named for what it is

NETWORK = Choice(
    "network",
    Phrase("Network"),
    {a.name: f"{a.title} ({a.year})" for a in ARCHITECTURES.values()},
    "zfnet_mini",
    shown_as="list",
)
PART = Number("part", Phrase("Which part the network sees"), MIDDLE, 0, 100, step=5, shown_as="slider")
WEIGHTS = {
    "auto": Phrase("Trained, if available"),
    "random": Phrase("Random"),
    "file": Phrase("Your own file"),
}
PLACES = {
    "here": Phrase("trained here"),
    "install": Phrase("trained weights included"),
    "package": Phrase("trained weights in a package to install"),
    "disk": Phrase("trained weights on this disk"),
    "internet": Phrase("trained weights to download"),
    "nowhere": Phrase("random weights only"),
}
OWN = "own network"  # under which the session keeps the name of the visitor's own that was chosen last
THUMBNAIL, COLUMNS = 80, 5  # pixels of a sample, and samples in a row
WHOLE = 320  # pixels of the whole picture at most


def choose(asks: Collection[str], opens_on: str = NETWORK.usual) -> Selection:
    """What is chosen; the row asks for those of "picture", "network" and "weights" of which the page makes use.

    Of the visitor's own files the address says nothing, for nobody else has them.

    Args:
        opens_on: the network of the page, until the visitor chooses one.
    """
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="choices") if asks else None
    option, page = _network_of(opens_on)
    come_back(option, key_of(option.name, page=page))
    network = standing(option, page)
    if not option.accepts(address.link().get(NETWORK.name)):
        address.suppose(NETWORK.name, network)  # whose details the rest of the link is taken for, or named as wrong
    picture = choose_picture(row, network) if "picture" in asks else standing_picture(network)
    network = _choose_network(row, option, page) if "network" in asks else network
    weights = _choose_weights(row, network) if "weights" in asks else _weights(network, standing(_kinds(), FRAME))
    device = _choose_device(row)
    address.note(network=network, sample=None if picture.uploaded else picture.name, language=language())
    if picture.uploaded:
        address.note(part=None)
    trained = AS_USUAL if weights in PUBLIC_WEIGHTS else training(network, weights.partition("/")[0])
    return Selection(network, weights, device, picture, trained)


def offer_link() -> None:
    """A button for the link to what is on the screen, which cannot say what only this visitor has."""
    weights = own_file(WEIGHTS_FILE) if standing(_kinds(), FRAME) == "file" else None
    own = [file.name for file in (own_file(PICTURE_FILE), weights, uploaded(SET_FILE)) if file]
    left_out = _("It leaves out what only you have: {files}.", files=", ".join(map(printable, own))) if own else ""
    failed = _("The browser does not allow that. Copy this:")
    copy_link({"copy": _("Copy link"), "copied": _("Copied."), "failed": failed}, left_out)


# The picture ------------------------------------------------------------------------------------------------------


def choose_picture(place, network: str) -> Picture:
    """The picture in small, and behind its name all ways to another one.

    Args:
        network: that is to see it, which decides about the samples.
    """
    chosen = standing_picture(network)
    name = name_of(chosen)
    try:
        small = thumbnail(chosen, THUMBNAIL)
    except PictureRefused:  # which the page will say
        small = None
    slot = place.empty()  # without it, a picture that is refused would close what stands open beside it
    if small is not None:
        slot.image(jpeg(small), width=THUMBNAIL // 2, alt=name)
    with place.popover(plain(name), icon=":material/add_photo_alternate:", help=_("Change the picture")):
        ask_picture()
        part = chosen.part if small is None else _choose_part(chosen)
        st.caption(_("or a sample"))
        samples = samples_for(ARCHITECTURES[network])
        names = [sample.name for sample in samples]
        clickable_grid(
            sheet_of_samples(tuple(names), COLUMNS, THUMBNAIL),
            -(-len(names) // COLUMNS),
            COLUMNS,
            "samples",
            labels=[spoken(sample.title) for sample in samples],
            selected=None if chosen.uploaded else names.index(chosen.name),
            alt=_("Samples"),
            pixelated=False,
            on_click=lambda place: take_sample(names[place], network),
        )
    return replace(chosen, part=part)


def standing_picture(network: str) -> Picture:
    """The picture that is chosen for a network."""
    sample = standing(sample_choice(network), **about_sample(network, NETWORK.usual))
    if file := own_file(PICTURE_FILE):
        return _with_part(Picture(file.name, sha256_of(file), True))
    return _with_part(sample_of(sample))


def sample_of(name: str) -> Picture:
    """A sample as a picture."""
    return Picture(name, sample_sha256(name), False)


def _with_part(picture: Picture) -> Picture:
    return replace(picture, part=standing(PART, FRAME, of=picture.sha256, is_linked=_is_of_link(picture)))


def _is_of_link(picture: Picture) -> bool:
    return not picture.uploaded and picture.name == address.link().get("sample")


def _choose_part(picture: Picture) -> int:
    """Which square of it is shown to the network, unless the picture is square itself."""
    small = reduced(replace(picture, part=MIDDLE), WHOLE)
    height, width = small.shape[:2]
    if width == height:
        return MIDDLE
    part = ask_one(st, PART, of=picture.sha256, page=FRAME, is_linked=_is_of_link(picture))
    st.image(jpeg(lit(small, square_of(width, height, part))), alt=_("The part that the network sees, bright"))
    return part


def ask_picture() -> None:
    """A field for a picture of the visitor's own."""
    ask_file(PICTURE_FILE, _("Your picture"), PICTURE_TYPES, MOST_MEGABYTES)


def ask_file(what: str, label: str, types: list[str], megabytes: int) -> None:
    """A field for a file of the visitor's own; and a button to give up one that another field has taken."""
    key = uploader(what)
    st.file_uploader(label, types, key=key, max_upload_size=megabytes, on_change=lambda: take_file(what, uploaded(key)))
    file = own_file(what)
    if file and not uploaded(key):
        st.button(
            _("Remove {name}", name=plain(printable(file.name))),
            icon=":material/close:",
            key=f"remove {what}",
            on_click=take_file,
            args=(what, None),
        )


# The network ------------------------------------------------------------------------------------------------------


def _network_of(opens_on: str) -> tuple[Choice, str]:
    """The choice of a network on pages that open on this one, and the page that keeps it.

    Until the visitor chooses one, these pages keep theirs and the others have the usual one.
    """
    known = _with_own(value_of(key_of(NETWORK.name, page=FRAME if opens_on == NETWORK.usual else opens_on)))
    elsewhere = standing(known, FRAME)
    if opens_on == NETWORK.usual:
        return known, FRAME
    if value_of(NETWORK.name) is None:
        set_to(NETWORK.name, elsewhere)  # before it is supposed that the link says this page's
    return replace(known, usual=opens_on if elsewhere == NETWORK.usual else elsewhere), opens_on


def _with_own(chosen: str | None) -> Choice:
    """The list, and before it the visitor's own network that the address says or that is chosen, or was the last."""
    said = (address.returned() or {}).get(NETWORK.name), chosen, address.link().get(NETWORK.name)
    found = (ARCHITECTURES.get(name) for name in (*said, kept(OWN, str)) if name and name not in ARCHITECTURES)
    own = next(filter(None, found), None)
    if own is None:
        return NETWORK
    keep(OWN, own.name)
    return replace(NETWORK, values={own.name: own.title} | NETWORK.values)


def _choose_network(row, option: Choice, page: str) -> str:
    """The network; the list says of each which weights it can have here."""
    marked = replace(option, values={name: f"{spoken(title)} · {_mark(name)}" for name, title in option.values.items()})
    key = key_of(option.name, page=page)
    return ask_one(
        row,
        marked,
        page=page,
        label_visibility="collapsed",
        on_change=lambda: choose_network(value_of(key)),
    )


def _mark(name: str) -> str:
    """Where a network's trained weights are."""
    own, place = own_file(WEIGHTS_FILE), place_of_weights(name)
    is_here = place == "nowhere" and isinstance(own, MadeFile) and own.of == name
    return spoken(PLACES["here" if is_here else place])


def _choose_weights(row, network: str) -> str:
    option = _kinds()
    kind = standing(option, FRAME)
    own = own_file(WEIGHTS_FILE)
    name = _("Weights") if kind == "auto" else spoken(option.called(kind))
    if own and kind == "file":
        name = plain(printable(own.name))
    with row.popover(name, help=_("Change the weights")):
        option = replace(option, shown_as="buttons")
        if ask_one(st, option, page=FRAME, on_change=choose_network, args=(network,)) == "file":
            ask_file(WEIGHTS_FILE, _("state_dict or safetensors file"), WEIGHTS_TYPES, FILE_AT_MOST >> 20)
            if own is None:
                st.info(_("Upload the file; until then, trained weights are used if available."))
            elif isinstance(own, MadeFile):
                st.caption(plain(own.about()))
            elif places := states_in_file(network, sha256_of(own)):
                key = _state_key(network, sha256_of(own))
                st.selectbox(_("Weights in the file"), places, key=key, persist_state="session", format_func=printable)
            if own:
                ask_training(ARCHITECTURES[network], sha256_of(own))
        if not server().takes_weights:
            say_no_weights()
    return _weights(network, kind)


def _kinds() -> Choice:
    known = {name: words for name, words in WEIGHTS.items() if name != "file" or server().takes_weights}
    return Choice("weights", Phrase("Weights"), known, shown_as="list", unlinked=("file",))


def _weights(network: str, kind: str) -> str:
    """What a selection says of them: of a file its sha256; where the network is in it several times, also the place."""
    if kind != "file":
        return kind
    if (own := own_file(WEIGHTS_FILE)) is None:
        return "auto"
    digest = sha256_of(own)
    places = states_in_file(network, digest)
    return f"{digest}/{value_of(_state_key(network, digest), places[0])}" if places else digest


def _state_key(network: str, digest: str) -> str:
    """The key of the choice among several states in a file."""
    return f"state/{network} {digest}"


def with_trained_weights() -> None:
    """Chooses trained weights, for callbacks that open another network."""
    address.forget("weights")
    set_to(key_of("weights", page=FRAME), "auto")


def say_no_weights() -> None:
    """Says what this server does not take."""
    st.caption(_("This server takes no files of weights."))


# The device -------------------------------------------------------------------------------------------------------


def _choose_device(row) -> str:
    """The device on which models run; only a machine with several asks."""
    devices = available()
    names = {device: device.upper() for device in devices}
    option = Choice("device", Phrase("Device"), names, unlinked=devices)  # other machines differ
    if row is None:
        return standing(option, FRAME)
    if len(devices) == 1:
        row.caption(names[devices[0]], width="content")
        return devices[0]
    return ask_one(row, option, page=FRAME, label_visibility="collapsed")
