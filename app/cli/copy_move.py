"""``elascope copy-move``: parts of one image that are there twice."""

import argparse
import threading
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from app.analysis.copy_move import CopyMoveParams, copy_move
from app.analysis.copy_move_reading import parameters_line, sentences
from app.analysis.localisation import Localisation, as_json, overlay
from app.analysis.memory import memory_translated
from app.arrays import RgbU8
from app.atomic import write_bytes
from app.cli.places import check_suffixes, check_targets
from app.cli.terminal import EXIT_INTERRUPTED, decoders_silenced, interrupt_sets
from app.evidence.decode import DecodedImage, decode
from app.evidence.file import EvidenceFile, open_evidence
from app.report.picture import parameter_record, record_text, write_png


def add_copy_move(parser: argparse.ArgumentParser) -> None:
    """Make ``parser`` that of ``copy-move``."""
    parser.description = (
        "Look for regions of one image that show the same, as after a copy within it. Pictures "
        "that repeat themselves show such regions untouched."
    )
    parser.set_defaults(run=_run)
    parser.add_argument("image", type=Path, help="the examined file")
    parser.add_argument("--json", type=Path, metavar="FILE.json", help="regions and pairs")
    parser.add_argument("--png", type=Path, metavar="FILE.png", help="the map over the picture")
    for spec in CopyMoveParams.specs():
        flag = f"--{spec.name.replace('_', '-')}"
        if isinstance(spec.default, bool):
            action = argparse.BooleanOptionalAction
            parser.add_argument(flag, action=action, default=spec.default, help=spec.help)
            continue
        explained = f"{spec.help} {spec.minimum} to {spec.maximum}{spec.unit}; %(default)s."
        parser.add_argument(flag, type=float, default=spec.default, metavar="VALUE", help=explained)


def _run(options: argparse.Namespace) -> int:
    suffixes = ((options.json, ".json"), (options.png, ".png"))
    wanted = [(target, suffix) for target, suffix in suffixes if target]
    check_targets([target for target, _ in wanted], [options.image])
    check_suffixes(wanted)
    names = [spec.name for spec in CopyMoveParams.specs()]
    params = CopyMoveParams(**{name: getattr(options, name) for name in names})
    stop = threading.Event()
    with interrupt_sets(stop):
        with decoders_silenced() as terminal:
            evidence = open_evidence(options.image)
            image = decode(evidence)
            found = _search(image.pixels, params, stop, terminal)
        if stop.is_set():
            return EXIT_INTERRUPTED
        _write(options, evidence, image, found)
    print("\n".join([*sentences(found), parameters_line(found)]))
    return 0


def _search(
    pixels: RgbU8, params: CopyMoveParams, stop: threading.Event, terminal: TextIO
) -> Localisation:
    """Search with a progress bar, if it takes more than a moment."""
    quiet = not terminal.isatty()
    with tqdm(total=100, unit="%", delay=1, disable=quiet, file=terminal, leave=False) as bar:
        return copy_move(pixels, params, stop, lambda share: bar.update(100 * share - bar.n))


@memory_translated()
def _write(
    options: argparse.Namespace, evidence: EvidenceFile, image: DecodedImage, found: Localisation
) -> None:
    record = parameter_record(evidence, image.record, found.record)
    if options.json:
        text = record_text({**as_json(found), "record": record})
        write_bytes(options.json, f"{text}\n".encode())
    if options.png:
        write_png(options.png, overlay(image.pixels, found), record)
