"""A file that this app made, where one of the visitor's own is expected."""

from collections.abc import Callable
from dataclasses import dataclass

from pages.common.session import sha256


@dataclass(frozen=True)
class MadeFile:
    """What a visitor drew or trained here; it has what is asked of an upload.

    Args:
        of: the network, of weights.
        about: says how they were trained, in the session's language.
    """

    name: str
    content: bytes
    of: str = ""
    about: Callable[[], str] = str

    @property
    def file_id(self) -> str:
        return sha256(self.content)

    def getvalue(self) -> bytes:
        return self.content
