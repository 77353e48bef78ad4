"""A stack as it is filled in: its rows, its picture and its two switches; as text for a table and for a link."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from urllib.parse import unquote

from models.refusals import Refused
from vis.cost.layer import SETTINGS, Shape, is_empty, picture
from vis.cost.stack import MOST_ROWS, Row, Stack, row_by_row

MOST_CODE = 8_000  # characters of a stack in a link
MOST_CELL = 40  # and of one setting that is no number
_KINDS = {kind: kind.replace(" ", "-") for kind in SETTINGS}
EMPTY, UNKNOWN, MISSING = "empty", "unknown", "-"  # the codes of no rows, of no kind, and of no number
WHOLE = re.compile(r"[+-]?\d{1,40}")
PAIR = re.compile(r"(\d{1,9})\s*[×xX*,]\s*(\d{1,9})")
USUAL = {field.name: field.default for field in fields(Row) if field.name != "kind"}


@dataclass(frozen=True)
class Design:
    """What a user fills in."""

    rows: tuple[Row, ...] = ()
    picture: Shape = (3, 224, 224)  # (C, H, W)
    bias: bool = True
    norm: bool = False

    def stack(self) -> Stack:
        """What becomes of the picture, and what it costs."""
        return row_by_row(self.rows, self.picture, self.bias, self.norm)


# A row in a table ------------------------------------------------------------------------------------------------


def row(kind: str, **settings: object) -> Row:
    """A row with those of the settings that its kind has; empty ones are the usual ones; there is no usual kernel."""
    told = {name: settings.get(name) for name in SETTINGS.get(kind, ())}
    usual = USUAL | {"kernel": None}
    return Row(kind, **{name: usual[name] if is_empty(n) else n for name, n in told.items()})


def cells(of: Row) -> dict[str, str | None]:
    """The row as text; None for what its kind does not have."""
    told = SETTINGS.get(of.kind, ())
    return {"kind": of.kind, **{name: as_text(getattr(of, name)) if name in told else None for name in USUAL}}


def from_cells(written: dict[str, object]) -> Row:
    """The row that is written in a table."""
    return row(written.get("kind"), **{name: as_setting(written.get(name)) for name in USUAL})


def as_text(setting: object) -> str | None:
    """7, or 1×7 where rows and columns differ."""
    return None if setting is None else "×".join(map(str, setting if isinstance(setting, tuple) else (setting,)))


def as_setting(text: object) -> object:
    """The number that is written, or (rows, columns) of 1×7; anything else stays as it is, to be refused."""
    if is_empty(text):
        return None
    text = str(text).strip()[:MOST_CELL]
    if WHOLE.fullmatch(text):
        return int(text)
    both = PAIR.fullmatch(text)
    return (int(both[1]), int(both[2])) if both else text


# A stack in a link -----------------------------------------------------------------------------------------------


def as_code(rows: Iterable[Row]) -> str | None:
    """conv.64.7.2.3_max-pool.3.2.1: every kind with its settings in the order of SETTINGS; None if that is too long.

    The usual settings are left out: conv.64.3..1 has a stride of 1. Of signs that links need not escape.
    """
    rows = tuple(rows)
    if not rows:
        return EMPTY
    code = "_".join(map(_code, rows))
    return code if len(rows) <= MOST_ROWS and len(code) <= MOST_CODE else None


def _code(of: Row) -> str:
    names = SETTINGS.get(of.kind, ())
    settings = ["" if getattr(of, name) == USUAL[name] else _escaped(getattr(of, name)) for name in names]
    return ".".join([_KINDS.get(of.kind, UNKNOWN), *settings]).rstrip(".")


def _escaped(setting: object) -> str:
    """As the table shows it, but 1x7; what is no number may hold the signs that separate."""
    if setting is None:
        return MISSING
    if isinstance(setting, tuple):
        return "x".join(map(str, setting))
    return str(setting) if isinstance(setting, int) else "".join(f"%{byte:02x}" for byte in str(setting).encode())


def from_code(code: str) -> tuple[Row, ...]:
    """The rows of a link.

    Raises:
        Refused: for a code that this page did not write. Settings may be anything: their row says what is wrong.
    """
    if code == EMPTY:
        return ()
    parts = code.split("_")
    if len(code) > MOST_CODE or len(parts) > MOST_ROWS:
        raise Refused("The link's stack has more than {most} rows, so it was ignored.", most=MOST_ROWS)
    return tuple(map(_row, parts))


def _row(code: str) -> Row:
    kind, *written = code.split(".")
    kinds = {short: kind for kind, short in _KINDS.items()} | {UNKNOWN: None}
    told = SETTINGS.get(kinds.get(kind), ())
    if kind not in kinds or len(written) > len(told):
        raise Refused("The link contains no readable stack, so it was ignored.")
    return Row(kinds[kind], **{name: _setting(text, name) for name, text in zip(told, written, strict=False)})


def _setting(text: str, name: str) -> object:
    if not text:
        return USUAL[name]
    return None if text == MISSING else as_setting(unquote(text))


def picture_code(shape: Shape) -> str:
    """3x224x224 of a picture (C, H, W)."""
    return "x".join(map(str, shape))


def picture_from_code(code: str) -> Shape:
    """The picture of a link; raises Refused for none, and for one that cannot be."""
    try:
        channels, height, width = map(int, code.split("x"))
    except ValueError:
        raise Refused("The link contains no readable stack, so it was ignored.") from None
    return picture(channels, height, width)
