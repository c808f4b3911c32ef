"""A run on disk: a folder that holds everything needed to question it.

| file | what |
|---|---|
| config.json | the recipe as it ran |
| job.json | name and version of the model, weights of the corpora |
| environment.json | versions, machine, times |
| split.csv | part, name, SHA-256, label, kind and sources of every picture, dropped ones too |
| history.csv | one line for each epoch |
| checkpoint.pt | where an interrupted training goes on; gone when the run is finished |
| weights.pt | the weights of the best epoch |
| predictions.csv | logit and score of every draw of every picture, part by part |
| metrics.json | what was measured |
| plots/ | PNG and SVG |
| model.onnx, CARD.md | the model for the program |
| report.html | all of it as one page |
"""

import csv
import dataclasses
import hashlib
import io
import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from app import __version__
from app.analysis.recompress import encoder_identity
from app.atomic import write_bytes
from trainer.config import Recipe, recipe_from
from trainer.data import Data
from trainer.errors import CorpusError
from trainer.models.registry import family
from trainer.models.weights import KINDS_OF_WEIGHTS

CHECKPOINT = "checkpoint.pt"
"""File of an unfinished training."""

_LIBRARIES = ("torch", "torchvision", "timm", "onnx", "onnxscript", "opencv-python-headless",
              "numpy", "pillow", "scikit-learn")  # fmt: skip


def new_run(runs: Path, recipe: Recipe, data: Data, told: Mapping[str, Any]) -> Path:
    """Make the folder ``<time>-<recipe>-<hash>`` with configuration, environment and split.

    Args:
        runs: folder of all runs.
        recipe: of the run.
        data: its pictures.
        told: what else it was told; goes to ``job.json``.
    """
    digest = fingerprint(recipe, data, told["weights"])[:8]
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{recipe.name}-{digest}"
    run = runs / name
    count = 1
    while run.exists():
        count += 1
        run = runs / f"{name}-{count}"
    run.mkdir(parents=True)
    write_json(run / "config.json", dataclasses.asdict(recipe))
    write_json(run / "job.json", told)
    write_json(run / "environment.json", environment(data))
    _write_split(run, data)
    return run


def fingerprint(recipe: Recipe, data: Data, weights: Mapping[str, float]) -> str:
    """SHA-256 over all that decides a run's result: equal for runs that do the same.

    Args:
        recipe: of the run.
        data: its pictures; their masks count where the model has a mask.
        weights: how often each corpus is drawn from.
    """
    digest = hashlib.sha256(json.dumps(dataclasses.asdict(recipe), sort_keys=True).encode())
    digest.update(f"/{__version__}/{data.sha256}/{sorted(weights.items())}/".encode())
    files = [] if recipe.weights in KINDS_OF_WEIGHTS else [Path(recipe.weights)]
    if family(recipe.model).has_mask:
        held = [example for part in data.split.parts.values() for example in part]
        files += sorted(example.mask for example in held if example.mask is not None)
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def finished_run(
    runs: Path, recipe: Recipe, data: Data, weights: Mapping[str, float]
) -> Path | None:
    """The newest finished run of the same recipe on the same pictures, if there is one."""
    wanted = f"-{recipe.name}-{fingerprint(recipe, data, weights)[:8]}"
    found = [
        path
        for path in runs.glob(f"*{wanted}*")
        if all((path / name).is_file() for name in ("predictions.csv", "metrics.json"))
    ]
    return max(found, key=lambda path: path.name, default=None)


def recipe_of(run: Path) -> Recipe:
    """The recipe of a run.

    Raises:
        CorpusError: it is no folder of a run.
    """
    try:
        return recipe_from(json.loads((run / "config.json").read_bytes()))
    except (OSError, ValueError) as error:
        raise CorpusError(f"{run} is not the folder of a run.", repr(error)) from error


def check_data(run: Path, data: Data) -> None:
    """Refuse to go on with other pictures than those that a run began with.

    Raises:
        CorpusError: files, labels or parts are others.
    """
    try:
        began = json.loads((run / "environment.json").read_bytes())["data_manifest_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{run} is not the folder of a run.", repr(error)) from error
    if began != data.sha256:
        raise CorpusError(f"{run} began with other pictures; it cannot go on with these.")


def environment(data: Data) -> dict[str, Any]:
    """What a run depends on beside its recipe."""
    return {
        "began": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": " ".join(Path(word).name if os.sep in word else word for word in sys.argv),
        "corpora": list(data.corpora),
        "data_manifest_sha256": data.sha256,
        "left_out": list(data.left_out),
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.system(),
        "encoder": encoder_identity().fingerprint,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of Elascope, Python and the libraries that a result may depend on."""
    found = {"elascope": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as JSON that no reader refuses (no NaN)."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_table(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file with a header."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(names)
    writer.writerows(rows)
    write_bytes(path, stream.getvalue().encode("utf-8", "surrogateescape"))


def _write_split(run: Path, data: Data) -> None:
    parts: Mapping[str, Sequence[Any]] = {
        **data.split.parts,
        **{f"reference {name}": pictures for name, pictures in data.references.items()},
        "dropped": data.split.dropped,
    }
    columns = ("part", "path", "sha256", "label", "kind", "sources", "corpus", "generator")
    rows = (
        (
            part,
            data.name_of(example),
            example.sha256,
            example.label,
            example.kind,
            " ".join(sorted(example.sources)),
            example.corpus,
            example.generator,
        )
        for part, held in parts.items()
        for example in held
    )
    write_table(run / "split.csv", columns, rows)
