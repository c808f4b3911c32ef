"""Pack the frozen program of ``dist/FLAVOUR`` as a package of Debian.

    python3 packaging/linux/deb.py --flavour cpu

The result is in ``dist``; ``make freeze`` must have run. Two builds of one commit give the same
bytes. Uses the standard library and Debian's tools only.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

import archive  # noqa: E402
import bootstrap  # noqa: E402
import elf  # noqa: E402
import release  # noqa: E402

PLACE = "usr/lib/elascope"
"""Programs of one machine with their libraries belong below /usr/lib (FHS 4.6); Debian's policy
(9.1.1) keeps /opt free of packages."""

LIBRARIES = bootstrap.DISPLAY | {
    "libfreetype.so.6": "libfreetype6",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
}
"""What the program takes from the system: dpkg-shlibdeps asks the installed packages for the
versions."""

TOOLS = {"dpkg-shlibdeps": "dpkg-dev", "objdump": "binutils", "xz": "xz-utils"}

NOT_LINKED = ("xkb-data",)
"""Packages that the window needs and no library asks for: the keyboard's layouts are read by a
library that is inside the program. Fonts come with libfontconfig1."""

CUDA = re.compile(r"lib(cu|nv|nccl)[a-zA-Z0-9]*\.so\.")
"""Libraries of the machine's GPU, for flavours that use one; none of Debian's packages."""

MAINTAINER = "The Elascope developers <elascope@users.noreply.github.com>"
HOMEPAGE = "https://github.com/elascope/elascope"

DESCRIPTION = """\
Error Level Analysis and calibrated verdicts for folders of images
 Elascope helps people who must say how an image came to be: examiners,
 fact-checkers, claims investigators, editors. It opens a folder of images,
 shows each with Error Level Analysis, JPEG ghosts and noise, asks calibrated
 models whether it was altered, where, and whether a generator made it, looks
 for parts that are there twice, and writes a report in which every file has
 a row.
 .
 It works offline and opens evidence read-only. The models are included."""

ABOUT_FLAVOUR = {
    "cpu": " This build computes on the processor.",
    "gpu": " This build computes with CUDA and cuDNN of the machine, if they are installed.",
    "cuda": " This build computes with CUDA and takes its libraries along.",
}


def main() -> int:
    """Run all steps; the exit status is 0 when the package is made."""
    parser = argparse.ArgumentParser(description="Pack the frozen program for Debian.")
    parser.add_argument("--flavour", choices=release.FLAVOURS, default="cpu")
    flavour = parser.parse_args().flavour
    program = release.folder(flavour)
    if not release.executable(program).exists():
        sys.exit(f"{program} is not there; make freeze makes it.")
    bootstrap.ensure_libraries(LIBRARIES, TOOLS)
    root = release.build(flavour) / "deb"
    shutil.rmtree(root, ignore_errors=True)
    stage(root, flavour, program)
    write_control(root, flavour)
    settle(root)
    package = build(root, flavour)
    models = packed_models(root)
    size = package.stat().st_size
    archive.write_sums(release.ROOT / "dist")
    print(
        f"{package.relative_to(release.ROOT)}: {size / 1e6:.1f} MB, of which the models are "
        f"{models / 1e6:.1f} MB, so {(size - models) / 1e6:.1f} MB without them"
    )
    return 0


# Files --------------------------------------------------------------------------------------------


def stage(root: Path, flavour: str, program: Path) -> None:
    """Put every file where it will be installed."""
    name = release.name(flavour)
    archive.copy_program(program, root / PLACE)
    command = root / "usr" / "bin" / "elascope"
    command.parent.mkdir(parents=True)
    command.symlink_to("../lib/elascope/elascope")
    share = root / "usr" / "share"
    archive.stage_share(share, flavour)
    page = share / "man" / "man1" / "elascope.1"
    write_gzip(page.with_name("elascope.1.gz"), page.read_bytes())
    page.unlink()
    documents = share / "doc" / name
    documents.mkdir(parents=True)
    (documents / "copyright").write_text(copyright_file(root / PLACE), "utf-8")
    write_gzip(documents / "changelog.gz", changelog(flavour).encode("utf-8"))
    (documents / "licences").symlink_to("../../../lib/elascope/licences")
    overrides = share / "lintian" / "overrides" / name
    overrides.parent.mkdir(parents=True)
    overrides.write_bytes((HERE / "lintian-overrides").read_bytes())


def copyright_file(program: Path) -> str:
    """Licences as Debian has them written, with the index of all parts."""
    index = (program / "licences" / "INDEX.txt").read_text("utf-8")
    terms = (release.ROOT / "LICENSE").read_text("utf-8")
    holder = next(line for line in terms.splitlines() if line.startswith("Copyright"))
    body = terms.partition(holder)[2].strip()
    return "\n".join(
        [
            "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
            "Upstream-Name: Elascope",
            f"Source: {HOMEPAGE}",
            "Comment:",
            *indented(f"The texts are in /{PLACE}/licences.\n\n{index}"),
            "",
            "Files: *",
            f"Copyright: {holder.removeprefix('Copyright (c) ')}",
            "License: Expat",
            "",
            f"Files: {PLACE}/_internal/*",
            f"Copyright: see /{PLACE}/licences",
            "License: various",
            *indented(
                f"Parts by others, each under its own licence: /{PLACE}/licences/INDEX.txt names "
                "them, the folders beside it have the texts."
            ),
            "",
            "License: Expat",
            *indented(body),
            "",
        ]
    )


def indented(text: str) -> list[str]:
    """Lines of a field of a control file; an empty one is a dot."""
    return [f" {line}" if line.strip() else " ." for line in text.strip().splitlines()]


def changelog(flavour: str) -> str:
    """What the changelog says of this version, as Debian has it written."""
    text = (release.ROOT / "CHANGELOG.md").read_text("utf-8")
    found = re.search(
        rf"^## \[{re.escape(release.version())}\][^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S
    )
    entries = re.findall(r"^- (.*?)(?=^- |^#|^$|\Z)", found[1] if found else "", re.M | re.S)
    lines = []
    for entry in entries or ["See the project's page."]:
        wrapped = textwrap.wrap(" ".join(entry.split()), 74, break_long_words=False)
        lines += [f"  * {wrapped[0]}", *(f"    {line}" for line in wrapped[1:])]
    moment = datetime.fromtimestamp(release.epoch(), UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    heading = f"{release.name(flavour)} ({debian_version()}) stable; urgency=medium"
    return "\n".join([heading, "", *lines, "", f" -- {MAINTAINER}  {moment}", ""])


def write_gzip(path: Path, data: bytes) -> None:
    """The same bytes for the same data."""
    path.write_bytes(gzip.compress(data, 9, mtime=0))


def settle(root: Path) -> None:
    """Give everything the modes and the time that a package's files have.

    Of the program only the command is executable: libraries are loaded, not run.
    """
    run = {root / PLACE / "elascope"}
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path in run else 0o644)
    for path in [*root.rglob("*"), root]:
        os.utime(path, (release.epoch(), release.epoch()), follow_symlinks=False)


# Control ------------------------------------------------------------------------------------------


def write_control(root: Path, flavour: str) -> None:
    """The files that dpkg itself reads."""
    folder = root / "DEBIAN"
    folder.mkdir()
    sums = checksums(root)
    depends = dependencies(root, flavour)
    (folder / "control").write_text(control(root, flavour, depends), "utf-8")
    (folder / "md5sums").write_text(sums, "utf-8")


def control(root: Path, flavour: str, depends: list[str]) -> str:
    """The description of the package."""
    name = release.name(flavour)
    fields = {
        "Package": name,
        "Version": debian_version(),
        "Architecture": architecture(),
        "Maintainer": MAINTAINER,
        "Installed-Size": str(installed_size(root)),
        "Depends": ", ".join(depends),
        "Recommends": "hicolor-icon-theme",
    }
    if flavour != "cpu":
        # One of them is installed, and other packages may ask for it by the common name.
        fields |= {
            "Provides": f"elascope (= {debian_version()})",
            "Conflicts": "elascope",
            "Replaces": "elascope",
        }
    fields |= {
        "Section": "graphics",
        "Priority": "optional",
        "Homepage": HOMEPAGE,
        "Description": f"{DESCRIPTION}\n{ABOUT_FLAVOUR[flavour]}",
    }
    return "".join(f"{key}: {value}\n" for key, value in fields.items())


def debian_version() -> str:
    """The version so that dpkg sorts what comes before a release before it."""
    return re.sub(r"[.-]?(a|b|rc|dev)(\d+)", r"~\1\2", release.version())


def architecture() -> str:
    """Debian's name for this machine."""
    return output("dpkg", "--print-architecture")


def installed_size(root: Path) -> int:
    """KiB as dpkg-gencontrol counts them: files rounded up, one for anything else."""
    paths = [path for path in root.rglob("*") if "DEBIAN" not in path.relative_to(root).parts]
    return sum(
        -(-path.stat().st_size // 1024) if path.is_file() and not path.is_symlink() else 1
        for path in paths
    )


def checksums(root: Path) -> str:
    """Every file with its MD5, which is what dpkg --verify compares."""
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return "".join(
        f"{archive.digest(path, 'md5')}  {path.relative_to(root).as_posix()}\n"
        for path in files
        if "DEBIAN" not in path.relative_to(root).parts
    )


def dependencies(root: Path, flavour: str) -> list[str]:
    """Packages with the versions that the program needs, from all its libraries.

    Raises:
        SystemExit: a library is neither in the program nor on this machine.
    """
    files = [path for path in sorted((root / PLACE).rglob("*")) if elf.is_elf(path)]
    found, missing = shlibdeps(root, files)
    if flavour != "cpu":
        # Libraries of CUDA are there or not; the program answers with the processor if not.
        without = {user for library, user in missing if CUDA.match(library)}
        missing = [(library, user) for library, user in missing if not CUDA.match(library)]
        if without and not missing:
            files = [path for path in files if str(path) not in without]
            found, missing = shlibdeps(root, files)
    if missing:
        sys.exit(
            "\n".join(f"{user} needs {library}, which is nowhere" for library, user in missing)
        )
    return sorted({*found, *NOT_LINKED})


def shlibdeps(root: Path, files: list[Path]) -> tuple[list[str], list[tuple[str, str]]]:
    """Packages that files need, and what was not found: (library, file that needs it)."""
    # It looks for a source package around it.
    desk = root.parent / "shlibdeps"
    (desk / "debian").mkdir(parents=True, exist_ok=True)
    stanzas = "Source: elascope\n\nPackage: elascope\nArchitecture: any\n"
    (desk / "debian" / "control").write_text(stanzas, "utf-8")
    command = ["dpkg-shlibdeps", "-O", f"-l/{PLACE}/_internal", *map(str, files)]
    done = subprocess.run(
        command, cwd=desk, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    missing = re.findall(r"cannot find library (\S+) needed by (\S+)", done.stderr)
    if done.returncode and not missing:
        sys.exit(done.stderr)
    said = re.search(r"^shlibs:Depends=(.*)$", done.stdout, re.M)
    return (said[1].split(", ") if said else []), sorted(set(missing))


# Packing ------------------------------------------------------------------------------------------


def build(root: Path, flavour: str) -> Path:
    """Pack what is staged; the package in ``dist``."""
    file = f"{release.name(flavour)}_{debian_version()}_{architecture()}.deb"
    target = release.ROOT / "dist" / file
    command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z9", "--build", root, target]
    variables = {**os.environ, "SOURCE_DATE_EPOCH": str(release.epoch())}
    subprocess.run([*map(str, command)], env=variables, check=True, stdout=subprocess.DEVNULL)
    return target


def packed_models(root: Path) -> int:
    """Bytes that the models take in the package: they alone, packed in the same way."""
    resources = root / PLACE / "_internal" / "resources"
    tar = subprocess.Popen(
        ["tar", "-C", str(resources), "-c", "models", "backbones"], stdout=subprocess.PIPE
    )
    packer = subprocess.Popen(["xz", "-9", "-T0", "-c"], stdin=tar.stdout, stdout=subprocess.PIPE)
    assert tar.stdout is not None and packer.stdout is not None
    tar.stdout.close()
    size = 0
    while block := packer.stdout.read(1 << 20):
        size += len(block)
    if tar.wait() or packer.wait():
        sys.exit("The models could not be packed.")
    return size


def output(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
