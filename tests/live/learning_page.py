"""For test_train.py: begins a training that takes long where its address says so, or counts the threads at work."""

import threading

import streamlit as st

from models.learners import LEARNERS, digits
from models.training import Recipe, Training
from pages.common.jobs import THREAD
from pages.common.learning import begin, runs

IS_TRAINING = "train" in st.query_params
if IS_TRAINING and not runs():
    begin(Training(Recipe("lenet5_1998", epochs=50), lambda: LEARNERS["lenet5_1998"].build(10, channels=1), digits()))


@st.fragment(run_every=None if IS_TRAINING else 0.2)
def count() -> None:
    st.markdown(f"{sum(thread.name == THREAD for thread in threading.enumerate())} at work")


count()
