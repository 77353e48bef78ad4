"""Pictures that change while one watches."""

from base64 import b64encode

import numpy as np
import streamlit as st

from models.images import png


def inline_picture(pixels: np.ndarray, alt: str) -> None:
    """A picture inside the page and not in a file, which would be gone when a slow browser asks for it."""
    width = min(pixels.shape[1], 900)
    st.image(f"data:image/png;base64,{b64encode(png(pixels)).decode()}", width=width, alt=alt)
