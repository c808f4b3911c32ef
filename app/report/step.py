"""A record as it must be to be replayed: every value known, typed and in its range.

Records come from others, so nothing in them is believed before it was checked.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.analysis import ANALYSES
from app.analysis.base import Analysis, Params
from app.analysis.region import Region
from app.analysis.survey import Reduction
from app.errors import InvalidParameterError, RecordRefusedError
from app.evidence.plaintext import plain
from app.foreign_json import FaultError, typed, typed_digest
from app.report.record import damaged_record
from app.report.view import Show, ViewSpec


@dataclass(frozen=True, slots=True)
class Step:
    """What was done to make a picture.

    Attributes:
        raw: the record as it was read.
        name: of the examined file, without its folder.
        sha256: of that file.
        size: of that file in bytes; None where the record does not say.
        analysis: the method.
        params: its parameters.
        unnamed: parameters that the record does not name; they have their defaults.
        view: None for the whole map at full resolution.
        output: as `app.report.picture.output_facts` gives it.
    """

    raw: Mapping[str, Any]
    name: str
    sha256: str
    size: int | None
    analysis: Analysis
    params: Params
    unnamed: tuple[str, ...]
    view: ViewSpec | None
    output: Mapping[str, Any]


def step_of(raw: Mapping[str, Any]) -> Step:
    """Check a record from `app.report.record.read_record`.

    Raises:
        RecordRefusedError: a value is missing, unknown or out of its range.
    """
    try:
        return _step(raw)
    except FaultError as fault:
        raise damaged_record(fault) from fault
    except InvalidParameterError as error:
        raise RecordRefusedError(f"The record cannot be replayed. {error.sentence}") from error


def _step(raw: Mapping[str, Any]) -> Step:
    sha256, output = typed_digest(raw, "sha256"), typed(raw, "output", dict)
    analysis = _analysis(typed(raw, "method", str))
    values = typed(raw, "parameters", dict)
    names = [spec.name for spec in analysis.params.specs()]
    for name in values:
        if name not in names:
            raise RecordRefusedError(
                f"{analysis.title} has no parameter {shown(name)} in this program. Another version "
                "of Elascope may have made the record."
            )
    return Step(
        raw=raw,
        name=_name(raw),
        sha256=sha256,
        size=typed(raw, "bytes", int) if "bytes" in raw else None,
        analysis=analysis,
        params=analysis.params(**values),
        unnamed=tuple(name for name in names if name not in values),
        view=_view(typed(raw, "view", dict)) if "view" in raw else None,
        output={
            "width": typed(output, "width", int),
            "height": typed(output, "height", int),
            "pixels_sha256": typed_digest(output, "pixels_sha256"),
        },
    )


def shown(value: Any) -> str:
    """A value of a record for a sentence, whatever it is."""
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _analysis(method: str) -> Analysis:
    for analysis in ANALYSES:
        if analysis.id == method:
            return analysis
    raise RecordRefusedError(
        f"This program does not know the method {shown(method)}. Another version of Elascope may "
        "have made the record."
    )


def _view(raw: Mapping[str, Any]) -> ViewSpec:
    region = typed(raw, "region", dict)
    left, top, right, bottom = (
        typed(region, edge, int) for edge in ("left", "top", "right", "bottom")
    )
    reduced, seen = typed(raw, "reduction", str), typed(raw, "show", str)
    beside = None if raw.get("left") is None else typed(raw, "left", str)
    try:
        reduction, show = Reduction(reduced), Show(seen)
        left_of_divider = None if beside is None else Show(beside)
    except ValueError as error:
        raise FaultError("view has a word that this program does not know") from error
    return ViewSpec(
        region=Region(left, top, right, bottom),
        factor=typed(raw, "factor", int),
        reduction=reduction,
        show=show,
        opacity=typed(raw, "opacity", int | float),
        left=left_of_divider,
        divider=typed(raw, "divider", int | float),
    )


def _name(raw: Mapping[str, Any]) -> str:
    name = str(typed(raw, "name", str))
    if "name_bytes" in raw:
        try:
            name = os.fsdecode(bytes.fromhex(typed(raw, "name_bytes", str)))
        except ValueError as error:
            raise FaultError("name_bytes is not hexadecimal") from error
    # A record must not lead out of its folder.
    try:
        os.fsencode(name)
    except ValueError as error:
        raise FaultError("name is not the name of a file") from error
    if name in ("", "..") or "\0" in name or Path(name).name != name:
        raise FaultError("name is not the name of a file")
    return name
