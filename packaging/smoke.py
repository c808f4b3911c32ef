"""Use the frozen program as its users will, and compare with the source it was made from.

    build/cpu/venv/bin/python packaging/smoke.py --flavour cpu

`make smoke` runs it. The program is copied to a place whose name has spaces and umlauts, and runs
without rights, without a network, and with an empty home, where this system allows each of these;
each line says what was done. Runs in the environment that the program was frozen in. Leaves
``build/FLAVOUR/smoke.png``, a picture of the window.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import functools
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import bootstrap
import release
from PIL import Image

SAMPLES = release.ROOT / "resources" / "samples"
NOBODY = 65534
LINUX = sys.platform == "linux"

_CALLS = (
    *("open", "openat", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2"),
    *("unlink", "unlinkat", "rmdir", "link", "linkat", "symlink", "symlinkat", "truncate"),
    *("chmod", "fchmodat", "chown", "fchownat", "utimensat", "socket"),
)
_WRITES = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)")
_FOLDER = re.compile(r"^\w+<([^>]*)>")
_NAMED = re.compile(r'"((?:[^"\\]|\\.)*)"')


class FailedError(Exception):
    """Something is not as it should be."""


class SkippedError(Exception):
    """Something cannot be tried on this system."""


@dataclass
class Bench:
    """A place in which the program is tried.

    Attributes:
        program: its executable, in a folder with an odd name.
        evidence: what it examines; nobody may write there.
        home: the only place to write to.
    reference: where the source writes what is compared.
        flavour: of the program.
    """

    program: Path
    evidence: Path
    home: Path
    reference: Path
    flavour: str
    network: list[str] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        """Variables of a user who has just logged in."""
        kept = ("SystemRoot", "TEMP", "TMP") if os.name == "nt" else ()
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            **of_home(self.home),
            **{name: os.environ[name] for name in kept if name in os.environ},
            **more,
        }

    def command(self, *words: object, before: tuple[str, ...] = ()) -> list[str]:
        """The program with arguments, without a network where that is possible."""
        return [*self.network, *before, str(self.program), *map(str, words)]

    def run(self, *words: object, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run the program to its end, from its home."""
        return subprocess.run(
            self.command(*words, before=before),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",  # Windows has code pages
            env=self.environment(),
            cwd=self.home,
            timeout=300,
            **without_rights(),
        )

    def source(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run the source it was made from, in the same environment of packages."""
        with tempfile.TemporaryDirectory() as home:
            return subprocess.run(
                [sys.executable, "-m", "app", *map(str, words)],
                capture_output=True,
                text=True,
                encoding="utf-8",
                cwd=release.ROOT,
                env={**self.environment(), **of_home(Path(home))},
                timeout=300,
            )


def main() -> int:
    """Run every check; the exit status is 0 when none fails."""
    parser = argparse.ArgumentParser(description="Try the frozen program.")
    parser.add_argument("--flavour", choices=release.FLAVOURS, default="cpu")
    flavour = parser.parse_args().flavour
    if LINUX:
        bootstrap.ensure_libraries(
            bootstrap.DISPLAY | {"libX11.so.6": "libx11-6"},
            {"Xvfb": "xvfb", "strace": "strace"},
        )
    failures = 0
    with bench(flavour) as place:
        for check in CHECKS:
            title = (check.__doc__ or "").splitlines()[0].rstrip(".")
            began = time.monotonic()
            try:
                said = check(place)
            except SkippedError as reason:
                print(f"skipped  {title}: {reason}", flush=True)
                continue
            except (FailedError, subprocess.SubprocessError, OSError) as error:
                failures += 1
                print(f"FAILED   {title}: {error}", flush=True)
                continue
            print(f"ok       {title}: {said} ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"{len(CHECKS)} checks, {failures} failed")
    return min(failures, 1)


@contextlib.contextmanager
def bench(flavour: str) -> Iterator[Bench]:
    """A copy of the program, samples and an empty home, gone afterwards."""
    source = release.folder(flavour)
    if not source.exists():
        sys.exit(f"{source} is not there; make freeze makes it.")
    with tempfile.TemporaryDirectory(prefix="elascope smoke ") as name:
        root = Path(name).resolve()
        root.chmod(0o755)
        program = root / "Prüfstelle für Bilder" / source.name
        shutil.copytree(source, program, symlinks=True)
        evidence = root / "Beweise äöü"
        shutil.copytree(SAMPLES, evidence)
        home, reference = root / "home of nobody", root / "reference"
        home.mkdir()
        reference.mkdir()
        if without_rights():
            os.chown(home, NOBODY, NOBODY)
        place = Bench(release.executable(program), evidence, home, reference, flavour)
        place.network = cut_network()
        yield place


def without_rights() -> dict[str, object]:
    """Arguments of `subprocess.run` for a user without rights, if this one may choose."""
    if os.name == "posix" and os.geteuid() == 0:
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return {}


@functools.cache
def cut_network() -> list[str]:
    """What to put before a command to give it a system without a network; nothing if it cannot."""
    how = ["unshare", "--user", "--map-current-user", "--net", "--"]
    with contextlib.suppress(OSError):
        tried = subprocess.run([*how, "true"], capture_output=True, **without_rights())
        if tried.returncode == 0:
            return how
    return []


# Checks -------------------------------------------------------------------------------------------


def version(place: Bench) -> str:
    """It says its version, as the source does."""
    said = place.run("--version")
    expect(said.returncode == 0 and said.stdout == place.source("--version").stdout, said)
    expect(said.stdout == f"elascope {release.version()}\n", said)
    return said.stdout.strip()


def report_for_bugs(place: Bench) -> str:
    """It says of what it consists, and that it is frozen."""
    said = place.run("--version", "--verbose")
    expect(said.returncode == 0 and "frozen" in said.stdout and not said.stderr, said)
    return f"{len(said.stdout.splitlines())} lines"


def scan(place: Bench) -> str:
    """It scans the samples with the same answers as the source."""
    target, wanted = place.home / "a report.csv", place.reference / "wanted.csv"
    done = place.run("scan", place.evidence, "--csv", target, "--restart")
    expect(done.returncode == 0, done)
    expected = place.source("scan", place.evidence, "--csv", wanted, "--restart")
    expect(expected.returncode == 0, expected)
    rows, others = rows_of(target), rows_of(wanted)
    expect(rows == others, f"{first_difference(rows, others)}")
    expect(len(rows) == len(list(SAMPLES.iterdir())), f"{len(rows)} rows")
    return f"{len(rows)} rows equal, with all scores"


def error_levels(place: Bench) -> str:
    """Its error level map is that of the source, byte for byte."""
    made, wanted = place.home / "map.png", place.reference / "wanted.png"
    image = place.evidence / "splice.jpg"
    done = place.run("ela", image, "--output", made, "--quality", 85)
    expect(done.returncode == 0, done)
    expected = place.source("ela", image, "--output", wanted, "--quality", 85)
    expect(expected.returncode == 0, expected)
    expect(made.read_bytes() == wanted.read_bytes(), "the files differ")
    return f"{made.stat().st_size} bytes equal"


def damage(place: Bench) -> str:
    """A corrupt file costs one row, or one sentence."""
    folder = place.evidence.parent / "damaged"
    folder.mkdir()
    content = (place.evidence / "splice.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(content[: len(content) // 2])
    (folder / "noise.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9)
    (folder / "empty.tif").write_bytes(b"")
    (folder / "whole.jpg").write_bytes(content)
    target = place.home / "damaged.csv"
    done = place.run("scan", folder, "--csv", target, "--restart")
    expect(done.returncode in (0, 1) and "Traceback" not in done.stderr, done)
    states = {Path(row["path"]).name: row["status"] for row in rows_of(target)}
    expect(states.pop("whole.jpg", "") == "ok" and "ok" not in states.values(), states)
    one = place.run("ela", folder / "noise.png", "--output", place.home / "no.png")
    expect(one.returncode == 1 and len(one.stderr.splitlines()) == 1, one)
    expect(not (place.home / "no.png").exists(), "a map of nothing was written")
    return f"{states}; {one.stderr.strip()}"


def no_display(place: Bench) -> str:
    """Without a display it says so in a sentence."""
    if not LINUX:
        raise SkippedError("only Linux may be without one")
    done = place.run("open")
    expect(done.returncode == 1 and len(done.stderr.splitlines()) == 1, done)
    return done.stderr.strip()


def offscreen(place: Bench) -> str:
    """Its window opens without a screen, makes small pictures, and ends on Ctrl-C."""
    home = place.home / "offscreen"
    with window(place, home, QT_QPA_PLATFORM="offscreen") as process:
        thumbnails = cache_in(home) / "thumbnails"
        whole = len(list(SAMPLES.iterdir())) - 1  # one is damaged
        wait_for(lambda: len(list(thumbnails.glob("*"))) >= whole, process, "thumbnails")
        if os.name == "posix":
            process.send_signal(signal.SIGINT)
            expect(process.wait(20) == 0, f"it ended with {process.returncode}")
    return f"{len(list(thumbnails.glob('*')))} thumbnails"


def on_a_screen(place: Bench) -> str:
    """Its window opens on a screen, shows a picture, and ends when asked to."""
    if not LINUX:
        raise SkippedError("a virtual screen needs Xvfb")
    from screen import virtual_screen

    shot = release.build(place.flavour) / "smoke.png"
    with (
        virtual_screen() as screen,
        window(place, place.home / "screen", DISPLAY=screen.display) as process,
    ):
        # The name of the first sample is in the title when its picture is there.
        wait_for(
            lambda: any("camera_original" in window.title for window in screen.windows()),
            *(process, "picture"),
        )
        time.sleep(2.0)
        picture = screen.picture()
        Image.fromarray(picture).save(shot)
        process.send_signal(signal.SIGINT)
        expect(process.wait(20) == 0, f"it ended with {process.returncode}")
    height, width = picture.shape[:2]
    centre = picture[height // 8 : height // 2, width // 4 : 5 * width // 8]
    colours = len(set(map(bytes, centre.reshape(-1, 3)[::7])))
    expect(colours > 500, f"{colours} colours in the middle: see {shot}")
    return f"{colours} colours in the middle; {shot.relative_to(release.ROOT)}"


def writes(place: Bench) -> str:
    """It writes in the user's own folders only, and opens no socket."""
    if shutil.which("strace") is None:
        raise SkippedError("strace is not there")
    log = place.home / "calls"
    calls = ",".join(f"?{name}" for name in _CALLS)
    watching = ("strace", "-f", "-y", "-q", "-e", f"trace={calls}", "-o", str(log))
    done = place.run(
        *("scan", place.evidence, "--csv", place.home / "w.csv", "--restart"), before=watching
    )
    expect(done.returncode == 0, done)
    lines = log.read_text("utf-8", "replace").splitlines()
    allowed = (str(place.home), "/dev/null", "/dev/shm", "/proc/self")
    trespasses = [line for line in lines if is_trespass(line, allowed)]
    expect(len(lines) > 1000, f"only {len(lines)} calls were seen: {done.stderr}")
    expect(not trespasses, "\n".join(trespasses[:5]))
    return f"{len(lines)} calls of its processes looked at"


def is_trespass(line: str, allowed: tuple[str, ...]) -> bool:
    """Whether a line of strace -y tells of a write elsewhere, or of a socket."""
    name, _, arguments = line.partition(" ")[2].strip().partition("(")
    if name == "socket":
        return "AF_UNIX" not in arguments
    if name not in _CALLS or " = -1 E" in arguments:
        return False
    if name.startswith("open") and not _WRITES.search(arguments):
        return False
    folder = _FOLDER.search(arguments)
    named = [Path(unescaped(folder[1] if folder else "/"), n) for n in strings_of(arguments)]
    return not all(any(path.is_relative_to(place) for place in allowed) for path in named)


def strings_of(arguments: str) -> list[str]:
    """The quoted arguments of a call."""
    return [unescaped(text) for text in _NAMED.findall(arguments)]


def unescaped(text: str) -> str:
    """A name as strace writes it, with its octal escapes resolved."""
    data = text.encode("utf-8").decode("unicode_escape").encode("latin-1", "replace")
    return data.decode("utf-8", "surrogateescape")


def untouched(place: Bench) -> str:
    """Program and evidence are what they were."""
    program = release.folder(place.flavour)
    copy = next(p for p in place.program.parents if p.name == program.name)
    expect(hashes(copy) == hashes(program), "the program has changed")
    expect(hashes(place.evidence) == hashes(SAMPLES), "the evidence has changed")
    left = {path.name for path in place.evidence.parent.iterdir()}
    known = {copy.parent.name, place.evidence.name, place.home.name, place.reference.name}
    expect(left - known - {"damaged"} == set(), f"left behind: {left - known}")
    return f"{len(hashes(copy))} files by SHA-256"


def surroundings(place: Bench) -> str:
    """All of this was done without network and without rights."""
    rights = "as user nobody" if without_rights() else "as this user"
    if not place.network:
        raise SkippedError(f"{rights}, but with the network: it cannot be cut here")
    return f"{rights}, network cut, in {place.program.parent.parent}"


CHECKS: tuple[Callable[[Bench], str], ...] = (
    version,
    report_for_bugs,
    scan,
    error_levels,
    damage,
    no_display,
    offscreen,
    on_a_screen,
    writes,
    untouched,
    surroundings,
)


# Means --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def window(place: Bench, home: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """The window with the samples, ended at the end."""
    home.mkdir()
    if without_rights():
        os.chown(home, NOBODY, NOBODY)
    process = subprocess.Popen(
        place.command("open", place.evidence),
        env=place.environment(**variables, **of_home(home)),
        cwd=home,
        stderr=subprocess.DEVNULL,
        **without_rights(),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def of_home(home: Path) -> dict[str, str]:
    """Variables that say where the user's own folders are."""
    return {"HOME": str(home), "LOCALAPPDATA": str(home), "USERPROFILE": str(home)}


def cache_in(home: Path) -> Path:
    """Where the program keeps what can be made again; see app/paths.py."""
    if sys.platform == "win32":
        return home / "elascope" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "elascope"
    return home / ".cache" / "elascope"


def wait_for(
    there: Callable[[], bool], process: subprocess.Popen[bytes], what: str, seconds: float = 60
) -> None:
    """Wait until something is there, while the process lives."""
    end = time.monotonic() + seconds
    while not there():
        expect(process.poll() is None, f"it ended with {process.returncode} before {what}")
        expect(time.monotonic() < end, f"no {what} within {seconds:.0f} s")
        time.sleep(0.05)


def expect(condition: object, otherwise: object) -> None:
    """Fail with what is known if something is not so."""
    if not condition:
        raise FailedError(str(otherwise)[:2000])


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV report."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def first_difference(rows: list[dict[str, str]], others: list[dict[str, str]]) -> str:
    """Where two reports first differ."""
    for row, other in zip(rows, others, strict=False):
        for name in row:
            if row[name] != other.get(name):
                return f"{row['path']}, {name}: {row[name]} instead of {other.get(name)}"
    return f"{len(rows)} rows instead of {len(others)}"


def hashes(folder: Path) -> dict[str, str]:
    """File to SHA-256."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    sys.exit(main())
