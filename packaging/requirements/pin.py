"""Pin what the frozen program is made of and with, by version and hash (`make pins`).

For each flavour of `packaging/README.md` one file that `pip install --require-hashes` takes, for
all systems and Pythons at once. The ranges are those of `pyproject.toml`; only the wheel of
onnxruntime differs. Needs `uv`, which resolves for systems other than this one.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

TOOLS = (
    "pyinstaller>=6.20,<7",
    "cyclonedx-python-lib[json-validation]>=11,<12",
    "zstandard>=0.23,<1",
)
"""What builds; the second writes the bill of materials, the third packs `.tar.zst`."""

ON_A_GPU = "platform_machine in 'x86_64 AMD64' and sys_platform in 'linux win32'"
"""Where a wheel of onnxruntime with CUDA exists."""

ELSEWHERE = "platform_machine not in 'x86_64 AMD64' or sys_platform not in 'linux win32'"


def main() -> int:
    """Write one file for each flavour; the exit status is 0 when all are written."""
    ranges = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    # The wheel for GPUs appears later than the other. All flavours compute with one version.
    release = version_of("onnxruntime-gpu", pin("gpu", flavour(ranges, "gpu", "")))
    for name in ("gpu", "cuda", "cpu"):
        pinned = pin(name, flavour(ranges, name, f"=={release}"))
        (HERE / f"{name}.txt").write_text(pinned, "utf-8")
        print(f"packaging/requirements/{name}.txt: onnxruntime {release}")
    return 0


def flavour(ranges: list[str], name: str, release: str) -> list[str]:
    """The requirements of a flavour.

    Args:
        ranges: those of the project.
        name: cpu, gpu, or cuda.
        release: what to say of the version of onnxruntime, such as ``==1.31.1``.
    """
    others = [line for line in ranges if not line.startswith("onnxruntime")]
    if name == "cpu":
        runtime = [f"onnxruntime{release}"]
    else:
        extras = "[cuda,cudnn]" if name == "cuda" else ""
        runtime = [
            f"onnxruntime-gpu{extras}{release}; {ON_A_GPU}",
            f"onnxruntime{release}; {ELSEWHERE}",
        ]
    return [*others, *runtime, *TOOLS]


def pin(name: str, requirements: list[str]) -> str:
    """The content of a requirements file with one version, and all its hashes, for each package."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"]
    command += ["--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
    done = subprocess.run(
        [*command, "-"], input="\n".join(requirements), capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stderr)
    return f"# The flavour {name}, pinned by packaging/requirements/pin.py.\n{done.stdout}"


def version_of(package: str, pinned: str) -> str:
    """The version that a requirements file has of a package."""
    found = re.search(rf"^{package}(?:\[.*?\])?==(\S+)", pinned, re.MULTILINE)
    assert found is not None, f"{package} is not pinned"
    return found[1]


if __name__ == "__main__":
    sys.exit(main())
