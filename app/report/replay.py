"""Making a recorded picture again, and comparing it bit for bit.

docs/record.md says what is compared and what a difference can mean.
"""

import contextlib
import dataclasses
import itertools
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from app.analysis.region import Region
from app.analysis.rendering import largest
from app.arrays import RgbU8
from app.errors import (
    ElascopeError,
    InvalidParameterError,
    RecordRefusedError,
    UnreadableFileError,
)
from app.evidence.decode import DecodedImage, DecodeRecord, decode
from app.evidence.file import EvidenceFile, open_evidence
from app.evidence.jpeg import read_jpeg
from app.names import printable
from app.report.picture import output_facts, versions
from app.report.record import read_png, read_record, record_of
from app.report.step import Step, shown, step_of
from app.report.view import Show, ViewSpec, compose

_FINGERPRINT = "encoder_fingerprint"

_PNG_SUFFIXES = tuple(f".{''.join(cases)}" for cases in itertools.product("pP", "nN", "gG"))
"""An export may end in any of them; most end in the first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay found.

    Attributes:
        same: the picture was made again, and every pixel equals the recorded one.
        sentences: what was compared, what is equal, what is not and what that may mean.
    """

    same: bool
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Png:
    """The PNG of a record.

    Attributes:
        name: to show.
        pixels: None if it cannot be read.
        strange: what it has that Elascope does not write.
        remark: what else is to be said.
    """

    name: str
    pixels: RgbU8 | None
    strange: str = ""
    remark: str = ""

    def shows(self, picture: RgbU8) -> bool:
        """Whether every viewer shows ``picture``."""
        return _equal(self.pixels, picture) and not self.strange


def replay_file(
    record: Path, image: Path | None = None, stop: threading.Event | None = None
) -> Outcome:
    """Repeat the step of a record and compare the result.

    Args:
        record: a record as JSON, or a PNG with its record inside.
        image: the examined file; by default the file of the recorded name beside the record.
        stop: looked at between bands.

    Raises:
        RecordRefusedError: not a record, or one that cannot be replayed.
        UnreadableFileError: the record or the examined file cannot be read.
        UnsupportedFormatError, BrokenImageError, TooLargeError: of the examined file.
        CancelledError: ``stop`` was set.
    """
    raw, picture = read_record(record)
    step = step_of(raw)
    evidence = open_evidence(image or _beside(record, step.name))
    opening = f"Record: {_name(record)}, made by {shown(raw.get('program', 'another program'))}."
    if evidence.sha256 != step.sha256:
        return Outcome(False, (opening, _another_file(evidence, step)))
    decoded = decode(evidence)
    again = _repeated(step, evidence, decoded, stop)
    if picture is None:
        png = _png_beside(record, raw, evidence)
    else:
        png = _Png(_name(record), picture.pixels, picture.strange)
    agrees = output_facts(again) == step.output
    return Outcome(
        agrees and (png is None or png.shows(again)),
        (
            opening,
            *_file(evidence, step),
            *_decoding(step, decoded.record),
            *_method(step),
            _view(step),
            _versions(step),
            _result(agrees, again, step),
            *_compared(png, again),
            _conclusion(agrees, png, again, step),
        ),
    )


def _beside(record: Path, name: str) -> Path:
    place = record.parent / name
    if not os.path.lexists(place):
        raise UnreadableFileError(
            f"The examined file {_name(place)} does not lie beside the record. Give it with "
            "--image."
        )
    return place


def _file(evidence: EvidenceFile, step: Step) -> list[str]:
    known = f"File: {_name(evidence.path)} is the examined file, by its SHA-256 {step.sha256}."
    if step.size in (None, evidence.size):
        return [known]
    return [
        known,
        f"File: it has {evidence.size:,} bytes and not {shown(step.size)}, as the record says: the "
        "record was changed.",
    ]


def _another_file(evidence: EvidenceFile, step: Step) -> str:
    return (
        f"File: {_name(evidence.path)} is not the file of this record: its SHA-256 is "
        f"{evidence.sha256}, that of the record is {step.sha256}. Nothing was computed. If the "
        "examined file lies elsewhere, give it with --image."
    )


def _repeated(
    step: Step, evidence: EvidenceFile, image: DecodedImage, stop: threading.Event | None
) -> RgbU8:
    jpeg = read_jpeg(evidence.data or b"") if evidence.format == "JPEG" else None
    view = step.view or ViewSpec(Region.whole(image.pixels))
    params = step.analysis.resolve(step.params, jpeg)
    try:
        return compose(image.pixels, step.analysis, params, view, stop)
    except InvalidParameterError as error:
        raise RecordRefusedError(f"The record cannot be replayed. {error.sentence}") from error


def _png_beside(record: Path, raw: Mapping[str, Any], evidence: EvidenceFile) -> _Png | None:
    """The exported PNG of a record that is a file of its own, or None where there is none."""
    places = [record.with_suffix(suffix) for suffix in _PNG_SUFFIXES]
    path = next((place for place in places if os.path.lexists(place)), None)
    if path is None or _same_file(path, evidence.path):
        return None
    try:
        found = read_png(path)
        inside = None if found.record is None else record_of(found.record)
    except ElascopeError as error:
        return _Png(_name(path), None, remark=error.sentence)
    remark = ""
    if inside is None:
        remark = f"{_name(path)} holds no record; it was saved again."
    elif inside != raw:
        remark = (
            f"the record inside {_name(path)} is not the same as this one: one of them was "
            "changed, or they were not exported together."
        )
    return _Png(_name(path), found.pixels, found.strange, remark)


def _same_file(path: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return path.samefile(other)
    return False


# What is said of the way to the picture -------------------------------------------------------


def _decoding(step: Step, record: DecodeRecord) -> list[str]:
    here = json.loads(json.dumps(dataclasses.asdict(record)))
    then = step.raw.get("decode")
    if not isinstance(then, dict):
        return ["Decoding: the record does not say how the file was decoded."]
    # A record of an earlier version has fewer fields; what it does not say it cannot contradict.
    changes = _changes(then, {key: value for key, value in here.items() if key in then})
    if not changes:
        return [f"Decoding: as recorded, by {record.decoder}."]
    return [
        *(f"Decoding: {change}." for change in changes),
        "Decoding: another decoder, or another way to decode, can give other pixels of the same "
        "file.",
    ]


def _method(step: Step) -> list[str]:
    found = [f"Method: {step.analysis.caption(step.params)}."]
    if step.unnamed:
        names = ", ".join(map(_words, step.unnamed))
        found.append(f"Method: the record does not name {names}; the default was used.")
    here = step.analysis.record()
    changes = _changes(step.raw, here)
    if here and not changes:
        found.append(f"Method: {' and '.join(map(_words, here))} as recorded.")
    found += [f"Method: {change}." for change in changes]
    if _FINGERPRINT in _changed(step.raw, here):
        found.append(
            "Method: the fingerprint tells what the encoder makes of a fixed picture. It is "
            "another one here, so the map may differ for that reason alone."
        )
    return found


def _view(step: Step) -> str:
    view = step.view
    if view is None:
        return "View: the map of the whole picture at full resolution."
    shares = f", opacity {view.opacity:g}" if Show.OVERLAY in (view.show, view.left) else ""
    if view.left is not None:
        shares += f", {view.left} left of the divider at {view.divider:g}"
    region = view.region
    reduced = f", reduced {view.factor} to 1 by the {view.reduction}" if view.factor > 1 else ""
    return (
        f"View: {view.show}{shares}, columns {region.left} to {region.right}, "
        f"rows {region.top} to {region.bottom}{reduced}."
    )


def _versions(step: Step) -> str:
    then = step.raw.get("versions")
    if not isinstance(then, dict):
        return "Versions: the record does not name them."
    changes = _changes(then, versions())
    return f"Versions: {'; '.join(changes)}." if changes else "Versions: as recorded."


def _changed(then: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    return [key for key in here if key not in then or then[key] != here[key]]


def _changes(then: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    found = []
    for key in _changed(then, here):
        recorded = f"{shown(then[key])} in the record" if key in then else "not in the record"
        found.append(f"{_words(key)} {recorded}, {shown(here[key])} here")
    return found


def _words(key: str) -> str:
    return key.replace("_", " ")


def _name(path: Path) -> str:
    return shown(printable(path.name or str(path)))


# What is said of the picture ------------------------------------------------------------------


def _result(agrees: bool, again: RgbU8, step: Step) -> str:
    here = output_facts(again)
    if agrees:
        return f"Picture: {_size(here)}, SHA-256 {here['pixels_sha256']}, as recorded."
    return (
        f"Picture: made again it has {_size(here)} and the SHA-256 {here['pixels_sha256']}; in the "
        f"record it has {_size(step.output)} and the SHA-256 {step.output['pixels_sha256']}."
    )


def _size(facts: Mapping[str, Any]) -> str:
    return f"{facts['width']} x {facts['height']} pixels"


_STRANGE = (
    "Elascope does not write that: another program saved or changed the PNG, and a viewer may show "
    "something other than these pixels."
)


def _compared(png: _Png | None, again: RgbU8) -> list[str]:
    if png is None:
        return ["PNG: none lies beside the record, so only the SHA-256 was compared."]
    if png.pixels is None:
        return [f"PNG: {png.remark} It was not compared."]
    return [
        f"PNG: {_difference(png.name, png.pixels, again)}",
        *([f"PNG: {png.name} has {png.strange}. {_STRANGE}"] if png.strange else []),
        *([f"PNG: {png.remark}"] if png.remark else []),
    ]


def _difference(name: str, pixels: RgbU8, again: RgbU8) -> str:
    total = again.shape[0] * again.shape[1]
    if pixels.shape != again.shape:
        return f"{name} has {_size(output_facts(pixels))}, so it was not compared pixel by pixel."
    apart = largest(cv2.absdiff(pixels, again))
    count = cv2.countNonZero(apart)
    if not count:
        return f"all {total:,} pixels of {name} are equal to those made again."
    return (
        f"{count:,} of {total:,} pixels of {name} differ from those made again, by at most "
        f"{int(apart.max())} of 255 grey levels."
    )


def _equal(pixels: RgbU8 | None, again: RgbU8) -> bool:
    return pixels is not None and output_facts(pixels) == output_facts(again)


def _conclusion(agrees: bool, png: _Png | None, again: RgbU8, step: Step) -> str:
    pixels = None if png is None else png.pixels
    if agrees and (png is None or png.shows(again)):
        return "The recorded step was repeated with the same result, bit for bit."
    if agrees and pixels is None:
        return "The recorded step gives the recorded SHA-256, but its PNG could not be compared."
    if agrees and _equal(pixels, again):
        return (
            "The recorded step gives the recorded SHA-256 and the pixels of the PNG, but the PNG "
            "was changed after it was written: what a viewer shows of it may be something else."
        )
    if agrees:
        return (
            "The recorded step gives the recorded SHA-256, but the PNG shows something else: it "
            "was changed after it was written, or belongs to another record."
        )
    if _equal(pixels, again):
        return (
            "The recorded step gives the picture of the PNG, but not the recorded SHA-256 or "
            "size: the record may have been changed."
        )
    related = pixels is not None and output_facts(pixels) == step.output
    belongs = " PNG and recorded SHA-256 belong together." if related else ""
    return (
        f"The recorded step gives another picture here.{belongs} Another decoder, encoder or "
        "version can be the reason, where one is named above; or the record was changed after it "
        "was written."
    )
