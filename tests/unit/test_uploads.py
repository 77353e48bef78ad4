"""How much one visitor, and all together, may upload."""

import pytest
from starlette.exceptions import HTTPException
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from pages.common import uploads
from pages.common.uploads import MOST_FILES, LimitedUploads


@pytest.fixture
def manager(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    monkeypatch.setattr(uploads, "memory", lambda: 10_000)  # 2,500 for all
    manager = MemoryUploadedFileManager("upload")
    manager.__class__ = LimitedUploads
    return manager


def file(name: str, size: int) -> UploadedFileRec:
    return UploadedFileRec(name, name, "image/png", bytes(size))


def names(manager: LimitedUploads, session: str) -> set[str]:
    return set(manager.file_storage[session])


def test_a_session_has_so_many_bytes_for_all_its_files_and_may_replace_and_remove_them(manager):
    manager.add_file("one", file("a", 600))
    manager.add_file("one", file("a", 1000))  # in the place of the first
    with pytest.raises(HTTPException) as refused:
        manager.add_file("one", file("b", 1))
    assert refused.value.status_code == 413
    assert names(manager, "one") == {"a"}
    manager.add_file("other", file("b", 1))  # another's are not counted
    manager.remove_file("one", "a")
    manager.add_file("one", file("b", 900))
    assert names(manager, "one") == {"b"}


def test_files_without_a_byte_are_too_many_some_time(manager):
    for number in range(MOST_FILES):
        manager.add_file("one", file(str(number), 0))
    with pytest.raises(HTTPException):
        manager.add_file("one", file("one more", 0))
    assert len(names(manager, "one")) == MOST_FILES


def test_all_sessions_share_a_part_of_the_memory(manager):
    manager.add_file("one", file("a", 1000))
    manager.add_file("two", file("a", 1000))
    with pytest.raises(HTTPException):
        manager.add_file("three", file("a", 600))
    manager.remove_session_files("one")
    manager.add_file("three", file("a", 600))
