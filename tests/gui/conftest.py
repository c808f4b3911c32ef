"""A window with a tiny model and a small folder, on Qt's offscreen platform."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox

from app.gui.main_window import MainWindow
from tests.models import card, write_model
from tests.pictures import encoded, scene

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def no_unexpected_dialog(monkeypatch: pytest.MonkeyPatch) -> None:
    """A modal dialog that a test did not ask for would wait for ever; fail instead."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError(f"a modal dialog opened: {arguments}")

    monkeypatch.setattr(QDialog, "exec", refuse)
    for name in ("information", "warning", "critical", "question"):
        monkeypatch.setattr(QMessageBox, name, refuse)
    for name in ("getExistingDirectory", "getOpenFileNames", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, refuse)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three readable images and one that is not."""
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "a.jpg").write_bytes(encoded(scene(96, 128, 1), "JPEG", quality=75, subsampling=2))
    (evidence / "b.png").write_bytes(encoded(scene(64, 80, 2), "PNG"))
    (evidence / "c.jpg").write_bytes((evidence / "a.jpg").read_bytes()[:900])
    (evidence / "d.jpg").write_bytes(encoded(scene(72, 88, 3), "JPEG", quality=92, subsampling=0))
    return evidence


@pytest.fixture
def window(qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    """A shown window whose only model judges PNG files by their brightness."""
    models = tmp_path / "models"
    write_model(models / "grey-mean" / "model.onnx", card().to_json())
    window = MainWindow([models])
    window.show()
    yield window
    window.close()
    window.deleteLater()
    qapp.processEvents()
