"""What goes into the frozen program and what stays out; the spec asks, the tests too.

PyInstaller takes what the imports of the program reach, and from Qt every plugin that belongs to
a module. Much of that is for cameras, networks, other screens and other toolkits. Patterns are
those of `fnmatch`, over the path inside the program with forward slashes, so one list serves all
systems; `*` also matches slashes. Capitals count everywhere, also where a system does not care, so
that a test on one system tells what happens on the others.
"""

import posixpath
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath, PureWindowsPath

EXCLUDED_MODULES = (
    # A program without clients of the network cannot call anybody.
    "asyncio",
    "ftplib",
    "http",
    "smtplib",
    "socketserver",
    "ssl",
    "urllib.request",
    "webbrowser",
    "xmlrpc",
    "PySide6.QtDBus",
    "PySide6.QtNetwork",
    # Of the extras, for those who install with pip.
    "dask",
    "distributed",
    # GPL, and for interactive Python only.
    "readline",
    # Of tools that build; Pillow would use the first for XMP, which the program reads itself.
    "defusedxml",
    "typing_extensions",
    # For developers, and for other toolkits.
    "_pyrepl",
    "curses",
    "doctest",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "numpy.f2py",
    "pdb",
    "PIL.ImageQt",
    "PIL.ImageTk",
    "pydoc",
    "tkinter",
    "unittest",
    "venv",
)

LEFT_OUT = (
    # Qt: the window needs a screen of the desktop, its SVG icon, and the keyboard.
    "*/translations/*",
    "*/plugins/egldeviceintegrations/*",
    "*/plugins/generic/*",
    "*/plugins/networkinformation/*",
    "*/plugins/tls/*",
    "*/plugins/xcbglintegrations/*",
    "*/plugins/platforms/*eglfs*",
    "*/plugins/platforms/*linuxfb*",
    "*/plugins/platforms/*minimal*",
    "*/plugins/platforms/*vkkhrdisplay*",
    "*/plugins/platforms/*vnc*",
    "*/plugins/platforms/*direct2d*",
    # GTK's file dialog would bring GTK; the desktop portal asks the desktop for its own.
    "*/plugins/platformthemes/*gtk3*",
    "*/plugins/platforminputcontexts/*virtualkeyboard*",
    # Evidence is decoded by Pillow in a process of its own, never by Qt.
    "*/plugins/imageformats/*gif*",
    "*/plugins/imageformats/*icns*",
    "*/plugins/imageformats/*jpeg*",
    "*/plugins/imageformats/*macheif*",
    "*/plugins/imageformats/*macjp2*",
    "*/plugins/imageformats/*pdf*",
    "*/plugins/imageformats/*tga*",
    "*/plugins/imageformats/*tiff*",
    "*/plugins/imageformats/*wbmp*",
    "*/plugins/imageformats/*webp*",
    "*Qt6EglF*",
    "*Qt6Network*",
    "*Qt6Pdf*",
    "*Qt6Qml*",
    "*Qt6Quick*",
    "*Qt6VirtualKeyboard*",
    # The same on macOS; of OpenGL only Quick has a need there.
    "*/QtNetwork.framework/*",
    "*/QtOpenGL.framework/*",
    "*/QtPdf*.framework/*",
    "*/QtQml*.framework/*",
    "*/QtQuick*.framework/*",
    "*/QtVirtualKeyboard*.framework/*",
    "*/opengl32sw.dll",
    # Of Windows itself since version 10; others on PATH, such as Java, have copies to be found.
    "api-ms-win-*.dll",
    "ucrtbase.dll",
    # OpenCV: cascades of its face detector, and the reader of films, which is loaded when asked.
    "cv2/data/*",
    "cv2/qt/*",
    "cv2/opencv_videoio_ffmpeg*",
    # onnxruntime: its providers for hardware of which the program has none tried.
    "*onnxruntime_providers_tensorrt*",
    "*onnxruntime_providers_openvino*",
    "*onnxruntime_providers_qnn*",
    # Screenshots and Tk.
    "PIL/_imagingtk*",
    # What pip noted about its work; METADATA has the versions that the About box shows.
    "*.dist-info/[!M]*",
)

RECORDED = (
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "opencv-python-headless",
    "pillow",
    "PySide6-Essentials",
    "tqdm",
)
"""Packages whose version the program tells, if they are installed."""

FROM_THE_SYSTEM = (
    # Of Python.
    "libpython3.*",
    "libbz2.so.*",
    "libcrypto.so.*",
    "libexpat.so.*",
    "libffi.so.*",
    "liblzma.so.*",
    "libmpdec.so.*",
    "libsqlite3.so.*",
    "libz.so.*",
    # Of Qt's platform plugin, and missing on many desktops.
    "libxcb-cursor.so.*",
    "libxcb-icccm.so.*",
    "libxcb-image.so.*",
    "libxcb-keysyms.so.*",
    "libxcb-render-util.so.*",
    "libxcb-util.so.*",
    "libxcb-xkb.so.*",
    "libxkbcommon-x11.so.*",
    "libxkbcommon.so.*",
)
"""Libraries of the Linux that builds which are taken along; all others are those of the Linux that
runs the program. What talks to the screen, the fonts and the sound must fit its drivers, and much
of the rest is LGPL or worse to carry."""

GPL = ("*libx264*", "*libx265*", "*librubberband*", "*libvidstab*")
"""Libraries under the GPL that came with some wheel, and on which others there depend.

OpenCV's wheel for macOS has all of them, of the reader of films that Homebrew builds; how to do
without is in `packaging/README.md`.
"""

Entry = tuple[str, str, str]
"""Of PyInstaller's lists: path inside the program, path on this machine, kind."""


def select(entries: Iterable[Entry], platform: str = sys.platform) -> list[Entry]:
    """Those entries that belong into the program.

    Links to what is left out go with it.

    Raises:
        SystemExit: something is under a licence that forbids it.
    """
    kept = [entry for entry in entries if wanted(entry[0], entry[1], platform)]
    if forbidden := [path for path, _, _ in kept if matches(path, GPL)]:
        sys.exit(f"Under the GPL, and not to be shipped: {', '.join(sorted(forbidden))}")
    links = {posix(path): posix(target) for path, target, kind in kept if kind == "SYMLINK"}
    inside = {posix(path) for path, _, kind in kept if kind != "SYMLINK"}
    inside |= {str(folder) for path in inside for folder in PurePosixPath(path).parents}
    return [entry for entry in kept if followed(posix(entry[0]), links) in inside]


def followed(path: str, links: dict[str, str]) -> str:
    """Where a path inside the program leads to, through links.

    The folders of a framework of macOS are links themselves: `Resources` leads to
    `Versions/Current/Resources` and `Current` to `A`.

    Args:
        path: with forward slashes.
        links: path to what it says, relative to the link's folder.
    """
    for _ in range(len(links)):
        pure = PurePosixPath(path)
        link = next((part for part in (pure, *pure.parents) if str(part) in links), None)
        if link is None:
            break
        target = link.parent / links[str(link)] / pure.relative_to(link)
        path = posixpath.normpath(str(target))
    return path


def wanted(destination: str, source: str, platform: str = sys.platform) -> bool:
    """Whether a file belongs into the program.

    Args:
        destination: its path inside the program.
        source: its path on this machine.
        platform: as `sys.platform` names it.
    """
    path = posix(destination)
    if matches(path, LEFT_OUT):
        return False
    # A link is relative; what is absolute and of no package is of this machine's system.
    of_the_system = source.startswith("/") and "site-packages" not in source
    if platform == "linux" and "/" not in path and ".so" in path and of_the_system:
        return matches(path, FROM_THE_SYSTEM)
    return True


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path inside the program is like one of the patterns."""
    return any(fnmatchcase(posix(path), pattern) for pattern in patterns)


def with_cuda(entries: Iterable[Entry], environment: str) -> list[Entry]:
    """The entries with all of CUDA's libraries that NVIDIA's packages brought into an environment.

    They lie beside the executable's other libraries, where every system's loader looks;
    PyInstaller would take some, and leave them in their folders.
    """
    libraries = {
        path.name: path
        for kind in ("*.so*", "*.dll")
        for path in sorted(Path(environment).rglob(f"nvidia/**/{kind}"))
        # What is compiled at run time alternatively; half of it.
        if ".alt." not in path.name
    }
    others = [entry for entry in entries if PurePosixPath(posix(entry[0])).name not in libraries]
    return others + [(name, str(path), "BINARY") for name, path in libraries.items()]


def posix(path: str) -> str:
    """A path inside the program with forward slashes."""
    return PureWindowsPath(path).as_posix()
