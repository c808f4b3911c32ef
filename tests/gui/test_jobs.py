"""Channels and streams: the latest request wins, streams arrive whole and in slices."""

import threading
import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QThreadPool
from pytestqt.qtbot import QtBot

from app.errors import BrokenImageError, ElascopeError
from app.gui.jobs import Channel, Stream


@pytest.fixture
def owner(qapp: object) -> Iterator[QObject]:
    owner = QObject()
    yield owner
    owner.deleteLater()


@pytest.fixture
def channel(owner: QObject) -> Channel:
    return Channel(QThreadPool(owner), owner)


def test_while_one_runs_only_the_last_of_the_others_is_run(qtbot: QtBot, channel: Channel) -> None:
    gate = threading.Event()
    run: list[int] = []
    got: list[int] = []

    def work(number: int) -> int:
        gate.wait(5)
        run.append(number)
        return number

    for number in range(6):
        channel.request("same", lambda _, n=number: work(n), got.append, got.append)
    gate.set()
    qtbot.waitUntil(lambda: not channel.busy)
    assert run == got == [0, 5]


def test_reply_to_another_key_is_dropped_and_told_to_stop(qtbot: QtBot, channel: Channel) -> None:
    stopped: list[bool] = []
    got: list[str] = []

    def slow(stop: threading.Event) -> str:
        stopped.append(stop.wait(5))
        return "old"

    channel.request("first image", slow, got.append, got.append)
    channel.request("second image", lambda _: "new", got.append, got.append)
    qtbot.waitUntil(lambda: not channel.busy)
    assert stopped == [True]
    assert got == ["new"]


def test_failures_arrive_as_named_errors(qtbot: QtBot, channel: Channel) -> None:
    failures: list[ElascopeError] = []

    def fail(error: Exception) -> None:
        def work(_: threading.Event) -> None:
            raise error

        channel.request("key", work, failures.append, failures.append)
        qtbot.waitUntil(lambda: not channel.busy)

    fail(BrokenImageError("It is broken."))
    fail(ZeroDivisionError("detail"))
    assert failures[0].sentence == "It is broken."
    assert "ZeroDivisionError" in failures[1].sentence
    assert "detail" in failures[1].detail


def test_stream_delivers_every_item_in_order_in_several_slices(
    qtbot: QtBot, owner: QObject
) -> None:
    def generate(stop: threading.Event) -> Iterator[int]:
        for number in range(20_000):
            if number % 5_000 == 0:
                time.sleep(0.06)
            yield number

    stream = Stream(generate, owner)
    slices: list[list[int]] = []
    stream.items.connect(slices.append)
    with qtbot.waitSignal(stream.ended, timeout=20_000) as ended:
        stream.start()
    assert ended.args == [None]
    assert [item for part in slices for item in part] == list(range(20_000))
    assert len(slices) > 1


def test_stopped_stream_ends_and_says_so(qtbot: QtBot, owner: QObject) -> None:
    def generate(stop: threading.Event) -> Iterator[int]:
        number = 0
        while not stop.is_set():
            yield number
            number += 1
            time.sleep(0.002)

    stream = Stream(generate, owner)
    with qtbot.waitSignal(stream.items, timeout=5_000):
        stream.start()
    with qtbot.waitSignal(stream.ended, timeout=5_000):
        stream.stop()
    assert stream.stopped


def test_error_in_a_stream_comes_after_its_items(qtbot: QtBot, owner: QObject) -> None:
    def generate(stop: threading.Event) -> Iterator[int]:
        yield 1
        raise BrokenImageError("Then it broke.")

    stream = Stream(generate, owner)
    items: list[int] = []
    stream.items.connect(items.extend)
    with qtbot.waitSignal(stream.ended, timeout=5_000) as ended:
        stream.start()
    assert items == [1]
    assert ended.args[0].sentence == "Then it broke."
