"""A file that this app made, where one of the visitor's own is expected."""

from dataclasses import dataclass

from pages.common.session import sha256


@dataclass(frozen=True)
class MadeFile:
    """What a visitor drew or trained here; it has what is asked of an upload."""

    name: str
    content: bytes

    @property
    def file_id(self) -> str:
        return sha256(self.content)

    def getvalue(self) -> bytes:
        return self.content
