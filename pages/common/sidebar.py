"""The choices that hold on every page: language, network, weights, picture, device."""

import os

import streamlit as st

from models import ARCHITECTURES
from models.decoding import MOST_MEGABYTES
from models.device import available
from models.statefile import FILE_AT_MOST
from pages.common.cache import sample_sha256, states_in_file
from pages.common.session import PICTURE_FILE, SAMPLES, WEIGHTS_FILE, Picture, Selection, from_link, sha256_of
from pages.common.text import _, choose_language

PICTURE_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]
WEIGHTS_TYPES = ["safetensors", "pt", "pth", "th", "tar", "ckpt", "bin", "pt2"]  # the last is named for what it is


def choose() -> Selection:
    """What is chosen in the sidebar, which this draws."""
    st.markdown("### ConvScope")
    choose_language()
    network = _choose_network()
    picture = _choose_picture()
    weights = _choose_weights(network)
    return Selection(network, weights, _choose_device(), picture)


def _choose_network() -> str:
    names = list(ARCHITECTURES)
    return st.selectbox(
        _("Network"),
        names,
        names.index(from_link("network", "zfnet_mini", names)),
        format_func=lambda name: f"{ARCHITECTURES[name].title} ({ARCHITECTURES[name].year})",
        key="network",
    )


def _choose_picture() -> Picture:
    file = st.file_uploader(_("Your picture"), PICTURE_TYPES, key=PICTURE_FILE, max_upload_size=MOST_MEGABYTES)
    samples = list(SAMPLES)
    sample = st.selectbox(
        _("or a sample photograph"),
        samples,
        samples.index(from_link("sample", samples[0], samples)),
        format_func=lambda name: _(SAMPLES[name]),
        key="sample",
        disabled=file is not None,
        help=_("Remove your picture to choose a sample.") if file else None,
    )
    return Picture(file.name, sha256_of(file), True) if file else Picture(sample, sample_sha256(sample), False)


def _choose_weights(network: str) -> str:
    named = {"auto": _("Trained, where there are any"), "random": _("Random"), "file": _("A file of my own")}
    if os.environ.get("CONVSCOPE_WEIGHTS_UPLOAD") == "off":  # for servers that are open to strangers
        del named["file"]
    first = list(named).index(from_link("weights", "auto", ("auto", "random")))
    kind = st.selectbox(_("Weights"), named, first, format_func=named.get, key="weights")
    if kind != "file":
        return kind
    file = st.file_uploader(
        _("A state_dict, or safetensors"), WEIGHTS_TYPES, key=WEIGHTS_FILE, max_upload_size=FILE_AT_MOST >> 20
    )
    if file is None:
        st.info(_("Upload the file; until then the trained weights are shown, where there are any."))
        return "auto"
    return _choose_state(network, sha256_of(file))


def _choose_state(network: str, digest: str) -> str:
    """The file by its sha256; where the network is in it more than once, with the place that is chosen."""
    places = states_in_file(network, digest)
    return f"{digest}/{st.selectbox(_('Weights in the file'), places, key='state')}" if places else digest


def _choose_device() -> str:
    devices = available()
    if len(devices) == 1:
        return devices[0]
    return st.segmented_control(
        _("Device"), devices, format_func=str.upper, default=devices[0], key="device", required=True
    )
