"""A window with a tiny model and a small folder, or a pane alone, on Qt's offscreen platform."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QThreadPool
from PySide6.QtGui import QAction, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QInputDialog,
    QMenu,
    QMessageBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.arrays import RgbU8
from app.evidence.guard import Guard
from app.gui.appearance import Look
from app.gui.jobs import Channel
from app.gui.main_window import MainWindow
from app.gui.settings import Settings
from app.gui.table.canvas import Canvas, Show, Viewport
from app.gui.table.frames import Frame
from app.gui.table.inspection import Inspection, inspect
from app.gui.table.subject import Subject
from tests.gui.bench import HEIGHT, WIDTH, Bench
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
    for name in ("getExistingDirectory", "getOpenFileName", "getOpenFileNames", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, refuse)
    monkeypatch.setattr(QInputDialog, "getText", refuse)


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
def make_window(qapp: QApplication, tmp_path: Path) -> Iterator[Callable[..., MainWindow]]:
    """Makes windows that share one settings file; their only model judges PNG files."""
    models = tmp_path / "models"
    write_model(models / "grey-mean" / "model.onnx", card().to_json())
    made: list[MainWindow] = []

    def make(look: Look | None = None, guard: Guard | None = None) -> MainWindow:
        window = MainWindow([models], Settings(tmp_path / "window.ini"), look, guard=guard)
        window.show()
        made.append(window)
        return window

    yield make
    for window in made:
        window.sessions.edits.mark_saved(tmp_path / "unwanted")
        window.close()
        window.deleteLater()
    qapp.processEvents()


@pytest.fixture
def window(make_window: Callable[[], MainWindow]) -> MainWindow:
    """A shown window whose only model judges PNG files by their brightness."""
    return make_window()


@pytest.fixture
def pool(qapp: QApplication) -> Iterator[QThreadPool]:
    """Threads for widgets that are tested without a window."""
    pool = QThreadPool()
    yield pool
    pool.waitForDone()


@pytest.fixture
def make_bench(qtbot: QtBot, pool: QThreadPool, tmp_path: Path) -> Callable[..., Bench]:
    """Makes a pane of 400x300 that shows a picture, 120x90 unless another is given."""

    def make(picture: RgbU8 | None = None, kind: type[Canvas] = Canvas) -> Bench:
        path = tmp_path / "picture.png"
        path.write_bytes(encoded(scene(90, 120, 4) if picture is None else picture, "PNG"))
        viewport = Viewport()
        canvas = kind(viewport)
        qtbot.addWidget(canvas)
        viewport.setParent(canvas)
        subject = Subject(inspect(path), pool, canvas)
        canvas.resize(WIDTH, HEIGHT)
        canvas.show()
        bench = Bench(subject, canvas, viewport)
        canvas.set_contents(bench.content(Show.PICTURE))
        rows, columns = bench.pixels.shape[:2]
        bench.look(1.0, columns / 2, rows / 2)
        return bench

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


class Examiner:
    """Works with a window as an analyst does, and waits until it has answered."""

    def __init__(self, qtbot: QtBot, window: MainWindow) -> None:
        self.qtbot = qtbot
        self.window = window

    def settle(self) -> None:
        """Wait until nothing is under way, the layout included.

        A reply may change a text whose new height moves the panes only in the next round of
        events, so two rounds must find them as they are.
        """
        window = self.window
        panes = window.table.left, window.table.right

        def idle() -> bool:
            QApplication.processEvents()
            before = [pane.geometry() for pane in panes]
            QApplication.processEvents()
            channels = window.findChildren(Channel)
            busy = window.batch.running or any(channel.busy for channel in channels)
            return not busy and before == [pane.geometry() for pane in panes]

        self.qtbot.waitUntil(idle, timeout=20_000)

    def open_folder(self, folder: Path) -> None:
        """Open a folder, and wait for its first image or the notice that it cannot be read."""
        self.window.open_paths([folder])
        self.settle()

    def open(self, folder: Path, name: str) -> None:
        """Open the folder, show one of its files and wait for its map and verdict."""
        self.open_folder(folder)
        self.show(folder / name)

    def show(self, path: Path) -> None:
        """Show a file, and wait for its map and verdict."""
        self.window.folder.select(path)
        self.settle()
        assert self.inspection.path == path

    def scan(self) -> None:
        """Scan the open folder to its end."""
        self.window.start_scan()
        self.settle()
        assert "Finished" in self.window.scan_panel.status.text()

    def point_at(self, pane: Canvas, column: int, row: int) -> tuple[int, int]:
        """Move the mouse to a pixel of the pane's picture; returns the one it came to lie on."""
        assert pane._front
        geometry = None
        while geometry != (geometry := pane.geometry_of(pane._front)):
            assert geometry is not None
            left, top = geometry.corner
            x = int(left + (column + 0.5) * geometry.zoom)
            y = int(top + (row + 0.5) * geometry.zoom)
            QTest.mouseMove(pane, QPoint(x, y))
            self.settle()
        return int((x - left) // geometry.zoom), int((y - top) // geometry.zoom)

    @property
    def inspection(self) -> Inspection:
        """The image on the table."""
        assert self.window.table.subject is not None
        return self.window.table.subject.inspection

    @property
    def frame(self) -> Frame:
        """The map of the image on the table."""
        assert self.window.table.subject is not None
        assert self.window.table.subject.frame is not None
        return self.window.table.subject.frame

    @property
    def notice(self) -> str:
        """What the notice says; nothing when it is hidden."""
        notice = self.window.notice
        return notice.label.text() if notice.isVisible() else ""

    def action(self, text: str) -> QAction:
        """The only menu entry with this text, without marks of mnemonics."""
        found = [a for a in menu_actions(self.window) if a.text().replace("&", "") == text]
        assert len(found) == 1, f"{len(found)} entries are called {text}"
        return found[0]

    def trigger(self, text: str) -> None:
        """Choose a menu entry, which must be enabled, and wait for what it does."""
        action = self.action(text)
        assert action.isEnabled()
        action.trigger()
        self.settle()


@pytest.fixture
def examiner(qtbot: QtBot, window: MainWindow) -> Examiner:
    """Somebody at the window."""
    return Examiner(qtbot, window)


def menu_actions(window: MainWindow) -> list[QAction]:
    """Every entry of every menu and submenu; separators and the submenus themselves left out."""
    found: list[QAction] = []
    waiting = list(window.menuBar().actions())
    while waiting:
        action = waiting.pop(0)
        menu = action.menu()
        if isinstance(menu, QMenu):
            menu.aboutToShow.emit()
            waiting += menu.actions()
        elif not action.isSeparator():
            found.append(action)
    return found


def pixels_of(path: Path) -> RgbU8:
    """The file as Pillow reads it."""
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def grabbed(widget: QWidget) -> RgbU8:
    """A widget as it is painted, (height, width, 3) RGB."""
    return as_array(widget.grab().toImage())


def as_array(image: QImage) -> RgbU8:
    """(height, width, 3) RGB of a picture of Qt."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : 3 * plain.width()].reshape(plain.height(), plain.width(), 3).copy()
