"""What is said when memory runs out, whichever library notices it."""

import contextlib
from collections.abc import Iterator

import cv2

from app.errors import TooLargeError


@contextlib.contextmanager
def memory_translated() -> Iterator[None]:
    """Turn the end of memory, within, into a sentence; as a decorator, within a function.

    Raises:
        TooLargeError: NumPy, OpenCV, Pillow or Python could not get the memory that they need.
    """
    try:
        yield
    except MemoryError as error:
        raise _sentence(error) from error
    except cv2.error as error:
        if error.code != cv2.Error.StsNoMem:
            raise
        raise _sentence(error) from error


def _sentence(error: Exception) -> TooLargeError:
    return TooLargeError(
        "Memory ran out: the picture is too large for this step on this machine, or other "
        "programs use too much of it.",
        repr(error),
    )
