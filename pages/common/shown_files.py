"""Pictures and other files that pages show: Streamlit drops a file the moment no page shows it.

A browser asks for a picture somewhat later than its page names it. By then a run that was cut short, or another
session's end, may have dropped it, and it stays broken on the screen.
"""

import time

from streamlit.runtime import Runtime
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

SECONDS = 30  # that a slow browser has
MOST_BYTES = 32 << 20  # of all files that no page shows


class LingeringFiles(MemoryMediaFileStorage):
    """Keeps what no page shows a while longer, the newest of it if it is much. Its caller holds a lock meanwhile."""

    def load_and_get_id(
        self, path_or_data: str | bytes, mimetype: str, kind: MediaFileKind, filename: str | None = None
    ) -> str:
        """Keeps a file for a page; the same again if it is still there."""
        file_id = super().load_and_get_id(path_or_data, mimetype, kind, filename)
        self._dropped.pop(file_id, None)
        self._delete_old()
        return file_id

    def delete_file(self, file_id: str) -> None:
        """Drops a file, which goes a little later."""
        if file_id in self._files_by_id:
            self._dropped.setdefault(file_id, time.monotonic())
        self._delete_old()

    @property
    def _dropped(self) -> dict[str, float]:
        """When each file was dropped, the oldest first."""
        return self.__dict__.setdefault("_dropped_at", {})

    def _delete_old(self) -> None:
        since = time.monotonic() - SECONDS
        size = sum(self._files_by_id[file_id].content_size for file_id in self._dropped)
        for file_id, at in [*self._dropped.items()]:
            if at > since and size <= MOST_BYTES:
                break
            size -= self._files_by_id[file_id].content_size
            del self._dropped[file_id]
            super().delete_file(file_id)


def keep_shown_files() -> None:
    """From now on, the server that this runs on keeps the files of pages as `LingeringFiles`."""
    if Runtime.exists() and type(files := Runtime.instance().media_file_mgr._storage) is MemoryMediaFileStorage:
        files.__class__ = LingeringFiles
