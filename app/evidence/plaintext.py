"""Text out of a file, made fit for a screen: bounded, and without what moves a cursor."""

import codecs

TEXT_LIMIT = 2000
"""Characters of one value that are shown."""

_BYTES_SHOWN = 24


def plain(text: str) -> str:
    """``text`` with control and direction characters as escapes, cut at `TEXT_LIMIT`."""
    shown = "".join(
        character if character.isprintable() else ascii(character)[1:-1]
        for character in text[:TEXT_LIMIT]
    )
    return f"{shown}… ({len(text):,} characters)" if len(text) > TEXT_LIMIT else shown


def decoded(raw: bytes, whole: bool = True) -> str:
    """``raw`` as UTF-8, or as Latin-1 (which takes any byte) where it is not; not yet plain.

    Where ``raw`` is not the whole value, its last character may be cut.
    """
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(raw, final=whole)
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def plain_bytes(raw: bytes, size: int) -> str:
    """Bytes as text where they are printable ASCII, else their first ones in hexadecimal.

    ``raw`` is the beginning of a value of ``size`` bytes.
    """
    text = raw.rstrip(b"\0")
    if text and len(raw) == size and all(32 <= byte < 127 for byte in text):
        return plain(text.decode("ascii"))
    shown = raw[:_BYTES_SHOWN].hex(" ")
    more = "…" if size > _BYTES_SHOWN else ""
    return f"{shown}{more} ({size:,} bytes)"
