"""``elascope analyse`` and ``elascope ela``: the map of one image by one analysis."""

import argparse
import dataclasses
import functools
import os
import threading
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from app.analysis import ANALYSES
from app.analysis.base import Analysis, Finding, Params
from app.analysis.ela import ELA
from app.analysis.memory import memory_translated
from app.analysis.region import Region
from app.arrays import MapArray, RgbU8
from app.atomic import write_bytes
from app.cli.parameters import add_parameters, flag_table, typed_params
from app.cli.places import check_suffixes, check_targets
from app.cli.terminal import EXIT_INTERRUPTED, decoders_silenced, interrupt_sets
from app.errors import InvalidParameterError
from app.evidence.decode import DecodeRecord, decode
from app.evidence.file import EvidenceFile, open_evidence
from app.evidence.jpeg import read_jpeg
from app.report.picture import output_facts, parameter_record, record_text, write_npy, write_png


def add_analyse(parser: argparse.ArgumentParser) -> None:
    """Make ``parser`` that of ``analyse``, with a command for each analysis."""
    parser.add_argument("--list", action="store_true", help="print the analyses and end")
    parser.set_defaults(run=_list_analyses)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    tables = [f"  {analysis.id}\n{flag_table(analysis)}" for analysis in ANALYSES]
    explained = "flags, which elascope analyse ANALYSIS --help explains:"
    parser.epilog = "\n\n".join([explained, *tables])
    commands = parser.add_subparsers(metavar="ANALYSIS")
    for analysis in ANALYSES:
        _add_analysis(commands.add_parser(analysis.id, help=analysis.title), analysis)


def add_ela(parser: argparse.ArgumentParser) -> None:
    """Make ``parser`` that of ``ela``, which is short for ``analyse ela``."""
    _add_analysis(parser, ELA)


def _add_analysis(parser: argparse.ArgumentParser, analysis: Analysis) -> None:
    parser.description = f"{analysis.title}. {analysis.shows}"
    parser.set_defaults(run=functools.partial(_analyse, analysis))
    parser.add_argument("image", type=Path, help="the examined file")
    parser.add_argument("--output", type=Path, metavar="FILE.png", help="the map as a picture")
    parser.add_argument("--raw", type=Path, metavar="FILE.npy", help="the map in its own unit")
    parser.add_argument("--record", type=Path, metavar="FILE.json", help="how it was made")
    add_parameters(parser, analysis)


def _list_analyses(options: argparse.Namespace) -> int:
    if not options.list:
        known = ", ".join(analysis.id for analysis in ANALYSES)
        raise InvalidParameterError(f"Name an analysis and an image. Analyses: {known}.")
    for analysis in ANALYSES:
        print(f"{analysis.id:<8}  {analysis.title}")
    return 0


def _analyse(analysis: Analysis, options: argparse.Namespace) -> int:
    suffixes = ((options.output, ".png"), (options.raw, ".npy"), (options.record, ".json"))
    wanted = [(target, suffix) for target, suffix in suffixes if target]
    if not wanted:
        raise InvalidParameterError("Nothing to write: give --output, --raw or --record.")
    check_targets([target for target, _ in wanted], [options.image])
    check_suffixes(wanted)
    params = typed_params(analysis, options.chosen)
    stop = threading.Event()
    with interrupt_sets(stop):
        with decoders_silenced() as terminal:
            evidence = open_evidence(options.image)
            image = decode(evidence)
            jpeg = read_jpeg(evidence.data or b"") if evidence.format == "JPEG" else None
            resolved = analysis.resolve(params, jpeg)
            finding = _run(analysis, image.pixels, resolved, stop, terminal)
        if stop.is_set():
            return EXIT_INTERRUPTED
        _write(options, evidence, image.record, finding)
    return 0


def _run(
    analysis: Analysis, pixels: RgbU8, params: Params, stop: threading.Event, terminal: TextIO
) -> Finding:
    """Run with a progress bar, if it takes more than a moment."""
    quiet = not terminal.isatty()
    total = pixels.shape[0] * pixels.shape[1]
    with tqdm(
        total=total, unit="px", unit_scale=True, delay=1, disable=quiet, file=terminal, leave=False
    ) as bar:

        def measure(pixels: RgbU8, params: Params, region: Region) -> MapArray:
            measured = analysis.measure(pixels, params, region)
            bar.update(region.area)
            return measured

        counted = dataclasses.replace(analysis, measure=measure)
        return counted.run(pixels, params, stop=stop, threads=os.cpu_count() or 1)


@memory_translated()
def _write(
    options: argparse.Namespace, evidence: EvidenceFile, decoded: DecodeRecord, finding: Finding
) -> None:
    picture = finding.rendering.picture
    record = parameter_record(evidence, decoded, finding.record)
    if options.output:
        write_png(options.output, picture, record)
    if options.raw:
        write_npy(options.raw, finding.measurement)
    if options.record:
        text = record_text({**record, "output": output_facts(picture)}, indent=1)
        write_bytes(options.record, f"{text}\n".encode())
