"""What error level analysis costs beyond the codec.

    python benchmarks/ela.py [ROUNDS]

Every round times all candidates one after the other, so that what the machine does meanwhile
hits them alike; ratios of medians are printed, and last one line of JSON. Only ratios travel to
other machines.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from app.analysis.ela import amplify, residual
from app.paths import resources

MEGAPIXELS = ((1500, 1000), (4000, 3000))


def main() -> None:
    """Run all rounds and print the ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    figures: dict[str, float] = {}
    for width, height in MEGAPIXELS:
        name = f"{width * height / 1e6:g}MP"
        figures |= {f"{key}_{name}": value for key, value in ela(width, height, rounds).items()}
    for key, value in figures.items():
        print(f"{key:<34} {value:.2f}")
    print(json.dumps({"benchmark": "ela", "rounds": rounds, **figures}))


def ela(width: int, height: int, rounds: int) -> dict[str, float]:
    """ELA against encode plus decode of the same pixels, and a scale step against ELA."""
    pixels = picture(width, height)
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    measured = residual(pixels, 90)

    def codec() -> None:
        encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
        cv2.imdecode(encoded, cv2.IMREAD_COLOR)

    times = paired(
        {
            "codec": codec,
            "ela": lambda: residual(pixels, 90),
            "scale": lambda: amplify(measured, 20.0),
        },
        rounds,
    )
    return {
        "ela_over_codec": round(times["ela"] / times["codec"], 3),
        "scale_step_over_ela": round(times["scale"] / times["ela"], 3),
    }


def picture(width: int, height: int) -> np.ndarray:
    """A shipped photograph enlarged to size, with grain so that no block is flat."""
    with Image.open(resources() / "samples" / "camera_original.jpg") as photograph:
        enlarged = np.asarray(photograph.convert("RGB").resize((width, height)), dtype=np.int16)
    grain = np.random.default_rng(0).integers(-4, 5, enlarged.shape, dtype=np.int16)
    return np.clip(enlarged + grain, 0, 255).astype(np.uint8)


def paired(candidates: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each candidate, measured in turns, after one round to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + 1):
        for name, run in candidates.items():
            began = time.perf_counter()
            run()
            if number:
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in taken.items()}


if __name__ == "__main__":
    main()
