"""How long a picture is there that no page shows any more."""

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.common import shown_files
from pages.common.shown_files import SECONDS, LingeringFiles


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(shown_files.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def manager(clock):
    storage = MemoryMediaFileStorage("media")
    storage.__class__ = LingeringFiles
    return MediaFileManager(storage)


def show(manager: MediaFileManager, content: bytes) -> str:
    """A run that shows this picture alone, as Streamlit begins and ends one; the picture's address."""
    manager.clear_session_refs()
    address = manager.add(content, "image/png", "the only place")
    manager.remove_orphaned_files()
    return address.removeprefix("media/")


def test_a_picture_is_there_a_while_after_its_page_shows_another(manager, clock):
    first = show(manager, b"first")
    second = show(manager, b"second")
    clock[0] += SECONDS - 1
    manager.remove_orphaned_files()
    assert manager.read_file(first).content == b"first"
    clock[0] += 2
    show(manager, b"second")
    assert manager.read_file(first) is None
    assert manager.read_file(second).content == b"second"


def test_a_run_that_was_cut_short_leaves_the_pictures_that_the_screen_still_shows(manager, clock):
    first = show(manager, b"first")
    manager.clear_session_refs()
    manager.remove_orphaned_files()  # by anybody's end
    assert manager.read_file(first) is not None
    show(manager, b"first")  # the next run shows it again, which then stands for good
    clock[0] += 2 * SECONDS
    show(manager, b"first")
    manager.add(b"other", "image/png", "another place")
    assert manager.read_file(first) is not None


def test_what_is_too_much_goes_before_its_time_and_the_oldest_first(manager, monkeypatch):
    monkeypatch.setattr(shown_files, "MOST_BYTES", 250)
    addresses = [show(manager, bytes([number]) * 100) for number in range(5)]
    assert [manager.read_file(address) is not None for address in addresses] == [False, False, True, True, True]
