"""What a frozen program consists of, and the licences of everything.

Each file and module that PyInstaller took is traced to the component it came from. A file of no
known component, or a component without the text of its licence, ends the build: what cannot be
accounted for is not shipped.

    build/cpu/venv/bin/python packaging/inventory.py --flavour cpu

Runs in the environment that the program was frozen in. Writes ``licences/`` and, with the help of
`bill_of_materials.py`, ``sbom.cdx.json`` into the program.
"""

import argparse
import ast
import importlib.metadata
import json
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import release

HERE = Path(__file__).resolve().parent
TEXTS = HERE / "licences"
"""Texts that wheels should bring and do not."""

SPDX = {
    "cv2": "Apache-2.0",
    "flatbuffers": "Apache-2.0",
    "onnxruntime": "MIT",
    "onnxruntime-gpu": "MIT",
    "opencv-python-headless": "Apache-2.0 AND LGPL-2.1-or-later",
    "protobuf": "BSD-3-Clause",
    "pyinstaller": "GPL-2.0-or-later WITH Bootloader-exception",
    "pyside6-essentials": "LGPL-3.0-only",
    "python": "PSF-2.0",
    "shiboken6": "LGPL-3.0-only",
}
"""Where metadata give none, one that is no SPDX expression, or a choice that has been made."""

ADDED_TEXTS = {
    "pyside6-essentials": ("LGPL-3.0.txt", "GPL-3.0.txt", "qt-third-party.txt"),
    "shiboken6": ("LGPL-3.0.txt", "GPL-3.0.txt"),
}
"""Component to files of `TEXTS`."""


@dataclass
class Component:
    """Something with a name, a version and a licence of its own.

    Attributes:
        licence: SPDX expression; empty if only the texts say.
        texts: files with licences, by the name they get.
        files: inside the program; modules of Python by their dotted names.
        purl: package URL (github.com/package-url); empty if there is no registry.
        parts: name, version and package URL of libraries that its wheel carries.
    """

    name: str
    version: str
    licence: str = ""
    texts: dict[str, Path] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    purl: str = ""
    parts: list[tuple[str, str, str]] = field(default_factory=list)


def main() -> int:
    """Write both; the exit status is 0 when everything is accounted for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--flavour", choices=release.FLAVOURS, default="cpu")
    flavour = parser.parse_args().flavour
    program = release.folder(flavour)
    components = components_of(taken(release.build(flavour) / "work" / "elascope"))
    complaints = [f"{c.name}: no text of its licence" for c in components if not c.texts]
    if complaints:
        print("\n".join(complaints), file=sys.stderr)
        return 1
    folder = release.internal(program) if program.suffix == ".app" else program
    write_licences(folder / "licences", components)
    # Here, because tests of the rest do without the library that writes it.
    from bill_of_materials import document

    (folder / "sbom.cdx.json").write_text(document(flavour, components), "utf-8")
    print(f"{len(components)} components, each with its licence: {folder / 'licences'}")
    return 0


def taken(work: Path) -> list[tuple[str, Path]]:
    """What PyInstaller took: path in the program, or name of a module, and where it is from."""
    files = ast.literal_eval((work / "COLLECT-00.toc").read_text("utf-8"))[0]
    modules = ast.literal_eval((work / "PYZ-00.toc").read_text("utf-8"))[1]
    kept = [
        (name, source)
        for name, source, kind in files
        if kind not in ("SYMLINK", "EXECUTABLE") and not is_made(source)
    ]
    kept += [(name, source) for name, source, _ in modules if source not in ("-", "")]
    return [(name, Path(source)) for name, source in kept]


def is_made(source: str) -> bool:
    """Whether PyInstaller made a file itself, of what is listed elsewhere."""
    return Path(source).is_relative_to(release.ROOT / "build") and "venv" not in Path(source).parts


def components_of(files: Iterable[tuple[str, Path]]) -> list[Component]:
    """The components that files are of, by name.

    Raises:
        SystemExit: one is of none that is known.
    """
    found: dict[str, Component] = {}
    unknown: list[str] = []
    bootloader = of_package("pyinstaller")
    bootloader.files.append("the executable")
    found[bootloader.name] = bootloader
    for name, source in files:
        component = component_of(source)
        if component is None:
            unknown.append(f"{name}: from {source}, which belongs to nothing known")
            continue
        found.setdefault(component.name, component).files.append(name)
    if unknown:
        sys.exit("\n".join(unknown))
    return sorted(found.values(), key=lambda component: component.name.lower())


def component_of(source: Path) -> Component | None:
    """The component that a file on this machine is of."""
    source = source.absolute()
    if owner := owners().get(source):
        return of_package(owner)
    if source.is_relative_to(Path(sys.prefix)):
        return None
    if source.is_relative_to(release.ROOT):
        return elascope()
    # Resolved as well: a Python of macOS may be reached by links.
    places = {source, source.resolve()}
    if any(place.is_relative_to(folder) for place in places for folder in folders_of_python()):
        return python()
    if sys.platform == "linux":
        return of_debian(source.resolve())
    if sys.platform == "win32" and source.name.lower().startswith(("vcruntime", "msvcp", "ucrt")):
        return python()  # its installer brings the runtime of Microsoft's compiler
    return None


# Components ---------------------------------------------------------------------------------------


@cache
def elascope() -> Component:
    """The project itself, with its samples and models."""
    texts = {"LICENSE": release.ROOT / "LICENSE"}
    texts |= {p.name: p for p in sorted((release.ROOT / "resources" / "licences").iterdir())}
    return Component("elascope", release.version(), "MIT", texts)


@cache
def python() -> Component:
    """The interpreter and its library, with what its makers put into it."""
    version = platform.python_version()
    texts = {}
    debian = Path(f"/usr/share/doc/python{version.rpartition('.')[0]}/copyright")
    for path in (Path(sysconfig.get_path("stdlib")) / "LICENSE.txt", debian):
        if path.exists():
            texts[path.name] = path
    windows = Path(sys.base_prefix) / "LICENSE.txt"
    if not texts and windows.exists():
        texts["LICENSE.txt"] = windows
    return Component("python", version, SPDX["python"], texts, purl=f"pkg:generic/python@{version}")


@cache
def of_package(name: str) -> Component:
    """A package of the environment."""
    distribution = importlib.metadata.distribution(name)
    texts = {
        "-".join(Path(str(path)).parts[1:]): Path(str(distribution.locate_file(path)))
        for path in distribution.files or ()
        if is_licence(Path(str(path)))
    }
    texts |= {text: TEXTS / text for text in ADDED_TEXTS.get(name, ())}
    said = distribution.metadata.get("License-Expression") or distribution.metadata.get("License")
    licence = SPDX.get(name) or said or ""
    version = distribution.version
    purl = f"pkg:pypi/{name}@{version}"
    return Component(name, version, licence, texts, purl=purl, parts=carried_by(distribution))


def carried_by(distribution: importlib.metadata.Distribution) -> list[tuple[str, str, str]]:
    """The libraries that were put into a wheel so that it runs anywhere, as its maker noted."""
    return sorted(
        {
            (part["name"], part["version"], part.get("purl", ""))
            for path in distribution.files or ()
            if path.name == "auditwheel.cdx.json"
            for part in json.loads(path.read_text("utf-8"))["components"]
            if not part.get("purl", "").startswith("pkg:pypi/")
        }
    )


def is_licence(path: Path) -> bool:
    """Whether a file of a package is, by its name, the text of a licence."""
    stem = path.name.lower()
    words = ("licen", "copying", "notice", "thirdparty", "authors")
    return path.suffix not in (".py", ".pyc", ".pyi") and any(word in stem for word in words)


@cache
def of_debian(path: Path) -> Component | None:
    """A package of Debian or a system made of it; None elsewhere."""
    for name in (path, Path("/usr") / path.relative_to("/"), Path("/", *path.parts[2:])):
        said = output("dpkg-query", "--search", str(name))
        if said:
            package = said.partition(": ")[0].partition(":")[0]
            break
    else:
        return None
    version = output("dpkg-query", "--show", "--showformat=${Version}", package)
    return Component(
        package,
        version,
        "",
        {"copyright": Path("/usr/share/doc") / package / "copyright"},
        purl=f"pkg:deb/debian/{package}@{version}",
    )


def output(*command: str) -> str:
    """What a command prints; empty if it fails or is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


@cache
def owners() -> dict[Path, str]:
    """File of the environment to the package that brought it."""
    return {
        Path(str(distribution.locate_file(path))): canonical(distribution.metadata["Name"])
        for distribution in importlib.metadata.distributions()
        for path in distribution.files or ()
    }


def canonical(name: str) -> str:
    """A package's name as registries write it."""
    return name.lower().replace("_", "-").replace(".", "-")


def folders_of_python() -> Iterator[Path]:
    """Where the interpreter has its library, besides packages."""
    yield Path(sysconfig.get_path("stdlib"))
    # All of Debian is in /usr.
    if Path(sys.base_prefix) != Path("/usr"):
        yield Path(sys.base_prefix)
        yield Path(sys.base_prefix).resolve()


# Output -------------------------------------------------------------------------------------------


def write_licences(folder: Path, components: list[Component]) -> None:
    """One folder for each component, and an index."""
    shutil.rmtree(folder, ignore_errors=True)
    lines = [
        "What this program consists of, and under which licence each part is.",
        "The texts are in the folders named like the parts. Parts under the LGPL are separate",
        "files, which may be replaced by other versions of them.",
        "",
    ]
    for component in components:
        for name, path in component.texts.items():
            target = folder / component.name / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        licence = component.licence or "see the text"
        lines.append(f"{component.name} {component.version}: {licence}")
    (folder / "INDEX.txt").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
