"""Channels that go while threads reply to them: no crash, and no reply to what is gone.

A crash is that of a process of its own, so that it fails one test and does not end the run.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThreadPool
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from app.gui.jobs import Channel

SECONDS = 2.5
"""How long channels come and go; while threads still emitted signals of channels that was enough
for a crash nine times in ten."""


def replies(_: threading.Event) -> Iterator[int]:
    """Work that does nothing but reply."""
    return iter(range(20))


def ignore(_: object) -> None:
    """Takes a reply."""


def take_events(times: int) -> None:
    """What the event loop does, the deletions that were put off included."""
    for _ in range(times):
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def go_with_the_reply(pool: QThreadPool) -> None:
    """As when a file has been saved: the thread has replied, but not yet said that it ends."""
    owner = QObject()
    for number in range(8):
        channel = Channel(pool, owner)

        def done(_: object, channel: Channel = channel) -> None:
            channel.deleteLater()

        channel.request(number, lambda _: None, done, done)
    take_events(20)
    delete(owner)


def go_with_the_image(pool: QThreadPool) -> None:
    """As when another image is shown while the map of the one before is being made."""
    owner = QObject()
    for number in range(8):
        subject = QObject(owner)
        channel = Channel(pool, subject)
        channel.request(number, replies, ignore, ignore)
        channel.drop()
        subject.deleteLater()
    take_events(4)
    delete(owner)


def go_with_the_owner(pool: QThreadPool) -> None:
    """At once, with replies on their way and replies still to come."""
    owner = QObject()
    for number in range(8):
        Channel(pool, owner).request(number, replies, ignore, ignore)
    take_events(1)
    delete(owner)


def go_with_the_pool(_: QThreadPool) -> None:
    """As with a window, which owns the pool too."""
    window = QObject()
    pool = QThreadPool(window)
    for number in range(8):
        Channel(pool, window).request(number, replies, ignore, ignore)
    take_events(1)
    delete(window)


def come_and_go() -> None:
    """In the process of its own: make channels that go, again and again."""
    application = QCoreApplication([])
    # Threads change places as often as they can, so that each is met in every state.
    sys.setswitchinterval(1e-6)
    pool = QThreadPool(application)
    pool.setMaxThreadCount(4)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        for go in (go_with_the_reply, go_with_the_image, go_with_the_owner, go_with_the_pool):
            go(pool)
    pool.waitForDone()


def test_channels_may_go_whatever_their_threads_do() -> None:
    code = f"from {__name__} import come_and_go; come_and_go()"
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_channel_that_is_gone_takes_no_reply_and_holds_up_no_other(qtbot: QtBot) -> None:
    pool = QThreadPool()
    gate = threading.Event()
    got: list[object] = []

    def work(_: threading.Event) -> Iterator[str]:
        yield "before"
        gate.wait(5)
        yield "after"

    owner, other = QObject(), QObject()
    Channel(pool, owner).request("key", work, got.append, got.append)
    qtbot.waitUntil(lambda: got == ["before"])
    delete(owner)
    gate.set()
    pool.waitForDone()
    channel = Channel(pool, other)
    channel.request("key", lambda _: "of the other", got.append, got.append)
    qtbot.waitUntil(lambda: not channel.busy)
    assert got == ["before", "of the other"]


def test_a_pool_keeps_nothing_of_the_channels_that_are_gone(qtbot: QtBot) -> None:
    pool = QThreadPool()
    owner = QObject()
    counts: set[int] = set()

    def use_one() -> None:
        channel = Channel(pool, owner)
        channel.request("key", replies, ignore, ignore)
        qtbot.waitUntil(lambda: not channel.busy)
        delete(channel)
        counts.add(len(pool.children()))

    for _ in range(5):
        use_one()
    assert len(counts) == 1
