import errno
import hashlib
import os
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.errors import TooLargeError, UnreadableFileError, UnsupportedFormatError
from app.evidence.decode import decode
from app.evidence.file import open_evidence, sniff
from tests.pictures import encoded, noise

needs_fifo = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(noise(24, 40), "JPEG"))
    return path


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, (1 << 20) - 1, 1 << 20, (3 << 20) + 7])
def test_digest_and_size_are_those_of_the_whole_file(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    path = tmp_path / "blob"
    path.write_bytes(content)
    evidence = open_evidence(path)
    assert evidence.sha256 == hashlib.sha256(content).hexdigest()
    assert evidence.size == size


def test_data_are_exactly_the_hashed_bytes_over_several_reads(tmp_path: Path) -> None:
    content = encoded(noise(16, 16), "PNG") + os.urandom(3 << 20)
    path = tmp_path / "long.png"
    path.write_bytes(content)
    evidence = open_evidence(path)
    assert evidence.data == content
    assert evidence.sha256 == hashlib.sha256(content).hexdigest()


def test_modification_time_is_told_in_utc(jpeg: Path) -> None:
    os.utime(jpeg, (1_700_000_000, 1_700_000_000))
    assert open_evidence(jpeg).modified == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a file system with 64-bit times")
@pytest.mark.parametrize("seconds", [10**12, -(10**12)])
def test_a_modification_time_that_is_no_date_is_none(seconds: int) -> None:
    content = encoded(noise(8, 8), "PNG")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder, "photo.png")
        path.write_bytes(content)
        os.utime(path, (seconds, seconds))
        assert path.stat().st_mtime == seconds
        evidence = open_evidence(path)
    assert (evidence.modified, evidence.format, evidence.data) == (None, "PNG", content)


def test_opening_and_decoding_leave_bytes_and_times_unchanged(jpeg: Path) -> None:
    # An access time before the modification time is what "relatime" mounts would update.
    os.utime(jpeg, (1_000_000_000, 1_500_000_000))
    content, before = jpeg.read_bytes(), jpeg.stat()
    os.utime(jpeg, (1_000_000_000, 1_500_000_000))
    decode(open_evidence(jpeg))
    after = jpeg.stat()
    assert (after.st_mtime_ns, after.st_size, after.st_mode, after.st_ino) == (
        before.st_mtime_ns,
        before.st_size,
        before.st_mode,
        before.st_ino,
    )
    if hasattr(os, "O_NOATIME"):
        assert after.st_atime_ns == 1_000_000_000 * 10**9
    assert jpeg.read_bytes() == content


def test_nothing_is_created_beside_the_evidence(jpeg: Path) -> None:
    decode(open_evidence(jpeg))
    assert [entry.name for entry in jpeg.parent.iterdir()] == ["photo.jpg"]


def test_a_file_without_write_permission_is_read(jpeg: Path) -> None:
    jpeg.chmod(0o400)
    assert open_evidence(jpeg).format == "JPEG"


def test_evidence_is_only_ever_opened_read_only(
    jpeg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    real = os.open

    def recording(path: object, flags: int, *rest: object, **more: object) -> int:
        if Path(os.fsdecode(path)) == jpeg:  # type: ignore[arg-type]
            opened.append(flags)
        return real(path, flags, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", recording)
    decode(open_evidence(jpeg))
    assert opened
    forbidden = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    assert [flags & forbidden for flags in opened] == [0] * len(opened)


@pytest.mark.skipif(not hasattr(os, "O_NOATIME"), reason="O_NOATIME is Linux's")
def test_a_file_of_another_owner_is_read_without_the_owners_privilege(
    jpeg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux answers EPERM to O_NOATIME for everyone but the owner; the file is still read."""
    real = os.open

    def as_a_stranger(path: object, flags: int, *rest: object, **more: object) -> int:
        if flags & os.O_NOATIME:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
        return real(path, flags, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", as_a_stranger)
    assert open_evidence(jpeg).sha256 == hashlib.sha256(jpeg.read_bytes()).hexdigest()


@needs_fifo
@pytest.mark.timeout(10)
def test_a_named_pipe_without_a_writer_does_not_block(tmp_path: Path) -> None:
    pipe = tmp_path / "photo.jpg"
    os.mkfifo(pipe)
    with pytest.raises(UnreadableFileError, match="not a regular file"):
        open_evidence(pipe)


@pytest.mark.timeout(10)
def test_a_directory_a_device_and_a_socket_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError):
        open_evidence(tmp_path)
    with pytest.raises(UnreadableFileError, match="not a regular file"):
        open_evidence(Path(os.devnull))
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's address has room for about 100 characters only
        try:
            listener.bind("socket.jpg")
        finally:
            os.chdir(here)
        with pytest.raises(UnreadableFileError):
            open_evidence(tmp_path / "socket.jpg")


def test_a_missing_file_and_a_dangling_link_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link.jpg").symlink_to(tmp_path / "gone.jpg")
    for name in ("gone.jpg", "link.jpg"):
        with pytest.raises(UnreadableFileError, match="No such file") as caught:
            open_evidence(tmp_path / name)
        assert caught.value.status == "unreadable"


def test_a_link_to_a_file_is_followed(tmp_path: Path, jpeg: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(jpeg)
    assert open_evidence(link).sha256 == hashlib.sha256(jpeg.read_bytes()).hexdigest()


def test_a_file_without_read_permission_is_refused(jpeg: Path) -> None:
    jpeg.chmod(0)
    if os.access(jpeg, os.R_OK):
        pytest.skip("this user (root?) may read everything")
    with pytest.raises(UnreadableFileError, match="Permission denied"):
        open_evidence(jpeg)


def test_a_refusal_by_the_system_becomes_a_sentence(
    jpeg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(path: object, *_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(UnreadableFileError) as caught:
        open_evidence(jpeg)
    assert caught.value.sentence == "The file cannot be read: Permission denied."


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
def test_a_read_error_in_the_middle_is_unreadable() -> None:
    """/proc/self/mem is a regular file whose first page gives EIO."""
    with pytest.raises(UnreadableFileError, match=r"cannot be read: Input/output error\."):
        open_evidence(Path("/proc/self/mem"))


def test_a_name_that_no_system_accepts_is_unreadable() -> None:
    with pytest.raises(UnreadableFileError):
        open_evidence(Path("nul\0byte.jpg"))
    with pytest.raises(UnreadableFileError):
        open_evidence(Path("x" * 5000))


def test_content_decides_and_not_the_suffix(tmp_path: Path) -> None:
    path = tmp_path / "really-a-png.jpg"
    path.write_bytes(encoded(noise(16, 16), "PNG"))
    evidence = open_evidence(path)
    assert evidence.format == "PNG"
    assert decode(evidence).record.format == "PNG"


@pytest.mark.parametrize(
    ("container", "name"),
    [
        ("JPEG", "JPEG"),
        ("PNG", "PNG"),
        ("TIFF", "TIFF"),
        ("WEBP", "WebP"),
        ("BMP", "BMP"),
        ("GIF", "GIF"),
        ("AVIF", "AVIF"),
    ],
)
def test_what_pillow_saves_is_recognised_from_its_first_32_bytes(container: str, name: str) -> None:
    assert sniff(encoded(noise(16, 16), container)[:32]) == name


@pytest.mark.parametrize("order", [b"II+\x00\x08\x00\x00\x00", b"MM\x00+\x00\x08\x00\x00"])
def test_big_tiff_is_a_tiff(order: bytes) -> None:
    assert sniff(order + bytes(32)) == "TIFF"


def test_avif_is_recognised_by_a_compatible_brand() -> None:
    brands = b"mif1" + bytes(4) + b"mif1" + b"miaf" + b"avif"
    assert sniff((8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands) == "AVIF"


def test_a_brand_beyond_the_box_does_not_count() -> None:
    brands = b"heic" + bytes(4) + b"mif1"
    box = (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands
    assert sniff(box + b"avif" * 4) is None


def test_a_file_over_the_byte_limit_is_hashed_but_not_kept(jpeg: Path) -> None:
    content = jpeg.read_bytes()
    evidence = open_evidence(jpeg, byte_limit=len(content) - 1)
    assert (evidence.format, evidence.size, evidence.data) == ("JPEG", len(content), None)
    assert evidence.sha256 == hashlib.sha256(content).hexdigest()
    with pytest.raises(TooLargeError, match=f"{len(content):,} bytes"):
        decode(evidence)


def test_a_file_of_exactly_the_byte_limit_is_kept(jpeg: Path) -> None:
    size = jpeg.stat().st_size
    assert open_evidence(jpeg, byte_limit=size).data == jpeg.read_bytes()


def _iso_media(brand: bytes) -> bytes:
    return (20).to_bytes(4, "big") + b"ftyp" + brand + bytes(4) + brand + bytes(40)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (_iso_media(b"heic"), "a HEIC image"),
        (_iso_media(b"isom"), "a video or another ISO media file"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(40), "a JPEG 2000 image"),
        (b"\xff\x4f\xff\x51" + bytes(40), "a JPEG 2000 codestream"),
        (b"\xff\x0a" + bytes(40), "a JPEG XL image"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n" + bytes(40), "a JPEG XL image"),
        (b"8BPS" + bytes(40), "a Photoshop document"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04" + bytes(40), "a ZIP archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), "a 7-Zip archive"),
        (b"Rar!\x1a\x07\x00", "a RAR archive"),
        (b"\x1f\x8b\x08" + bytes(40), "a gzip archive"),
        (b"\x00\x00\x01\x00\x01\x00" + bytes(40), "a Windows icon"),
        (b"\x76\x2f\x31\x01" + bytes(40), "an OpenEXR image"),
        (b"#?RADIANCE\n", "a Radiance HDR image"),
        (b"qoif" + bytes(40), "a QOI image"),
        (b"farbfeld" + bytes(40), "a farbfeld image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"<?xml version='1.0'?>", "an XML document"),
        (b"just some words", "not a known image format"),
    ],
)
def test_an_unsupported_content_is_named_in_a_sentence(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    evidence = open_evidence(path)
    assert (evidence.format, evidence.data) == (None, None)
    with pytest.raises(UnsupportedFormatError) as caught:
        decode(evidence)
    assert caught.value.sentence == f"Not analysed: the content is {words}."
    assert caught.value.status == "unsupported"


def test_a_file_that_grows_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hash would be that of no content that it ever had."""
    path = tmp_path / "growing.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(100))
    real = hashlib.sha256

    def growing() -> Any:
        with path.open("ab") as stream:
            stream.write(b"more")
        return real()

    monkeypatch.setattr("app.evidence.file.hashlib.sha256", growing)
    with pytest.raises(UnreadableFileError, match="changed while it was read"):
        open_evidence(path)


def test_the_time_of_the_last_change_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    os.utime(path, ns=(5, 1_234_567_890_123_456_789))
    assert open_evidence(path).modified_ns == path.stat().st_mtime_ns
