from collections.abc import Iterator
from functools import cache

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import local_script_runner

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


@pytest.fixture(scope="session", autouse=True)
def every_part_can_begin_anew() -> Iterator[None]:
    """When a fragment begins anew, Streamlit drops what it has not yet sent of it; what stands elsewhere keeps its
    place in whatever run a test looks at, or the browser would show a white page.
    """
    parse = local_script_runner.parse_tree_from_messages

    def checked(messages: list):
        drawn = [
            (tuple(message.metadata.delta_path), message.delta.fragment_id)
            for message in messages
            if message.HasField("delta")
        ]
        for fragment in {of for _path, of in drawn if of}:
            dropped = {path for path, of in drawn if of == fragment}
            counts: dict[tuple[int, ...], int] = {}
            for path, of in drawn:
                if of == fragment or any(path[:length] in dropped for length in range(2, len(path))):
                    continue
                *above, index = path
                there = counts.get(tuple(above), 0)
                assert index <= there, f"{path} has no place when {dropped} is drawn anew"
                counts[tuple(above)] = max(there, index + 1)
        return parse(messages)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_script_runner, "parse_tree_from_messages", checked)
        yield
