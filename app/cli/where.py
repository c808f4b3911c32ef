"""``elascope where``: the places of one image in which a model finds what it was asked for."""

import argparse
import threading
from pathlib import Path

from tqdm import tqdm

from app.analysis.localisation import Localisation
from app.cli.places import check_suffixes, check_targets
from app.cli.terminal import EXIT_INTERRUPTED, decoders_silenced, interrupt_sets
from app.detection.backbone import Backbones
from app.detection.detector import Detector
from app.detection.judging import judge, refusal_of
from app.detection.library import load_detectors, load_installed
from app.detection.verdict import Verdict
from app.errors import ModelRefusedError
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from app.paths import backbone_folders, model_folders
from app.report.agreement import score_and_map
from app.report.maps import write_where

_MOST = 10
"""Regions that are listed."""


def show_where(options: argparse.Namespace) -> int:
    """Print verdict and regions, and write the files that were asked for."""
    suffixes = ((options.json, ".json"), (options.png, ".png"))
    wanted = [(target, suffix) for target, suffix in suffixes if target]
    check_targets([target for target, _ in wanted], [options.image])
    check_suffixes(wanted)
    detector = _detector(options.model)
    stop = threading.Event()
    with interrupt_sets(stop), decoders_silenced() as terminal:
        evidence = open_evidence(options.image)
        image = decode(evidence)
        if refusal := refusal_of(detector, image):
            raise ModelRefusedError(f"There is no map of this picture. {refusal}")
        verdicts = judge([detector], image)
        quiet = not terminal.isatty()
        with tqdm(total=100, unit="%", delay=1, disable=quiet, file=terminal, leave=False) as bar:
            found = detector.locate(
                image.pixels, stop, lambda share: bar.update(100 * share - bar.n)
            )
    if stop.is_set():
        return EXIT_INTERRUPTED
    write_where(found, evidence, image, options.png, options.json)
    where = detector.card.where
    assert where is not None
    verdict = next(v for v in verdicts if v.question == where.question)
    print("\n".join(sentences(verdict, found)))
    return 0


def sentences(verdict: Verdict, found: Localisation) -> list[str]:
    """What was found, for the terminal, and what it may not mean."""
    score = "" if verdict.score is None else f", score {verdict.score:.3f}"
    lines = [f"{verdict.question}: {verdict.state.value}{score}. {verdict.reason}"]
    count = len(found.regions)
    if not count:
        lines.append(f"The map reaches {found.threshold:.2f} nowhere.")
    else:
        total = 100 * found.area / (found.width * found.height)
        noun = "region" if count == 1 else "regions"
        lines.append(f"The map reaches {found.threshold:.2f} in {count} {noun}, {total:.1f}%:")
    for number, region in enumerate(found.regions[:_MOST], start=1):
        box = region.box
        lines.append(
            f"  {number}. {region.area} pixels ({100 * region.share:.1f}%) between "
            f"({box.left}, {box.top}) and ({box.right}, {box.bottom}), mean {region.score:.2f}"
        )
    lines.append(score_and_map(verdict.state, found))
    lines.append("The map says where to look, not what happened there.")
    return lines


def _detector(named: str | None) -> Detector:
    backbones = Backbones(backbone_folders())
    if named:
        (detector,) = load_detectors([named], model_folders(), backbones)
        if detector.card.where is None:
            raise ModelRefusedError(f"The model {detector.card.name} does not say where.")
        return detector
    for detector in load_installed(model_folders(), backbones)[0]:
        if detector.card.where is not None:
            return detector
    raise ModelRefusedError("No installed model says where.")


def add_where(parser: argparse.ArgumentParser) -> None:
    """Make ``parser`` that of ``where``."""
    parser.description = (
        "Judge one image, and mark the places in which the model finds what it was asked for."
    )
    parser.add_argument("image", type=Path, help="the examined file")
    parser.add_argument("--model", metavar="NAME|FILE", help="by default the first that says where")
    parser.add_argument("--json", type=Path, metavar="FILE.json", help="regions as polygons")
    parser.add_argument("--png", type=Path, metavar="FILE.png", help="the map over the picture")
    parser.set_defaults(run=show_where)
