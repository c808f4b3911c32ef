"""Pack the frozen program of Linux as an archive to unpack anywhere, and sum up what is published.

    build/cpu/venv/bin/python packaging/archive.py --flavour cpu
    python3 packaging/archive.py --sums             only dist/SHA256SUMS, of what is there

Runs in the environment that the program was frozen in. Two runs over the same folder give the same
bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
LINUX = HERE / "linux"
sys.path[:0] = [str(HERE), str(LINUX)]

import bootstrap  # noqa: E402
import elf  # noqa: E402
import release  # noqa: E402

ENTRIES = ("elascope.desktop", "zz-elascope.desktop")


def main() -> int:
    """Run all steps; the exit status is 0 when the archive is made."""
    parser = argparse.ArgumentParser(description="Pack the frozen program as .tar.zst.")
    parser.add_argument("--flavour", choices=release.FLAVOURS, default="cpu")
    parser.add_argument("--sums", action="store_true", help="write only dist/SHA256SUMS")
    options = parser.parse_args()
    published = release.ROOT / "dist"
    if not options.sums:
        flavour = options.flavour
        program = release.folder(flavour)
        if not release.executable(program).exists():
            sys.exit(f"{program} is not there; make freeze makes it.")
        folder = release.build(flavour) / "archive" / f"{release.name(flavour)}-{release.version()}"
        stage(folder, flavour, program)
        target = published / f"{release.artefact(flavour)}.tar.zst"
        pack(folder, target, release.epoch())
        shutil.copyfile(
            program / "sbom.cdx.json", published / f"{release.artefact(flavour)}.cdx.json"
        )
        print(f"{target.relative_to(release.ROOT)}: {target.stat().st_size / 1e6:.1f} MB")
    count = write_sums(published)
    print(f"dist/SHA256SUMS: {count} files")
    return 0


def stage(folder: Path, flavour: str, program: Path) -> None:
    """The program with what belongs to it, as it will be unpacked."""
    shutil.rmtree(folder.parent, ignore_errors=True)
    copy_program(program, folder)
    stage_share(folder / "share", flavour)
    shutil.copy(LINUX / "install-desktop-entry.sh", folder)


def copy_program(program: Path, folder: Path) -> None:
    """The frozen program, without what its libraries say of the machine that built them."""
    shutil.copytree(program, folder, symlinks=True)
    for path in sorted(folder.rglob("*")):
        if elf.is_elf(path):
            elf.forget_places(path)


def stage_share(share: Path, flavour: str) -> None:
    """What a desktop and ``man`` look for, in the folders where they do so below ``share``."""
    icons = share / "icons" / "hicolor"
    files = {
        **{share / "applications" / name: LINUX / name for name in ENTRIES},
        share / "metainfo" / "org.elascope.Elascope.metainfo.xml": LINUX
        / "org.elascope.Elascope.metainfo.xml",
        icons / "256x256" / "apps" / "elascope.png": HERE / "icons" / "elascope.png",
        icons / "scalable" / "apps" / "elascope.svg": release.ROOT
        / "resources"
        / "icons"
        / "elascope.svg",
    }
    for target, source in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    page = share / "man" / "man1" / "elascope.1"
    page.parent.mkdir(parents=True)
    page.write_bytes(man_page(flavour))


def man_page(flavour: str) -> bytes:
    """The man page, made where the program can be imported."""
    python = bootstrap.binaries(release.build(flavour) / "venv") / "python"
    command = [str(python), str(LINUX / "manpage.py")]
    # The width of a terminal would be seen in it.
    variables = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(command, env=variables, capture_output=True, check=True).stdout


# The archive --------------------------------------------------------------------------------------


def pack(folder: Path, target: Path, epoch: int) -> None:
    """Write ``folder`` as a tar packed with Zstandard; see `write_tar`."""
    import zstandard

    # Level 19 over 128 MiB, the most that zstd -d takes without being asked. The number of threads
    # changes nothing in the result.
    parameters = zstandard.ZstdCompressionParameters.from_level(
        19, window_log=27, enable_ldm=True, write_checksum=True, threads=os.cpu_count() or 1
    )
    packer = zstandard.ZstdCompressor(compression_params=parameters)
    with target.open("wb") as file, packer.stream_writer(file) as stream:
        write_tar(folder, stream, epoch)


def write_tar(folder: Path, stream: IO[bytes], epoch: int) -> None:
    """Write ``folder`` as a tar: names sorted, owned by root, of the time ``epoch``."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in [folder, *sorted(folder.rglob("*"), key=lambda path: path.as_posix())]:
            entry = tar.gettarinfo(path, path.relative_to(folder.parent).as_posix())
            settle(entry, epoch)
            if entry.isreg():
                with path.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)


def settle(entry: tarfile.TarInfo, epoch: int) -> None:
    """Take out of an entry what tells of the machine that packs."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = epoch
    runs = entry.isdir() or entry.issym() or entry.mode & 0o100
    entry.mode = 0o777 if entry.issym() else 0o755 if runs else 0o644


# Sums ---------------------------------------------------------------------------------------------


def write_sums(folder: Path) -> int:
    """Write ``SHA256SUMS`` over the files of a folder, as ``sha256sum -c`` reads it; their number.

    Folders in it are not published.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and is_published(path))
    lines = [f"{digest(path, 'sha256')}  {path.name}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8", newline="\n")
    return len(files)


def is_published(path: Path) -> bool:
    """Whether a file of ``dist`` is one that people get; the sums are not summed up."""
    return path.name != "SHA256SUMS" and not path.name.startswith(".")


def digest(path: Path, kind: str) -> str:
    """The hash of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
