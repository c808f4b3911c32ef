"""Opening a file as evidence: read-only, hashed before anything else, sniffed by content."""

import errno
import hashlib
import os
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from app.errors import UnreadableFileError

DEFAULT_BYTE_LIMIT = 1 << 30
"""Files above this size (1 GiB) are hashed but not kept in memory, hence not decoded."""

_CHUNK = 1 << 20
_HEAD = 64


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """What was read from one file. The pixels are decoded from exactly the hashed bytes.

    Attributes:
        path: as given by the caller.
        sha256: lower-case hexadecimal digest of the whole file.
        size: bytes read.
        modified: time of last modification as the file system tells it, UTC; None where that is no
            date.
        format: ``JPEG``, ``PNG``, ``TIFF``, ``WebP``, ``BMP``, ``GIF`` or ``AVIF`` from the
            leading bytes (an MPO file begins as a JPEG), else None.
        kind: what the content seems to be when ``format`` is None, for a sentence.
        data: the content; None where it is not a supported image or over the byte limit.
        modified_ns: ``modified`` in nanoseconds since 1970, as the file system tells it.
    """

    path: Path
    sha256: str
    size: int
    modified: datetime | None
    format: str | None
    kind: str
    data: bytes | None = field(repr=False)
    modified_ns: int | None = None


def sniff(head: bytes) -> str | None:
    """Name the supported image format that ``head`` (the first 32 bytes or more) begins."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return "TIFF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(b"BM"):
        return "BMP"
    if head[4:8] == b"ftyp" and any(brand in _brands(head) for brand in (b"avif", b"avis")):
        return "AVIF"
    return None


_UNSUPPORTED = (
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 codestream"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL image"),
    (b"8BPS", "a Photoshop document"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x00\x00\x01\x00", "a Windows icon"),
    (b"\x76\x2f\x31\x01", "an OpenEXR image"),
    (b"#?RADIANCE", "a Radiance HDR image"),
    (b"qoif", "a QOI image"),
    (b"farbfeld", "a farbfeld image"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
)


def _describe(head: bytes) -> str:
    """Say what an unsupported content seems to be, for the sentence an analyst reads."""
    if not head:
        return "an empty file"
    if head[4:8] == b"ftyp":
        heif = any(brand in _brands(head) for brand in (b"heic", b"heix", b"mif1", b"heif"))
        return "a HEIC image" if heif else "a video or another ISO media file"
    for magic, kind in _UNSUPPORTED:
        if head.startswith(magic):
            return kind
    return "not a known image format"


def _brands(head: bytes) -> tuple[bytes, ...]:
    """Major and compatible brands of an ISO base media file (ISO/IEC 14496-12, 4.3)."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return head[8:12], *(head[i : i + 4] for i in range(16, end - 3, 4))


def open_evidence(path: Path, byte_limit: int = DEFAULT_BYTE_LIMIT) -> EvidenceFile:
    """Read and hash ``path`` in one pass without changing it.

    The file is opened read-only and, where the system allows it to this user, without
    updating its access time. Anything but a regular file is refused before it is read, so a
    named pipe cannot block the caller.

    Raises:
        UnreadableFileError: missing, not permitted, not a regular file, a read error, or changed
            while it was read.
    """
    try:
        descriptor = _open_read_only(path)
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            facts = os.fstat(stream.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise UnreadableFileError(
                    f"{path.name or path} is not a regular file.", oct(facts.st_mode)
                )
            digest = hashlib.sha256()
            kept: list[bytes] | None = []
            size = 0
            head = b""
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                if size == 0:
                    head = chunk[:_HEAD]
                    if sniff(head) is None:
                        kept = None
                size += len(chunk)
                if size > byte_limit:
                    kept = None
                if kept is not None:
                    kept.append(chunk)
            after = os.fstat(stream.fileno())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(f"The file cannot be read: {reason}.", repr(error)) from error
    if (after.st_mtime_ns, after.st_size) != (facts.st_mtime_ns, facts.st_size):
        # The hash may be that of no content that the file ever had.
        raise UnreadableFileError("The file was changed while it was read.")
    found = sniff(head)
    return EvidenceFile(
        path=path,
        sha256=digest.hexdigest(),
        size=size,
        modified=_moment(facts.st_mtime),
        format=found,
        kind="" if found else _describe(head),
        data=b"".join(kept) if kept is not None and found else None,
        modified_ns=facts.st_mtime_ns,
    )


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _open_read_only(path: Path) -> int:
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    quiet = getattr(os, "O_NOATIME", 0)
    try:
        return os.open(path, flags | quiet)
    except OSError as error:
        # O_NOATIME is for the file's owner only (open(2)).
        if quiet and error.errno == errno.EPERM:
            return os.open(path, flags)
        raise
