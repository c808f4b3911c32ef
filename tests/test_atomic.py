import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from app.atomic import refuse_evidence, write_bytes, write_stream
from app.errors import NotWrittenError


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file that was there before."""
    path = tmp_path / "report.csv"
    path.write_bytes(b"old")
    return path


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_new_content_replaces_the_old_and_leaves_nothing_beside_it(target: Path) -> None:
    write_bytes(target, b"new" * 1000)
    assert target.read_bytes() == b"new" * 1000
    assert _names(target.parent) == ["report.csv"]


def test_a_reader_of_the_old_file_keeps_it(target: Path) -> None:
    with target.open("rb") as reader:
        write_bytes(target, b"new")
        assert reader.read() == b"old"


def test_what_is_written_piece_by_piece_appears_at_once(target: Path) -> None:
    def write(stream: BinaryIO) -> None:
        stream.write(b"ne")
        assert target.read_bytes() == b"old"
        stream.write(b"w")

    write_stream(target, write)
    assert target.read_bytes() == b"new"
    assert _names(target.parent) == ["report.csv"]


def test_a_writer_that_fails_half_way_keeps_the_old_file(target: Path) -> None:
    def write(stream: BinaryIO) -> None:
        stream.write(b"ne")
        raise MemoryError

    with pytest.raises(MemoryError):
        write_stream(target, write)
    assert target.read_bytes() == b"old"
    assert _names(target.parent) == ["report.csv"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_file(
    target: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(NotWrittenError) as caught:
        write_bytes(target, b"new")
    assert caught.value.sentence == f"{target} could not be written: No space left on device."
    assert "OSError(28" in caught.value.detail
    assert target.read_bytes() == b"old"
    assert _names(target.parent) == ["report.csv"]


@pytest.mark.skipif(os.name == "nt", reason="needs a limit on file sizes")
def test_a_write_that_ends_half_way_keeps_the_old_file(target: Path) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(NotWrittenError, match="File too large"):
            write_bytes(target, bytes(200_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.read_bytes() == b"old"
    assert _names(target.parent) == ["report.csv"]


def test_an_interrupt_keeps_the_old_file(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(target, b"new")
    assert target.read_bytes() == b"old"
    assert _names(target.parent) == ["report.csv"]


def test_content_is_on_the_disk_before_it_takes_the_name(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    real = os.fsync

    def watching(descriptor: int) -> None:
        seen.append(target.read_bytes())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watching)
    write_bytes(target, b"new")
    assert seen == [b"old"]


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "report.csv"
    with pytest.raises(NotWrittenError, match=r"could not be written: No such file or directory\."):
        write_bytes(target, b"new")
    assert _names(tmp_path) == []


def test_a_file_in_the_place_of_the_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(NotWrittenError) as caught:
        write_bytes(tmp_path / "file" / "report.csv", b"new")
    assert caught.value.sentence == (
        f"{tmp_path / 'file' / 'report.csv'} could not be written: Not a directory."
    )
    assert (tmp_path / "file").read_bytes() == b"x"


def test_a_read_only_file_system_is_a_sentence(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removing what could not be made fails there, too, and must not hide the reason."""

    def refusing(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refusing)
        patched.setattr(os, "unlink", refusing)
        with pytest.raises(NotWrittenError) as caught:
            write_bytes(target, b"new")
    assert caught.value.sentence == f"{target} could not be written: Read-only file system."
    assert target.read_bytes() == b"old"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "out"
    os.mkfifo(pipe)
    with pytest.raises(NotWrittenError) as caught:
        write_bytes(pipe, b"new")
    assert caught.value.sentence == f"{pipe} is not a file, so nothing is written to it."
    assert pipe.is_fifo()
    assert _names(tmp_path) == ["out"]


def test_a_link_stays_a_link_and_what_it_points_to_is_written(tmp_path: Path, target: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "link.csv"
    link.symlink_to(target)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert _names(tmp_path) == ["links", "report.csv"]
    assert _names(link.parent) == ["link.csv"]


def test_a_folder_in_the_targets_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out" / "inside").mkdir(parents=True)
    with pytest.raises(NotWrittenError):
        write_bytes(tmp_path / "out", b"new")
    assert _names(tmp_path) == ["out"]
    assert _names(tmp_path / "out") == ["inside"]


def test_a_read_only_folder_keeps_the_old_file(target: Path) -> None:
    target.parent.chmod(0o555)
    try:
        if os.access(target.parent, os.W_OK):
            pytest.skip("this user (root?) may write everywhere")
        with pytest.raises(NotWrittenError, match="Permission denied"):
            write_bytes(target, b"new")
        assert target.read_bytes() == b"old"
        assert _names(target.parent) == ["report.csv"]
    finally:
        target.parent.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_permissions_follow_the_umask(tmp_path: Path, umask: int) -> None:
    write_bytes(tmp_path / "new", b"x")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~umask


def test_evidence_is_refused_under_every_name_it_has(tmp_path: Path) -> None:
    evidence = tmp_path / "photo.jpg"
    evidence.write_bytes(b"pixels")
    (tmp_path / "hard.jpg").hardlink_to(evidence)
    (tmp_path / "soft.jpg").symlink_to(evidence)
    (tmp_path / "sub").mkdir()
    for name in ("photo.jpg", "hard.jpg", "soft.jpg", "sub/../photo.jpg"):
        with pytest.raises(NotWrittenError) as caught:
            refuse_evidence([None, tmp_path / name], [tmp_path / "other.jpg", evidence])
        assert caught.value.sentence == (
            f"{tmp_path / name} is one of the examined files; it is never overwritten. "
            "Choose a place outside the examined folder."
        )


def test_other_targets_are_not_refused(tmp_path: Path) -> None:
    evidence, other = tmp_path / "photo.jpg", tmp_path / "report.csv"
    for path in (evidence, other):
        path.write_bytes(b"same content")
    refuse_evidence([None, other, tmp_path / "new.csv"], [evidence, tmp_path / "gone.jpg"])
    refuse_evidence([other], [])
