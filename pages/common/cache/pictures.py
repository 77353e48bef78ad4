"""The picture of a selection."""

import numpy as np
import streamlit as st
from PIL import Image, ImageOps

from models.decoding import decoded
from models.samples import SAMPLES
from pages.common.session import Selection, own_picture, sha256


@st.cache_data(max_entries=len(SAMPLES), show_spinner=False)
def sample(name: str) -> bytes:
    """The file of a sample."""
    return SAMPLES[name].content()


@st.cache_data(max_entries=len(SAMPLES), show_spinner=False)
def sample_sha256(name: str) -> str:
    """The sha256 of a sample's file."""
    return sha256(sample(name))


@st.cache_data(max_entries=len(SAMPLES), show_spinner=False)
def thumbnail(name: str, side: int) -> np.ndarray:
    """The middle of a sample photograph, (side, side, 3) uint8."""
    return np.asarray(ImageOps.fit(decoded(sample(name)), (side, side)))


@st.cache_data(max_entries=4, scope="session", show_spinner=False)
def _upload(digest: str, _file) -> np.ndarray:
    return np.asarray(decoded(_file.getvalue()))


def picture(selection: Selection) -> Image.Image:
    """The selection's picture as it was given, upright RGB.

    Raises:
        PictureRefused: see `models.decoding.decoded`.
    """
    chosen = selection.picture
    if chosen.uploaded:
        return Image.fromarray(_upload(chosen.sha256, own_picture()))
    return decoded(sample(chosen.name))
