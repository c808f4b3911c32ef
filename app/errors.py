"""The few errors that an analyst can meet, each with a sentence for the screen.

Every error carries ``sentence``, which is shown as it is, and ``detail``, which goes to the
log and to "details" in the window. ``status`` is the word that a report's row uses.
"""

from typing import ClassVar


class ElascopeError(Exception):
    """Base of all expected errors."""

    status: ClassVar[str] = "error"

    def __init__(self, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.detail = detail

    def __reduce__(self) -> tuple[type["ElascopeError"], tuple[str, str]]:
        return type(self), (self.sentence, self.detail)


class UnreadableFileError(ElascopeError):
    """The file cannot be opened or read (missing, no permission, not a regular file)."""

    status = "unreadable"


class UnsupportedFormatError(ElascopeError):
    """The content is not an image, or an image of a kind that is not decoded."""

    status = "unsupported"


class BrokenImageError(ElascopeError):
    """The content claims a supported format, but its decoder rejects it."""

    status = "broken"


class TooLargeError(ElascopeError):
    """The file or the picture exceeds a limit that protects the machine."""

    status = "too_large"


class TimedOutError(ElascopeError):
    """A file took longer than the time it may take."""

    status = "timed_out"


class CrashedError(ElascopeError):
    """A file brought down the process that decoded or judged it."""

    status = "crashed"


class CancelledError(ElascopeError):
    """The work was stopped on request."""


class InvalidParameterError(ElascopeError):
    """A parameter is outside its range."""


class ModelRefusedError(ElascopeError):
    """A model file that the program will not use, with the reason."""


class JournalRefusedError(ElascopeError):
    """A journal of a scan that cannot be resumed, with the reason."""


class RecordRefusedError(ElascopeError):
    """A parameter record that cannot be replayed, with the reason."""


class NotWrittenError(ElascopeError):
    """An output file could not be written; what stood there before still stands."""
