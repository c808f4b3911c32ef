"""JSON that others wrote: nothing in it is believed before it was checked."""

import json
import stat
from pathlib import Path
from types import UnionType
from typing import Any, NoReturn

from app.errors import UnreadableFileError
from app.names import printable

_WORDS: dict[type | UnionType, str] = {
    str: "text",
    int: "a whole number",
    int | float: "a number",
    list: "a list",
    dict: "an object",
}


class NotJsonError(ValueError):
    """The content is no JSON in UTF-8."""


class FaultError(ValueError):
    """What is wrong with a document, in words that continue a sentence."""


def read_start(source: Path, count: int) -> bytes:
    """The first ``count`` bytes of a regular file, or all of them if there are fewer.

    Raises:
        UnreadableFileError: not a file, or it cannot be read.
    """
    name = printable(source.name or str(source))
    try:
        # Opening a named pipe would wait for its writer.
        if not stat.S_ISREG(source.stat().st_mode):
            raise UnreadableFileError(f"{name} is not a file.")
        with source.open("rb") as stream:
            return stream.read(count)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(f"{name} cannot be read: {reason}.", repr(error)) from error


def parse(data: bytes) -> Any:
    """The value in ``data``, with or without a byte order mark, which some editors write.

    Raises:
        NotJsonError: it is not JSON in UTF-8; infinite numbers are none.
        FaultError: an object names something twice, so that two readers may see two values.
    """
    try:
        return json.loads(
            data.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=_named_once
        )
    except FaultError:
        raise
    except (ValueError, RecursionError) as error:
        # The repr of a UnicodeDecodeError holds the whole file.
        raise NotJsonError(str(error)) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise FaultError(f"it names {json.dumps(key[:40])} twice")
        found[key] = value
    return found


def deeper_than(limit: int, value: Any) -> bool:
    """Whether more than ``limit`` lists and objects lie in each other."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return limit < 0 or any(deeper_than(limit - 1, item) for item in inner)


def typed(raw: Any, key: str, kind: type | UnionType, where: str = "") -> Any:
    """``raw[key]``, if it is of ``kind``: text, a number, a list or an object.

    Raises:
        FaultError: missing or of another kind; ``where`` says which object ``raw`` is.
    """
    place = f"{where}.{key}" if where else key
    if key not in raw:
        raise FaultError(f"{place} is missing")
    if not isinstance(raw[key], kind) or isinstance(raw[key], bool):
        raise FaultError(f"{place} is not {_WORDS[kind]}")
    return raw[key]


def typed_digest(raw: Any, key: str, where: str = "") -> str:
    """A SHA-256 in lower-case hexadecimal digits.

    Raises:
        FaultError: missing or something else.
    """
    digest = str(typed(raw, key, str, where))
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise FaultError(f"{where}.{key} is not a SHA-256 digest".removeprefix("."))
    return digest
