"""Counts how often a result is computed, for test_page.py: of a sample for everybody, of an upload for its session."""

import itertools

import streamlit as st

from pages.common.cache.networks import remembered
from pages.common.session import Picture, Selection


@st.cache_resource
def counter() -> itertools.count:
    return itertools.count(1)


@remembered
def computed(selection: Selection) -> int:
    return next(counter())


sample = Selection("lenet5", "shipped", "cpu", Picture("chelsea", "chelsea", uploaded=False))
upload = Selection("lenet5", "shipped", "cpu", Picture("cat.png", "0" * 64, uploaded=True))
weights = Selection("lenet5", "0" * 64, "cpu", Picture("chelsea", "chelsea", uploaded=False))
for name, selection in {"sample": sample, "upload": upload, "weights": weights}.items():
    st.markdown(f"{name} {computed(selection)}")
