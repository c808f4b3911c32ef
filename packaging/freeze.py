"""Make the frozen program: an environment of its own, PyInstaller, licences, and a look at it.

    python3 packaging/freeze.py                    for machines without a GPU
    python3 packaging/freeze.py --flavour gpu      with CUDA of the machine that runs it
    python3 packaging/freeze.py --flavour cuda     with CUDA taken along
    python3 packaging/freeze.py --environment      only the environment

The result is in ``dist/FLAVOUR``. Uses the standard library only.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import bootstrap
import release

LIBRARIES = bootstrap.DISPLAY | {
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
"""PyInstaller takes some of them along, and looks at all of them."""

TOOLS = {"objcopy": "binutils"}
"""Programs that PyInstaller runs on Linux."""


def main() -> int:
    """Run all steps; the exit status is 0 when the program is made."""
    parser = argparse.ArgumentParser(description="Make the frozen program in dist/.")
    parser.add_argument("--flavour", choices=release.FLAVOURS, default="cpu")
    parser.add_argument("--environment", action="store_true", help="make only the environment")
    options = parser.parse_args()
    if sys.platform == "linux":
        bootstrap.ensure_libraries(LIBRARIES | library_of_python(), TOOLS)
    python = environment(options.flavour)
    if options.environment:
        return 0
    freeze(options.flavour, python)
    inventory = [python, release.ROOT / "packaging" / "inventory.py", "--flavour", options.flavour]
    subprocess.run([*map(str, inventory)], check=True)
    print_sizes(options.flavour)
    return 0


def environment(flavour: str) -> Path:
    """Install what is pinned, and nothing else; the Python of that environment.

    It is made anew when the pins have changed.
    """
    folder = release.build(flavour) / "venv"
    python = bootstrap.binaries(folder) / "python"
    pins = release.ROOT / "packaging" / "requirements" / f"{flavour}.txt"
    stamp = folder / "pins.sha256"
    wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text("ascii") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    install = bootstrap.make_environment(folder)
    print(f"Installing {pins.relative_to(release.ROOT)} into {folder} …", flush=True)
    subprocess.run([*install, "--quiet", "--require-hashes", "-r", str(pins)], check=True)
    stamp.write_text(wanted, "ascii")
    return python


def freeze(flavour: str, python: Path) -> None:
    """Run PyInstaller; what is in the folder afterwards is of this run only."""
    work = release.build(flavour)
    target = release.folder(flavour).parent
    shutil.rmtree(work / "work", ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    print(f"Freezing the flavour {flavour} …", flush=True)
    command = [python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", target, "--workpath", work / "work"]
    command += [release.ROOT / "packaging" / "elascope.spec", "--", "--flavour", flavour]
    variables = {
        **os.environ,
        # https://pyinstaller.org/en/stable/advanced-topics.html#creating-a-reproducible-build
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": str(release.epoch()),
        "PYINSTALLER_CONFIG_DIR": str(work / "cache"),
    }
    subprocess.run([*map(str, command)], env=variables, cwd=release.ROOT, check=True)
    if sys.platform == "darwin":
        # The folder is what the bundle was made from.
        shutil.rmtree(target / "elascope")


def print_sizes(flavour: str) -> None:
    """What the frozen program weighs, with and without what the models weigh."""
    program = release.folder(flavour)
    resources = release.internal(program) / "resources"
    models = size(resources / "models") + size(resources / "backbones")
    print(
        f"{program.relative_to(release.ROOT)}: {size(program) / 1e6:.0f} MB unpacked, "
        f"{(size(program) - models) / 1e6:.0f} MB without models"
    )


def size(folder: Path) -> int:
    """Bytes of all files in a folder; a link weighs nothing."""
    files = (path for path in folder.rglob("*") if not path.is_symlink() and path.is_file())
    return sum(path.stat().st_size for path in files)


def library_of_python() -> dict[str, str]:
    """The library of this Python and its package, if it is none that the loader need not find.

    Debian's Python is not linked to it, and does not install it.
    """
    name = f"libpython{sys.version_info.major}.{sys.version_info.minor}"
    folder = sysconfig.get_config_var("LIBDIR") or "/usr/lib"
    if (Path(folder) / f"{name}.so.1.0").exists():
        return {}
    return {f"{name}.so.1.0": name}


if __name__ == "__main__":
    sys.exit(main())
