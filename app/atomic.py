"""Writing output files: the old file or the whole new one, and never over evidence."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from app.errors import NotWrittenError


def write_bytes(target: Path, data: bytes) -> None:
    """Write ``data`` to ``target`` through a temporary file in the same folder.

    Raises:
        NotWrittenError: the folder is missing, read-only or full; ``target`` is unchanged.
    """
    write_stream(target, lambda stream: stream.write(data))


def write_stream(target: Path, write: Callable[[BinaryIO], object]) -> None:
    """Like `write_bytes`, of what is too large to be put together in memory first.

    Args:
        target: of the whole new file.
        write: gets the temporary file; what it raises is raised, and ``target`` is unchanged.

    Raises:
        NotWrittenError: as `write_bytes`.
    """
    # A link keeps pointing where it points. The functions of os.path answer for names that are
    # too long and for links in a circle; those of Path raise.
    target = Path(os.path.realpath(target))
    if os.path.lexists(target) and not os.path.isfile(target):
        raise NotWrittenError(f"{target} is not a file, so nothing is written to it.")
    temporary = target.parent / f".elascope-{secrets.token_hex(8)}.part"
    try:
        with temporary.open("xb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except OSError as error:
        _remove(temporary)
        reason = error.strerror or type(error).__name__
        raise NotWrittenError(f"{target} could not be written: {reason}.", repr(error)) from error
    except BaseException:
        _remove(temporary)
        raise


def _remove(temporary: Path) -> None:
    with contextlib.suppress(OSError):
        temporary.unlink()


def refuse_evidence(targets: Sequence[Path | None], evidence: Iterable[Path]) -> None:
    """Refuse targets that are examined files, under whatever name or link.

    Raises:
        NotWrittenError: a target is one of ``evidence``.
    """
    existing = [target for target in targets if target and os.path.exists(target)]
    for path in evidence if existing else ():
        for target in existing:
            with contextlib.suppress(OSError):
                if target.samefile(path):
                    raise NotWrittenError(
                        f"{target} is one of the examined files; it is never overwritten. "
                        "Choose a place outside the examined folder."
                    )
