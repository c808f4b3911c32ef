"""A screen that exists in memory only, to see what a program shows on it.

Xvfb draws into a file that can be read at any time, in the format of xwd; Xlib says which windows
there are. The program that is watched knows nothing of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_uint, c_ulong, c_void_p
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """One that is on the screen, with its place in pixels."""

    title: str
    left: int
    top: int
    width: int
    height: int


class _Attributes(ctypes.Structure):
    """XWindowAttributes of Xlib.h."""

    _fields_ = (
        *((name, c_int) for name in ("x", "y", "width", "height", "border_width", "depth")),
        ("visual", c_void_p),
        ("root", c_ulong),
        *((name, c_int) for name in ("class_", "bit_gravity", "win_gravity", "backing_store")),
        ("backing_planes", c_ulong),
        ("backing_pixel", c_ulong),
        ("save_under", c_int),
        ("colormap", c_ulong),
        ("map_installed", c_int),
        ("map_state", c_int),
        *((name, c_long) for name in ("all_masks", "your_mask", "not_propagated")),
        ("override_redirect", c_int),
        ("screen", c_void_p),
    )


_VIEWABLE = 2


@ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
def _ignore(_display: int, _event: int) -> int:
    """A window may go between two questions about it, for which Xlib would end the process."""
    return 0


class Screen:
    """A running Xvfb; see `virtual_screen`.

    Attributes:
        display: value of the variable DISPLAY for programs that shall use it.
    """

    def __init__(self, display: str, framebuffer: Path) -> None:
        self.display = display
        self._framebuffer = framebuffer
        self._x = ctypes.CDLL("libX11.so.6")
        self._x.XSetErrorHandler(_ignore)
        self._x.XOpenDisplay.restype = c_void_p
        self._x.XDefaultRootWindow.restype = self._x.XInternAtom.restype = c_ulong
        self._connection = c_void_p(self._x.XOpenDisplay(display.encode("ascii")))
        if not self._connection:
            raise OSError(f"The screen {display} cannot be reached.")
        self._root = c_ulong(self._x.XDefaultRootWindow(self._connection))
        self._name = self._atom("_NET_WM_NAME")

    def windows(self) -> list[Window]:
        """All windows that can be seen and have a title."""
        children, count = POINTER(c_ulong)(), c_uint()
        root, parent = c_ulong(), c_ulong()
        self._x.XSync(self._connection, 0)
        self._x.XQueryTree(
            self._connection,
            self._root,
            byref(root),
            byref(parent),
            byref(children),
            byref(count),
        )
        try:
            found = [self._window(c_ulong(children[i])) for i in range(count.value)]
        finally:
            if children:
                self._x.XFree(children)
        return [window for window in found if window is not None]

    def picture(self) -> NDArray[np.uint8]:
        """What is on the screen: uint8 RGB, shape (height, width, 3)."""
        with self._framebuffer.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        # XWDFileHeader of XWDFile.h: big-endian, then the title, the colours, the pixels.
        header = struct.unpack(">25I", data[:100])
        size, width, height, row, colours = header[0], *header[4:6], header[12], header[19]
        begin = size + 12 * colours
        pixels = np.frombuffer(data, np.uint8, row * height, begin).reshape(height, row // 4, 4)
        return pixels[:, :width, 2::-1].copy()

    def close(self) -> None:
        """Let go of the connection."""
        self._x.XCloseDisplay(self._connection)

    def _window(self, window: c_ulong) -> Window | None:
        attributes = _Attributes()
        if not self._x.XGetWindowAttributes(self._connection, window, byref(attributes)):
            return None
        title = self._title(window)
        if attributes.map_state != _VIEWABLE or not title:
            return None
        a = attributes
        return Window(title, a.x, a.y, a.width, a.height)

    def _title(self, window: c_ulong) -> str:
        kind, form, count, rest, value = c_ulong(), c_int(), c_ulong(), c_ulong(), c_char_p()
        self._x.XGetWindowProperty(
            *(self._connection, window, self._name, c_long(0), c_long(256), 0, c_ulong(0)),
            *(byref(kind), byref(form), byref(count), byref(rest), byref(value)),
        )
        title = (value.value or b"").decode("utf-8", "replace")
        if value:
            self._x.XFree(value)
        return title

    def _atom(self, name: str) -> c_ulong:
        return c_ulong(self._x.XInternAtom(self._connection, name.encode("ascii"), 0))


@contextlib.contextmanager
def virtual_screen(width: int = 1440, height: int = 900) -> Iterator[Screen]:
    """A screen of this size, gone afterwards.

    Raises:
        OSError: Xvfb or libX11 is not there, or does not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24"]
        server = subprocess.Popen(
            [*command, "-fbdir", folder, "-nolisten", "tcp"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        try:
            with os.fdopen(reading, "rb") as pipe:
                number = pipe.readline().strip().decode("ascii")
            if not number:
                raise OSError("Xvfb does not start.")
            screen = Screen(f":{number}", Path(folder) / "Xvfb_screen0")
            try:
                yield screen
            finally:
                screen.close()
        finally:
            server.terminate()
            server.wait()
