"""What Linux gets: desktop entries, man page, package, archive and sums."""

from __future__ import annotations

import configparser
import ctypes
import gzip
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from app import __version__
from app.cli import _parser
from app.evidence.file import open_evidence

ROOT = Path(__file__).resolve().parent.parent
LINUX = ROOT / "packaging" / "linux"
EPOCH = 1_700_000_000

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(load: Load, monkeypatch: pytest.MonkeyPatch) -> Load:
    """The same, at a time of its own."""
    if sys.platform != "linux":
        pytest.skip("packages of Linux are made on Linux")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))
    return load


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    """A tool's answer; the test is skipped where the tool is missing."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run([*map(str, command)], capture_output=True, text=True, **options)


# Desktop entries ----------------------------------------------------------------------------------


def entry(name: str) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read(LINUX / name, "utf-8")
    return parser["Desktop Entry"]


def test_entries_open_every_format_that_is_read_and_folders(tmp_path: Path) -> None:
    """Each type is asked for by a file of that type, written by Pillow, and read as evidence."""
    types = set(entry("zz-elascope.desktop")["MimeType"].rstrip(";").split(";"))
    Image.init()
    written = set()
    for name, mime in Image.MIME.items():
        path = tmp_path / name
        try:
            Image.new("RGB", (16, 16)).save(path, name)
        except (OSError, ValueError, KeyError):
            continue
        if open_evidence(path).format is not None and name == Image.open(path).format:
            written.add(mime)
    # Pillow has types of its own for two that desktops know as JPEG and PNG.
    assert types == (written - {"image/mpo", "image/apng"}) | {"inode/directory"}


def test_entries_are_for_the_program_as_it_is() -> None:
    for name in ("elascope.desktop", "zz-elascope.desktop"):
        one = entry(name)
        assert one["Terminal"] == "false" and one["Icon"] == one["StartupWMClass"] == "elascope"
        # The window says that it belongs to elascope.desktop.
        source = (ROOT / "app" / "gui" / "application.py").read_text("utf-8")
        assert 'setDesktopFileName("elascope")' in source
        for file in ("/home/a/b.jpg", "-b.jpg", "--help"):
            words = [file if word == "%f" else word for word in one["Exec"].split()]
            assert words[0] == "elascope"
            options = _parser("open").parse_args(words[1:])
            assert options.path == (Path(file) if "%f" in one["Exec"] else None)
    # One in the menu, and the one that opens files neither in the menu nor a default.
    assert "NoDisplay" not in entry("elascope.desktop")
    assert "MimeType" not in entry("elascope.desktop")
    assert entry("zz-elascope.desktop")["NoDisplay"] == "true"
    assert entry("zz-elascope.desktop")["InitialPreference"] == "0"


def test_entries_are_valid() -> None:
    done = run("desktop-file-validate", *sorted(LINUX.glob("*.desktop")))
    assert done.returncode == 0 and not done.stdout, done.stdout


def test_it_is_no_default_beside_another_program(tmp_path: Path) -> None:
    """Even one whose name sorts late, without a desktop that has chosen."""
    folder = tmp_path / "applications"
    folder.mkdir()
    for file in LINUX.glob("*.desktop"):
        shutil.copy(file, folder)
    other = "[Desktop Entry]\nType=Application\nName=X\nExec=true %f\nMimeType="
    (folder / "xviewer.desktop").write_text(f"{other}image/png;inode/directory;\n", "utf-8")
    assert run("update-desktop-database", folder).returncode == 0
    places = {"XDG_DATA_DIRS": str(tmp_path), "XDG_DATA_HOME": "/none", "XDG_CONFIG_HOME": "/none"}
    # GLib lists programs that exist only.
    (tmp_path / "elascope").symlink_to("/bin/true")
    places["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    for kind in ("image/png", "inode/directory"):
        said = run("gio", "mime", kind, env={**os.environ, **places, "LC_ALL": "C.UTF-8"}).stdout
        assert said.splitlines()[0].endswith("xviewer.desktop"), said
        assert "zz-elascope.desktop" in said


def test_metainfo_names_the_same_types() -> None:
    path = LINUX / "org.elascope.Elascope.metainfo.xml"
    tree = ElementTree.parse(path)
    types = [node.text for node in tree.iter("mediatype")]
    assert types == entry("zz-elascope.desktop")["MimeType"].rstrip(";").split(";")
    assert tree.findtext("launchable") == "elascope.desktop"
    done = run("appstreamcli", "validate", "--no-net", path)
    assert done.returncode == 0, done.stdout


def test_the_entry_of_an_unpacked_program_comes_and_goes(tmp_path: Path) -> None:
    here = tmp_path / "Prüfung & mehr"
    (here / "share" / "applications").mkdir(parents=True)
    shutil.copy(LINUX / "elascope.desktop", here / "share" / "applications")
    script = shutil.copy(LINUX / "install-desktop-entry.sh", here)
    places = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")}
    assert run("sh", script, env=places).returncode == 0
    made = tmp_path / "data" / "applications" / "elascope.desktop"
    assert f'Exec="{here}/elascope" open' in made.read_text("utf-8").splitlines()
    done = run("desktop-file-validate", made)
    assert done.returncode == 0, done.stdout
    assert run("sh", script, "--remove", env=places).returncode == 0
    assert not made.exists()


# Man page -----------------------------------------------------------------------------------------


@pytest.fixture
def page(load: Load) -> str:
    return load("manpage").page()


def helps() -> Iterator[tuple[str, str]]:
    """Every command and what its --help prints, found from what --help itself lists."""
    waiting: list[list[str]] = [[]]
    while waiting:
        words = waiting.pop()
        command = [sys.executable, "-m", "app", *words, "--help"]
        text = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
        yield " ".join(["elascope", *words]), text
        # Commands stand below their placeholder, deeper than it.
        listed = re.search(r"^  (?:COMMAND|ANALYSIS)\n((?:    .*\n)+)", text, re.M)
        names = re.findall(r"^    ([a-z-]+)", listed[1], re.M) if listed else []
        waiting += [[*words, name] for name in names]


def test_the_man_page_names_every_command_and_option(page: str) -> None:
    plain = page.replace(r"\-", "-")
    seen = 0
    for command, text in helps():
        if command == "elascope":
            body = plain.partition(".SH OPTIONS\n")[2].partition("\n.SH ")[0]
        else:
            found = re.search(rf"^\.SS {command}\n(.*?)(?=^\.S[SH] )", plain, re.M | re.S)
            assert found, command
            body = found[1]
        for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", text.partition("\noptions:")[2]):
            if "flags, which" in text and f"{option} " not in text.partition("flags, which")[0]:
                continue  # the table of other commands' flags
            assert rf"\fB{option}\fR" in body, f"{command} {option}"
            seen += 1
    assert seen > 60


def test_the_man_page_is_the_same_for_the_same_commit(page: str, load: Load) -> None:
    assert page == load("manpage").page()
    assert page.startswith(f'.TH ELASCOPE 1 "2023-11-14" "Elascope {__version__}"')
    for heading in ("DESCRIPTION", "EXIT STATUS", "FILES", "EXAMPLES"):
        assert f"\n.SH {heading}\n" in page


def test_man_has_no_complaints(page: str, tmp_path: Path) -> None:
    path = tmp_path / "elascope.1"
    path.write_text(page + "\n", "utf-8")
    plain = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    done = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", path, env=plain)
    assert done.returncode == 0 and not done.stderr, done.stderr


# Package ------------------------------------------------------------------------------------------


def test_control_fields(load: Load, tmp_path: Path) -> None:
    deb = load("deb")
    if shutil.which("dpkg") is None:
        pytest.skip("dpkg is not installed")
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr" / "a").write_bytes(bytes(1025))
    (tmp_path / "usr" / "b").symlink_to("a")
    (tmp_path / "DEBIAN").mkdir()
    for flavour, name in (("cpu", "elascope"), ("gpu", "elascope-gpu"), ("cuda", "elascope-cuda")):
        text = deb.control(tmp_path, flavour, ["libc6 (>= 2.36)", "xkb-data"])
        (tmp_path / "DEBIAN" / "control").write_text(text, "utf-8")
        package = tmp_path / f"{flavour}.deb"
        assert run("dpkg-deb", "-Znone", "-b", tmp_path, package).returncode == 0
        fields = ("Package", "Version", "Depends", "Installed-Size", "Conflicts", "Replaces")
        said = [run("dpkg-deb", "-f", package, field).stdout.strip() for field in fields]
        package.unlink()
        other = "" if flavour == "cpu" else "elascope"
        # Two KiB of a file, one each of the folder and the link.
        wanted = [name, __version__, "libc6 (>= 2.36), xkb-data", "4", other, other]
        assert said == wanted


@pytest.mark.parametrize(
    ("version", "wanted"), [("1.2.0", "1.2.0"), ("1.2.0rc1", "1.2.0~rc1"), ("1.0.dev3", "1.0~dev3")]
)
def test_what_comes_before_a_release_sorts_before_it(
    load: Load, monkeypatch: pytest.MonkeyPatch, version: str, wanted: str
) -> None:
    deb = load("deb")
    monkeypatch.setattr(deb.release, "version", lambda: version)
    assert deb.debian_version() == wanted


def test_changelog_and_copyright_are_as_debian_reads_them(load: Load, tmp_path: Path) -> None:
    deb = load("deb")
    path = tmp_path / "changelog"
    path.write_text(deb.changelog("gpu"), "utf-8")
    done = run("dpkg-parsechangelog", "-l", path)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert f"Source: elascope-gpu\nVersion: {__version__}" in done.stdout
    assert "Evidence: files opened read-only" in done.stdout
    (tmp_path / "licences").mkdir()
    (tmp_path / "licences" / "INDEX.txt").write_text("Parts.\n\nnumpy 2: BSD\n", "utf-8")
    text = deb.copyright_file(tmp_path)
    assert " numpy 2: BSD\n" in text and " Permission is hereby granted" in text
    assert all(
        line.startswith(" ") or re.match(r"[A-Z][\w-]*:|$", line) for line in text.split("\n")
    )


def test_a_library_that_is_nowhere_ends_the_build(load: Load, tmp_path: Path) -> None:
    deb = load("deb")
    for tool in ("dpkg-shlibdeps", "cc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    root = tmp_path / "root"
    place = root / deb.PLACE
    (place / "_internal").mkdir(parents=True)
    (root / "DEBIAN").mkdir()
    source = tmp_path / "empty.c"
    source.write_text("int nothing(void) { return 0; }\n", "utf-8")
    for name in ("libown.so.1", "libcudart.so.12"):
        path = place / "_internal" / name
        made = run("cc", "-shared", f"-Wl,-soname,{name}", "-o", path, source)
        assert made.returncode == 0, made.stderr
    libraries = [place / "_internal" / name for name in ("libown.so.1", "libcudart.so.12")]
    user = place / "_internal" / "user.so"
    run("cc", "-shared", "-Wl,--no-as-needed", "-o", user, source, *libraries)
    assert any(package.startswith("libc6") for package in deb.dependencies(root, "cpu"))
    libraries[1].unlink()
    with pytest.raises(SystemExit, match=r"libcudart\.so\.12"):
        deb.dependencies(root, "cpu")
    assert "xkb-data" in deb.dependencies(root, "gpu")
    libraries[0].unlink()
    with pytest.raises(SystemExit, match=r"libown\.so\.1"):
        deb.dependencies(root, "gpu")


def test_libraries_forget_where_they_were_built(load: Load, tmp_path: Path) -> None:
    elf = load("elf")
    source = tmp_path / "a.c"
    source.write_text("int answer(void) { return 42; }\n", "utf-8")
    for paths, kept in (("/home/builder/lib:/opt", ""), ("$ORIGIN/../lib", "$ORIGIN/../lib")):
        for kind in ("--enable-new-dtags", "--disable-new-dtags"):
            library = tmp_path / f"{len(kept)}{kind}.so"
            made = run("cc", "-shared", f"-Wl,-rpath,{paths}", f"-Wl,{kind}", "-o", library, source)
            assert made.returncode == 0, made.stderr
            before = library.read_bytes()
            assert elf.is_elf(library) and elf.forget_places(library) is not bool(kept)
            assert not elf.forget_places(library)
            said = run("readelf", "--dynamic", "--wide", library).stdout
            assert [*re.findall(r"(?:RPATH|RUNPATH).*\[(.*)\]", said), ""][0] == kept
            assert len(library.read_bytes()) == len(before)
            assert ctypes.CDLL(str(library)).answer() == 42
    assert not elf.is_elf(source)


def test_gzip_tells_no_time(load: Load, tmp_path: Path) -> None:
    deb = load("deb")
    deb.write_gzip(tmp_path / "a.gz", b"text")
    data = (tmp_path / "a.gz").read_bytes()
    assert gzip.decompress(data) == b"text" and data[4:8] == bytes(4) and not data[3] & 8


# Archive ------------------------------------------------------------------------------------------


def tree(folder: Path, names: list[str]) -> Path:
    """A small program, its files made in this order."""
    folder.mkdir(parents=True)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")
    (folder / "elascope").chmod(0o700)
    (folder / "link").symlink_to("elascope")
    return folder


def test_two_archives_of_one_tree_are_equal(load: Load, tmp_path: Path) -> None:
    archive = load("archive")
    names = ["elascope", "_internal/ä.so", "_internal/b/c.so", "share/x"]
    for place, order in (("one", names), ("two", names[::-1])):
        folder = tree(tmp_path / place / "elascope-1", order)
        with (tmp_path / f"{place}.tar").open("wb") as stream:
            archive.write_tar(folder, stream, EPOCH)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    out = tmp_path / "out"
    out.mkdir()
    done = run("tar", "-xpf", tmp_path / "one.tar", "-C", out)
    assert done.returncode == 0, done.stderr
    owners = run("tar", "-tvf", tmp_path / "one.tar").stdout
    assert all(" root/root " in line for line in owners.splitlines())
    unpacked = out / "elascope-1"
    assert [oct((unpacked / name).stat().st_mode & 0o777) for name in ("elascope", "share/x")] == [
        "0o755",
        "0o644",
    ]
    assert (unpacked / "share" / "x").stat().st_mtime == EPOCH
    assert (unpacked / "link").readlink() == Path("elascope")
    assert (unpacked / "_internal" / "ä.so").read_text("utf-8") == "_internal/ä.so"


def test_what_is_packed_is_unpacked_by_zstd(load: Load, tmp_path: Path) -> None:
    pytest.importorskip("zstandard", reason="it is in the environment of make freeze")
    archive = load("archive")
    folder = tree(tmp_path / "elascope-1", ["elascope", "share/x"])
    for name in ("one", "two"):
        archive.pack(folder, tmp_path / f"{name}.tar.zst", EPOCH)
    assert (tmp_path / "one.tar.zst").read_bytes() == (tmp_path / "two.tar.zst").read_bytes()
    assert run("zstd", "-dq", tmp_path / "one.tar.zst").returncode == 0
    assert "elascope-1/share/x" in run("tar", "-tf", tmp_path / "one.tar").stdout


def test_sums_are_those_of_sha256sum(load: Load, tmp_path: Path) -> None:
    archive = load("archive")
    (tmp_path / "a.deb").write_bytes(b"a")
    (tmp_path / "b.tar.zst").write_bytes(b"b")
    tree(tmp_path / "cpu", ["elascope"])
    assert archive.write_sums(tmp_path) == archive.write_sums(tmp_path) == 2
    done = run("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "a.deb: OK\nb.tar.zst: OK\n"
    (tmp_path / "a.deb").write_bytes(b"changed")
    assert run("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=tmp_path).returncode == 1
