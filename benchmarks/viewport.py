"""What a step of the quality slider costs on the screen, against measuring the whole image.

    python benchmarks/viewport.py [ROUNDS]

A view of 1920x1080 at actual size, of pictures with 12, 48 and 100 megapixels. Every round times
all candidates of a picture one after the other, so that what the machine does meanwhile hits them
alike; ratios of medians are printed. The quality step ends with the frame painted. Memory is the
peak of a window that opens a 48-megapixel JPEG, fits it, zooms to actual size and steps through
qualities; its limit is 2.6 times the raw RGB pixels, plus 60 MiB, plus the peak of a window without
an image. The last line is JSON. Only ratios travel to other machines.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from ela import paired, picture
from PySide6.QtGui import QGuiApplication, QImage, QPainter

from app.analysis.ela import ELA, ElaParams, residual
from app.analysis.region import Region
from app.analysis.survey import Reduction, measure_banded
from app.gui.table.frames import Frame, Wish, make_frames
from app.gui.table.geometry import Geometry
from app.gui.table.painting import paint_frame

SIZES = {"12MP": (4000, 3000), "48MP": (8000, 6000), "100MP": (11560, 8660)}
VIEW = (1920, 1080)
MEMORY_MP = "48MP"


def main() -> None:
    """Run all rounds and print the ratios."""
    rounds = max(int(sys.argv[1]) if len(sys.argv) > 1 else 7, 7)
    application = QGuiApplication([])
    figures: dict[str, float] = {}
    steps = {}
    for name, (width, height) in SIZES.items():
        times = view(picture(width, height), rounds)
        steps[name] = times["step"]
        figures[f"step_over_whole_{name}"] = times["step"] / times["whole"]
        figures[f"scale_over_step_{name}"] = times["scale"] / times["step"]
        figures[f"colour_over_step_{name}"] = times["colour"] / times["step"]
        figures[f"opacity_over_step_{name}"] = times["opacity"] / times["step"]
    figures["step_100MP_over_12MP"] = steps["100MP"] / steps["12MP"]
    figures["codec_calls_of_lookups"] = lookups(picture(*SIZES["12MP"]))
    figures |= whole(picture(*SIZES["48MP"]), rounds)
    figures |= memory()
    del application
    for key, value in figures.items():
        print(f"{key:<34} {value:.3f}")
    rounded = {key: round(value, 4) for key, value in figures.items()}
    print(json.dumps({"benchmark": "viewport", "rounds": rounds, **rounded}))


class Screen:
    """A view of one picture at actual size, and the frame that it shows."""

    def __init__(self, pixels: np.ndarray) -> None:
        height, width = pixels.shape[:2]
        self.pixels = pixels
        self.geometry = Geometry(*VIEW, width, height, 1.0, width / 2 + 3, height / 2 + 5)
        self.image = QImage(*VIEW, QImage.Format.Format_RGB32)
        self.frame: Frame | None = None
        self.number = 0

    def show(self, params: ElaParams, *, again: bool) -> None:
        """Make the frame, from the kept measurement if ``again``, and paint it."""
        kept = self.frame if again else None
        wish = Wish(self.pixels, ELA, params, self.geometry, Reduction.MEAN, True, kept)
        self.frame = list(make_frames(wish, threading.Event(), threads=os.cpu_count() or 1))[-1]
        self.paint(0.7)

    def paint(self, opacity: float) -> None:
        """Paint the frame."""
        assert self.frame
        painter = QPainter(self.image)
        paint_frame(painter, self.frame, self.geometry, opacity)
        painter.end()

    def step(self) -> None:
        """The next quality."""
        self.number += 1
        self.show(ElaParams(quality=60 + self.number % 40), again=False)

    def scale(self) -> None:
        """The next scale, at the same quality."""
        self.number += 1
        known = self.frame.params if self.frame else ElaParams()
        self.show(ElaParams(quality=known.quality, scale=float(1 + self.number % 90)), again=True)

    def colour(self) -> None:
        """The next colour map of the largest difference, at the same quality."""
        self.number += 1
        known = self.frame.params if self.frame else ElaParams()
        name = ("inferno", "viridis", "cividis")[self.number % 3]
        self.show(ElaParams(quality=known.quality, channel="maximum", colours=name), again=True)


def view(pixels: np.ndarray, rounds: int) -> dict[str, float]:
    """Seconds of the steps on the screen, and of one whole-image measurement done plainly.

    The steps use as many threads as the program does, one for each core.
    """
    screen = Screen(pixels)
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)

    def plainly() -> None:
        encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
        cv2.absdiff(bgr, cv2.imdecode(encoded, cv2.IMREAD_COLOR))

    candidates = {
        "step": screen.step,
        "scale": screen.scale,
        "colour": screen.colour,
        "opacity": lambda: screen.paint(0.3),
        "whole": plainly,
    }
    return paired(candidates, rounds)


def lookups(pixels: np.ndarray) -> float:
    """How often scale, colour map and opacity call the codec."""
    screen = Screen(pixels)
    screen.step()
    encode, calls = cv2.imencode, []

    def counted(*arguments: object) -> object:
        calls.append(1)
        return encode(*arguments)

    cv2.imencode = counted
    try:
        screen.scale()
        screen.colour()
        screen.paint(0.2)
        lookups_called = len(calls)
        screen.step()
    finally:
        cv2.imencode = encode
    assert len(calls) > lookups_called, "the counter does not count"
    return float(lookups_called)


def whole(pixels: np.ndarray, rounds: int) -> dict[str, float]:
    """Whole-image ELA in bands against one encode and one decode, on one and two threads."""
    # OpenCV's own threads would blur what one thread is; the codec never uses them.
    cv2.setNumThreads(1)
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    measure, everything = ELA.measuring(ElaParams()), Region.whole(pixels)

    def codec() -> None:
        encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
        cv2.imdecode(encoded, cv2.IMREAD_COLOR)

    times = paired(
        {
            "codec": codec,
            "one": lambda: residual(pixels, 90),
            "two": lambda: measure_banded(measure, pixels, everything, threads=2),
        },
        rounds,
    )
    return {
        "whole_one_thread_over_codec_48MP": times["one"] / times["codec"],
        "whole_two_threads_over_codec_48MP": times["two"] / times["codec"],
    }


MODELS_MIB = 250
"""For the shipped models and what they and the search for copies work in."""


def memory() -> dict[str, float]:
    """Peak memory of a window with a 48-megapixel JPEG, in MiB and over its limit."""
    width, height = SIZES[MEMORY_MP]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.jpg")
        Image.fromarray(picture(width, height)).save(path, quality=92)
        empty = statistics.median(_peak(folder) for _ in range(3))
        full = statistics.median(_peak(folder, str(path)) for _ in range(3))
    limit = 2.6 * width * height * 3 / 2**20 + empty + 60 + MODELS_MIB
    return {"empty_window_mib": empty, "peak_mib": full, "peak_over_limit": full / limit}


def _peak(*arguments: str) -> float:
    """Run `benchmarks/window_memory.py` and return its peak in MiB."""
    command = [sys.executable, str(Path(__file__).with_name("window_memory.py")), *arguments]
    folder = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    return float(done.stdout)


if __name__ == "__main__":
    main()
