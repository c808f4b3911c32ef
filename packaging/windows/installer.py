"""Make the installer for Windows from the frozen program.

    python packaging/windows/installer.py --flavour cpu

Needs Inno Setup 6.3 or newer (https://jrsoftware.org/isinfo.php); ``--iscc`` says where its
compiler is if it is not in its usual place. The result is in ``dist``.

With the variable ELASCOPE_CERTIFICATE the two executables, the installer and the uninstaller are
signed. It is the SHA-1 fingerprint of a certificate for code in this user's store, where a token's
certificate appears as well; the password is asked for by Windows, and is none of this script's
business. ELASCOPE_TIMESTAMP is the server that confirms the time (RFC 3161). Without a
certificate nothing is signed, and Windows warns whoever runs the installer.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import release  # noqa: E402
from windows.version_info import numbers  # noqa: E402

USUAL = r"C:\Program Files (x86)\Inno Setup 6\ISCC.exe"
TIMESTAMP = "http://timestamp.digicert.com"


def main() -> int:
    """Sign if there is a certificate, and compile; the exit status is the compiler's."""
    parser = argparse.ArgumentParser(description="Make the installer for Windows.")
    parser.add_argument("--flavour", choices=release.FLAVOURS, default="cpu")
    parser.add_argument("--iscc", default=shutil.which("iscc") or USUAL, help="Inno Setup's ISCC")
    options = parser.parse_args()
    program = release.folder(options.flavour)
    if not (program / "elascope-window.exe").exists():
        sys.exit(f"{program} has no elascope-window.exe; packaging/freeze.py makes it, on Windows.")
    signing = signtool(os.environ)
    if signing:
        own = [program / "elascope.exe", program / "elascope-window.exe"]
        subprocess.run([*signing, *map(str, own)], check=True)
    else:
        print("ELASCOPE_CERTIFICATE is not set: nothing is signed.", flush=True)
    return subprocess.call([options.iscc, *arguments(options.flavour, program, signing)])


def arguments(flavour: str, program: Path, signing: list[str]) -> list[str]:
    """What ISCC is told.

    Args:
        flavour: of the program.
        program: folder with the frozen program.
        signing: command that signs the files named after it; empty if nothing is to be signed.
    """
    given = {
        "Version": release.version(),
        "Numbers": ".".join(map(str, numbers())),
        "Program": str(program),
        "Folder": str(release.ROOT / "dist"),
        "Output": f"{release.artefact(flavour)}-setup",
    }
    defined = [f"/D{name}={value}" for name, value in given.items()]
    if signing:
        # ISCC puts the file for $f and a quote for $q.
        quoted = " ".join(f"$q{word}$q" if " " in word else word for word in signing)
        defined += ["/DSigned", f"/Ssigntool={quoted} $f"]
    return ["/Qp", *defined, str(HERE / "elascope.iss")]


def signtool(variables: Mapping[str, str]) -> list[str]:
    """The command that signs the files named after it; empty without a certificate."""
    certificate = variables.get("ELASCOPE_CERTIFICATE", "")
    if not certificate:
        return []
    when = variables.get("ELASCOPE_TIMESTAMP", TIMESTAMP)
    command = ["signtool", "sign", "/sha1", certificate, "/fd", "sha256"]
    return [*command, "/tr", when, "/td", "sha256", "/d", "Elascope"]


if __name__ == "__main__":
    sys.exit(main())
