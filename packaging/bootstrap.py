"""Make the environment in .venv, from nothing but Python 3.11+ and pip.

    python3 packaging/bootstrap.py            the program
    python3 packaging/bootstrap.py trainer    the program and the trainer
    python3 packaging/bootstrap.py weights    the same with ImageNet weights for a backbone
    python3 packaging/bootstrap.py dev        the program, the trainer and all test tools

With ``--libraries offscreen`` or ``--libraries display`` the system libraries that Qt needs are
looked for, and on Debian and Ubuntu installed when this user may do so; otherwise one line names
them. Uses the standard library only.
"""

import argparse
import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"

OFFSCREEN = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
}
DISPLAY = OFFSCREEN | {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}


def main() -> int:
    """Run all steps; the exit status is 0 when the environment is ready."""
    parser = argparse.ArgumentParser(description="Make Elascope's environment in .venv.")
    parser.add_argument("extra", nargs="?", choices=("trainer", "weights", "dev"))
    parser.add_argument("--libraries", choices=("offscreen", "display"))
    options = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 (this file runs before anything is checked)
        sys.exit(f"Elascope needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if options.libraries and sys.platform.startswith("linux"):
        ensure_libraries(OFFSCREEN if options.libraries == "offscreen" else DISPLAY)
    install = make_environment(VENV)
    target = f"{ROOT}[{options.extra}]" if options.extra else str(ROOT)
    print(f"Installing {target} into {VENV} …", flush=True)
    return subprocess.call([*install, "--quiet", "--editable", target])


def binaries(environment: Path) -> Path:
    """The folder with the programs of an environment."""
    return environment / ("Scripts" if os.name == "nt" else "bin")


def make_environment(folder: Path) -> list[str]:
    """Create an environment if it is not there; returns the command that installs into it."""
    python = binaries(folder) / ("python.exe" if os.name == "nt" else "python")
    if not python.exists():
        # Debian ships venv without ensurepip; the system's pip can install into it as well.
        made = subprocess.run(
            [sys.executable, "-m", "venv", folder], capture_output=True, text=True
        )
        if made.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    if works([python, "-m", "pip", "--version"]):
        return [str(python), "-m", "pip", "install"]
    outer = [sys.executable, "-m", "pip", "--python", str(python)]
    if works([*outer, "--version"]):
        return [*outer, "install"]
    sys.exit("pip is missing. On Debian: apt-get install python3-venv")


def ensure_libraries(wanted: dict[str, str], programs: dict[str, str] | None = None) -> None:
    """Install the packages of missing libraries and programs, or name them in one line and end.

    Args:
        wanted: library to package.
        programs: program to package.
    """
    missing = [package for library, package in wanted.items() if not loads(library)]
    missing += [package for name, package in (programs or {}).items() if not shutil.which(name)]
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing system libraries: {' '.join(missing)}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        steps = (["apt-get", "update"], command)
        done = [
            subprocess.run(step, env=environment, capture_output=True, text=True) for step in steps
        ]
        if done[-1].returncode == 0:
            return
        print(done[-1].stderr, file=sys.stderr)
    sys.exit(f"System libraries are missing. On Debian: {' '.join(command)}")


def loads(library: str) -> bool:
    """Whether the dynamic linker finds ``library``."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def works(command: list[object]) -> bool:
    """Whether ``command`` ends with 0."""
    return subprocess.run(list(map(str, command)), capture_output=True).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
