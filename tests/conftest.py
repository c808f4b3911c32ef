"""Fixtures for the whole suite: the settings of Hypothesis, and where the shared data lie."""

from pathlib import Path

import pytest
from hypothesis import settings

import app  # noqa: F401 (before a test imports onnxruntime, which it silences)

settings.register_profile("suite", deadline=None, max_examples=30, print_blob=True)
settings.load_profile("suite")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder ``../shared/data`` beside the repository; tests that need it are marked."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing; it is not part of the repository")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT
