"""The choices that hold on every page: language, network, weights, picture, device."""

import os
from typing import Any

import streamlit as st

from models import ARCHITECTURES
from models.decoding import MOST_MEGABYTES
from models.device import available
from models.options import Choice, Phrase
from models.statefile import FILE_AT_MOST, printable
from pages.common import address
from pages.common.asking import FRAME, ask_one
from pages.common.cache import sample_sha256, states_in_file
from pages.common.samples import about_sample, sample_choice
from pages.common.session import (
    PICTURE_FILE,
    WEIGHTS_FILE,
    Picture,
    Selection,
    own_picture,
    picture_uploader,
    sha256_of,
    take_picture,
    uploaded,
)
from pages.common.text import _, choose_language, language, plain

PICTURE_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]
WEIGHTS_TYPES = ["safetensors", "pt", "pth", "th", "tar", "ckpt", "bin", "pt2"]  # the last is named for what it is


NETWORK = Choice(
    "network",
    Phrase("Network"),
    {a.name: f"{a.title} ({a.year})" for a in ARCHITECTURES.values()},
    "zfnet_mini",
    shown_as="list",
)
WEIGHTS = {
    "auto": Phrase("Trained, if available"),
    "random": Phrase("Random"),
    "file": Phrase("Your own file"),
}


def choose() -> Selection:
    """What is chosen in the sidebar, which this draws.

    Of the visitor's own files the address says nothing, for nobody else has them.
    """
    st.markdown("### ConvScope")
    choose_language()
    network = ask_one(st, NETWORK, page=FRAME)
    picture = _choose_picture(network)
    selection = Selection(network, _choose_weights(network), _choose_device(), picture)
    address.note(network=network, sample=None if picture.uploaded else picture.name, language=language())
    return selection


def _choose_picture(network: str) -> Picture:
    upload_picture(PICTURE_FILE)
    file = own_picture()
    if file and not uploaded(picture_uploader(PICTURE_FILE)):
        st.button(
            _("Remove {name}", name=plain(printable(file.name))),
            icon=":material/close:",
            key="remove picture",
            on_click=take_picture,
            args=(None,),
        )
    about = {"disabled": True, "help": _("Remove your picture to choose a sample.")} if file else {}
    sample = ask_one(st, sample_choice(network), **about_sample(network, NETWORK.usual), **about)
    return Picture(file.name, sha256_of(file), True) if file else Picture(sample, sample_sha256(sample), False)


def upload_picture(uploader: str, **look: Any) -> None:
    """A field for a picture of the visitor's own."""
    key = picture_uploader(uploader)
    st.file_uploader(
        _("Your picture"),
        PICTURE_TYPES,
        key=key,
        max_upload_size=MOST_MEGABYTES,
        on_change=lambda: take_picture(uploaded(key), uploader),
        **look,
    )


def _choose_weights(network: str) -> str:
    known = {name: words for name, words in WEIGHTS.items() if name != "file" or may_upload_weights()}
    option = Choice("weights", Phrase("Weights"), known, shown_as="list", unlinked=("file",))
    if (kind := ask_one(st, option, page=FRAME)) != "file":
        return kind
    file = st.file_uploader(
        _("state_dict or safetensors file"), WEIGHTS_TYPES, key=WEIGHTS_FILE, max_upload_size=FILE_AT_MOST >> 20
    )
    if file is None:
        st.info(_("Upload the file; until then, trained weights are used if available."))
        return "auto"
    return _choose_state(network, sha256_of(file))


def _choose_state(network: str, digest: str) -> str:
    """The file by its sha256; where the network is in it more than once, with the place that is chosen."""
    places = states_in_file(network, digest)
    if not places:
        return digest
    place = st.selectbox(_("Weights in the file"), places, key="state", format_func=printable)
    return f"{digest}/{place}"


def may_upload_weights() -> bool:
    """Whether this server takes files of weights: not where it is open to strangers."""
    return os.environ.get("CONVSCOPE_WEIGHTS_UPLOAD") != "off"


def _choose_device() -> str:
    """The device on which models run; only a machine with several asks."""
    devices = available()
    if len(devices) == 1:
        return devices[0]
    names = {device: device.upper() for device in devices}
    return ask_one(st, Choice("device", Phrase("Device"), names, unlinked=devices), page=FRAME)  # other machines differ
