"""How much a visitor may upload in all: Streamlit limits each file, and keeps whatever is sent to it."""

from starlette.exceptions import HTTPException
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from models.device import memory

MOST_FILES = 24  # of one session
MOST_BYTES = 5 << 28  # of one session: the largest file of weights, a ZIP and pictures
SHARE = 1 / 4  # of the memory, for the files of all sessions together


class LimitedUploads(MemoryUploadedFileManager):
    """Takes a session's files as long as they are not too many, and all together not too large."""

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        """Keeps a file until its session ends or gives it up.

        Raises:
            HTTPException: the answer 413 to the browser, for a file that is too much.
        """
        with self._lock:
            mine = {key: len(other.data) for key, other in self.file_storage.get(session_id, {}).items()}
            mine[file.file_id] = len(file.data)
            is_too_much = len(mine) > MOST_FILES or sum(mine.values()) > MOST_BYTES
            is_too_much |= self._total_bytes + len(file.data) > SHARE * memory()
        if is_too_much:
            raise HTTPException(413, "Too many files, or too large ones: remove some, or reload the page")
        super().add_file(session_id, file)


def limit_uploads() -> None:
    """From now on, the server that this runs on takes uploads as `LimitedUploads`."""
    if Runtime.exists() and type(manager := Runtime.instance().uploaded_file_mgr) is MemoryUploadedFileManager:
        manager.__class__ = LimitedUploads
