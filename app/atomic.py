"""Writing output files so that a reader sees the old file or the whole new one."""

import os
import secrets
from pathlib import Path

from app.errors import NotWrittenError


def write_bytes(target: Path, data: bytes) -> None:
    """Write ``data`` to ``target`` through a temporary file in the same folder.

    Raises:
        NotWrittenError: the folder is missing, read-only or full; ``target`` is unchanged.
    """
    temporary = target.parent / f".elascope-{secrets.token_hex(8)}.part"
    try:
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise NotWrittenError(f"{target} could not be written: {reason}.", repr(error)) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
