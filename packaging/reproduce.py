"""Build the last commit twice, in two places, and compare: the same files, the same bytes?

    python3 packaging/reproduce.py [--flavour cpu]

`make reproduce` runs it. Each build has its own copy of the sources and its own environment, so
that nothing of one can end up in the other unnoticed.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from fnmatch import fnmatch
from pathlib import Path

import release

EXCEPTIONS: dict[str, str] = {}
"""Pattern of files that may differ, to the reason."""


def main() -> int:
    """Build and compare; the exit status is 0 when nothing differs but exceptions."""
    parser = argparse.ArgumentParser(description="Build the last commit twice and compare.")
    parser.add_argument("--flavour", choices=release.FLAVOURS, default="cpu")
    flavour = parser.parse_args().flavour
    with tempfile.TemporaryDirectory() as name:
        one, two = (built(Path(name) / place, flavour) for place in ("one", "another place"))
    alone = sorted(one.keys() ^ two.keys())
    differing = sorted(path for path in one.keys() & two.keys() if one[path] != two[path])
    for path in alone:
        print(f"only in one of them: {path}")
    for path in differing:
        print(f"differs: {path}{', ' + excuse(path) if excuse(path) else ''}")
    bad = [path for path in differing if not excuse(path)]
    print(f"{len(one)} files, {len(alone)} in one build only, {len(differing)} differ")
    return int(bool(alone or bad))


def built(folder: Path, flavour: str) -> dict[str, str]:
    """Path to SHA-256 of what the last commit gives when it is built in a folder."""
    folder.mkdir()
    archive = folder.parent / "commit.tar"
    command = ["git", "-C", str(release.ROOT), "archive", "--output", str(archive), "HEAD"]
    subprocess.run(command, check=True)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    variables = {**os.environ, "SOURCE_DATE_EPOCH": str(release.epoch())}
    freeze = [sys.executable, "packaging/freeze.py", "--flavour", flavour]
    subprocess.run(freeze, cwd=folder, env=variables, check=True)
    return hashes(folder / "dist" / flavour)


def hashes(folder: Path) -> dict[str, str]:
    """Path to SHA-256; of a link, where it leads."""
    return {
        path.relative_to(folder).as_posix(): (
            f"-> {path.readlink()}"
            if path.is_symlink()
            else hashlib.sha256(path.read_bytes()).hexdigest()
        )
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def excuse(path: str) -> str:
    """Why a file may differ; empty if it may not."""
    return next((why for pattern, why in EXCEPTIONS.items() if fnmatch(path, pattern)), "")


if __name__ == "__main__":
    sys.exit(main())
