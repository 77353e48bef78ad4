from collections.abc import Iterator
from functools import cache

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner

from pages.common import panels


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "heavy: takes several seconds for the sake of a large network")


@pytest.fixture(scope="session", autouse=True)
def components_looked_for_once() -> Iterator[None]:
    """Every AppTest goes through all installed packages in search of components, which takes longer than a page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_browser_has_to_be_waited_for() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panels, "TO_DRAW", 0)
        yield


@pytest.fixture(autouse=True)
def no_language_is_left_behind() -> Iterator[None]:
    """Outside of a run all tests share one session, in which a visit leaves its language (see `Visit._speak`)."""
    yield
    st.session_state.pop("language", None)
