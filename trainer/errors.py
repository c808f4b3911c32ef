"""What can go wrong while a model is built, in words."""

from app.errors import ElascopeError


class CorpusError(ElascopeError):
    """A data set that is not laid out as expected, or that cannot train a model."""


class ExportError(ElascopeError):
    """A model that must not be exported, such as one whose ONNX output differs from torch's."""
