"""For test_train.py: begins a training that takes long where its address says so, and counts the threads at work."""

import threading

import streamlit as st

from models.learners import LEARNERS, digits
from models.training import Recipe, Training
from pages.common.jobs import THREAD
from pages.common.learning import begin, runs

if "train" in st.query_params and not runs():
    begin(Training(Recipe("lenet5_1998", epochs=50), lambda: LEARNERS["lenet5_1998"].build(10, channels=1), digits()))
st.markdown(f"{sum(thread.name == THREAD for thread in threading.enumerate())} at work")
