"""Where each container keeps its metadata: the raw blocks, cut out within bounds.

Sources: ITU-T T.81 and EXIF 4.7 (JPEG segments), the XMP specification part 3 (embedding), the
PNG specification 11.3, the WebP container specification. AVIF and GIF are opened by Pillow.
"""

import io
import itertools
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from PIL import Image

from app.evidence.file import EvidenceFile
from app.evidence.iptc import iptc_of_photoshop, thumbnail_of_photoshop
from app.evidence.jpeg import Segment, read_jpeg
from app.evidence.plaintext import decoded, plain

CHUNK_LIMIT = 100_000
"""Chunks of a PNG or WebP file that are walked through."""

TEXT_BUDGET = 16 << 20
"""Bytes of PNG texts that are unpacked, all together."""

_LISTED_TEXTS = 1000
_FAULT_LIMIT = 50

LOOKED_FOR = {
    "JPEG": frozenset(("EXIF", "XMP", "IPTC", "Comment")),
    "PNG": frozenset(("EXIF", "XMP", "IPTC", "Text")),
    "TIFF": frozenset(("EXIF", "XMP", "IPTC")),
    "WebP": frozenset(("EXIF", "XMP")),
    "AVIF": frozenset(("EXIF", "XMP")),
    "GIF": frozenset(("XMP", "Comment")),
}
"""The parts that are looked for, by format; in other formats there are none."""

_Text = TypeVar("_Text")

_EXIF_MARK = b"Exif\0\0"
_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
_LONG_XMP_MARK = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP_MARK = b"Photoshop 3.0\0"
_XMP_KEYWORD = "XML:com.adobe.xmp"
_PROFILE = re.compile(r"Raw profile type (exif|xmp|iptc|8bim|APP1)", re.IGNORECASE)


@dataclass(slots=True)
class Blocks:
    """What was cut out of one file; the first block of each kind.

    Attributes:
        exif: a TIFF stream.
        xmp: an XML document.
        iptc: data sets.
        thumbnail: a JPEG file from the Photoshop resources of a JPEG file.
        comments: as text.
        texts: keyword and text of PNG chunks, without those that hold other metadata.
        faults: what is damaged or was left out, in sentences.
        incomplete: the container could not be followed to its end.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    thumbnail: bytes | None = None
    comments: list[str] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    incomplete: bool = False

    def put(self, kind: str, block: bytes) -> None:
        """Keep the first block of a kind, and tell of a further one."""
        if kind == "exif":
            block = block.removeprefix(_EXIF_MARK)
        if getattr(self, kind) is None:
            setattr(self, kind, block)
        else:
            self.say(f"A further {kind.upper()} block is in the file and was not read.")

    def say(self, sentence: str) -> None:
        """Keep a fault once; a hostile file has the same one many times."""
        if sentence not in self.faults and len(self.faults) < _FAULT_LIMIT:
            self.faults.append(sentence)


def read_blocks(evidence: EvidenceFile) -> Blocks:
    """Cut the metadata out of ``evidence``; never raises for its content."""
    blocks = Blocks()
    data = evidence.data
    if data is None or evidence.format not in LOOKED_FOR:
        return blocks
    if evidence.format == "TIFF":
        blocks.exif = data
    elif evidence.format == "JPEG":
        _from_jpeg(data, blocks)
    elif evidence.format == "PNG":
        _from_png(data, blocks)
    elif evidence.format == "WebP":
        _from_webp(data, blocks)
    else:
        _from_pillow(data, evidence.format, blocks)
    return blocks


def _from_jpeg(data: bytes, blocks: Blocks) -> None:
    segments = read_jpeg(data).segments
    continued: list[bytes] = []
    photoshop: list[bytes] = []
    for segment in segments:
        payload = data[segment.offset + 4 : segment.offset + 4 + segment.length]
        if segment.name == "APP1" and payload.startswith(_EXIF_MARK):
            if blocks.exif is not None and payload[6:8] not in (b"II", b"MM"):
                continued.append(payload[6:])  # Some writers continue a long block like this.
            else:
                blocks.put("exif", payload)
        elif segment.name == "APP1" and payload.startswith(_XMP_MARK):
            blocks.put("xmp", payload.removeprefix(_XMP_MARK))
        elif segment.name == "APP1" and payload.startswith(_LONG_XMP_MARK):
            blocks.say("The file has extended XMP, which is not read.")
        elif segment.name == "APP13" and payload.startswith(_PHOTOSHOP_MARK):
            photoshop.append(payload.removeprefix(_PHOTOSHOP_MARK))
        elif segment.name == "COM":
            _keep(blocks.comments, plain(decoded(payload.rstrip(b"\0"))), blocks)
    if blocks.exif is not None:
        blocks.exif = b"".join([blocks.exif, *continued])
    resources = b"".join(photoshop)
    blocks.iptc = iptc_of_photoshop(resources)
    blocks.thumbnail = thumbnail_of_photoshop(resources)
    if stray := _stray_bytes(data, segments):
        blocks.say(f"{stray:,} bytes of the JPEG header belong to no segment.")
    if segments[-1].name != "SOS":
        blocks.incomplete = True
        blocks.say("The JPEG header breaks off before the picture's data.")


def _stray_bytes(data: bytes, segments: Sequence[Segment]) -> int:
    """Bytes between the segments that are no fill bytes (T.81, B.1.1.2)."""
    gaps = (
        data[before.offset + (4 if number else 2) + before.length : after.offset]
        for number, (before, after) in enumerate(itertools.pairwise(segments))
    )
    return sum(len(gap) for gap in gaps if gap.strip(b"\xff"))


def _from_png(data: bytes, blocks: Blocks) -> None:
    at, budget, kind = 8, TEXT_BUDGET, b""
    for _ in range(CHUNK_LIMIT):
        if at + 8 > len(data) or kind == b"IEND":
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            break
        if kind == b"eXIf":
            blocks.put("exif", data[at + 8 : at + 8 + length])
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            used = _png_text(kind, data[at + 8 : at + 8 + length], budget, blocks)
            budget = max(budget - used, 0)
        at += 12 + length
    if kind != b"IEND":
        blocks.incomplete = True
        blocks.say("The PNG chunks break off before the end of the picture.")


def _png_text(kind: bytes, chunk: bytes, budget: int, blocks: Blocks) -> int:
    """Keep one text chunk, and return how many bytes it took."""
    keyword, _, rest = chunk.partition(b"\0")
    name = keyword.decode("latin-1")
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed = rest[:1] == b"\1"
        parts = rest[2:].split(b"\0", 2)
        rest = parts[2] if len(parts) == 3 else b""
    elif packed:
        rest = rest[1:]
    raw = rest[:budget]
    if packed:
        unpacker = zlib.decompressobj()
        try:
            raw = unpacker.decompress(rest, max(budget, 1))
        except zlib.error:
            blocks.say(f"The text {plain(name)[:80]} is damaged and was not read.")
            return 0
        if not unpacker.eof and len(raw) < budget:
            blocks.say(f"The text {plain(name)[:80]} breaks off.")
    if len(raw) >= budget:
        blocks.say("The texts are larger than what is read; some are cut or left out.")
    profile = _PROFILE.fullmatch(name)
    if name == _XMP_KEYWORD:
        blocks.put("xmp", raw)
    elif profile:
        _raw_profile(profile[1].lower(), raw, blocks)
    else:
        text = raw.decode("utf-8", "replace") if kind == b"iTXt" else raw.decode("latin-1")
        _keep(blocks.texts, (plain(name), plain(text)), blocks)
    return len(raw)


def _keep(kept: list[_Text], text: _Text, blocks: Blocks) -> None:
    if len(kept) < _LISTED_TEXTS:
        kept.append(text)
    else:
        blocks.say(f"The file has more than {_LISTED_TEXTS:,} texts; the rest is not listed.")


def _raw_profile(kind: str, raw: bytes, blocks: Blocks) -> None:
    """ImageMagick's way: a name, a length, and the block in hexadecimal."""
    try:
        block = bytes.fromhex(raw.split(b"\n", 3)[3].decode("ascii"))
    except (IndexError, ValueError):
        blocks.say(f"The raw profile {kind} is damaged and was not read.")
        return
    if kind == "xmp" or (kind == "app1" and block.startswith(_XMP_MARK)):
        blocks.put("xmp", block.removeprefix(_XMP_MARK))
    elif kind in ("exif", "app1"):
        blocks.put("exif", block)
    elif (iptc := iptc_of_photoshop(block)) is not None:
        blocks.put("iptc", iptc)


def _from_webp(data: bytes, blocks: Blocks) -> None:
    at, end = 12, min(struct.unpack_from("<I", data, 4)[0] + 8, len(data))
    for _ in range(CHUNK_LIMIT):
        if at + 8 > end:
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > len(data):
            break
        if kind in (b"EXIF", b"XMP "):
            blocks.put("exif" if kind == b"EXIF" else "xmp", data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    blocks.incomplete = True
    blocks.say("The WebP chunks break off before the end of the file.")


def _from_pillow(data: bytes, container: str, blocks: Blocks) -> None:
    try:
        with Image.open(io.BytesIO(data), formats=[container.upper()]) as image:
            info = image.info
    except Exception:
        # Decoders reject hostile content with almost any exception type.
        blocks.incomplete = True
        blocks.say(f"The {container} header is damaged and was not read.")
        return
    for key in ("exif", "xmp"):
        if isinstance(block := info.get(key), bytes) and block:
            blocks.put(key, block)
    if isinstance(comment := info.get("comment"), bytes):
        blocks.comments.append(plain(decoded(comment.rstrip(b"\0"))))
