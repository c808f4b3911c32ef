"""The properties of an XMP packet as paths and values.

Source: ISO 16684-1 (XMP), whose packets are RDF/XML. A document type declaration is refused, so
a packet can neither define entities nor refer to other files.
"""

from typing import NoReturn
from xml.parsers import expat

from app.evidence.plaintext import plain

PACKET_LIMIT = 4 << 20
"""Bytes of a packet that is read; larger ones are named and left."""

PROPERTY_LIMIT = 2000
_DEPTH_LIMIT = 64
_NAME_LIMIT = 200

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML = "http://www.w3.org/XML/1998/namespace"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_WRAPPING = frozenset(("RDF", "Description", "Seq", "Bag", "Alt"))

Property = tuple[str, str]


class _RefusedError(Exception):
    """The packet has something that is not read, with the sentence for it."""


def read_xmp(packet: bytes) -> tuple[tuple[Property, ...], tuple[str, ...]]:
    """(path, value) of every property in the packet's order, and the faults in sentences.

    A path is as in the specification: ``dc:creator[1]``, ``xmpMM:History[2]/stEvt:action``.
    """
    if len(packet) > PACKET_LIMIT:
        return (), (f"The XMP packet has {len(packet):,} bytes; so large a one is not read.",)
    properties = _Properties()
    try:
        properties.parse(packet if packet.startswith(_UTF16) else packet.strip(b"\0 \t\r\n"))
    except _RefusedError as error:
        return tuple(properties.found), (str(error),)
    except (expat.ExpatError, ValueError, LookupError) as error:
        code = getattr(error, "code", None)
        reason = expat.ErrorString(code) if code is not None else "unknown encoding"
        return tuple(properties.found), (f"The XMP packet is damaged: {reason}.",)
    return tuple(properties.found), ()


class _Properties:
    """Collects properties while expat walks through the packet."""

    def __init__(self) -> None:
        self.found: list[Property] = []
        self._path: list[str] = []
        self._items = [0]
        self._texts: list[list[str]] = []
        self._leaf: list[bool] = []

    def parse(self, packet: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.namespace_prefixes = True
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.Parse(packet, True)

    def _refuse(self, *_: object) -> NoReturn:
        raise _RefusedError("The XMP packet declares a document type; the rest is not read.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= _DEPTH_LIMIT:
            raise _RefusedError("The XMP packet is nested too deeply; the rest is not read.")
        space, local, shown = _split(name)
        step = f"/{shown}"
        if (space == _RDF and local in _WRAPPING) or local in ("xmpmeta", "xapmeta"):
            step = ""
        elif space == _RDF and local == "li":
            self._items[-1] += 1
            step = f"[{self._items[-1]}]"
        if self._leaf:
            self._leaf[-1] = False
        self._path.append(step)
        self._items.append(0)
        self._texts.append([])
        self._leaf.append(bool(step))
        for key, value in attributes.items():
            self._attribute(key, value)

    def _attribute(self, key: str, value: str) -> None:
        space, local, shown = _split(key)
        if space == _XML and local == "lang":
            self._path[-1] += f"({value[:_NAME_LIMIT]})"
        elif space == _RDF and local == "resource":
            self._texts[-1].append(value)
        elif space not in (_RDF, ""):
            self._leaf[-1] = False
            self._add("".join([*self._path, f"/{shown}"]), value)

    def _text(self, text: str) -> None:
        if self._texts:
            self._texts[-1].append(text)

    def _end(self, _: str) -> None:
        text = "".join(self._texts.pop()).strip()
        if self._leaf.pop() or text:
            self._add("".join(self._path), text)
        self._path.pop()
        self._items.pop()

    def _add(self, path: str, value: str) -> None:
        if len(self.found) >= PROPERTY_LIMIT:
            raise _RefusedError(
                f"The XMP packet has more than {PROPERTY_LIMIT:,} properties; the rest is not read."
            )
        self.found.append((plain(path.removeprefix("/")), plain(value)))


def _split(name: str) -> tuple[str, str, str]:
    """Namespace, local name, and the name with its prefix as the packet writes it."""
    parts = name.split(" ")
    if len(parts) == 1:
        return "", name, name[:_NAME_LIMIT]
    prefix = f"{parts[2]}:" if len(parts) > 2 else ""
    return parts[0], parts[1], f"{prefix}{parts[1]}"[:_NAME_LIMIT]
