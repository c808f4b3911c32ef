"""What a scan does in a second, against the usual notebook pipeline and against its own parts.

    python benchmarks/scan.py [ROUNDS]

The notebook pipeline is the one of the well-known tutorials on ELA with a small network: Pillow
saves the picture to a temporary file and opens it again, `ImageChops.difference`, `getextrema` and
`ImageEnhance.Brightness` amplify, the result is reduced to 128x128 and given to the network, one
image at a time. The scan gets the same files and the same network and computes more (it hashes,
writes a journal and every row's record); it does not try answers with mild changes, which the
notebook does not either. Both are measured in turns, in one run.

Printed are, for JPEG files of 12 megapixels and of 384x256: images per second of the scan over
those of the notebook; the time that codec and network need alone, divided by the cores, over the
time of the scan; the scan in worker processes against the same work on threads of one process
without isolation; and, with the shipped models, what trying the answers costs. The last line is
JSON. Only ratios travel to other machines.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageChops, ImageEnhance

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.detection.card import METADATA_KEY
from app.detection.detector import Detector
from app.detection.library import ModelChoice
from app.detection.prepare import prepare
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from app.isolation import cores
from app.paths import backbone_folders, model_folders, resources
from app.scan.journal import Journal
from app.scan.pool import Scan
from app.scan.work import Setup, judge_evidence
from tests.models import card

SIZES = {"12MP": (4000, 3000, 32), "384x256": (384, 256, 1000)}
"""Width, height, and how many files."""

WARM = 4
"""Files that every worker has done before the clock starts."""

SIDE = 128


def main() -> None:
    """Run all rounds and print the ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    cv2.setNumThreads(1)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        model = write_model(Path(folder, "models", "ela", "model.onnx"))
        choice = ModelChoice((Path(folder, "models"),))
        for name, (width, height, count) in SIZES.items():
            files = photographs(Path(folder, name), width, height, count)
            figures |= {
                f"{key}_{name}": v for key, v in measure(files, model, choice, rounds).items()
            }
        files = photographs(Path(folder, "shipped"), 1500, 1000, 16)
        figures["trying_answers_over_not_1.5MP"] = trying(files, rounds)
        files = photographs(Path(folder, "small"), 384, 256, 40)
        figures["trying_answers_over_not_384x256"] = trying(files, rounds)
    for key, value in figures.items():
        print(f"{key:<40} {value:.3g}")
    print(json.dumps({"benchmark": "scan", "cores": cores(), "rounds": rounds, **figures}))


def measure(files: list[Path], model: Path, choice: ModelChoice, rounds: int) -> dict[str, float]:
    """The ratios for one size of picture."""
    detector = Detector(model)
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    few = files[: max(len(files) // 4, 8)]
    candidates: dict[str, Callable[[], float]] = {
        "notebook": lambda: timed(lambda: [notebook(path, session) for path in few], len(few)),
        "parts": lambda: timed(lambda: [parts(path, detector) for path in few], len(few)),
        "scan": lambda: scanned(files, Setup(choice, variations=False)),
        "threads": lambda: threaded(files, detector),
    }
    seconds = paired(candidates, rounds)
    return {
        "scan_over_notebook": round(seconds["notebook"] / seconds["scan"], 2),
        "parts_over_cores_over_scan": round(seconds["parts"] / cores() / seconds["scan"], 3),
        "isolation_costs": round(seconds["scan"] / seconds["threads"] - 1, 3),
    }


def trying(files: list[Path], rounds: int) -> float:
    """The shipped models with answers tried, over the same without."""
    shipped = ModelChoice(model_folders(), backbone_folders())
    seconds = paired(
        {
            "tried": lambda: scanned(files, Setup(shipped)),
            "not": lambda: scanned(files, Setup(shipped, variations=False)),
        },
        rounds,
    )
    return round(seconds["tried"] / seconds["not"], 2)


def scanned(files: Sequence[Path], setup: Setup) -> float:
    """Seconds for each file of a scan with a journal, once its workers are warm."""
    with Scan(setup) as scan, Journal.begin(None) as journal:
        scan.start()
        warm = WARM * scan.jobs
        began, rows = 0.0, 0
        for done in scan.run(enumerate(files), None, journal.with_content):
            journal.add(done.number, done.outcome.row)
            assert done.outcome.row.status == "ok", done.outcome.row
            rows += 1
            if rows == warm:
                began = time.perf_counter()
        return (time.perf_counter() - began) / (rows - warm)


def threaded(files: Sequence[Path], detector: Detector) -> float:
    """The same on threads of this process: nothing is isolated."""
    setup = Setup(ModelChoice(), variations=False)
    with Journal.begin(None) as journal, ThreadPoolExecutor(cores()) as pool:

        def run() -> None:
            outcomes = pool.map(
                lambda path: judge_evidence(open_evidence(path), [detector], setup), files
            )
            for number, outcome in enumerate(outcomes):
                journal.add(number, outcome.row)

        return timed(run, len(files))


def notebook(path: Path, session: onnxruntime.InferenceSession) -> float:
    """The usual way, as the tutorials have it."""
    with tempfile.TemporaryDirectory() as folder:
        resaved = f"{folder}/resaved.jpg"
        original = Image.open(path).convert("RGB")
        original.save(resaved, "JPEG", quality=90)
        difference = ImageChops.difference(original, Image.open(resaved))
        brightest = max(high for _, high in difference.getextrema()) or 1
        amplified = ImageEnhance.Brightness(difference).enhance(255.0 / brightest)
        small = np.asarray(amplified.resize((SIDE, SIDE)), np.float32)
        batch = small.transpose(2, 0, 1)[None]
        return float(session.run(None, {"image": batch})[0][0, 0])


def parts(path: Path, detector: Detector) -> None:
    """Decode, one JPEG round trip with what comes after it, and the network, and nothing else."""
    image = decode(open_evidence(path))
    detector.logits(prepare(image.pixels, detector.card.preparation)[None])


def timed(run: Callable[[], object], count: int) -> float:
    """Seconds for each of ``count``."""
    began = time.perf_counter()
    run()
    return (time.perf_counter() - began) / count


def paired(candidates: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Median of what each candidate returns, in turns, after one round to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + 1):
        for name, run in candidates.items():
            seconds = run()
            if number:
                taken[name].append(seconds)
    return {name: statistics.median(values) for name, values in taken.items()}


def photographs(folder: Path, width: int, height: int, count: int) -> list[Path]:
    """Different pictures of one size, cut from a shipped photograph and saved as a camera does."""
    folder.mkdir(parents=True)
    with Image.open(resources() / "samples" / "camera_original.jpg") as photograph:
        whole = np.asarray(photograph.convert("RGB"))
    chance = np.random.default_rng(1)
    large = cv2.resize(whole, (width + 256, height + 256), interpolation=cv2.INTER_CUBIC)
    files = []
    for number in range(count):
        x, y = chance.integers(0, 256, 2)
        pixels = large[y : y + height, x : x + width].astype(np.int16)
        pixels += chance.integers(-4, 5, pixels.shape, dtype=np.int16)
        path = folder / f"{number:05}.jpg"
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=92)
        files.append(path)
    return files


def write_model(target: Path) -> Path:
    """Two convolutions on ELA of 128x128, as in the tutorials, with random weights and a card."""
    chance = np.random.default_rng(7)
    weights = {
        "c1": chance.normal(0, 0.1, (32, 3, 5, 5)),
        "c2": chance.normal(0, 0.05, (32, 32, 5, 5)),
        "d1": chance.normal(0, 0.01, (32 * 60 * 60, 256)),
        "d2": chance.normal(0, 0.1, (256, 1)),
        "scale": np.array(1 / 255),
    }
    nodes = [
        helper.make_node("Mul", ["image", "scale"], ["x0"]),
        helper.make_node("Conv", ["x0", "c1"], ["x1"]),
        helper.make_node("Relu", ["x1"], ["x2"]),
        helper.make_node("Conv", ["x2", "c2"], ["x3"]),
        helper.make_node("Relu", ["x3"], ["x4"]),
        helper.make_node("MaxPool", ["x4"], ["x5"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["x5"], ["x6"]),
        helper.make_node("MatMul", ["x6", "d1"], ["x7"]),
        helper.make_node("Relu", ["x7"], ["x8"]),
        helper.make_node("MatMul", ["x8", "d2"], ["logit"]),
    ]
    graph = helper.make_graph(
        nodes,
        "ela",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["batch", 1])],
        [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    made = card(
        preparation={"planes": ("ela",), "height": SIDE, "width": SIDE},
        validity={"formats": ("JPEG",), "maximum_side": 20_000},
    )
    helper.set_model_props(proto, {METADATA_KEY: made.to_json()})
    target.parent.mkdir(parents=True)
    onnx.save(proto, target)
    return target


if __name__ == "__main__":
    main()
