"""Channels and streams: the latest request wins, streams arrive whole and in slices."""

import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
from PySide6.QtCore import QObject, QThreadPool
from pytestqt.qtbot import QtBot

from app.errors import BrokenImageError, CancelledError, ElascopeError
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
    got: list[object] = []

    def work(number: int, _: threading.Event) -> int:
        gate.wait(5)
        run.append(number)
        return number

    for number in range(6):
        channel.request("same", partial(work, number), got.append, got.append)
    gate.set()
    qtbot.waitUntil(lambda: not channel.busy)
    assert run == got == [0, 5]


def test_reply_to_another_key_is_dropped_and_told_to_stop(qtbot: QtBot, channel: Channel) -> None:
    stopped: list[bool] = []
    got: list[object] = []

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


# Work that replies several times --------------------------------------------------------------


def test_an_iterator_replies_with_each_of_its_items(qtbot: QtBot, channel: Channel) -> None:
    got: list[object] = []
    channel.request("key", lambda _: iter(["coarse", "fine"]), got.append, got.append)
    qtbot.waitUntil(lambda: not channel.busy)
    assert got == ["coarse", "fine"]


def test_a_list_is_one_reply(qtbot: QtBot, channel: Channel) -> None:
    got: list[object] = []
    channel.request("key", lambda _: [1, 2], got.append, got.append)
    qtbot.waitUntil(lambda: not channel.busy)
    assert got == [[1, 2]]


def test_a_waiting_request_leaves_an_iterator_its_first_reply(
    qtbot: QtBot, channel: Channel
) -> None:
    """While a slider is dragged, each value still gives its coarse picture."""
    gate = threading.Event()
    got: list[object] = []

    def work(name: str, stop: threading.Event) -> Iterator[str]:
        gate.wait(5)
        yield f"{name} coarse"
        if not stop.wait(0 if name == "last" else 5):
            yield f"{name} fine"

    for name in ("first", "second", "last"):
        channel.request("map", partial(work, name), got.append, got.append)
    gate.set()
    qtbot.waitUntil(lambda: not channel.busy)
    assert got == ["first coarse", "last coarse", "last fine"]


def test_a_request_after_the_first_reply_stops_the_rest(qtbot: QtBot, channel: Channel) -> None:
    got: list[object] = []

    def work(stop: threading.Event) -> Iterator[str]:
        yield "coarse"
        stop.wait(5)
        if stop.is_set():
            raise CancelledError("Cancelled.")
        yield "fine"

    failures: list[ElascopeError] = []
    channel.request("map", work, got.append, failures.append)
    qtbot.waitUntil(lambda: got == ["coarse"])
    channel.request("map", lambda _: iter(["new"]), got.append, failures.append)
    qtbot.waitUntil(lambda: not channel.busy)
    assert (got, failures) == (["coarse", "new"], [])


def test_another_key_drops_all_replies_of_an_iterator(qtbot: QtBot, channel: Channel) -> None:
    gate = threading.Event()
    got: list[object] = []

    def work(stop: threading.Event) -> Iterator[str]:
        gate.wait(5)
        yield "old coarse"
        yield "old fine"

    channel.request("one image", work, got.append, got.append)
    channel.request("another", lambda _: iter(["new"]), got.append, got.append)
    gate.set()
    qtbot.waitUntil(lambda: not channel.busy)
    assert got == ["new"]


def test_an_error_between_two_items_keeps_the_first(qtbot: QtBot, channel: Channel) -> None:
    got: list[object] = []
    failures: list[ElascopeError] = []

    def work(_: threading.Event) -> Iterator[str]:
        yield "coarse"
        raise BrokenImageError("Then it broke.")

    channel.request("map", work, got.append, failures.append)
    qtbot.waitUntil(lambda: not channel.busy)
    assert got == ["coarse"]
    assert [failure.sentence for failure in failures] == ["Then it broke."]


def test_a_dropped_channel_says_nothing_more_and_can_be_used_again(
    qtbot: QtBot, channel: Channel
) -> None:
    stopped = threading.Event()
    got: list[object] = []

    def work(stop: threading.Event) -> str:
        stop.wait(5)
        stopped.set()
        return "late"

    channel.request("key", work, got.append, got.append)
    channel.drop()
    qtbot.waitUntil(lambda: stopped.is_set() and not channel.busy)
    channel.request("key", lambda _: "new", got.append, got.append)
    qtbot.waitUntil(lambda: not channel.busy)
    assert got == ["new"]


def test_replies_arrive_on_the_thread_of_the_window(qtbot: QtBot, channel: Channel) -> None:
    threads: list[object] = []
    channel.request(
        "key",
        lambda _: threading.current_thread(),
        lambda worker: threads.extend([worker, threading.current_thread()]),
        threads.append,
    )
    qtbot.waitUntil(lambda: not channel.busy)
    assert threads[0] is not threads[1]
    assert threads[1] is threading.main_thread()


# Streams --------------------------------------------------------------------------------------


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
