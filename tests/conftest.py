"""For the whole suite: settings, turns of tests that run side by side, and the shared data."""

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Before numpy and torch are imported, here and in processes that tests start: with a test on each
# core, more threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

import app  # noqa: F401 (before a test imports onnxruntime, which it silences)

settings.register_profile("suite", deadline=None, max_examples=30, print_blob=True)
settings.load_profile("suite")

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    """Outermost, so that waiting for a turn does not count as time that the test takes."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    with _turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@contextlib.contextmanager
def _turn(alone: bool) -> Iterator[None]:
    """Wait until no test runs that is `alone`; or, to be that, until no other test runs.

    Who waits for the room keeps the door shut meanwhile, or others could go in for ever.
    """
    import fcntl

    tests = Path(__file__).parent
    with (tests / "__init__.py").open() as door, Path(__file__).open() as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            # Said, not left to closing: a forked process may hold the file open for longer.
            fcntl.flock(room, fcntl.LOCK_UN)


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


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Imports a script of packaging/ or packaging/linux/, which are no packages."""
    scripts = ROOT / "packaging"
    monkeypatch.setattr(sys, "path", [str(scripts / "linux"), str(scripts), *sys.path])
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        source = getattr(sys.modules[name], "__file__", None) or ""
        if source.startswith(str(scripts)):
            del sys.modules[name]
